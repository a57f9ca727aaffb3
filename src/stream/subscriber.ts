/**
 * One subscriber of a cohort. While its connection takes what it is sent, events go straight through; else they wait
 * here, bounded, and give way by the subscriber's policy. What gives way is told: received + told as missed = produced.
 */
import type { SlowConsumerPolicy, StreamStart } from '../../schema/channels.ts';
import { encodeCursor } from '../../schema/cursor.ts';
import { asciiJson, inOnePiece, NextFrames, type Outlet } from '../platform/graphql/outlet.ts';
import type { StreamPosition } from '../platform/live/store.ts';
import { metrics } from '../platform/metrics.ts';
import { type Company, END, type Ender, type SubscriberOptions, slowConsumer } from './company.ts';
import { addGaps, type Delivery, type Gap, type Told, unseenGap } from './delivery.ts';
import type { Latecomer } from './throttle.ts';
import { Waiting } from './waiting.ts';

const NONE = -1n;

/** Idle ones are many: what few need is made when it is needed, and what several need the cohort has. */
export class Subscriber<Body> implements Latecomer {
  private waiting: Waiting<Body> | null = null;
  /** An encoded result that is no event, to be told as soon as possible. */
  private notice: string | null = null;
  private state: 'held' | 'open' | 'ended' = 'held';
  /** The last event handed over, but for those that went straight through. */
  private own: Delivery<Body> | null = null;
  /** True where the last event went straight through. */
  private isWith = false;
  /** Events up to here it has already. */
  private skips = NONE;
  /** Missing before the next event of a stream, where there are several. */
  private owed: Map<string, Gap> | null = null;
  late: ReadonlyMap<string, bigint> | null = null;
  /** When it began, epoch ms. */
  private readonly since = Date.now();
  private asked = false;
  private roomy: (() => void)[] | null = null;
  private enders: Ender[] | null = null;
  /** What it ended in; null for a good end. */
  private error: Error | null = null;
  /** The operation's id as ASCII JSON. */
  private readonly name: string;
  /** Those with the same one get the same frames. */
  readonly id: string;
  /** Null where the connection makes its frames itself. */
  readonly frames: NextFrames | null;
  private readonly outlet: Outlet;
  private readonly policy: SlowConsumerPolicy;
  private readonly began: StreamPosition | null;
  private readonly company: Company<Body>;

  constructor(
    { id, outlet, policy, began = null, company }: SubscriberOptions<Body>,
    private start: StreamStart | null,
    private gap: Gap | null = null,
  ) {
    this.outlet = outlet;
    this.policy = policy;
    this.began = began;
    this.company = company;
    this.name = asciiJson(JSON.stringify(id));
    this.id = outlet.kind ? `${outlet.kind}${this.name}` : this.name;
    this.frames = outlet.frame ? null : new NextFrames(this.name);
    metrics.subscribers.inc({ field: company.field });
  }

  get hasEnded(): boolean {
    return this.state === 'ended';
  }

  /** True where the next event can be handed over as everybody gets it. */
  get isDirect(): boolean {
    const isNew = this.late === null && this.owed === null;
    return this.flows && this.start === null && this.gap === null && this.skips === NONE && isNew;
  }

  /** True while nothing waits and the connection takes more. */
  get flows(): boolean {
    return this.state === 'open' && this.count === 0 && this.outlet.ready;
  }

  /** Events that wait. */
  private get count(): number {
    return this.waiting === null ? 0 : this.waiting.length;
  }

  /** The frame of an encoded result; `cursor` is that of its event. */
  frameOf(payload: string, cursor: string | null): string {
    return this.frames?.of(payload) ?? this.outlet.frame?.(this.name, payload, cursor) ?? '';
  }

  /** Lets events out. */
  open(): void {
    if (this.state !== 'held') return;
    this.state = 'open';
    this.pump();
  }

  /** Hands over an event as everybody gets it; only where it `isDirect`. */
  pass(frame: string): void {
    this.isWith = true;
    this.outlet.send(frame);
  }

  /** The next event. */
  take(delivery: Delivery<Body>, replayed = false): void {
    this.own = this.last;
    this.isWith = false;
    if (this.state === 'ended' || delivery.at.sequence <= this.skips) return;
    // a store that lost its data is filled again: what was in the log before this one began is not what it asked for
    if (this.start === 'LIVE' && delivery.logged !== null && delivery.logged < this.since) return;
    if (this.late && delivery.whole) {
      this.take(delivery.whole, true);
      return;
    }
    const late = this.late?.get(delivery.stream) ?? NONE;
    const has = late > this.skips ? late : this.skips;
    // it has none of that, or all of it
    if (delivery.from !== undefined && has >= delivery.at.sequence) return;
    this.skips = NONE;
    const unseen = unseenGap(delivery, has);
    const gap = addGaps(addGaps(this.owed?.get(delivery.stream) ?? null, this.gap), unseen);
    if (this.owed?.delete(delivery.stream) && this.owed.size === 0) this.owed = null;
    const told: Told<Body> = { delivery, start: this.start, gap, replayed, payload: null };
    this.start = null;
    this.gap = null;
    if (this.flows) this.send(told);
    else this.wait(told);
  }

  /** Something is missing before the next event. */
  missing(gap: Gap, upTo: bigint | null = null, stream?: string): void {
    if (stream !== undefined) {
      this.owed ??= new Map();
      this.owed.set(stream, addGaps(this.owed.get(stream) ?? null, gap) as Gap);
      return;
    }
    const has = this.newest;
    if (gap.missed && upTo !== null && has >= 0n) {
      const missed = Math.min(gap.missed, Number(upTo - has));
      if (missed > 0) this.missing({ ...gap, missed });
      return;
    }
    this.gap = addGaps(this.gap, gap);
    this.skips = NONE;
  }

  /** What comes next begins anew. */
  reset(gap: Gap | null, state: Delivery<Body> | null = null): void {
    // one that has not been told anything begins with it anyway
    if (this.start !== null && this.start !== 'RESUMED') return;
    const has = this.newest;
    let lost = gap;
    // one that replayed from the store may be ahead of what was told here, or behind it
    const isElsewhere = this.skips !== NONE;
    if ((gap ? gap.missed : isElsewhere) && state && has >= 0n) {
      const behind = Number(state.at.sequence - 1n - has);
      if (behind < 0) {
        this.skipTo(has);
        return;
      }
      const missed = gap?.missed && !isElsewhere ? Math.min(gap.missed, behind) : behind;
      lost = missed > 0 ? { missed, reason: gap?.reason ?? 'RETENTION' } : null;
    }
    this.start = 'RESET';
    this.skips = NONE;
    this.gap = addGaps(this.gap, lost);
  }

  /** Has events up to this one, from elsewhere. */
  skipTo(sequence: bigint): void {
    this.skips = sequence;
  }

  /** Tells a result that is no event, before what waits; the newest one counts. */
  tell(notice: string): void {
    this.notice = notice;
    this.pump();
  }

  /** Resolves when nothing waits and the connection takes more, or the subscription has ended. */
  room(): Promise<void> {
    if (this.flows || this.state === 'ended') return Promise.resolve();
    return new Promise((done) => {
      this.roomy ??= [];
      this.roomy.push(done);
      this.pump();
    });
  }

  /** Calls one of the two once the subscription has ended: `fail` with the error that it ended in. */
  whenEnded(done: Ender['done'], fail: Ender['fail']): void {
    const ender = { done, fail };
    this.enders = this.enders ? [...this.enders, ender] : [ender];
    if (this.state === 'ended') this.tellEnd();
  }

  /** Ends it, with an error or without. */
  end(error?: Error): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.error = error ?? null;
    const { field } = this.company;
    metrics.queued.dec({ field }, this.count);
    metrics.subscribers.dec({ field });
    this.waiting?.clear();
    this.tellEnd();
    this.tellRoom();
    this.company.left(this);
  }

  private tellEnd(): void {
    const { enders, error } = this;
    this.enders = null;
    for (const { done, fail } of enders ?? []) {
      if (error) fail(error);
      else done(END);
    }
  }

  private tellRoom(): void {
    const { roomy } = this;
    this.roomy = null;
    for (const done of roomy ?? []) done();
  }

  /** The last event handed over. */
  private get last(): Delivery<Body> | null {
    return this.isWith ? this.company.newest() : this.own;
  }

  /** The last event it has or will have; -1 where it has none. */
  private get newest(): bigint {
    if (this.company.isMany) return NONE;
    const newest = (this.waiting?.newest?.delivery ?? this.last)?.at.sequence ?? NONE;
    return newest > this.skips ? newest : this.skips;
  }

  private send(told: Told<Body>): void {
    const { field } = this.company;
    this.own = told.delivery;
    if (told.gap) metrics.gapsTold.inc({ field, reason: told.gap.reason });
    metrics.deliveries.inc({ field });
    const frame = this.frameOf(told.payload ?? this.company.payloadOf(told), told.delivery.cursor);
    metrics.deliveredBytes.inc({ field }, frame.length);
    this.outlet.send(frame);
  }

  private pump(): void {
    const { outlet, waiting } = this;
    if (this.state !== 'open') return;
    while (outlet.ready && (this.notice || this.count > 0)) {
      if (this.notice) {
        outlet.send(this.frameOf(this.notice, null));
        this.notice = null;
      } else if (waiting) {
        metrics.queued.dec({ field: this.company.field });
        this.send(waiting.shift());
      }
    }
    if (this.flows) this.tellRoom();
    else this.ask();
  }

  private ask(): void {
    if (this.asked || this.state !== 'open') return;
    this.asked = true;
    this.outlet.whenReady(() => {
      this.asked = false;
      this.pump();
    });
  }

  private wait(told: Told<Body>): void {
    const { policy } = this;
    const { max, field } = this.company;
    this.waiting ??= new Waiting(this.company, this);
    const before = this.waiting.length;
    if (policy === 'CONFLATE') this.waiting.conflate(told);
    if (this.waiting.length >= max) {
      if (policy !== 'DROP_WITH_GAP') {
        this.giveUp(told.delivery.stream);
        return;
      }
      this.waiting.drop(told);
    }
    metrics.queued.dec({ field }, before - this.waiting.length);
    // what everybody gets is encoded once, however long it waits here
    if (told.start === null && told.gap === told.delivery.gap) told.payload = inOnePiece(this.company.payloadOf(told));
    metrics.queued.inc({ field });
    this.waiting.push(told);
    this.ask();
  }

  private giveUp(stream: string): void {
    const { max, field } = this.company;
    metrics.slowConsumers.inc({ field });
    const began = this.began && encodeCursor(stream, this.began);
    this.end(slowConsumer(max, this.last?.cursor ?? began));
  }
}
