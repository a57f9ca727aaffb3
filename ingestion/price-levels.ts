/**
 * One side of an order book, sorted, for both who fold one: the feed and the worker `live`. It is kept in short blocks: an
 * update changes a few of a thousand levels, so that few places move and the JSON of most blocks stays good.
 */
import { comparePrices } from '../schema/decimal.ts';
import type { BookLevel } from '../schema/market.ts';

/** A block that grows beyond this is cut in two. */
const MAX_BLOCK = 32;

class Block {
  readonly levels: BookLevel[];
  /** The levels' prices as doubles, times the direction: ascending. Only where two are equal does the text decide. */
  readonly ranks: number[];
  #json: string | null = null;

  constructor(levels: BookLevel[], ranks: number[]) {
    this.levels = levels;
    this.ranks = ranks;
  }

  changed(): void {
    this.#json = null;
  }

  /** Its levels as JSON, without the brackets. */
  get json(): string {
    this.#json ??= JSON.stringify(this.levels).slice(1, -1);
    return this.#json;
  }
}

export class PriceLevels {
  /** None is empty, unless it is the only one. */
  readonly #blocks: Block[] = [new Block([], [])];
  readonly #direction: 1 | -1;
  #size = 0;

  /** `direction` 1 sorts ascending (asks), -1 descending (bids). Prices are canonical decimals above zero. */
  constructor(direction: 1 | -1, initial: readonly BookLevel[] = []) {
    this.#direction = direction;
    for (const level of initial) this.set(level[0], level[1], level);
  }

  get size(): number {
    return this.#size;
  }

  get best(): BookLevel | undefined {
    return this.#blocks[0]?.levels[0];
  }

  get farthest(): BookLevel | undefined {
    return this.#blocks.at(-1)?.levels.at(-1);
  }

  /** The `count` best levels, best first. */
  top(count: number = this.#size): BookLevel[] {
    const found: BookLevel[] = [];
    for (const { levels } of this.#blocks) {
      if (found.length >= count) break;
      found.push(...levels);
    }
    if (found.length > count) found.length = count;
    return found;
  }

  /** JSON of `top(count)`. */
  topJson(count: number): string {
    const parts: string[] = [];
    let left = Math.min(count, this.#size);
    for (const block of this.#blocks) {
      if (left <= 0) break;
      const { length } = block.levels;
      parts.push(length <= left ? block.json : JSON.stringify(block.levels.slice(0, left)).slice(1, -1));
      left -= length;
    }
    return `[${parts.join(',')}]`;
  }

  /**
   * Sets a level's quantity, "0" removes it. Returns what it was, "0" where there was none. `level` says the same and is kept,
   * so that it must not change any more.
   */
  set(price: string, quantity: string, level: BookLevel = [price, quantity]): string {
    const rank = Number(price) * this.#direction;
    const index = this.#blockOf(rank, price);
    const block = this.#blocks[index] as Block;
    const { levels, ranks } = block;
    const at = this.#countBetter(block, rank, price);
    const found = levels[at];
    if (found !== undefined && found[0] === price) {
      block.changed();
      if (quantity === '0') this.#remove(index, at);
      else levels[at] = level;
      return found[1];
    }
    // removing an absent level is normal: it lay outside the snapshot
    if (quantity === '0') return '0';
    block.changed();
    levels.splice(at, 0, level);
    ranks.splice(at, 0, rank);
    this.#size++;
    if (levels.length > MAX_BLOCK) {
      const half = MAX_BLOCK >> 1;
      this.#blocks.splice(index + 1, 0, new Block(levels.splice(half), ranks.splice(half)));
    }
    return '0';
  }

  /** How many levels are `edge` or better. */
  countUpTo(edge: string): number {
    const rank = Number(edge) * this.#direction;
    const index = this.#blockOf(rank, edge);
    const block = this.#blocks[index] as Block;
    const at = this.#countBetter(block, rank, edge);
    let count = block.levels[at]?.[0] === edge ? at + 1 : at;
    for (let i = 0; i < index; i++) count += (this.#blocks[i] as Block).levels.length;
    return count;
  }

  /** True where `price` lies farther from the best than `edge`. */
  isBeyond(price: string, edge: string): boolean {
    return comparePrices(price, edge) * this.#direction > 0;
  }

  #remove(index: number, at: number): void {
    const { levels, ranks } = this.#blocks[index] as Block;
    levels.splice(at, 1);
    ranks.splice(at, 1);
    this.#size--;
    if (levels.length === 0 && this.#blocks.length > 1) this.#blocks.splice(index, 1);
  }

  /** The first block that does not end before the price, else the last one. */
  #blockOf(rank: number, price: string): number {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle] as Block;
      if (this.#isBetter(block, block.levels.length - 1, rank, price)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #countBetter(block: Block, rank: number, price: string): number {
    let low = 0;
    let high = block.levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isBetter(block, middle, rank, price)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isBetter({ levels, ranks }: Block, at: number, rank: number, price: string): boolean {
    const other = ranks[at] as number;
    return other < rank || (other === rank && this.isBeyond(price, (levels[at] as BookLevel)[0]));
  }
}

/** True where the best bid is not below the best ask. */
export function isCrossed(bids: PriceLevels, asks: PriceLevels): boolean {
  const [bid, ask] = [bids.best, asks.best];
  return bid !== undefined && ask !== undefined && comparePrices(bid[0], ask[0]) >= 0;
}
