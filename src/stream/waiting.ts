/** The events that wait for one subscriber, oldest first, and how one of them gives way so that nothing goes unsaid. */
import { addGaps, type Delivery, type Gap, type Told } from './delivery.ts';

/** How events that wait may be merged. */
export interface Merging<Body> {
  mergeKey(body: Body): string | null;
  merge?(older: Body, newer: Body): Body;
  /** True where they are of several streams, whose numbers can't be compared. */
  readonly isMany: boolean;
}

/** Whom they wait for. */
export interface Debtor {
  /** Something of a stream is missing of which nothing waits any more. */
  missing(gap: Gap, upTo: null, stream: string): void;
}

const LOST: Gap = { missed: 1, reason: 'SLOW' };

export class Waiting<Body> {
  private readonly events: Told<Body>[] = [];

  constructor(
    private readonly merging: Merging<Body>,
    private readonly debtor: Debtor,
  ) {}

  get length(): number {
    return this.events.length;
  }

  get newest(): Told<Body> | undefined {
    return this.events.at(-1);
  }

  push(told: Told<Body>): void {
    this.events.push(told);
  }

  /** Takes the oldest out; there must be one. */
  shift(): Told<Body> {
    return this.events.shift() as Told<Body>;
  }

  clear(): void {
    this.events.length = 0;
  }

  /** Takes out what is about the same thing as an event that is about to wait. */
  conflate(told: Told<Body>): void {
    const key = this.merging.mergeKey(told.delivery.body);
    told.key = key;
    if (key === null) return;
    const index = this.events.findLastIndex((one) => one.key === key);
    if (index >= 0) this.yieldTo(index, told);
  }

  /** Takes out the oldest for an event that is about to wait. */
  drop(newest: Told<Body>): void {
    this.yieldTo(0, newest);
  }

  /** Drops what waits at `index`; the one after it tells so, and where events build on each other takes it in. */
  private yieldTo(index: number, newest: Told<Body>): void {
    const { merge, isMany } = this.merging;
    const [gone] = this.events.splice(index, 1);
    if (!gone) return;
    const heir = this.events[index] ?? newest;
    heir.start = heir.start ?? gone.start;
    const gap = addGaps(gone.gap, LOST) as Gap;
    const next = isMany ? this.nextOf(gone.delivery, index, newest) : heir;
    if (!next) {
      heir.payload = null;
      this.debtor.missing(gap, null, gone.delivery.stream);
      return;
    }
    next.gap = addGaps(gap, next.gap);
    next.payload = null;
    if (merge) next.delivery = { ...next.delivery, body: merge(gone.delivery.body, next.delivery.body) };
  }

  /** The next event of the same stream among those that wait and the newest. */
  private nextOf({ stream }: Delivery<Body>, index: number, newest: Told<Body>): Told<Body> | undefined {
    return [...this.events.slice(index), newest].find(({ delivery }) => delivery.stream === stream);
  }
}
