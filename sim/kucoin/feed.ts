/** Turns one simulated market's life into the frames of its topics, at KuCoin's cadence. */
import type { Level } from '../market/book.ts';
import type { Candle } from '../market/candle.ts';
import type { Ticking } from '../market/clock.ts';
import { DayWindow } from '../market/day-window.ts';
import { openOf } from '../market/intervals.ts';
import type { Market } from '../market/market.ts';
import { STEP_MS } from '../market/quotes.ts';
import { MarketRecord, type RecordOptions } from '../market/record.ts';
import { hash, seedOf } from '../market/seeded.ts';
import type { Trade } from '../market/tape.ts';
import { ChangeNumbers } from './changes.ts';
import { CANDLE_TYPES } from './intervals.ts';
import { candleFrame, level2Frame, matchFrame, snapshotFrame, tickerFrame } from './payloads.ts';
import type { SentUpdate } from './sent.ts';

/** Where frames go. `payload` is only asked for when somebody listens. */
export type Publish = (topic: string, payload: () => string) => void;

/** Ms between frames of a topic. */
export interface Cadence {
  candles: number;
  snapshot: number;
}

/** Candles follow their trades within a moment; snapshots come every 2 s whether anything changed or not. */
export const KUCOIN_CADENCE: Cadence = { candles: 500, snapshot: 2_000 };

/** One in so many minutes is announced by an empty candle before its first trade. */
const EMPTY_ADDS = 3;
/** Numbers a step of the book may take in the long run: so that they still grow when the stand-in starts again. */
const PER_STEP = 50;

export class MarketFeed implements Ticking {
  readonly market: Market;
  readonly day: DayWindow;
  readonly record: MarketRecord<SentUpdate>;
  readonly numbers: ChangeNumbers;
  private readonly publish: Publish;
  private readonly cadence: Cadence;
  private readonly seed: number;
  private readonly symbol: string;
  private traded = false;
  private readonly changed = new Set<string>();
  private readonly told = new Map<string, number>();

  constructor(market: Market, publish: Publish, cadence: Cadence, rate: number, record: RecordOptions) {
    this.market = market;
    this.publish = publish;
    this.cadence = cadence;
    this.symbol = market.listing.symbol;
    this.seed = seedOf(this.symbol);
    this.day = new DayWindow(market);
    this.record = new MarketRecord(market, record);
    const perStep = PER_STEP * Math.max(1, Math.ceil(rate));
    this.numbers = new ChangeNumbers(this.seed, Math.floor(market.now / STEP_MS) * perStep);
  }

  /** Best levels and the newest trade. */
  best(): { bid: Level; ask: Level; last: Trade } {
    const { bids, asks } = this.market.book.top(1);
    const [last] = this.market.tradesFrom(this.market.lastTradeId(), 1);
    return { bid: bids[0] as Level, ask: asks[0] as Level, last: last as Trade };
  }

  advance(to: number, skew: number): void {
    const { listing } = this.market;
    const { trades, ended } = this.market.advance(to);
    for (const trade of trades) {
      this.record.trade(trade);
      this.publish(`/market/match:${this.symbol}`, () => matchFrame(`/market/match:${this.symbol}`, listing, trade));
    }
    this.note(trades);
    for (const candle of ended) this.end(candle, skew);
    // those of the minute that has just begun
    if (ended.length > 0) this.note(trades.filter((trade) => trade.time > (ended.at(-1) as Candle).closeTime));
    if (to % STEP_MS === 0) this.step(to, skew);
  }

  skip(to: number): void {
    const { trades, ended } = this.market.advance(to);
    for (const trade of trades) this.record.trade(trade);
    for (const candle of ended) this.record.candle(candle);
  }

  private note(trades: Trade[]): void {
    if (trades.length === 0) return;
    this.traded = true;
    for (const type of Object.keys(CANDLE_TYPES)) this.changed.add(type);
  }

  private step(time: number, skew: number): void {
    const { listing } = this.market;
    const topic = `/market/level2:${this.symbol}`;
    const updates = this.numbers.number(this.market.advanceBook(time / STEP_MS, this.traded));
    for (const update of updates) {
      this.record.update({ sequenceStart: update.first, sequenceEnd: update.last, time: time + skew });
      this.publish(topic, () => level2Frame(topic, listing, update, time + skew));
    }
    if (this.traded || updates.length > 0) {
      const ticker = `/market/ticker:${this.symbol}`;
      this.publish(ticker, () => tickerFrame(ticker, listing, this.numbers.sequence, this.best()));
    }
    this.traded = false;
    if (this.isDue(time, this.cadence.candles)) this.candles(time, skew);
    if (this.isDue(time, this.cadence.snapshot)) this.snapshot(time + skew);
  }

  private snapshot(at: number): void {
    const topic = `/market/snapshot:${this.symbol}`;
    const { listing } = this.market;
    this.publish(topic, () => snapshotFrame(topic, listing, this.numbers.sequence, this.day.stats(), this.best(), at));
  }

  /** A minute has ended: what of it was not told yet follows; the next one may be announced empty. */
  private end(minute: Candle, skew: number): void {
    this.record.candle(minute);
    const next = minute.closeTime + 1;
    for (const type of Object.keys(CANDLE_TYPES)) this.candle(type, minute.closeTime, next + skew);
    if (hash(this.seed, next, 7) % EMPTY_ADDS !== 0) return;
    this.changed.add('1min');
    this.candle('1min', next, next + skew);
  }

  private candles(time: number, skew: number): void {
    for (const type of [...this.changed]) this.candle(type, time - 1, time + skew);
  }

  /** Tells the candle that holds `moment`, if it changed. */
  private candle(type: string, moment: number, at: number): void {
    if (!this.changed.delete(type)) return;
    const interval = CANDLE_TYPES[type] as NonNullable<(typeof CANDLE_TYPES)[string]>;
    const topic = `/market/candles:${this.symbol}_${type}`;
    const open = openOf(interval, moment);
    const isFirst = this.told.get(type) !== open;
    this.told.set(type, open);
    this.publish(topic, () => {
      const candle = this.market.candle(interval, open);
      return candleFrame(topic, this.market.listing, candle, isFirst, at);
    });
  }

  /** Spreads the markets' frames over the cadence. */
  private isDue(time: number, cadence: number): boolean {
    return (time + (this.seed % cadence)) % cadence < STEP_MS;
  }
}
