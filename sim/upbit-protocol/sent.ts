/**
 * The oracle: what a simulated market produced, noted at the moment it happened, for tests to compare with what arrived.
 * Bounded: the oldest entries go first and are counted.
 */
import type { Candle } from '../market/candle.ts';
import type { Listing } from '../market/listing.ts';
import type { Trade } from '../market/tape.ts';
import type { Dialect } from './dialect.ts';
import { plain } from './numbers.ts';

/** Decimals as short as can be; ids as text. */
export interface SentTrade {
  streamId: string;
  restId: string;
  price: string;
  volume: string;
  side: 'ASK' | 'BID';
  time: number;
}

/** A minute that ended and had trades. */
export interface SentCandle {
  openTime: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
  value: string;
}

export interface Sent {
  symbol: string;
  /** Epoch ms from which the record holds everything, and up to which things have happened (exclusive). */
  since: number;
  until: number;
  trades: SentTrade[];
  candles: SentCandle[];
  /** Ms of the books that were told. */
  books: number[];
  /** Entries given up because of the record's limit. */
  dropped: number;
}

export class SentRecord {
  private readonly dialect: Dialect;
  private readonly listing: Listing;
  private readonly since: number;
  private readonly limit: number;
  private readonly trades: Trade[] = [];
  private readonly candles: Candle[] = [];
  private readonly books: number[] = [];
  private dropped = 0;

  /** Keeps about `limit` entries of each kind, from `since` (epoch ms) on. */
  constructor(dialect: Dialect, listing: Listing, since: number, limit: number) {
    this.dialect = dialect;
    this.listing = listing;
    this.since = since;
    this.limit = limit;
  }

  trade(trade: Trade): void {
    this.keep(this.trades, trade);
  }

  candle(candle: Candle): void {
    if (candle.count > 0) this.keep(this.candles, candle);
  }

  book(time: number): void {
    this.keep(this.books, time);
  }

  /** Everything noted, in order; `until` is the market's time. */
  sent(until: number): Sent {
    const { symbol, tickDecimals, lotDecimals } = this.listing;
    const { trade } = this.dialect;
    const price = (units: number): string => plain(units, tickDecimals);
    return {
      ...{ symbol, since: this.since, until, books: [...this.books], dropped: this.dropped },
      trades: this.trades.map((t) => ({
        streamId: trade.streamId(t),
        restId: trade.restId(t),
        price: price(t.price),
        volume: plain(t.quantity, lotDecimals),
        side: t.buyerIsMaker ? 'ASK' : 'BID',
        time: t.time,
      })),
      candles: this.candles.map((c) => ({
        openTime: c.openTime,
        open: price(c.open),
        high: price(c.high),
        low: price(c.low),
        close: price(c.close),
        volume: plain(c.volume.value(), lotDecimals),
        value: plain(c.quoteVolume.value(), tickDecimals + lotDecimals),
      })),
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
