/** What tickers and trades say of a market's day: since 0h by the exchange's clock, and over the last 24 hours. */
import { Candle } from '../market/candle.ts';
import type { DayWindow } from '../market/day-window.ts';
import type { Market } from '../market/market.ts';
import type { Trade } from '../market/tape.ts';
import type { Dialect } from './dialect.ts';
import { double } from './numbers.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

export interface DayFigures {
  last: Trade;
  open: number;
  high: number;
  low: number;
  previousClose: number;
  volume: bigint;
  quoteVolume: bigint;
  /** Bought by takers. */
  takerVolume: bigint;
  volume24h: bigint;
  quoteVolume24h: bigint;
  change: 'RISE' | 'EVEN' | 'FALL';
  /** In ticks. */
  difference: number;
  /** JSON number with a sign. */
  rate: string;
  yearHigh: number;
  yearLow: number;
  /** Spells ticks. */
  price(units: number): string;
}

/** First ms of the day that holds `time`, by the exchange's clock. */
export function dayStart(dialect: Dialect, time: number): number {
  return Math.floor((time + dialect.dayOffset) / DAY) * DAY - dialect.dayOffset;
}

/** Close of the day before; remembered, as it holds for a day. */
export class PreviousClose {
  private readonly market: Market;
  private readonly dialect: Dialect;
  private start = -1;
  private close = 0;

  constructor(market: Market, dialect: Dialect) {
    this.market = market;
    this.dialect = dialect;
  }

  value(): number {
    const start = dayStart(this.dialect, this.market.now);
    if (start !== this.start) {
      this.start = start;
      this.close = this.market.candle('1m', start - MINUTE).close;
    }
    return this.close;
  }
}

/** The figures at the market's own time. */
export function dayFigures(dialect: Dialect, market: Market, window: DayWindow, previousClose: number): DayFigures {
  const { listing } = market;
  const start = dayStart(dialect, market.now);
  const today = new Candle(start, start + DAY - 1, previousClose);
  for (let hour = start; hour <= market.now; hour += HOUR) today.addCandle(market.candle('1h', hour));
  const { volume, quoteVolume } = window.stats();
  const last = market.tradesFrom(market.lastTradeId(), 1)[0] as Trade;
  const difference = last.price - previousClose;
  const price = (units: number): string => dialect.price(units, listing.tickDecimals);
  return {
    last,
    open: today.open,
    high: today.high,
    low: today.low,
    previousClose,
    volume: today.volume.value(),
    quoteVolume: today.quoteVolume.value(),
    takerVolume: today.takerVolume.value(),
    volume24h: volume,
    quoteVolume24h: quoteVolume,
    change: difference > 0 ? 'RISE' : difference < 0 ? 'FALL' : 'EVEN',
    difference,
    rate: double(Math.round((difference / previousClose) * 1e10), 10),
    yearHigh: Math.max(today.high, Math.round(listing.price * 1.5 * 10 ** listing.tickDecimals)),
    yearLow: Math.min(today.low, Math.max(1, Math.round(listing.price * 0.6 * 10 ** listing.tickDecimals))),
    price,
  };
}
