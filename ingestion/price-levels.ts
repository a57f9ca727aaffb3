/** One side of an order book, sorted, for both who fold one: the feed and the worker `live`. */
import { comparePrices } from '../schema/decimal.ts';
import type { BookLevel } from '../schema/market.ts';

export class PriceLevels {
  readonly #levels: BookLevel[] = [];
  /** The levels' prices as doubles, times `direction`: ascending. Only where two are equal does the text decide. */
  readonly #ranks: number[] = [];
  readonly #direction: 1 | -1;

  /** `direction` 1 sorts ascending (asks), -1 descending (bids). Prices are canonical decimals above zero. */
  constructor(direction: 1 | -1, initial: readonly BookLevel[] = []) {
    this.#direction = direction;
    for (const [price, quantity] of initial) this.set(price, quantity);
  }

  /** Best first. */
  get all(): readonly BookLevel[] {
    return this.#levels;
  }

  /** Sets a level's quantity, "0" removes it. Returns what it was, "0" where there was none. */
  set(price: string, quantity: string): string {
    const at = this.#countBetter(price);
    const found = this.#levels[at];
    if (found === undefined || found[0] !== price) {
      // removing an absent level is normal: it lay outside the snapshot
      if (quantity === '0') return '0';
      this.#levels.splice(at, 0, [price, quantity]);
      this.#ranks.splice(at, 0, Number(price) * this.#direction);
      return '0';
    }
    if (quantity === '0') {
      this.#levels.splice(at, 1);
      this.#ranks.splice(at, 1);
    } else this.#levels[at] = [price, quantity];
    return found[1];
  }

  /** Drops the levels farthest from the best until `most` are left. */
  cut(most: number): void {
    if (this.#levels.length <= most) return;
    this.#levels.length = most;
    this.#ranks.length = most;
  }

  /** How many levels are `edge` or better. */
  countUpTo(edge: string): number {
    const better = this.#countBetter(edge);
    return this.#levels[better]?.[0] === edge ? better + 1 : better;
  }

  /** True where `price` lies farther from the best than `edge`. */
  isBeyond(price: string, edge: string): boolean {
    return comparePrices(price, edge) * this.#direction > 0;
  }

  #countBetter(price: string): number {
    const rank = Number(price) * this.#direction;
    let low = 0;
    let high = this.#ranks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#ranks[middle] as number;
      const isBetter = other < rank || (other === rank && this.isBeyond(price, (this.#levels[middle] as BookLevel)[0]));
      if (isBetter) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** True where the best bid is not below the best ask. */
export function isCrossed(bids: PriceLevels, asks: PriceLevels): boolean {
  const [bid] = bids.all;
  const [ask] = asks.all;
  return bid !== undefined && ask !== undefined && comparePrices(bid[0], ask[0]) >= 0;
}
