/** Turns one simulated market's life into the frames of its streams, at Binance's cadence. */
import type { Level } from '../market/book.ts';
import type { Candle } from '../market/candle.ts';
import { DayWindow } from '../market/day-window.ts';
import { KLINE_INTERVALS, type KlineInterval, nextOpen, openOf } from '../market/intervals.ts';
import type { Market } from '../market/market.ts';
import { STEP_MS } from '../market/quotes.ts';
import { MarketRecord, type RecordOptions } from '../market/record.ts';
import { hash, seedOf } from '../market/seeded.ts';
import { aggTradePayload, depthPayload, klinePayload, tickerPayload } from './payloads.ts';
import type { SentDepth } from './sent.ts';
import type { Publish } from './source.ts';

/** Ms between frames of a stream. */
export interface Cadence {
  kline: number;
  ticker: number;
}

/** web-socket-streams.md: klines 2000 ms (and only when changed, as recorded), tickers 1000 ms. */
export const BINANCE_CADENCE: Cadence = { kline: 2_000, ticker: 1_000 };

/** Recorded closed frames arrive 69 to 428 ms after the candle's last ms. */
const CLOSE_DELAY = { least: 69, spread: 300 };

interface Pending {
  first: number;
  bids: Map<number, number>;
  asks: Map<number, number>;
}

export class MarketFeed {
  readonly market: Market;
  readonly day: DayWindow;
  readonly record: MarketRecord<SentDepth>;
  private readonly publish: Publish;
  private readonly cadence: Cadence;
  private readonly phase: number;
  private readonly name: string;
  private fast: Pending | null = null;
  private slow: Pending | null = null;
  private traded = false;
  private changed = false;
  private changedSecond = false;
  private closing: { due: number; interval: KlineInterval; candle: Candle }[] = [];

  constructor(market: Market, publish: Publish, cadence: Cadence, record: RecordOptions) {
    this.market = market;
    this.day = new DayWindow(market);
    this.record = new MarketRecord(market, record);
    this.publish = publish;
    this.cadence = cadence;
    this.name = market.listing.symbol.toLowerCase();
    this.phase = seedOf(this.name);
  }

  /** Lets time pass to `to`, at most to the end of the running step, and says what comes of it; `skew` shifts event times. */
  advance(to: number, skew: number): void {
    const { trades, ended } = this.market.advance(to);
    for (const trade of trades) {
      this.record.trade(trade);
      this.publish(`${this.name}@aggTrade`, () => aggTradePayload(this.market.listing, trade, trade.time + skew));
    }
    if (trades.length > 0) this.traded = this.changed = this.changedSecond = true;
    for (const candle of ended) this.end(candle);
    if (to % STEP_MS === 0) this.step(to, skew);
  }

  /** Passes over a time nobody could have followed: it happened, and is on record, but no frame tells of it. */
  skip(to: number): void {
    const { trades, ended } = this.market.advance(to);
    for (const trade of trades) this.record.trade(trade);
    for (const candle of ended) this.record.candle(candle);
  }

  private step(time: number, skew: number): void {
    this.depth(time, skew);
    if (time % 1_000 === 0) this.endSecond(time, skew);
    this.klines(time, skew);
    const listing = this.market.listing;
    if ((time + this.offset(this.cadence.ticker)) % this.cadence.ticker < STEP_MS) {
      this.publish(`${this.name}@ticker`, () => {
        const { bids, asks } = this.market.book.top(1);
        return tickerPayload(listing, this.day.stats(), bids[0] as Level, asks[0] as Level, time + skew);
      });
    }
  }

  private depth(time: number, skew: number): void {
    const change = this.market.advanceBook(time / STEP_MS, this.traded);
    this.traded = false;
    this.fast = gather(this.fast, change);
    this.slow = gather(this.slow, change);
    if (this.tell(this.fast, '@depth@100ms', time, skew)) {
      this.record.update({ U: this.fast.first, u: this.market.book.lastUpdateId, E: time + skew });
      this.fast = null;
    }
    if (time % 1_000 === 0 && this.tell(this.slow, '@depth', time, skew)) this.slow = null;
  }

  /** Sends what is pending, unless nothing changed; ids without a change wait for the next frame. */
  private tell(pending: Pending, suffix: string, time: number, skew: number): boolean {
    if (pending.bids.size + pending.asks.size === 0) return false;
    const last = this.market.book.lastUpdateId;
    this.publish(`${this.name}${suffix}`, () => {
      const sides = { bids: [...pending.bids], asks: [...pending.asks] };
      return depthPayload(this.market.listing, { first: pending.first, last, ...sides }, time + skew);
    });
    return true;
  }

  /** A minute has ended: its frame, and those of the longer candles that end with it, follow a moment later. */
  private end(minute: Candle): void {
    this.record.candle(minute);
    const due = minute.closeTime + CLOSE_DELAY.least + (hash(this.phase, minute.openTime) % CLOSE_DELAY.spread);
    for (const interval of KLINE_INTERVALS) {
      const open = openOf(interval, minute.openTime);
      if (interval === '1s' || nextOpen(interval, open) !== minute.closeTime + 1) continue;
      const candle = interval === '1m' ? minute : null;
      // a minute without a trade never changed, so no frame ends it
      if (candle?.count === 0) continue;
      this.closing.push({ due, interval, candle: candle ?? this.market.candle(interval, open) });
    }
    this.changed = false;
  }

  private endSecond(time: number, skew: number): void {
    if (this.changedSecond) this.kline('1s', time - 1_000, true, time + skew);
    this.changedSecond = false;
  }

  private klines(time: number, skew: number): void {
    if (this.closing.length > 0) {
      const due = this.closing.filter((c) => c.due <= time);
      if (due.length === 0) return;
      this.closing = this.closing.filter((c) => c.due > time);
      for (const { interval, candle, due: at } of due) {
        this.publish(`${this.name}@kline_${interval}`, () =>
          klinePayload(this.market.listing, interval, candle, true, at + skew),
        );
      }
    }
    if (!this.changed || (time + this.offset(this.cadence.kline)) % this.cadence.kline >= STEP_MS) return;
    this.changed = false;
    for (const interval of KLINE_INTERVALS) {
      if (interval !== '1s') this.kline(interval, openOf(interval, time - 1), false, time + skew);
    }
  }

  private kline(interval: KlineInterval, open: number, closed: boolean, at: number): void {
    this.publish(`${this.name}@kline_${interval}`, () =>
      klinePayload(this.market.listing, interval, this.market.candle(interval, open), closed, at),
    );
  }

  /** Spreads the markets' frames over the cadence. */
  private offset(cadence: number): number {
    return this.phase % cadence;
  }
}

function gather(pending: Pending | null, change: { first: number; bids: Level[]; asks: Level[] }): Pending {
  const sum = pending ?? { first: change.first, bids: new Map(), asks: new Map() };
  for (const [price, quantity] of change.bids) sum.bids.set(price, quantity);
  for (const [price, quantity] of change.asks) sum.asks.set(price, quantity);
  return sum;
}
