/**
 * The oracle: what a simulated market produced, noted at the moment it happened and apart from what REST computes, for tests
 * to compare with what arrived. Bounded: the oldest entries go first and are counted.
 */
import type { Candle } from '../market/candle.ts';
import type { Listing } from '../market/listing.ts';
import type { Trade } from '../market/tape.ts';
import { nanoseconds, plain, tradeSequence } from './spelling.ts';

/** As in a match frame. */
export interface SentTrade {
  sequence: string;
  price: string;
  size: string;
  side: 'buy' | 'sell';
  /** Epoch ns. */
  time: string;
}

/** A minute that has ended; one without a trade is in no frame and no REST answer. */
export interface SentCandle {
  /** Epoch s. */
  start: number;
  open: string;
  close: string;
  high: string;
  low: string;
  volume: string;
  turnover: string;
  trades: number;
}

/** One level2 frame. */
export interface SentUpdate {
  sequenceStart: number;
  sequenceEnd: number;
  time: number;
}

export interface Sent {
  symbol: string;
  /** Epoch ms from which the record holds everything, and up to which things have happened (exclusive). */
  since: number;
  until: number;
  trades: SentTrade[];
  candles: SentCandle[];
  updates: SentUpdate[];
  /** Entries given up because of the record's limit. */
  dropped: number;
}

export class SentRecord {
  private readonly listing: Listing;
  private readonly since: number;
  private readonly limit: number;
  private readonly trades: Trade[] = [];
  private readonly candles: Candle[] = [];
  private readonly updates: SentUpdate[] = [];
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

  update(sequenceStart: number, sequenceEnd: number, time: number): void {
    this.keep(this.updates, { sequenceStart, sequenceEnd, time });
  }

  /** Everything noted, in order; `until` is the market's time. */
  sent(until: number): Sent {
    const { symbol, tickDecimals, lotDecimals } = this.listing;
    const price = (units: number) => plain(units, tickDecimals);
    return {
      symbol,
      since: this.since,
      until,
      trades: this.trades.map((t) => ({
        sequence: tradeSequence(t),
        price: price(t.price),
        size: plain(t.quantity, lotDecimals),
        side: t.buyerIsMaker ? 'sell' : 'buy',
        time: nanoseconds(t.time, t.id),
      })),
      candles: this.candles.map((c) => ({
        start: c.openTime / 1_000,
        open: price(c.open),
        close: price(c.close),
        high: price(c.high),
        low: price(c.low),
        volume: plain(c.volume.value(), lotDecimals),
        turnover: plain(c.quoteVolume.value(), tickDecimals + lotDecimals),
        trades: c.count,
      })),
      updates: [...this.updates],
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
