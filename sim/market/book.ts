/**
 * The order book of a simulated market. It moves in steps of 100 ms: levels the quote has passed disappear, a few others
 * change, come or go, the more the nearer to the top. Update ids are a function of time, so that they still grow when the
 * stand-in starts again; as with the real ones a frame's ids may outnumber its levels.
 */
import type { Listing } from './listing.ts';
import type { Quote } from './quotes.ts';
import { hash, sequence } from './seeded.ts';

/** Levels a side: what a new book has, and the bounds it is kept within. */
const DEPTH = { initial: 1_000, min: 800, max: 1_500 };

/** [price in ticks, quantity in lots]; quantity 0 means the level is gone. */
export type Level = [price: number, quantity: number];

export interface BookChange {
  bids: Level[];
  asks: Level[];
}

/** One side: prices from the best outwards, and their quantities. */
class Side {
  readonly prices: number[] = [];
  readonly quantities = new Map<number, number>();
  /** 1 for asks, -1 for bids: multiplied by it, prices grow outwards. */
  readonly outwards: 1 | -1;

  constructor(outwards: 1 | -1) {
    this.outwards = outwards;
  }

  /** Index of the first level at or outside `price`. */
  place(price: number): number {
    let low = 0;
    let high = this.prices.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.prices[middle] as number) * this.outwards < price * this.outwards) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  set(price: number, quantity: number): void {
    const known = this.quantities.has(price);
    if (quantity > 0) {
      if (!known) this.prices.splice(this.place(price), 0, price);
      this.quantities.set(price, quantity);
    } else if (known) {
      this.prices.splice(this.place(price), 1);
      this.quantities.delete(price);
    }
  }
}

export class Book {
  private readonly bids = new Side(-1);
  private readonly asks = new Side(1);
  private readonly seed: number;
  private readonly lots: number;
  private readonly gap: number;
  private readonly rate: number;
  /** Id of the last update the book holds. */
  lastUpdateId: number;

  /** `rate` scales how many levels change a step. */
  constructor(seed: number, listing: Listing, rate: number, step: number, quote: Quote) {
    this.seed = hash(seed, 303);
    this.rate = rate;
    const ticks = listing.price * 10 ** listing.tickDecimals;
    // about 2 % of the price on either side
    this.gap = Math.max(1, Math.round((ticks * 0.02) / DEPTH.initial));
    this.lots = Math.max(2, (listing.tradeValue * 3 * 10 ** (listing.tickDecimals + listing.lotDecimals)) / ticks);
    this.lastUpdateId = this.idAt(step);
    const random = sequence(hash(this.seed, step));
    this.fill(this.bids, quote.bid, random, null);
    this.fill(this.asks, quote.ask, random, null);
  }

  /** Moves to `step`, and returns what changed; the ids it took are those after the `lastUpdateId` before. */
  advance(step: number, quote: Quote, traded: boolean): BookChange {
    const random = sequence(hash(this.seed, step));
    const bids = new Map<number, number>();
    const asks = new Map<number, number>();
    const activity = (traded ? 3 : 1.5) * this.rate;
    for (const [side, best, changes] of [
      [this.bids, quote.bid, bids],
      [this.asks, quote.ask, asks],
    ] as const) {
      while (side.prices.length > 0 && (side.prices[0] as number) * side.outwards < best * side.outwards) {
        this.put(side, side.prices[0] as number, 0, changes);
      }
      if (side.prices[0] !== best) this.put(side, best, this.quantity(random), changes);
      const count = Math.min(400, Math.floor(activity * 2 * random() + random()));
      for (let i = 0; i < count; i++) this.change(side, random, changes);
      while (side.prices.length > DEPTH.max) this.put(side, side.prices.at(-1) as number, 0, changes);
      if (side.prices.length < DEPTH.min) this.fill(side, side.prices.at(-1) ?? best, random, changes);
    }
    this.lastUpdateId = this.idAt(step);
    return { bids: [...bids], asks: [...asks] };
  }

  /** The best `limit` levels of each side. */
  top(limit: number): BookChange {
    const take = (side: Side): Level[] =>
      side.prices.slice(0, limit).map((p) => [p, side.quantities.get(p) as number] satisfies Level);
    return { bids: take(this.bids), asks: take(this.asks) };
  }

  private change(side: Side, random: () => number, changes: Map<number, number>): void {
    const index = Math.floor(side.prices.length * random() ** 3);
    const price = side.prices[index] as number;
    const kind = random();
    if (kind < 0.55) this.put(side, price, this.quantity(random), changes);
    else if (kind < 0.75) {
      if (index > 0) this.put(side, price, 0, changes);
    } else {
      const outside = price + side.outwards * (1 + Math.floor(random() * this.gap * 2));
      if (outside > 0) this.put(side, outside, this.quantity(random), changes);
    }
  }

  private put(side: Side, price: number, quantity: number, changes: Map<number, number> | null): void {
    side.set(price, quantity);
    changes?.set(price, quantity);
  }

  /** Adds levels outwards of `from` until the side has its initial depth or the price reaches zero. */
  private fill(side: Side, from: number, random: () => number, changes: Map<number, number> | null): void {
    let price = from;
    if (side.prices.length === 0) this.put(side, price, this.quantity(random), changes);
    while (side.prices.length < DEPTH.initial) {
      price += side.outwards * (1 + Math.floor(random() * (this.gap * 2 - 1)));
      if (price <= 0) return;
      this.put(side, price, this.quantity(random), changes);
    }
  }

  private quantity(random: () => number): number {
    return Math.max(1, Math.round(this.lots * random() * random() * 4));
  }

  /** Grows by an uneven count every step; at least as many as a usual step changes levels. */
  private idAt(step: number): number {
    const perStep = 50 * Math.max(1, Math.ceil(this.rate));
    return step * perStep - (hash(this.seed, step, 1) % (perStep >> 1));
  }
}
