/**
 * Older events of a stream, read from the live store in pages that everybody shares: however many ask for whichever
 * places at once, each page is read once.
 */
import type { StreamEntry, StreamPosition } from '../platform/live/store.ts';
import type { Delivery } from './delivery.ts';

/** Events of a page. */
export const PAGE = 512n;
/** Full pages kept, and how long after they were read. */
const KEPT = 64;
const KEPT_MS = 10_000;

/** An entry of the store; `event` is null where it can't be read. */
export interface Replayed<Body> {
  at: StreamPosition;
  event: Delivery<Body> | null;
}

export class Pages<Body> {
  private readonly pages = new Map<bigint, Promise<Replayed<Body>[]>>();

  constructor(
    private readonly read: (after: bigint, count: number) => Promise<StreamEntry[]>,
    private readonly eventOf: (entry: StreamEntry) => Delivery<Body> | null,
  ) {}

  /**
   * A page with the entries after `sequence`, oldest first, and some before: the one at `sequence` is among them where
   * the store still has it. Rejects with LiveStoreUnavailable.
   */
  around(sequence: bigint): Promise<readonly Replayed<Body>[]> {
    const number = sequence / PAGE;
    const known = this.pages.get(number);
    if (known) return known;
    const page = this.load(number);
    this.pages.set(number, page);
    page.then(
      ({ length }) => {
        // a page that is not full yet grows
        if (BigInt(length) < PAGE) this.drop(number, page);
        else setTimeout(() => this.drop(number, page), KEPT_MS).unref();
      },
      () => this.drop(number, page),
    );
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= KEPT) break;
      this.pages.delete(oldest);
    }
    return page;
  }

  private async load(number: bigint): Promise<Replayed<Body>[]> {
    // one more in front: the place that the page begins after
    const from = number === 0n ? 0n : number * PAGE - 1n;
    const entries = await this.read(from, Number(PAGE) + 1);
    return entries
      .filter(({ sequence }) => sequence <= (number + 1n) * PAGE)
      .map((entry) => ({ at: { epoch: entry.epoch, sequence: entry.sequence }, event: this.eventOf(entry) }));
  }

  private drop(number: bigint, page: Promise<unknown>): void {
    if (this.pages.get(number) === page) this.pages.delete(number);
  }
}
