/**
 * One followed stream and everybody who watches it. The state is loaded once, with the position it is true for, and the
 * entries after that position are folded into it: whoever joins gets the state at the head and every entry after it,
 * with no seam and at no cost to the store.
 */
import { CHANNELS, type StreamStart, streamKey } from '../../schema/channels.ts';
import { encodeCursor } from '../../schema/cursor.ts';
import type { LiveStore, LiveTail, StreamEntry, StreamPosition } from '../platform/live-store.ts';
import type { Log } from '../platform/log.ts';
import { type Delivery, DeliveryQueue, type Fault, type Gap } from './delivery.ts';
import type { Model, Question, View } from './view.ts';

interface Watcher<Body> {
  queue: DeliveryQueue<Body>;
  /** Told with the next event. */
  start: StreamStart | null;
  gap: Gap | null;
}

interface Audience<Payload, Body> {
  view: View<Payload, Body>;
  watchers: Set<Watcher<Body>>;
}

export interface StageTools {
  live: LiveStore;
  tail: LiveTail;
  log: Log;
  maxQueue: number;
  /** Nobody watches any more. */
  onEmpty(): void;
}

/** A newest value is fetched anew at most this often, and a failed load is tried again after this long. */
const RELOAD_MS = 2_000;
const NOWHERE: StreamPosition = { epoch: '', sequence: 0n };

/** Two losses before one event add up; the later reason stands. */
function addGap(watcher: { gap: Gap | null }, { missed, reason }: Gap): void {
  const before = watcher.gap ? watcher.gap.missed : 0;
  watcher.gap = { missed: before === null || missed === null ? null : before + missed, reason };
}

export class Stage<Payload extends { eventTime: number }, M extends Model<Payload>, Body> {
  private readonly stream: string;
  private readonly hasSnapshot: boolean;
  private readonly model: M;
  private readonly audiences = new Map<string, Audience<Payload, Body>>();
  private head: StreamPosition = NOWHERE;
  /** False while the state is being loaded: entries of the tail are then not ours yet. */
  private loaded = false;
  private ended = false;
  private retry: NodeJS.Timeout | null = null;
  private refreshed = 0;
  /** A newer value of the state and the position it is true for, to take over when the head gets there. */
  private fresh: { value: string; sequence: bigint } | null = null;
  /** Settles when the state is there for the first time. */
  readonly ready: Promise<void>;

  constructor(
    private readonly question: Question<Payload, M, Body>,
    private readonly tools: StageTools,
  ) {
    this.stream = streamKey(question.channel, question.id);
    this.hasSnapshot = CHANNELS[question.channel].hasSnapshot && question.latestKey !== null;
    this.model = question.createModel();
    this.ready = this.load();
  }

  get isEnded(): boolean {
    return this.ended;
  }

  /** A new watcher; its first event is the state now, where there is one. Call once `ready` has resolved. */
  join(question: Question<Payload, M, Body>): DeliveryQueue<Body> {
    let audience = this.audiences.get(question.view);
    if (!audience) {
      audience = { view: question.createView(this.model), watchers: new Set() };
      this.audiences.set(question.view, audience);
    }
    const { view, watchers } = audience;
    const queue = new DeliveryQueue<Body>({
      field: question.field,
      channel: question.channel,
      max: this.tools.maxQueue,
      onEnd: () => {
        watchers.delete(watcher);
        if (watchers.size === 0) this.audiences.delete(question.view);
        if (this.audiences.size === 0) this.end();
      },
    });
    const watcher: Watcher<Body> = { queue, start: 'LIVE', gap: null };
    watchers.add(watcher);
    if (this.loaded) this.show(view, watcher);
    return queue;
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
    if (this.hasSnapshot) {
      this.reload(trimmed ? this.head.sequence : null, reason);
      return;
    }
    this.missing({ missed: trimmed ? Number(now.sequence - this.head.sequence) : null, reason });
    this.head = now ?? NOWHERE;
  }

  /** Tells every watcher something in place of an event. */
  tell(fault: Fault): void {
    for (const { watchers } of this.audiences.values()) for (const { queue } of [...watchers]) queue.push(fault);
  }

  /** Ends the stage and what its watchers wait for. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.retry) clearTimeout(this.retry);
    this.tools.tail.unfollow(this.stream);
    this.tools.onEmpty();
    for (const { watchers } of this.audiences.values()) for (const { queue } of [...watchers]) void queue.return();
  }

  private async load(): Promise<void> {
    const { live, tail } = this.tools;
    const { latestKey } = this.question;
    const [latest] = this.hasSnapshot && latestKey ? await live.latest([latestKey]) : [null];
    const [position] = latest ? [latest] : await live.positions([this.stream]);
    if (this.ended) return;
    this.model.reset(latest?.value ?? null);
    this.head = position ? { epoch: position.epoch, sequence: position.sequence } : NOWHERE;
    this.fresh = null;
    this.loaded = true;
    tail.follow(this.stream, this.head.sequence);
  }

  /**
   * The state is no longer true: loads it anew and shows it to everybody as a reset. `told` is the sequence of the last
   * event that was told; null where the sequences of the new state say nothing about the old one.
   */
  private reload(told: bigint | null, reason: Gap['reason']): void {
    this.loaded = false;
    this.load().then(
      () => {
        if (!this.loaded) return;
        // the state itself stands for the event at the head
        const missed = told === null ? null : Number(this.head.sequence - told - 1n);
        for (const { view, watchers } of this.audiences.values()) {
          view.reset();
          for (const watcher of [...watchers]) {
            if (watcher.start === null) {
              watcher.start = 'RESET';
              if (missed !== 0) addGap(watcher, { missed, reason });
            }
            this.show(view, watcher);
          }
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
    let payload: Payload | null = null;
    const skipped = this.head.sequence > 0n ? Number(sequence - this.head.sequence - 1n) : 0;
    if (skipped > 0) this.missing({ missed: skipped, reason: 'RETENTION' });
    this.head = { epoch, sequence };
    try {
      if (entry.gap !== null) this.missing(JSON.parse(entry.gap) as Gap);
      payload = JSON.parse(entry.payload) as Payload;
      this.model.apply(payload);
    } catch (error) {
      this.tools.log.error({ err: error, stream: this.stream, sequence: String(sequence) }, 'unreadable live event');
      if (this.hasSnapshot) this.reload(sequence - 1n, 'FEED_GAP');
      else this.missing({ missed: 1, reason: 'FEED_GAP' });
      return;
    }
    this.publish(payload);
    if (this.fresh?.sequence === sequence) this.model.reset(this.fresh.value);
    this.refresh();
  }

  private publish(payload: Payload): void {
    const cursor = encodeCursor(this.stream, this.head);
    const sequence = String(this.head.sequence);
    for (const { view, watchers } of this.audiences.values()) {
      const body = view.next(payload);
      if (body === null) continue;
      const plain = { cursor, sequence, start: null, gap: null, body, eventTime: payload.eventTime };
      for (const watcher of [...watchers]) this.deliver(watcher, plain);
    }
  }

  private show(view: View<Payload, Body>, watcher: Watcher<Body>): void {
    const state = view.snapshot();
    if (!state) return;
    const { sequence } = this.head;
    const cursor = encodeCursor(this.stream, this.head);
    const { body } = state;
    this.deliver(watcher, { cursor, sequence: String(sequence), start: null, gap: null, body, eventTime: null });
  }

  private deliver(watcher: Watcher<Body>, plain: Delivery<Body>): void {
    const { start, gap } = watcher;
    watcher.start = null;
    watcher.gap = null;
    watcher.queue.push(start || gap ? { ...plain, start, gap } : plain);
  }

  /** Something is missing before the next event: told with it. */
  private missing(gap: Gap): void {
    for (const { watchers } of this.audiences.values()) for (const watcher of watchers) addGap(watcher, gap);
  }

  /** Fetches a fuller state where the model has become thin; the head takes it over when it gets there. */
  private refresh(): void {
    const { latestKey } = this.question;
    const now = performance.now();
    if (!latestKey || !this.model.wantsRefresh?.() || now - this.refreshed < RELOAD_MS) return;
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
