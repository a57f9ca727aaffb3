/** Order books for subscribers: folded once a stream, shown at each depth that somebody asked for. */
import { crc32 } from 'node:zlib';
import { comparePrices, decimal } from '../../schema/decimal.ts';
import { LIVE_BOOK_DEPTH, type LiveBook } from '../../schema/live/book.ts';
import type { BookEvent, BookLevel } from '../../schema/market.ts';
import type { Model, View } from './view.ts';

/** One event of a book at some depth. */
export interface BookChange {
  snapshot: boolean;
  /** The window's levels in a snapshot, best first; else those that changed, "0" for one that left the window. */
  bids: BookLevel[];
  asks: BookLevel[];
  checksum: string;
  time: number;
}

/** Levels a side that the checksum covers at most. */
const CHECKSUM_LEVELS = 10;

/**
 * The checksum of a book's window: CRC-32 (IEEE, as in zlib) of the ASCII text `bids|asks`, as an unsigned decimal number.
 * A side is its best min(10, depth) levels, best first, each `price:quantity` in canonical decimals (plain notation, no
 * superfluous zeros), joined by commas; an empty side is empty text. E.g. `99.5:2,99:0.25|100:1`.
 */
export function bookChecksum(bids: readonly BookLevel[], asks: readonly BookLevel[]): string {
  const side = (levels: readonly BookLevel[]) =>
    levels
      .slice(0, CHECKSUM_LEVELS)
      .map(([price, quantity]) => `${price}:${quantity}`)
      .join(',');
  return String(crc32(`${side(bids)}|${side(asks)}`));
}

/** One side, best first. `edge` is the price beyond which levels are not known; null where all are. */
class Side {
  levels: BookLevel[] = [];
  edge: string | null = null;

  /** `direction` 1 sorts ascending (asks), -1 descending (bids). */
  constructor(private readonly direction: 1 | -1) {}

  reset(levels: readonly BookLevel[], cutAt: number): void {
    this.levels = levels
      .map(([price, quantity]): BookLevel => [decimal(price), decimal(quantity)])
      .filter(([, quantity]) => quantity !== '0')
      .sort(([a], [b]) => comparePrices(a, b) * this.direction);
    this.edge = this.levels.length >= cutAt ? (this.levels.at(-1)?.[0] ?? null) : null;
  }

  set(given: BookLevel): void {
    const [price, quantity] = [decimal(given[0]), decimal(given[1])];
    // one level out there without its unknown neighbours would pass for the next best
    if (this.edge !== null && comparePrices(price, this.edge) * this.direction > 0) return;
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePrices((this.levels[middle] as BookLevel)[0], price) * this.direction < 0) low = middle + 1;
      else high = middle;
    }
    const found = this.levels[low]?.[0] === price;
    if (quantity !== '0') this.levels.splice(low, found ? 1 : 0, [price, quantity]);
    else if (found) this.levels.splice(low, 1);
  }
}

export class BookModel implements Model<BookEvent> {
  readonly bids = new Side(-1);
  readonly asks = new Side(1);
  /** Exchange's clock of the state; null before the first snapshot. */
  time: number | null = null;
  /** The greatest depth that a view shows. */
  depth = 0;

  reset(value: string | null): void {
    const book = value === null ? null : (JSON.parse(value) as LiveBook);
    this.bids.reset(book?.bids ?? [], LIVE_BOOK_DEPTH);
    this.asks.reset(book?.asks ?? [], LIVE_BOOK_DEPTH);
    this.time = book?.eventTime ?? null;
  }

  apply(event: BookEvent): void {
    if (event.type === 'snapshot') {
      this.bids.reset(event.bids, Number.POSITIVE_INFINITY);
      this.asks.reset(event.asks, Number.POSITIVE_INFINITY);
    } else if (this.time !== null) {
      for (const level of event.bids) this.bids.set(level);
      for (const level of event.asks) this.asks.set(level);
    } else {
      return;
    }
    this.time = event.eventTime;
  }

  /** Also where there is no book yet: one that joins while the first events are being written finds deltas alone. */
  wantsRefresh(): boolean {
    if (this.time === null) return true;
    return [this.bids, this.asks].some((side) => side.edge !== null && side.levels.length < this.depth);
  }
}

/** What turns one window into another: new and changed levels, and "0" for those that are gone. */
function difference(before: ReadonlyMap<string, string>, after: readonly BookLevel[]): BookLevel[] {
  const changed = after.filter(([price, quantity]) => before.get(price) !== quantity);
  const kept = new Set(after.map(([price]) => price));
  for (const price of before.keys()) if (!kept.has(price)) changed.push([price, '0']);
  return changed;
}

/** The best `depth` levels of each side: a snapshot, then for every event of the book what changed in that window. */
export function bookWindow(model: BookModel, depth: number): View<BookEvent, BookChange> {
  let bids = new Map<string, string>();
  let asks = new Map<string, string>();
  let shown = false;
  model.depth = Math.max(model.depth, depth);

  const reset = (): void => {
    shown = model.time !== null;
    bids = new Map(model.bids.levels.slice(0, depth));
    asks = new Map(model.asks.levels.slice(0, depth));
  };
  const change = (snapshot: boolean, b: BookLevel[], a: BookLevel[], time: number): BookChange => ({
    snapshot,
    bids: b,
    asks: a,
    checksum: bookChecksum(
      model.bids.levels.slice(0, Math.min(depth, CHECKSUM_LEVELS)),
      model.asks.levels.slice(0, Math.min(depth, CHECKSUM_LEVELS)),
    ),
    time,
  });
  reset();
  return {
    reset,
    snapshot: () =>
      model.time === null
        ? null
        : { body: change(true, model.bids.levels.slice(0, depth), model.asks.levels.slice(0, depth), model.time) },
    next() {
      if (model.time === null) return null;
      const [newBids, newAsks] = [model.bids.levels.slice(0, depth), model.asks.levels.slice(0, depth)];
      const next = shown
        ? change(false, difference(bids, newBids), difference(asks, newAsks), model.time)
        : change(true, newBids, newAsks, model.time);
      shown = true;
      bids = new Map(newBids);
      asks = new Map(newAsks);
      return next;
    },
  };
}

/** One change that does what the two do one after the other. */
export function mergeBookChanges(older: BookChange, newer: BookChange): BookChange {
  if (newer.snapshot) return newer;
  const side = (before: readonly BookLevel[], after: readonly BookLevel[], direction: 1 | -1): BookLevel[] => {
    const levels = [...new Map([...before, ...after])];
    if (!older.snapshot) return levels;
    return levels.filter(([, quantity]) => quantity !== '0').sort(([a], [b]) => comparePrices(a, b) * direction);
  };
  return {
    ...newer,
    snapshot: older.snapshot,
    bids: side(older.bids, newer.bids, -1),
    asks: side(older.asks, newer.asks, 1),
  };
}
