/**
 * One simulated market: the single truth behind its frames and its REST answers. What has happened is a function of seed
 * and time (see `tape`); `now` is how far this market has got, and nothing later is ever told.
 */
import { Book } from './book.ts';
import { Candle } from './candle.ts';
import { type KlineInterval, nextOpen, openOf } from './intervals.ts';
import type { Listing } from './listing.ts';
import { QuotePath, STEP_MS } from './quotes.ts';
import { hash, seedOf } from './seeded.ts';
import { Tape, type Trade } from './tape.ts';

/** How long before its start a market has a history. */
export const HISTORY_MS = 7 * 86_400_000;

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** Closed candles kept, per length; older ones are computed again when asked for. */
const CACHED = 3_000;

export class Market {
  readonly listing: Listing;
  readonly tape: Tape;
  readonly book: Book;
  /** First ms of history. */
  readonly listedAt: number;
  /** Trades before this ms have happened (epoch ms). */
  now: number;
  private readonly quotes: QuotePath;
  private minute: Candle;
  private readonly closed = new Map<number, Candle>();
  private readonly hours = new Map<number, Candle>();
  private second: Trade[] = [];
  private secondAt = -1;

  /** Begins at `startedAt` (epoch ms). `rate` scales trades and book changes. */
  constructor(seed: number, listing: Listing, rate: number, startedAt: number) {
    const own = hash(seed, seedOf(listing.seedName ?? listing.symbol));
    this.listing = listing;
    this.quotes = new QuotePath(seed, listing);
    this.tape = new Tape(own, listing, this.quotes, rate, startedAt);
    this.listedAt = Math.floor((startedAt - HISTORY_MS) / HOUR) * HOUR;
    this.now = startedAt;
    const step = Math.floor(startedAt / STEP_MS);
    this.book = new Book(own, listing, rate, step, this.quotes.at(step));
    this.minute = this.fold(openOf('1m', startedAt), startedAt);
  }

  /** Lets time pass up to `to` (exclusive), and returns the trades of that time and the minutes that ended. */
  advance(to: number): { trades: Trade[]; ended: Candle[] } {
    const trades = this.trades(this.now, to);
    const ended: Candle[] = [];
    const roll = (time: number) => {
      while (this.minute.closeTime < time) {
        ended.push(this.minute);
        keep(this.closed, this.minute);
        this.minute = new Candle(this.minute.closeTime + 1, this.minute.closeTime + MINUTE, this.minute.close);
      }
    };
    for (const trade of trades) {
      roll(trade.time);
      this.minute.add(trade);
    }
    roll(to);
    this.now = to;
    return { trades, ended };
  }

  /** Moves the book to `step`, and returns what changed with the ids it took. */
  advanceBook(step: number, traded: boolean) {
    const first = this.book.lastUpdateId + 1;
    const change = this.book.advance(step, this.quotes.at(step), traded);
    return { ...change, first, last: this.book.lastUpdateId };
  }

  /** The trades in [from, to), whether told already or not. */
  trades(from: number, to: number): Trade[] {
    const found: Trade[] = [];
    for (let s = Math.floor(from / 1_000); s * 1_000 < to; s++) {
      if (s !== this.secondAt) {
        this.second = this.tape.ofSecond(s);
        this.secondAt = s;
      }
      for (const t of this.second) if (t.time >= from && t.time < to) found.push(t);
    }
    return found;
  }

  /** Up to `limit` trades from id `id` on that have happened. */
  tradesFrom(id: number, limit: number): Trade[] {
    const found: Trade[] = [];
    const oldest = this.tape.idBefore(this.listedAt / 1_000);
    const from = Math.max(id, oldest);
    if (from > this.lastTradeId()) return found;
    for (let s = this.tape.secondOf(from); s * 1_000 < this.now && found.length < limit; s++) {
      for (const t of this.tape.ofSecond(s)) {
        if (t.id >= from && t.time < this.now && found.length < limit) found.push(t);
      }
    }
    return found;
  }

  /** Id of the newest trade that has happened. */
  lastTradeId(): number {
    return this.firstTradeAt(this.now) - 1;
  }

  /** Id of the first trade at or after `time` (epoch ms). */
  firstTradeAt(time: number): number {
    const second = Math.floor(time / 1_000);
    return this.tape.idBefore(second) + this.tape.ofSecond(second).filter((t) => t.time < time).length;
  }

  /** The candle of `interval` that opens at `open`, as far as it has happened. */
  candle(interval: KlineInterval, open: number): Candle {
    if (interval === '1m') return this.minuteAt(open);
    const end = nextOpen(interval, open);
    if (interval === '1s') return this.fold(open, Math.min(end, this.now), end - 1);
    if (interval === '1h' && end <= this.now) {
      const known = this.hours.get(open);
      if (known) return known;
    }
    let time = Math.max(open, this.listedAt);
    const whole = new Candle(open, end - 1, this.minuteAt(time).open);
    while (time < end && time <= this.now) {
      const hour = interval !== '1h' && time % HOUR === 0 && time + HOUR <= Math.min(end, this.now);
      whole.addCandle(hour ? this.candle('1h', time) : this.minuteAt(time));
      time += hour ? HOUR : MINUTE;
    }
    if (interval === '1h' && end <= this.now) keep(this.hours, whole);
    return whole;
  }

  private minuteAt(open: number): Candle {
    if (open === this.minute.openTime) return this.minute;
    const known = this.closed.get(open);
    if (known) return known;
    const candle = this.fold(open, Math.min(open + MINUTE, this.now));
    if (open + MINUTE <= this.now) keep(this.closed, candle);
    return candle;
  }

  /** The candle of the trades in [from, to). */
  private fold(from: number, to: number, closeTime = from + MINUTE - 1): Candle {
    const id = this.tape.idBefore(Math.floor(from / 1_000));
    const before = this.tape.ofSecond(this.tape.secondOf(id - 1)).at(-1) as Trade;
    const candle = new Candle(from, closeTime, before.price);
    for (let s = from / 1_000; s * 1_000 < to; s++) {
      for (const t of this.tape.ofSecond(s)) if (t.time < to) candle.add(t);
    }
    return candle;
  }
}

function keep(cache: Map<number, Candle>, candle: Candle): void {
  cache.set(candle.openTime, candle);
  if (cache.size > CACHED) cache.delete(cache.keys().next().value as number);
}
