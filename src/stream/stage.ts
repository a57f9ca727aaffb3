/**
 * One followed stream and everybody who watches it. The state is loaded once, with the position it is true for, and the
 * entries after that position are folded into it: whoever joins gets the state at the head and every entry after it,
 * with no seam and at no cost to the store.
 */
import { type CaptureRef, CHANNELS, type Channel, type FeedRef, streamKey } from '../../schema/channels.ts';
import type { LiveStore, LiveTail, StreamEntry, StreamPosition } from '../platform/live/store.ts';
import type { Log } from '../platform/log.ts';
import { Audience, type Listener } from './audience.ts';
import { addGaps, type Delivery, type Gap } from './delivery.ts';
import { Rebirth } from './rebirth.ts';
import type { Stall, Watched } from './stall.ts';
import type { Model, Question } from './view.ts';

export interface StageTools {
  live: LiveStore;
  tail: LiveTail;
  log: Log;
  /** Events remembered for those who come back. */
  remembers: number;
  /** Nobody watches any more. */
  onEmpty(): void;
}

/** A newest value is fetched anew at most this often, and a failed load is tried again after this long. */
const RELOAD_MS = 2_000;
const NOWHERE: StreamPosition = { epoch: '', sequence: 0n };

/** The stage of whichever channel. */
export type AnyStage = Stage<{ eventTime: number }, Model<{ eventTime: number }>, unknown>;

export class Stage<Payload extends { eventTime: number }, M extends Model<Payload>, Body> implements Watched {
  /** The stream's key. */
  readonly stream: string;
  /** True where a newest state exists that a subscriber can be reset to. */
  readonly hasSnapshot: boolean;
  readonly feed: FeedRef | CaptureRef | null;
  private readonly model: M;
  private readonly channel: Channel<Payload>;
  private readonly audiences = new Map<string, Audience<Payload, Body>>();
  private head: StreamPosition = NOWHERE;
  /** False while the state is being loaded: entries of the tail are then not ours yet. */
  private loaded = false;
  private ended = false;
  private retry: NodeJS.Timeout | null = null;
  private refreshed = 0;
  /** A newer value of the state and the position it is true for, to take over when the head gets there. */
  private fresh: { value: string; sequence: bigint } | null = null;
  private births = 0;
  /** After the stream began anew: passes over what was told before. */
  private rebirth: Rebirth<Payload> | null = null;
  /** The event told last, or the text of the state it was loaded with. */
  private newest: Payload | string | null = null;
  private stallNow: Stall | null = null;
  /** Settles when the state is there for the first time. */
  readonly ready: Promise<void>;

  constructor(
    private readonly question: Question<Payload, M, Body>,
    private readonly tools: StageTools,
  ) {
    this.stream = streamKey(question.channel, question.id);
    this.channel = CHANNELS[question.channel] as unknown as Channel<Payload>;
    this.hasSnapshot = this.channel.hasSnapshot && question.latestKey !== null;
    this.feed = this.channel.feedOf?.(question.id) ?? null;
    this.model = question.createModel();
    this.ready = this.load();
  }

  get isEnded(): boolean {
    return this.ended;
  }

  /** False while the state is on its way, to be told to everybody as a reset. */
  get hasLoaded(): boolean {
    return this.loaded;
  }

  /** Where the stream stands: everything up to there has been told. */
  get position(): StreamPosition {
    return this.head;
  }

  /** Grows whenever the stream began anew: a place from before then leads nowhere. */
  get generation(): number {
    return this.births;
  }

  /** Adds a listener, who is told every event from now on. Call once `ready` has resolved. */
  join(question: Question<Payload, M, Body>, listener: Listener<Body>): Audience<Payload, Body> {
    let audience = this.audiences.get(question.view);
    if (!audience) {
      audience = new Audience({
        stream: this.stream,
        view: question.createView(this.model),
        remembers: this.tools.remembers,
        at: this.head,
        read: (after, count) => this.tools.live.read(this.stream, after, count),
      });
      this.audiences.set(question.view, audience);
    }
    audience.add(listener, question.filter);
    return audience;
  }

  /** The last listener of all ends the stage. */
  leave({ view, filter }: Question<Payload, M, Body>, listener: Listener<Body>): void {
    const audience = this.audiences.get(view);
    audience?.delete(listener, filter);
    if (audience?.listeners.size === 0) this.audiences.delete(view);
    if (this.audiences.size === 0) this.end();
  }

  /** Ends it where nobody has joined. */
  leaveUnwatched(): void {
    if (this.audiences.size === 0) this.end();
  }

  /** The state now as an event; null where there is none, or it is being loaded and comes as a reset. */
  stateOf(audience: Audience<Payload, Body>): Delivery<Body> | null {
    return this.loaded ? audience.state(this.head) : null;
  }

  /** What was told after a place; null where it is not known any more, or what is shown may not be all there is. */
  since(audience: Audience<Payload, Body>, place: StreamPosition): readonly Delivery<Body>[] | null {
    return !this.loaded || this.model.wantsRefresh?.() ? null : audience.after(place);
  }

  /** New entries of the stream, in order. */
  entries(entries: readonly StreamEntry[]): void {
    if (!this.loaded) return;
    for (const entry of entries) {
      if (entry.sequence > this.head.sequence) this.take(entry);
    }
  }

  /** What lies between the head and `now` is lost. */
  lost(now: StreamPosition | null): void {
    if (!this.loaded) return;
    const trimmed = now !== null && now.sequence > this.head.sequence;
    const reason = trimmed ? 'RETENTION' : 'FEED_GAP';
    if (!trimmed) this.begunAnew();
    if (this.hasSnapshot) {
      this.reload(trimmed ? this.head.sequence : null, reason);
      return;
    }
    const counted = trimmed ? Number(now.sequence - this.head.sequence) : 0;
    // while what comes again is passed over, nobody knows how much of what was trimmed was told before
    const missed = trimmed === (this.rebirth === null) ? counted : null;
    this.head = now ?? NOWHERE;
    this.missing({ missed, reason }, trimmed ? this.head.sequence : null);
  }

  /** Why nothing new may come; null where all is well. */
  get stalled(): Stall | null {
    return this.stallNow;
  }

  stall(stall: Stall | null): void {
    const before = this.stallNow;
    if (before?.reason === stall?.reason && before?.since === stall?.since) return;
    this.stallNow = stall;
    for (const listener of this.listeners()) listener.stalled(stall);
  }

  /** Ends the stage and what its listeners wait for. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.retry) clearTimeout(this.retry);
    this.tools.tail.unfollow(this.stream);
    this.tools.onEmpty();
    for (const listener of this.listeners()) listener.end();
  }

  private listeners(): Listener<Body>[] {
    return [...this.audiences.values()].flatMap(({ listeners }) => [...listeners]);
  }

  private async load(): Promise<void> {
    const { live, tail } = this.tools;
    const { latestKey } = this.question;
    const [latest] = this.hasSnapshot && latestKey ? await live.latest([latestKey]) : [null];
    const [position] = latest ? [latest] : await live.positions([this.stream]);
    const last = latest || !position ? null : await this.entryAt(position);
    if (this.ended) return;
    const { epoch, sequence } = position ?? NOWHERE;
    // emptied while it was not loaded, when nobody says so
    if (this.newest !== null && sequence < this.head.sequence) this.begunAnew();
    const value = latest && !this.rebirth?.wasTold(latest.value) ? latest.value : null;
    this.model.reset(value);
    this.newest = value ?? this.newest ?? last;
    this.head = { epoch, sequence };
    this.fresh = null;
    this.loaded = true;
    tail.follow(this.stream, this.head.sequence);
  }

  /** The event at a place, as text: who joins there is not told again what came before. Null where it is not kept. */
  private async entryAt({ epoch, sequence }: StreamPosition): Promise<string | null> {
    const [entry] = await this.tools.live.read(this.stream, sequence - 1n, 1);
    return entry?.sequence === sequence && entry.epoch === epoch ? entry.payload : null;
  }

  /**
   * The state is no longer true: loads it anew and shows it to everybody as a reset. `told` is the sequence of the last
   * event that was told; null where the sequences of the new state say nothing about the old one.
   */
  private reload(told: bigint | null, reason: Gap['reason']): void {
    this.loaded = false;
    const { epoch } = this.head;
    this.load().then(
      () => {
        if (!this.loaded) return;
        // the state itself stands for the event at the head; a store emptied meanwhile numbers anew
        const isSame = told !== null && this.head.epoch === epoch && this.head.sequence > told;
        const missed = isSame ? Number(this.head.sequence - told - 1n) : null;
        for (const audience of this.audiences.values()) {
          audience.view.reset();
          audience.forget(this.head);
          const state = audience.state(this.head);
          for (const listener of audience.listeners) listener.reset(state, missed === 0 ? null : { missed, reason });
        }
      },
      (error) => {
        this.tools.log.warn({ err: error, stream: this.stream }, 'live state could not be loaded');
        if (!this.ended) this.retry = setTimeout(() => this.reload(told, reason), RELOAD_MS).unref();
      },
    );
  }

  private take(entry: StreamEntry): void {
    const { epoch, sequence } = entry;
    const skipped = this.head.sequence > 0n ? Number(sequence - this.head.sequence - 1n) : 0;
    let gap: Gap | null = skipped > 0 ? { missed: skipped, reason: 'RETENTION' } : null;
    let payload: Payload;
    this.head = { epoch, sequence };
    try {
      if (entry.gap !== null) gap = addGaps(gap, JSON.parse(entry.gap) as Gap);
      payload = JSON.parse(entry.payload) as Payload;
      if (this.rebirth) {
        const told = this.rebirth.next(payload);
        if (told === 'told') return;
        this.rebirth = null;
        // the event told last is not there any more
        if (told === 'unknown') gap = addGaps(gap, { missed: null, reason: 'FEED_GAP' });
      }
      this.newest = payload;
      this.model.apply(payload);
    } catch (error) {
      this.tools.log.error({ err: error, stream: this.stream, sequence: String(sequence) }, 'unreadable live event');
      if (!this.hasSnapshot) gap = addGaps(gap, { missed: 1, reason: 'FEED_GAP' });
      if (gap) this.missing(gap);
      if (this.hasSnapshot) this.reload(sequence - 1n, 'FEED_GAP');
      return;
    }
    // a state is what there is, however old
    const logged = this.hasSnapshot ? null : entry.logged;
    for (const audience of this.audiences.values()) audience.publish(entry, this.head, payload, gap, logged);
    if (this.fresh?.sequence === sequence) this.model.reset(this.fresh.value);
    this.refresh();
  }

  private begunAnew(): void {
    this.births += 1;
    const { newest } = this;
    // where entries mean nothing by themselves they are folded again, whatever was told
    const whole = [...this.audiences.values()].every(({ pages }) => pages !== null);
    if (!whole || newest === null) return;
    // one that had found its place begins to look for it again
    this.rebirth = new Rebirth(this.channel, typeof newest === 'string' ? (JSON.parse(newest) as Payload) : newest);
  }

  /** Something is missing before the next event: told with it. */
  private missing(gap: Gap, upTo: bigint | null = null): void {
    for (const audience of this.audiences.values()) {
      audience.forget(this.head);
      for (const listener of audience.listeners) listener.missing(gap, upTo);
    }
  }

  /** Fetches a fuller state where the model has become thin; the head takes it over when it gets there. */
  private refresh(): void {
    if (!this.model.wantsRefresh?.()) return;
    // what a thin state showed leads nowhere else
    for (const audience of this.audiences.values()) audience.forget(this.head);
    const { latestKey } = this.question;
    const now = performance.now();
    if (!latestKey || now - this.refreshed < RELOAD_MS) return;
    this.refreshed = now;
    this.tools.live.latest([latestKey]).then(
      ([latest]) => {
        if (!latest || !this.loaded || latest.epoch !== this.head.epoch) return;
        if (latest.sequence === this.head.sequence) this.model.reset(latest.value);
        else if (latest.sequence > this.head.sequence) this.fresh = latest;
      },
      (error) => this.tools.log.debug({ err: error, stream: this.stream }, 'live state could not be refreshed'),
    );
  }
}
