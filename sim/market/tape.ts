/**
 * The trades of a simulated market as a function of time alone. Every hour has the same number of aggregate trades, shared
 * out over its minutes and their seconds by chance; so ids are dense, known for any moment without counting, and the same
 * again after a restart. A page of last week's trades needs no store.
 */
import type { Listing } from './listing.ts';
import { type QuotePath, STEP_MS } from './quotes.ts';
import { hash, unit } from './seeded.ts';

export interface Trade {
  /** Aggregate trade id; dense. */
  id: number;
  /** First and last raw trade id; dense over the aggregates. */
  first: number;
  last: number;
  /** Epoch ms. */
  time: number;
  /** In ticks. */
  price: number;
  /** In lots. */
  quantity: number;
  buyerIsMaker: boolean;
}

// how many raw trades the aggregates stand for, in turn: a cycle, so that raw ids need no counting either
const RAW = [1, 1, 2, 1, 1, 3, 1, 2];
const RAW_BEFORE = [0, 1, 2, 4, 5, 6, 9, 10];
const RAW_CYCLE = 12;

/** How many trades come before a moment, when every hour has `perHour` of them. */
class Schedule {
  private readonly cache = new Map<number, Uint32Array>();
  private readonly seed: number;
  readonly perHour: number;

  constructor(seed: number, perHour: number) {
    this.seed = seed;
    this.perHour = perHour;
  }

  /** Trades before second `second` (epoch s). */
  before(second: number): number {
    const minute = Math.floor(second / 60);
    const hour = Math.floor(minute / 60);
    const minutes = this.shares(hour, 3, this.perHour);
    const start = minutes[minute % 60] as number;
    const seconds = this.shares(minute, 4, (minutes[(minute % 60) + 1] as number) - start);
    return hour * this.perHour + start + (seconds[second % 60] as number);
  }

  /** The second that holds trade number `count` (0-based). */
  secondOf(count: number): number {
    const hour = Math.floor(count / this.perHour);
    const minutes = this.shares(hour, 3, this.perHour);
    const inHour = count % this.perHour;
    const m = lastAtMost(minutes, inHour);
    const start = minutes[m] as number;
    const seconds = this.shares(hour * 60 + m, 4, (minutes[m + 1] as number) - start);
    return (hour * 60 + m) * 60 + lastAtMost(seconds, inHour - start);
  }

  /** Running totals when `total` is shared out over sixty parts by chance; 61 values, the last is `total`. */
  private shares(index: number, level: number, total: number): Uint32Array {
    const key = index * 8 + level;
    const known = this.cache.get(key);
    if (known) return known;
    const weights = new Float64Array(61);
    let sum = 0;
    for (let i = 0; i < 60; i++) {
      sum += 0.4 + 1.2 * unit(this.seed, key, i);
      weights[i + 1] = sum;
    }
    const totals = new Uint32Array(61);
    for (let i = 1; i < 60; i++) totals[i] = Math.floor((total * (weights[i] as number)) / sum);
    totals[60] = total;
    if (this.cache.size >= 256) this.cache.clear();
    this.cache.set(key, totals);
    return totals;
  }
}

/** The last index below 60 whose running total is at most `value` and whose share holds it. */
function lastAtMost(totals: Uint32Array, value: number): number {
  let low = 0;
  let high = 59;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((totals[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

export class Tape {
  private readonly seed: number;
  private readonly past: Schedule;
  private readonly live: Schedule;
  /** Second from which `live` holds, and what to add to its counts. */
  private readonly change: number;
  private readonly idAtChange: number;
  private readonly offset: number;
  private readonly lotsAtTick: number;
  private readonly quotes: QuotePath;

  /**
   * `rate` scales the trades from `startedAt`'s minute on (epoch ms); what came before keeps at most rate 1, so that a day
   * of it stays cheap to compute. At rate 1 nothing depends on `startedAt`.
   */
  constructor(seed: number, listing: Listing, quotes: QuotePath, rate: number, startedAt: number) {
    this.seed = hash(seed, 202);
    this.quotes = quotes;
    const perHour = (r: number) => Math.max(1, Math.round(listing.tradesPerSecond * 3_600 * r));
    this.past = new Schedule(this.seed, perHour(Math.min(1, rate)));
    this.live = rate > 1 ? new Schedule(this.seed, perHour(rate)) : this.past;
    this.change = Math.floor(startedAt / 60_000) * 60;
    this.idAtChange = this.past.before(this.change);
    this.offset = this.idAtChange - this.live.before(this.change);
    this.lotsAtTick = listing.tradeValue * 10 ** (listing.tickDecimals + listing.lotDecimals);
  }

  /** The id of the first trade at or after second `second` (epoch s). */
  idBefore(second: number): number {
    return second < this.change ? this.past.before(second) : this.live.before(second) + this.offset;
  }

  /** The second (epoch s) in which trade `id` happens. */
  secondOf(id: number): number {
    return id < this.idAtChange ? this.past.secondOf(id) : this.live.secondOf(id - this.offset);
  }

  /** The trades of one second (epoch s), by id. */
  ofSecond(second: number): Trade[] {
    const from = this.idBefore(second);
    const count = this.idBefore(second + 1) - from;
    const trades: Trade[] = [];
    for (let i = 0; i < count; i++) trades.push(this.trade(from + i, second, i, count));
    return trades;
  }

  private trade(id: number, second: number, place: number, of: number): Trade {
    const time = second * 1_000 + Math.floor(((place + unit(this.seed, id, 5)) / of) * 1_000);
    const chance = hash(this.seed, id, 6);
    const buyerIsMaker = (chance & 1) === 1;
    const { bid, ask } = this.quotes.at(Math.floor(time / STEP_MS));
    // one in sixteen sweeps past the best price
    const beyond = (chance & 0xf0) === 0 ? (chance >>> 8) & 3 : 0;
    const price = buyerIsMaker ? Math.max(1, bid - beyond) : ask + beyond;
    const spread = Math.exp(2.4 * (unit(this.seed, id, 7) + unit(this.seed, id, 8) + unit(this.seed, id, 9) - 1.5));
    const quantity = Math.max(1, Math.round((this.lotsAtTick * spread) / price));
    const cycle = id % RAW.length;
    const first = Math.floor(id / RAW.length) * RAW_CYCLE + (RAW_BEFORE[cycle] as number);
    return { id, first, last: first + (RAW[cycle] as number) - 1, time, price, quantity, buyerIsMaker };
  }
}
