/** One order book folded from a snapshot and deltas: two sorted sides. No I/O, no time. */
import type { BookLevel } from '../../schema/market.ts';
import type { BookUpdate } from './connector.ts';

/** -1, 0 or 1 for canonical decimals that are not negative; many times faster than arithmetic. */
export function comparePrices(a: string, b: string): number {
  if (a === b) return 0;
  const dotA = a.indexOf('.');
  const dotB = b.indexOf('.');
  const wholeA = dotA < 0 ? a.length : dotA;
  const wholeB = dotB < 0 ? b.length : dotB;
  if (wholeA !== wholeB) return wholeA < wholeB ? -1 : 1;
  // same number of whole digits: text order is numeric order ("." only ever meets "." or the end)
  return a < b ? -1 : 1;
}

interface Side {
  levels: BookLevel[];
  set(price: string, quantity: string): void;
}

/** `direction` 1 sorts ascending (asks), -1 descending (bids): best first. */
function createSide(direction: 1 | -1, initial: readonly BookLevel[]): Side {
  const levels: BookLevel[] = [];
  const side: Side = {
    levels,
    set(price, quantity) {
      let low = 0;
      let high = levels.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (comparePrices(levels[middle]?.[0] ?? '', price) * direction < 0) low = middle + 1;
        else high = middle;
      }
      const found = levels[low]?.[0] === price;
      if (quantity === '0') {
        // removing an absent level is normal: it lay outside the snapshot
        if (found) levels.splice(low, 1);
      } else if (found) levels[low] = [price, quantity];
      else levels.splice(low, 0, [price, quantity]);
    },
  };
  for (const [price, quantity] of initial) side.set(price, quantity);
  return side;
}

/** `old`: everything of it is in the book already. `gap`: something before it is missing. */
export type Applied = 'applied' | 'old' | 'gap' | 'crossed';

export type Sides = Pick<BookUpdate, 'bids' | 'asks'>;

export interface Book {
  readonly sequence: string;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** Applies a delta, all of it or nothing unless `crossed` (the book is then of no use any more). */
  apply(delta: BookUpdate): Applied;
  isCrossed(): boolean;
  /** What of a delta, not yet applied, is new and lies in the part that is known. */
  news(delta: BookUpdate): Sides;
  /** The part of the book that is known without a hole, best first. */
  known(): Sides;
  /** Levels known without a hole, the smaller side: behind the last level of a full snapshot side nothing is known. */
  knownDepth(): number;
}

/** Folds from `snapshot`, whose sides hold `depth` levels where the exchange cut them. */
export function createBook(snapshot: BookUpdate, depth: number): Book {
  const bids = createSide(-1, snapshot.bids);
  const asks = createSide(1, snapshot.asks);
  const lastKnown = (side: Side): string | null =>
    side.levels.length >= depth ? (side.levels.at(-1)?.[0] ?? null) : null;
  const bidEdge = lastKnown(bids);
  const askEdge = lastKnown(asks);
  let sequence = BigInt(snapshot.sequence);

  function isCrossed(): boolean {
    const [bid] = bids.levels;
    const [ask] = asks.levels;
    return bid !== undefined && ask !== undefined && comparePrices(bid[0], ask[0]) >= 0;
  }

  /** Levels from the best to the edge of what the snapshot covered. */
  function within(side: Side, edge: string | null, direction: 1 | -1): number {
    if (edge === null) return Number.POSITIVE_INFINITY;
    let low = 0;
    let high = side.levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePrices(side.levels[middle]?.[0] ?? '', edge) * direction <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** In a delta that straddles the snapshot single changes may be older than it. */
  function isNew(sequences: readonly string[] | undefined, i: number): boolean {
    const own = sequences?.[i];
    return own === undefined || BigInt(own) > sequence;
  }

  function isBeyond(price: string, edge: string | null, direction: 1 | -1): boolean {
    return edge !== null && comparePrices(price, edge) * direction > 0;
  }

  function set(side: Side, levels: readonly BookLevel[], sequences: readonly string[] | undefined): void {
    for (const [i, [price, quantity]] of levels.entries()) if (isNew(sequences, i)) side.set(price, quantity);
  }

  return {
    get sequence() {
      return String(sequence);
    },
    bids: bids.levels,
    asks: asks.levels,
    apply(delta) {
      const next = BigInt(delta.sequence);
      if (next <= sequence) return 'old';
      // the first delta must hold the update after the snapshot: U <= lastUpdateId + 1 <= u, and so must every later one
      if (delta.previousSequence === null || BigInt(delta.previousSequence) > sequence) return 'gap';
      set(bids, delta.bids, delta.bidSequences);
      set(asks, delta.asks, delta.askSequences);
      sequence = next;
      return isCrossed() ? 'crossed' : 'applied';
    },
    isCrossed,
    news: (delta) => ({
      bids: delta.bids.filter(([price], i) => isNew(delta.bidSequences, i) && !isBeyond(price, bidEdge, -1)),
      asks: delta.asks.filter(([price], i) => isNew(delta.askSequences, i) && !isBeyond(price, askEdge, 1)),
    }),
    known: () => ({
      bids: bids.levels.slice(0, within(bids, bidEdge, -1)),
      asks: asks.levels.slice(0, within(asks, askEdge, 1)),
    }),
    knownDepth: () => Math.min(within(bids, bidEdge, -1), within(asks, askEdge, 1)),
  };
}
