/**
 * One side of an order book, sorted, for all who fold one: the feed and the workers. It is kept in short blocks: an update
 * changes a few of a thousand levels, so that few places move and the JSON of most blocks stays good.
 */
import { comparePrices } from '../schema/decimal.ts';
import type { BookLevel } from '../schema/market.ts';

/** A block that grows beyond this is cut in two. */
const MAX_BLOCK = 32;
/** Levels of a block that is made of a list: room for some more. */
const NEW_BLOCK = 24;
/** The last rank of a block that has no level. */
const NONE = Number.NEGATIVE_INFINITY;
/** Digits and a point that `doubleOf` reads by itself: the digits are a whole number below 2^53. */
const MAX_DOUBLE_TEXT = 16;
const POWERS_OF_TEN = Array.from({ length: MAX_DOUBLE_TEXT }, (_, n) => 10 ** n);
const [ZERO, DOT] = [48, 46];

/** The `rank` of a price is the price as a double, times the direction: ascending. */
interface Block {
  readonly levels: BookLevel[];
  readonly ranks: number[];
  /** Its levels as JSON, without the brackets; null where they have changed since. */
  json: string | null;
}

export class PriceLevels {
  /** None is empty, unless it is the only one. */
  readonly #blocks: Block[] = [{ levels: [], ranks: [], json: null }];
  /** Rank of each block's last level, beside each other: a search looks into no block but the one that it is about. */
  readonly #lasts: number[] = [NONE];
  readonly #direction: 1 | -1;
  #size = 0;

  /** `direction` 1 sorts ascending (asks), -1 descending (bids). Prices are canonical decimals above zero. */
  constructor(direction: 1 | -1, initial: readonly BookLevel[] = []) {
    this.#direction = direction;
    const sorted = this.#fill(initial);
    for (let i = sorted; i < initial.length; i++) {
      const level = initial[i] as BookLevel;
      this.set(level[0], level[1], level);
    }
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

  /** True where the best levels are these, quantities too. */
  startsWith(levels: readonly BookLevel[]): boolean {
    if (levels.length > this.#size) return false;
    let at = 0;
    for (const { levels: own } of this.#blocks) {
      for (let i = 0; i < own.length; i++, at++) {
        if (at === levels.length) return true;
        const [a, b] = [own[i] as BookLevel, levels[at] as BookLevel];
        if (a !== b && (a[0] !== b[0] || a[1] !== b[1])) return false;
      }
    }
    return true;
  }

  /** JSON of `top(count)`. */
  topJson(count: number): string {
    const parts: string[] = [];
    let left = Math.min(count, this.#size);
    for (const block of this.#blocks) {
      if (left <= 0) break;
      const { levels } = block;
      if (levels.length > left) parts.push(jsonOf(levels.slice(0, left)));
      else {
        block.json ??= jsonOf(levels);
        parts.push(block.json);
      }
      left -= levels.length;
    }
    return `[${parts.join(',')}]`;
  }

  /**
   * Sets a level's quantity, "0" removes it. Returns what it was, "0" where there was none. `level` says the same and is kept,
   * so that it must not change any more.
   */
  set(price: string, quantity: string, level: BookLevel = [price, quantity]): string {
    const rank = doubleOf(price) * this.#direction;
    let index = countBelow(this.#lasts, rank, this.#lasts.length - 1);
    let block = this.#blocks[index] as Block;
    let at = countBelow(block.ranks, rank, block.ranks.length);
    // of prices that are the same double the text decides
    while (block.ranks[at] === rank) {
      const found = block.levels[at] as BookLevel;
      if (found[0] === price) {
        if (quantity === '0') this.#remove(index, at);
        else block.levels[at] = level;
        block.json = null;
        return found[1];
      }
      if (!this.isBeyond(price, found[0])) break;
      at++;
      if (at < block.levels.length || index === this.#blocks.length - 1) continue;
      index++;
      block = this.#blocks[index] as Block;
      at = 0;
    }
    // removing an absent level is normal: it lay outside the snapshot
    if (quantity !== '0') this.#insert(index, at, level, rank);
    return '0';
  }

  /** How many levels are `edge` or better. */
  countUpTo(edge: string): number {
    const rank = doubleOf(edge) * this.#direction;
    const index = countBelow(this.#lasts, rank, this.#lasts.length - 1);
    let count = 0;
    for (let i = 0; i < index; i++) count += (this.#blocks[i] as Block).levels.length;
    for (let i = index; i < this.#blocks.length; i++) {
      for (const [price] of (this.#blocks[i] as Block).levels) {
        if (this.isBeyond(price, edge)) return count;
        count++;
      }
    }
    return count;
  }

  /** True where `price` lies farther from the best than `edge`. */
  isBeyond(price: string, edge: string): boolean {
    return comparePrices(price, edge) * this.#direction > 0;
  }

  /** Takes the levels over as far as they are sorted, each price once and none empty. Returns how many that are. */
  #fill(levels: readonly BookLevel[]): number {
    let [last, at] = [NONE, 0];
    for (let block: Block | undefined; at < levels.length; at++) {
      const level = levels[at] as BookLevel;
      const rank = doubleOf(level[0]) * this.#direction;
      if (!(rank > last) || level[1] === '0') break;
      last = rank;
      const index = Math.floor(at / NEW_BLOCK);
      if (at % NEW_BLOCK === 0) {
        block = { levels: [], ranks: [], json: null };
        this.#blocks[index] = block;
      }
      block?.levels.push(level);
      block?.ranks.push(rank);
      this.#lasts[index] = rank;
    }
    this.#size = at;
    return at;
  }

  #insert(index: number, at: number, level: BookLevel, rank: number): void {
    const block = this.#blocks[index] as Block;
    const { levels, ranks } = block;
    // by hand: `splice` makes a list of what it removes
    for (let i = levels.length; i > at; i--) {
      levels[i] = levels[i - 1] as BookLevel;
      ranks[i] = ranks[i - 1] as number;
    }
    levels[at] = level;
    ranks[at] = rank;
    block.json = null;
    this.#size++;
    if (levels.length > MAX_BLOCK) {
      const half = MAX_BLOCK >> 1;
      const rest: Block = { levels: levels.splice(half), ranks: ranks.splice(half), json: null };
      this.#blocks.splice(index + 1, 0, rest);
      this.#lasts.splice(index + 1, 0, lastOf(rest));
    }
    this.#lasts[index] = lastOf(block);
  }

  #remove(index: number, at: number): void {
    const block = this.#blocks[index] as Block;
    const { levels, ranks } = block;
    for (let i = at + 1; i < levels.length; i++) {
      levels[i - 1] = levels[i] as BookLevel;
      ranks[i - 1] = ranks[i] as number;
    }
    levels.pop();
    ranks.pop();
    this.#size--;
    if (levels.length > 0 || this.#blocks.length === 1) this.#lasts[index] = lastOf(block);
    else {
      this.#blocks.splice(index, 1);
      this.#lasts.splice(index, 1);
    }
  }
}

/**
 * `Number(text)` of a canonical decimal that is not negative, in half its time. The same double: both numbers divided are
 * exact, so that rounding happens once.
 */
function doubleOf(text: string): number {
  const { length } = text;
  if (length > MAX_DOUBLE_TEXT) return Number(text);
  let digits = 0;
  let scale = 0;
  for (let i = 0; i < length; i++) {
    const char = text.charCodeAt(i);
    if (char === DOT) scale = length - 1 - i;
    else digits = digits * 10 + char - ZERO;
  }
  return scale === 0 ? digits : digits / (POWERS_OF_TEN[scale] as number);
}

/** How many of the first `count` of sorted numbers are below `limit`. */
function countBelow(sorted: readonly number[], limit: number, count: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lastOf({ ranks }: Block): number {
  return ranks.length > 0 ? (ranks[ranks.length - 1] as number) : NONE;
}

function jsonOf(levels: readonly BookLevel[]): string {
  return JSON.stringify(levels).slice(1, -1);
}

/** True where the best bid is not below the best ask. */
export function isCrossed(bids: PriceLevels, asks: PriceLevels): boolean {
  const [bid, ask] = [bids.best, asks.best];
  return bid !== undefined && ask !== undefined && comparePrices(bid[0], ask[0]) >= 0;
}
