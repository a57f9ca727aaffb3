/** Turns one simulated market's life into the frames of its streams. */
import type { Candle } from '../market/candle.ts';
import { DayWindow } from '../market/day-window.ts';
import { type KlineInterval, openOf } from '../market/intervals.ts';
import type { Market } from '../market/market.ts';
import { STEP_MS } from '../market/quotes.ts';
import { MarketRecord, type RecordOptions } from '../market/record.ts';
import { hash, seedOf } from '../market/seeded.ts';
import type { Trade } from '../market/tape.ts';
import { dayFigures, PreviousClose } from './day.ts';
import type { Dialect } from './dialect.ts';
import { bookFields, candleFields, type Sides, tickerFields, tradeFields } from './frames.ts';
import type { MakeFrame, StreamServer } from './stream-server.ts';

/** Candle streams by type. */
export const CANDLE_TYPES: Readonly<Record<string, KlineInterval>> = {
  'candle.1s': '1s',
  'candle.1m': '1m',
  'candle.3m': '3m',
  'candle.5m': '5m',
  'candle.15m': '15m',
  'candle.30m': '30m',
  'candle.60m': '1h',
  'candle.240m': '4h',
};
/** A book or trade is told this long after it happened, at the most. */
const MAX_DELAY_MS = 60;
/** Once in so many minutes the last frame of a minute is missing: the cadence of candles is not guaranteed. */
const LOST_CLOSE = 8;
/** Once in so many books one side is thin. */
const THIN = 40;

export class MarketFeed {
  readonly market: Market;
  readonly window: DayWindow;
  /** Updates are the ms of the books that were told. */
  readonly record: MarketRecord<number>;
  private readonly dialect: Dialect;
  private readonly streams: StreamServer;
  private readonly seed: number;
  readonly previousClose: PreviousClose;
  private lastTrade: Trade | null = null;
  private lastBook = '';
  /** When the book last changed, epoch ms. */
  bookAt = 0;
  private traded = false;
  private changedSecond = false;

  constructor(dialect: Dialect, market: Market, streams: StreamServer, record: RecordOptions) {
    this.dialect = dialect;
    this.market = market;
    this.streams = streams;
    this.window = new DayWindow(market);
    this.record = new MarketRecord(market, record);
    this.previousClose = new PreviousClose(market, dialect);
    this.seed = seedOf(`${dialect.name}:${market.listing.symbol}`);
    this.bookAt = market.now;
  }

  /** Lets time pass to `to`, at most to the end of the running step, and says what comes of it; `skew` shifts times. */
  advance(to: number, skew: number): void {
    const { trades, ended } = this.market.advance(to);
    for (const trade of trades) {
      this.record.trade(trade);
      this.lastTrade = trade;
      this.tell('trade', skew);
      this.tell('ticker', skew);
    }
    if (trades.length > 0) this.traded = this.changedSecond = true;
    for (const candle of ended) this.record.candle(candle);
    if (to % STEP_MS === 0) this.step(to, skew);
  }

  /** It happened, and is on record, but no frame tells of it. */
  skip(to: number): void {
    const { trades, ended } = this.market.advance(to);
    for (const trade of trades) this.record.trade(trade);
    for (const candle of ended) this.record.candle(candle);
  }

  /** How to make a frame of a type now; null for a type that doesn't exist or has nothing yet. */
  frame(type: string, skew: number): MakeFrame | null {
    const { dialect, market } = this;
    const { listing, now } = market;
    const interval = CANDLE_TYPES[type];
    if (interval) return this.candleFrame(type, interval, skew);
    if (type === 'orderbook') {
      return (units, format, stream) =>
        bookFields(dialect, listing, this.sides(units ?? dialect.book.fallback), this.bookAt + skew, stream, format);
    }
    if (type === 'ticker') {
      return (_units, _format, stream) => {
        const day = dayFigures(dialect, market, this.window, this.previousClose.value());
        const last = { ...day.last, time: day.last.time + skew };
        return tickerFields(dialect, listing, { ...day, last }, Math.max(last.time, now + skew - STEP_MS), stream);
      };
    }
    if (type !== 'trade') return null;
    const trade = this.lastTrade ?? (market.tradesFrom(market.lastTradeId(), 1)[0] as Trade);
    return (_units, _format, stream) => {
      const told = { ...trade, time: trade.time + skew };
      const delay = hash(this.seed, trade.id) % MAX_DELAY_MS;
      const day = { previousClose: this.previousClose.value() };
      return tradeFields(dialect, listing, told, day, market.book.top(1), told.time + delay, stream);
    };
  }

  /** The best levels; now and then one side is short. */
  sides(units: number): Sides {
    const { bids, asks } = this.market.book.top(units);
    const chance = hash(this.seed, this.bookAt, 9) % THIN;
    if (chance > 1) return { bids, asks };
    const short = Math.max(1, units - 3);
    return chance === 0 ? { bids: bids.slice(0, short), asks } : { bids, asks: asks.slice(0, short) };
  }

  private candleFrame(type: string, interval: KlineInterval, skew: number): MakeFrame | null {
    const { market } = this;
    const newest = market.tradesFrom(market.lastTradeId(), 1)[0];
    if (!newest) return null;
    // a candle appears with its first trade: the newest is that of the newest trade
    const candle: Candle = market.candle(interval, openOf(interval, newest.time));
    return (_units, _format, stream) => candleFields(market.listing, type, candle, newest.time + skew, stream);
  }

  private tell(type: string, skew: number): void {
    const { symbol } = this.market.listing;
    if (!this.streams.hasListener(type, symbol)) return;
    const make = this.frame(type, skew);
    if (make) this.streams.publish(type, symbol, make);
  }

  private step(time: number, skew: number): void {
    this.market.advanceBook(time / STEP_MS, this.traded);
    this.traded = false;
    const { bids, asks } = this.market.book.top(this.dialect.book.fallback);
    const book = `${bids} ${asks}`;
    const changed = book !== this.lastBook;
    this.lastBook = book;
    if (changed) this.bookAt = time;
    if (changed || this.dialect.book.repeats) {
      this.record.update(time);
      this.tell('orderbook', skew);
    }
    if (time % 1_000 === 0 && this.changedSecond) this.candles(time, skew);
  }

  /** Once a second, where there was a trade. */
  private candles(time: number, skew: number): void {
    this.changedSecond = false;
    const lost = time % 60_000 === 0 && hash(this.seed, time, 3) % LOST_CLOSE === 0;
    if (lost) return;
    for (const type of Object.keys(CANDLE_TYPES)) if (this.dialect.types.includes(type)) this.tell(type, skew);
  }
}
