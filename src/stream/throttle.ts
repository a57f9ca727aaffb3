/**
 * Stands between a stream and a cohort that wants events at a rate of its own: what arrives between two beats is merged
 * once for everybody, and the newest always leaves at the next beat. What was merged is told as THROTTLED; an event that
 * nothing may replace waits for the beat whole.
 */
import type { Listener } from './audience.ts';
import type { Delivery, Gap } from './delivery.ts';
import type { AnyQuestion } from './source.ts';
import type { Stall } from './stall.ts';
import type { Mirror } from './view.ts';
import type { Wheel } from './wheel.ts';

/** Who joined between two beats, and thus has part of what waits already. */
export interface Latecomer {
  /** The last event that it has, by stream; null once all it gets is new to it. */
  late: ReadonlyMap<string, bigint> | null;
}

export interface ThrottleOptions {
  /** Ms between two beats, one of THROTTLE_STEPS. */
  step: number;
  wheel: Wheel;
  question: Pick<AnyQuestion, 'mergeKey' | 'merge' | 'createMirror'>;
}

interface Held {
  delivery: Delivery<unknown>;
  key: string | null;
  /** Sequence of the event told before it. */
  from: bigint;
  /** Events that it stands for besides itself. */
  merged: number;
  order: number;
}

/** Events held at most; more leave before the beat. */
const MAX_HELD = 2_000;

function throttled(missed: number): Gap | null {
  return missed > 0 ? { missed, reason: 'THROTTLED' } : null;
}

export class Throttle implements Listener<unknown> {
  private readonly streams = new Map<string, Held[]>();
  private readonly latecomers = new Set<Latecomer>();
  /** Where the streams with something held stand; null where nobody has asked since the last event. */
  private positions: ReadonlyMap<string, bigint> | null = null;
  private readonly mirror: Mirror<unknown> | null;
  private held = 0;
  private order = 0;
  private armed = false;

  constructor(
    private readonly to: Listener<unknown>,
    private readonly options: ThrottleOptions,
  ) {
    this.mirror = options.question.createMirror?.() ?? null;
  }

  /** Those who join now begin with this state. */
  begins(state: Delivery<unknown> | null): void {
    if (state) this.mirror?.take(state.body);
  }

  /** Somebody joins, with the state of this moment. */
  joins(one: Latecomer): void {
    if (this.held === 0) return;
    this.positions ??= new Map(
      [...this.streams].map(([stream, held]) => [stream, (held.at(-1) as Held).delivery.at.sequence]),
    );
    one.late = this.positions;
    this.latecomers.add(one);
  }

  deliver(delivery: Delivery<unknown>): void {
    // a loss is told at once, so that what waits is always without one and can be counted by its numbers
    if (delivery.gap) {
      this.release();
      this.mirror?.take(delivery.body);
      this.to.deliver(delivery);
      return;
    }
    this.positions = null;
    const { mergeKey } = this.options.question;
    const { sequence } = delivery.at;
    const key = mergeKey(delivery.body);
    const one: Held = { delivery, key, from: sequence - 1n, merged: 0, order: this.order++ };
    const known = this.streams.get(delivery.stream);
    if (known) this.replace(known, one);
    else this.streams.set(delivery.stream, [one]);
    this.held += 1;
    if (this.held >= MAX_HELD) this.release();
    else this.arm();
  }

  missing(...told: Parameters<Listener<unknown>['missing']>): void {
    this.release();
    this.to.missing(...told);
  }

  reset(...told: Parameters<Listener<unknown>['reset']>): void {
    this.release();
    const [state] = told;
    if (state) this.mirror?.take(state.body);
    else this.mirror?.forget();
    this.to.reset(...told);
  }

  stalled(stall: Stall | null): void {
    this.to.stalled(stall);
  }

  end(): void {
    this.release();
    this.to.end();
  }

  /** Takes out what the newer one is about too, and adds that. */
  private replace(held: Held[], newer: Held): void {
    const { merge } = this.options.question;
    const index = newer.key === null ? -1 : held.findLastIndex(({ key }) => key === newer.key);
    const [gone] = index < 0 ? [] : held.splice(index, 1);
    if (gone) {
      this.held -= 1;
      const next = held[index] ?? newer;
      next.from = gone.from;
      next.merged += gone.merged + 1;
      if (merge) {
        next.delivery = { ...next.delivery, body: merge(gone.delivery.body, next.delivery.body) };
      }
    }
    held.push(newer);
  }

  private trimmed(whole: Delivery<unknown>): Delivery<unknown> {
    if (!this.mirror) return whole;
    const body = this.mirror.trim(whole.body);
    this.mirror.take(whole.body);
    return { ...whole, body, whole };
  }

  private arm(): void {
    if (this.armed) return;
    this.armed = true;
    this.options.wheel.next(this.options.step, () => {
      this.armed = false;
      this.release();
    });
  }

  private release(): void {
    if (this.held === 0) return;
    const all = [...this.streams.values()].flat().sort((a, b) => a.order - b.order);
    this.streams.clear();
    this.positions = null;
    this.held = 0;
    for (const { delivery, from, merged } of all) {
      // how long it waited here is the client's own wish
      this.to.deliver(this.trimmed({ ...delivery, from, gap: throttled(merged), eventTime: null }));
    }
    for (const one of this.latecomers) one.late = null;
    this.latecomers.clear();
  }
}
