/**
 * The 24 h figures of one market, out of its minutes and its newest trade. What is known decides, not the order in which it
 * came: the same minutes and trades give the same figures. Sums are kept up to date and extremes only looked for anew when
 * the minute that held one leaves, so that figures cost the same however busy the market is.
 */
import { comparePrices, decimal, Exact } from '../../schema/decimal.ts';
import { INTERVALS, type KlineEvent, type MarketRef, openTimeOf, type TickerEvent } from '../../schema/market.ts';
import { isNewerVersion } from '../klines/candle.ts';

const MINUTE = INTERVALS.M1;
export const TICKER_WINDOW_MS = INTERVALS.D1;

/** What of a trade the figures need. */
export interface LastTrade {
  tradeId: string;
  price: string;
  eventTime: number;
}

interface Minute extends Pick<KlineEvent, 'open' | 'high' | 'low' | 'close' | 'volume' | 'quoteVolume'> {
  isClosed: boolean;
  eventTime: number;
}

/** As one text: a market has 1,440 of them, and as objects they are three times as large. */
function pack(k: KlineEvent): string {
  const amounts = [k.open, k.high, k.low, k.close, k.volume, k.quoteVolume].map(decimal);
  return [k.isClosed ? 1 : 0, k.eventTime, ...amounts].join(' ');
}

function unpack(text: string): Minute {
  const [closed, eventTime, ...amounts] = text.split(' ');
  const [open, high, low, close, volume, quoteVolume] = amounts as [string, string, string, string, string, string];
  return { isClosed: closed === '1', eventTime: Number(eventTime), open, high, low, close, volume, quoteVolume };
}

/** True where `a` happened after `b`; of one ms, the greater id counts as later. */
function isLater(a: LastTrade, b: LastTrade): boolean {
  if (a.eventTime !== b.eventTime) return a.eventTime > b.eventTime;
  // as numbers where both are: the longer one is greater
  return a.tradeId.length === b.tradeId.length ? a.tradeId > b.tradeId : a.tradeId.length > b.tradeId.length;
}

export class TickerWindow {
  readonly #market: MarketRef;
  /** Minutes of the window by open time. */
  readonly #minutes = new Map<number, string>();
  #trade: LastTrade | null = null;
  /** What moment it is, by the exchange's clock: the newest time that anything known carries. */
  #now = Number.NEGATIVE_INFINITY;
  /** Open time of the oldest minute that may be in the window. */
  #from = Number.NEGATIVE_INFINITY;
  #volume = new Exact(0);
  #quoteVolume = new Exact(0);
  /** Null while it must be looked for. */
  #high: string | null = null;
  #low: string | null = null;

  constructor({ exchange, symbol }: MarketRef) {
    this.#market = { exchange, symbol };
  }

  /** The newest trade known. */
  get trade(): LastTrade | null {
    return this.#trade;
  }

  /** Open time of the oldest minute that counts, epoch ms. */
  get from(): number {
    return this.#from;
  }

  /** Takes a minute, open or closed; false where it says nothing new. */
  addMinute(k: KlineEvent): boolean {
    this.#advance(Math.max(k.eventTime, k.openTime));
    if (k.openTime < this.#from) return false;
    const known = this.#minutes.get(k.openTime);
    const before = known === undefined ? null : unpack(known);
    if (before && !isNewerVersion(k, before)) return false;
    const text = pack(k);
    const minute = unpack(text);
    this.#minutes.set(k.openTime, text);
    if (before) this.#take(before, -1);
    this.#take(minute, 1);
    return true;
  }

  /** Takes a trade; false where a later one is known. */
  addTrade({ tradeId, price, eventTime }: LastTrade): boolean {
    const trade = { tradeId, price: decimal(price), eventTime };
    if (this.#trade && !isLater(trade, this.#trade)) return false;
    this.#trade = trade;
    this.#advance(eventTime);
    return true;
  }

  /** The figures as they are now; null while no minute is known. `receivedAt`: our clock, epoch ms. */
  figures(receivedAt: number): TickerEvent | null {
    if (this.#minutes.size === 0) return null;
    const times = [...this.#minutes.keys()];
    const [oldest, newest] = [Math.min(...times), Math.max(...times)];
    const { open } = this.#minute(oldest);
    // a minute that is newer than the newest trade knows one that has not come
    const last = this.#trade && this.#trade.eventTime >= newest ? this.#trade.price : this.#minute(newest).close;
    const { high, low } = this.#extremes();
    const change = new Exact(open).isZero() ? new Exact(0) : new Exact(last).minus(open).div(open).times(100);
    return {
      ...this.#market,
      last,
      open,
      high: comparePrices(last, high) > 0 ? last : high,
      low: comparePrices(last, low) < 0 ? last : low,
      volume24h: this.#volume.toFixed(),
      quoteVolume24h: this.#quoteVolume.toFixed(),
      changePercent24h: change.toDecimalPlaces(4).toNumber(),
      coverage: this.#coverage(),
      eventTime: this.#now,
      receivedAt,
    };
  }

  /** Of the minutes that are over: the running one begins with its first trade. */
  #coverage(): number {
    const running = this.#minutes.has(openTimeOf('M1', this.#now)) ? 1 : 0;
    return Math.round(((this.#minutes.size - running) / (TICKER_WINDOW_MS / MINUTE - 1)) * 1e4) / 1e4;
  }

  #minute(openTime: number): Minute {
    return unpack(this.#minutes.get(openTime) as string);
  }

  /** Moves the window; minutes that it leaves behind go. */
  #advance(now: number): void {
    if (now <= this.#now) return;
    this.#now = now;
    const from = openTimeOf('M1', now) - TICKER_WINDOW_MS + MINUTE;
    if (from <= this.#from) return;
    const gone = (from - this.#from) / MINUTE;
    const times = gone < this.#minutes.size ? this.#range(this.#from, from) : [...this.#minutes.keys()];
    this.#from = from;
    for (const openTime of times) {
      if (openTime >= from || !this.#minutes.has(openTime)) continue;
      this.#take(this.#minute(openTime), -1);
      this.#minutes.delete(openTime);
    }
  }

  #range(from: number, to: number): number[] {
    return Array.from({ length: (to - from) / MINUTE }, (_, i) => from + i * MINUTE);
  }

  #take({ high, low, volume, quoteVolume }: Minute, sign: 1 | -1): void {
    this.#volume = sign > 0 ? this.#volume.plus(volume) : this.#volume.minus(volume);
    this.#quoteVolume = sign > 0 ? this.#quoteVolume.plus(quoteVolume) : this.#quoteVolume.minus(quoteVolume);
    if (sign < 0) {
      if (high === this.#high) this.#high = null;
      if (low === this.#low) this.#low = null;
    } else {
      if (this.#high !== null && comparePrices(high, this.#high) > 0) this.#high = high;
      if (this.#low !== null && comparePrices(low, this.#low) < 0) this.#low = low;
    }
  }

  #extremes(): { high: string; low: string } {
    if (this.#high === null || this.#low === null) {
      for (const text of this.#minutes.values()) {
        const { high, low } = unpack(text);
        if (this.#high === null || comparePrices(high, this.#high) > 0) this.#high = high;
        if (this.#low === null || comparePrices(low, this.#low) < 0) this.#low = low;
      }
    }
    return { high: this.#high as string, low: this.#low as string };
  }
}
