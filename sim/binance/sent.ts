/**
 * The oracle: what a simulated market produced, noted at the moment it happened and apart from what REST computes, for tests
 * to compare with what arrived. Bounded: the oldest entries go first and are counted.
 */
import type { Candle } from '../market/candle.ts';
import type { Listing } from '../market/listing.ts';
import type { Trade } from '../market/tape.ts';
import { digits } from './digits.ts';

/** Field names as in Binance's aggTrade and kline payloads. */
export interface SentTrade {
  a: number;
  p: string;
  q: string;
  f: number;
  l: number;
  T: number;
  m: boolean;
}

/** A closed 1m candle. One with `n` 0 had no frame; its `f` and `L` are -1. */
export interface SentCandle {
  t: number;
  T: number;
  o: string;
  h: string;
  l: string;
  c: string;
  v: string;
  q: string;
  n: number;
  V: string;
  Q: string;
  f: number;
  L: number;
}

/** Ids of one `@depth@100ms` frame. */
export interface SentDepth {
  U: number;
  u: number;
  E: number;
}

export interface Sent {
  symbol: string;
  /** Epoch ms from which the record holds everything, and up to which things have happened (exclusive). */
  since: number;
  until: number;
  trades: SentTrade[];
  candles: SentCandle[];
  depth: SentDepth[];
  /** Entries given up because of the record's limit. */
  dropped: number;
}

export class SentRecord {
  private readonly listing: Listing;
  private readonly since: number;
  private readonly limit: number;
  private readonly trades: Trade[] = [];
  private readonly candles: Candle[] = [];
  private readonly depth: SentDepth[] = [];
  private dropped = 0;

  /** Keeps about `limit` entries of each kind, from `since` (epoch ms) on. */
  constructor(listing: Listing, since: number, limit: number) {
    this.listing = listing;
    this.since = since;
    this.limit = limit;
  }

  trade(trade: Trade): void {
    this.keep(this.trades, trade);
  }

  candle(candle: Candle): void {
    this.keep(this.candles, candle);
  }

  update(U: number, u: number, E: number): void {
    this.keep(this.depth, { U, u, E });
  }

  /** Everything noted, in order; `until` is the market's time. */
  sent(until: number): Sent {
    const { symbol, tickDecimals, lotDecimals } = this.listing;
    const price = (units: number) => digits(units, tickDecimals);
    const lots = (units: number | bigint) => digits(units, lotDecimals);
    const value = (units: bigint) => digits(units, tickDecimals + lotDecimals);
    return {
      symbol,
      since: this.since,
      until,
      trades: this.trades.map((t) => ({
        a: t.id,
        p: price(t.price),
        q: lots(t.quantity),
        f: t.first,
        l: t.last,
        T: t.time,
        m: t.buyerIsMaker,
      })),
      candles: this.candles.map((c) => ({
        t: c.openTime,
        T: c.closeTime,
        o: price(c.open),
        h: price(c.high),
        l: price(c.low),
        c: price(c.close),
        v: lots(c.volume.value()),
        q: value(c.quoteVolume.value()),
        n: c.count,
        V: lots(c.takerVolume.value()),
        Q: value(c.takerQuoteVolume.value()),
        f: c.first,
        L: c.last,
      })),
      depth: [...this.depth],
      dropped: this.dropped,
    };
  }

  private keep<T>(list: T[], entry: T): void {
    list.push(entry);
    // in bulk: dropping one at a time from the front would cost a move of the whole list each
    if (list.length >= this.limit * 1.25 + 100) {
      this.dropped += list.length - this.limit;
      list.splice(0, list.length - this.limit);
    }
  }
}
