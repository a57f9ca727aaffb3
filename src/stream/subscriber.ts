/**
 * One subscriber of a cohort. While its connection takes what it is sent, events go straight through; else they wait
 * here, bounded, and give way by the subscriber's policy. What gives way is told: received + told as missed = produced.
 */
import type { SlowConsumerPolicy, StreamStart } from '../../schema/channels.ts';
import { clientError } from '../../schema/errors.ts';
import { asciiJson, NextFrames, type Outlet } from '../platform/graphql/outlet.ts';
import { metrics } from '../platform/metrics.ts';
import { addGaps, type Delivery, type Gap, type Told, unseenGap } from './delivery.ts';
import type { Latecomer } from './throttle.ts';
import { Waiting } from './waiting.ts';

export interface SubscriberOptions<Body> {
  /** The client's name for the operation. */
  id: string;
  /** The subscription's name, for the metrics. */
  field: string;
  outlet: Outlet;
  /** True where it follows several streams, whose numbers can't be compared. */
  isMany?: boolean;
  policy: SlowConsumerPolicy;
  /** Events that may wait. */
  max: number;
  mergeKey(body: Body): string | null;
  merge?(older: Body, newer: Body): Body;
  /** The encoded result of an event. */
  payloadOf(told: Told<Body>): string;
  /** The event that was told last to everybody who takes events straight through. */
  newest(): Delivery<Body> | null;
  /** Called once when it wants no more. */
  onEnd(): void;
}

const NONE = -1n;

export class Subscriber<Body> implements Latecomer {
  private readonly waiting: Waiting<Body>;
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
  private readonly owed = new Map<string, Gap>();
  late: ReadonlyMap<string, bigint> | null = null;
  /** When it began, epoch ms. */
  private readonly since = Date.now();
  private asked = false;
  private roomy: (() => void)[] = [];
  private finish: { done(): void; fail(error: Error): void } = { done() {}, fail() {} };
  /** The operation's id as ASCII JSON. */
  private readonly name: string;
  /** Those with the same one get the same frames. */
  readonly id: string;
  /** Null where the connection makes its frames itself. */
  readonly frames: NextFrames | null;
  /** Resolves when the subscription ends, rejects with the error that it ends in. */
  readonly ended: Promise<void>;

  constructor(
    private readonly options: SubscriberOptions<Body>,
    private start: StreamStart | null,
    private gap: Gap | null = null,
  ) {
    const { mergeKey, merge, isMany = false } = options;
    this.waiting = new Waiting({ mergeKey, merge, isMany, owe: (gap, stream) => this.missing(gap, null, stream) });
    this.name = asciiJson(JSON.stringify(options.id));
    this.id = `${options.outlet.kind ?? ''}${this.name}`;
    this.frames = options.outlet.frame ? null : new NextFrames(this.name);
    this.ended = new Promise((done, fail) => {
      this.finish = { done, fail };
    });
    this.ended.catch(() => {});
    metrics.subscribers.inc({ field: options.field });
  }

  get hasEnded(): boolean {
    return this.state === 'ended';
  }

  /** True where the next event can be handed over as everybody gets it. */
  get isDirect(): boolean {
    const isNew = this.late === null && this.owed.size === 0;
    return this.flows && this.start === null && this.gap === null && this.skips === NONE && isNew;
  }

  /** True while nothing waits and the connection takes more. */
  get flows(): boolean {
    return this.state === 'open' && this.waiting.length === 0 && this.options.outlet.ready;
  }

  /** The frame of an encoded result; `cursor` is that of its event. */
  frameOf(payload: string, cursor: string | null): string {
    return this.frames?.of(payload) ?? this.options.outlet.frame?.(this.name, payload, cursor) ?? '';
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
    this.options.outlet.send(frame);
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
    this.skips = NONE;
    if (delivery.from !== undefined && has >= delivery.at.sequence) return;
    const unseen = unseenGap(delivery, has);
    const gap = addGaps(addGaps(this.owed.get(delivery.stream) ?? null, this.gap), unseen);
    this.owed.delete(delivery.stream);
    const told: Told<Body> = { delivery, start: this.start, gap, replayed, payload: null };
    this.start = null;
    this.gap = null;
    if (this.flows) this.send(told);
    else this.wait(told);
  }

  /** Something is missing before the next event. */
  missing(gap: Gap, upTo: bigint | null = null, stream?: string): void {
    if (stream !== undefined) {
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
    if (gap?.missed && state && has >= 0n) {
      // one that replayed from the store may be ahead of what was told here
      const missed = Math.min(gap.missed, Number(state.at.sequence - 1n - has));
      if (missed < 0) {
        this.skipTo(has);
        return;
      }
      lost = missed > 0 ? { ...gap, missed } : null;
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
      this.roomy.push(done);
      this.pump();
    });
  }

  /** Ends it, with an error or without. */
  end(error?: Error): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    const { field, onEnd } = this.options;
    metrics.queued.dec({ field }, this.waiting.length);
    metrics.subscribers.dec({ field });
    this.waiting.clear();
    if (error) this.finish.fail(error);
    else this.finish.done();
    for (const done of this.roomy.splice(0)) done();
    onEnd();
  }

  /** The last event handed over. */
  private get last(): Delivery<Body> | null {
    return this.isWith ? this.options.newest() : this.own;
  }

  /** The last event it has or will have; -1 where it has none. */
  private get newest(): bigint {
    if (this.options.isMany) return NONE;
    const newest = (this.waiting.newest?.delivery ?? this.last)?.at.sequence ?? NONE;
    return newest > this.skips ? newest : this.skips;
  }

  private send(told: Told<Body>): void {
    const { outlet, field } = this.options;
    this.own = told.delivery;
    if (told.gap) metrics.gapsTold.inc({ field, reason: told.gap.reason });
    metrics.deliveries.inc({ field });
    const frame = this.frameOf(told.payload ?? this.options.payloadOf(told), told.delivery.cursor);
    metrics.deliveredBytes.inc({ field }, frame.length);
    outlet.send(frame);
  }

  private pump(): void {
    const { outlet, field } = this.options;
    if (this.state !== 'open') return;
    while (outlet.ready && (this.notice || this.waiting.length > 0)) {
      if (this.notice) {
        outlet.send(this.frameOf(this.notice, null));
        this.notice = null;
      } else {
        metrics.queued.dec({ field });
        this.send(this.waiting.shift());
      }
    }
    if (this.flows) for (const done of this.roomy.splice(0)) done();
    else this.ask();
  }

  private ask(): void {
    if (this.asked || this.state !== 'open') return;
    this.asked = true;
    this.options.outlet.whenReady(() => {
      this.asked = false;
      this.pump();
    });
  }

  private wait(told: Told<Body>): void {
    const { policy, max, field } = this.options;
    const before = this.waiting.length;
    if (policy === 'CONFLATE') this.waiting.conflate(told);
    if (this.waiting.length >= max) {
      if (policy !== 'DROP_WITH_GAP') {
        this.giveUp();
        return;
      }
      this.waiting.drop(told);
    }
    metrics.queued.dec({ field }, before - this.waiting.length);
    // what everybody gets is encoded once, however long it waits here
    if (told.start === null && told.gap === told.delivery.gap) told.payload = this.options.payloadOf(told);
    metrics.queued.inc({ field });
    this.waiting.push(told);
    this.ask();
  }

  private giveUp(): void {
    const { max, field } = this.options;
    metrics.slowConsumers.inc({ field });
    this.end(
      clientError('SLOW_CONSUMER', `more than ${max} events were waiting for this subscriber`, {
        cursor: this.last?.cursor ?? null,
        limit: 'MAX_SUBSCRIBER_QUEUE',
        max,
      }),
    );
  }
}
