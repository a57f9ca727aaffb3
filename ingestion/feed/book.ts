/** One order book folded from a snapshot and deltas: two sorted sides. No I/O, no time. */
import { compareDigits } from '../../schema/decimal.ts';
import type { BookLevel } from '../../schema/market.ts';
import type { BookUpdate } from '../exchanges/connector.ts';
import { isCrossed, PriceLevels } from '../price-levels.ts';

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
  const bids = new PriceLevels(-1, snapshot.bids);
  const asks = new PriceLevels(1, snapshot.asks);
  const lastKnown = ({ size, farthest }: PriceLevels): string | null =>
    size >= depth && farthest ? farthest[0] : null;
  const bidEdge = lastKnown(bids);
  const askEdge = lastKnown(asks);
  let { sequence } = snapshot;

  /** Levels from the best to the edge of what the snapshot covered. */
  const within = (side: PriceLevels, edge: string | null): number =>
    edge === null ? Number.POSITIVE_INFINITY : side.countUpTo(edge);

  /** In a delta that straddles the snapshot single changes may be older than it. */
  function isNew(sequences: readonly string[] | undefined, i: number): boolean {
    const own = sequences?.[i];
    return own === undefined || compareDigits(own, sequence) > 0;
  }

  function set(side: PriceLevels, levels: readonly BookLevel[], sequences: readonly string[] | undefined): void {
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i] as BookLevel;
      if (isNew(sequences, i)) side.set(level[0], level[1], level);
    }
  }

  function newsOf(
    side: PriceLevels,
    edge: string | null,
    levels: BookLevel[],
    sequences: readonly string[] | undefined,
  ): BookLevel[] {
    return levels.filter(([price], i) => isNew(sequences, i) && (edge === null || !side.isBeyond(price, edge)));
  }

  return {
    get sequence() {
      return sequence;
    },
    get bids() {
      return bids.top();
    },
    get asks() {
      return asks.top();
    },
    apply(delta) {
      if (compareDigits(delta.sequence, sequence) <= 0) return 'old';
      // the first delta must hold the update after the snapshot: U <= lastUpdateId + 1 <= u, and so must every later one
      if (delta.previousSequence === null || compareDigits(delta.previousSequence, sequence) > 0) return 'gap';
      set(bids, delta.bids, delta.bidSequences);
      set(asks, delta.asks, delta.askSequences);
      sequence = delta.sequence;
      return isCrossed(bids, asks) ? 'crossed' : 'applied';
    },
    isCrossed: () => isCrossed(bids, asks),
    news: (delta) => ({
      bids: newsOf(bids, bidEdge, delta.bids, delta.bidSequences),
      asks: newsOf(asks, askEdge, delta.asks, delta.askSequences),
    }),
    known: () => ({
      bids: bids.top(within(bids, bidEdge)),
      asks: asks.top(within(asks, askEdge)),
    }),
    knownDepth: () => Math.min(within(bids, bidEdge), within(asks, askEdge)),
  };
}
