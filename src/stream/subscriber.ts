/**
 * One subscriber of a cohort. While its connection takes what it is sent, events go straight through; else they wait
 * here, bounded, and give way by the subscriber's policy. What gives way is told: received + told as missed = produced.
 */
import type { SlowConsumerPolicy, StreamStart } from '../../schema/channels.ts';
import { clientError } from '../../schema/errors.ts';
import { asciiJson, NextFrames, type Outlet } from '../platform/graphql/outlet.ts';
import { metrics } from '../platform/metrics.ts';
import { addGaps, type Delivery, type Gap } from './delivery.ts';
import { Queue } from './queue.ts';

/** An event with what is told of it to one subscriber alone. */
export interface Told<Body> {
  delivery: Delivery<Body>;
  start: StreamStart | null;
  gap: Gap | null;
  /** Told from history. */
  replayed: boolean;
  /** The encoded result, where it is known already. */
  payload: string | null;
}

export interface SubscriberOptions<Body> {
  /** The client's name for the operation. */
  id: string;
  /** The subscription's name, for the metrics. */
  field: string;
  outlet: Outlet;
  policy: SlowConsumerPolicy;
  /** Events that may wait. */
  max: number;
  mergeKey(body: Body): string | null;
  merge?(older: Body, newer: Body): Body;
  /** The encoded result of an event. */
  payloadOf(told: Told<Body>): string;
  /** The encoded result that tells a fault. */
  faultOf(fault: Error): string;
  /** The event that was told last to everybody who takes events straight through. */
  newest(): Delivery<Body> | null;
  /** Called once when it wants no more. */
  onEnd(): void;
}

const LOST: Gap = { missed: 1, reason: 'SLOW' };

export class Subscriber<Body> {
  /** Null where nothing waits, as is the rule. */
  private waiting: Queue<Told<Body>> | null = null;
  private fault: Error | null = null;
  private state: 'held' | 'open' | 'ended' = 'held';
  /** The last event handed over, but for those that went straight through. */
  private own: Delivery<Body> | null = null;
  /** True where the last event went straight through. */
  private isWith = false;
  /** Events up to here it has already; null for none that are still to come. */
  private skips: bigint | null = null;
  private asked = false;
  private roomy: (() => void)[] | null = null;
  private finish: { done(): void; fail(error: Error): void } = { done() {}, fail() {} };
  /** The operation's id as ASCII JSON. */
  readonly id: string;
  readonly frames: NextFrames;
  /** Resolves when the subscription ends, rejects with the error that it ends in. */
  readonly ended: Promise<void>;

  constructor(
    private readonly options: SubscriberOptions<Body>,
    private start: StreamStart | null,
    private gap: Gap | null = null,
  ) {
    this.id = asciiJson(JSON.stringify(options.id));
    this.frames = new NextFrames(this.id);
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
    return this.flows && this.start === null && this.gap === null && this.skips === null;
  }

  /** True while nothing waits and the connection takes more. */
  get flows(): boolean {
    return this.state === 'open' && this.waiting === null && this.options.outlet.ready;
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
    if (this.state === 'ended' || (this.skips !== null && delivery.at.sequence <= this.skips)) return;
    this.skips = null;
    const gap = addGaps(this.gap, delivery.gap);
    const told: Told<Body> = { delivery, start: this.start, gap, replayed, payload: null };
    this.start = null;
    this.gap = null;
    if (this.flows) this.send(told);
    else this.wait(told);
  }

  /** Something is missing before the next event. */
  missing(gap: Gap, upTo: bigint | null = null): void {
    const has = this.newest;
    if (gap.missed && upTo !== null && has >= 0n) {
      const missed = Math.min(gap.missed, Number(upTo - has));
      if (missed > 0) this.missing({ ...gap, missed });
      return;
    }
    this.gap = addGaps(this.gap, gap);
    this.skips = null;
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
    this.skips = null;
    this.gap = addGaps(this.gap, lost);
  }

  /** Has events up to this one, from elsewhere. */
  skipTo(sequence: bigint): void {
    this.skips = sequence;
  }

  tell(fault: Error): void {
    this.fault = fault;
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

  /** Ends it, with an error or without. */
  end(error?: Error): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    const { field, onEnd } = this.options;
    metrics.queued.dec({ field }, this.waiting?.size ?? 0);
    metrics.subscribers.dec({ field });
    this.waiting = null;
    if (error) this.finish.fail(error);
    else this.finish.done();
    this.makeRoom();
    onEnd();
  }

  /** The last event it has or will have; -1 where it has none. */
  private get newest(): bigint {
    const newest = (this.waiting?.last?.delivery ?? this.last)?.at.sequence ?? -1n;
    return this.skips === null || newest > this.skips ? newest : this.skips;
  }

  /** The last event handed over. */
  private get last(): Delivery<Body> | null {
    return this.isWith ? this.options.newest() : this.own;
  }

  private makeRoom(): void {
    const roomy = this.roomy ?? [];
    this.roomy = null;
    for (const done of roomy) done();
  }

  private send(told: Told<Body>): void {
    const { outlet, field } = this.options;
    this.own = told.delivery;
    if (told.gap) metrics.gapsTold.inc({ field, reason: told.gap.reason });
    metrics.deliveries.inc({ field });
    const frame = this.frames.of(told.payload ?? this.options.payloadOf(told));
    metrics.deliveredBytes.inc({ field }, frame.length);
    outlet.send(frame);
  }

  private pump(): void {
    const { outlet, field } = this.options;
    if (this.state !== 'open') return;
    while (outlet.ready && (this.fault || this.waiting)) {
      if (this.fault) {
        outlet.send(this.frames.of(this.options.faultOf(this.fault)));
        this.fault = null;
        continue;
      }
      const told = this.waiting?.shift();
      if (this.waiting?.size === 0) this.waiting = null;
      metrics.queued.dec({ field });
      if (told) this.send(told);
    }
    if (this.flows) this.makeRoom();
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
    const { policy, max, field, mergeKey } = this.options;
    this.waiting ??= new Queue();
    const { waiting } = this;
    const key = policy === 'CONFLATE' ? mergeKey(told.delivery.body) : null;
    // what is about the same thing gives way
    const same = key === null ? null : waiting.takeKey(key);
    if (same) this.lose(same.gone, same.next ?? told);
    if (waiting.size >= max) {
      const oldest = policy === 'DROP_WITH_GAP' ? waiting.shift() : null;
      if (!oldest) {
        this.giveUp();
        return;
      }
      this.lose(oldest, waiting.first ?? told);
    }
    // what everybody gets is encoded once, however long it waits here
    if (told.start === null && told.gap === told.delivery.gap) told.payload = this.options.payloadOf(told);
    metrics.queued.inc({ field });
    waiting.push(told, key);
    this.ask();
  }

  /** What waited is dropped; the one after it tells so, and where events build on each other takes it in. */
  private lose(gone: Told<Body>, next: Told<Body>): void {
    const { merge, field } = this.options;
    metrics.queued.dec({ field });
    next.gap = addGaps(addGaps(gone.gap, LOST), next.gap);
    next.start = next.start ?? gone.start;
    next.payload = null;
    if (merge) next.delivery = { ...next.delivery, body: merge(gone.delivery.body, next.delivery.body) };
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
