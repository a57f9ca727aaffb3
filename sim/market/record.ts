/**
 * What a simulated market produced, noted at the moment it happened and apart from what REST computes, for tests to compare
 * with what arrived. Bounded: the oldest entries go first and are counted. How it is spelled is its exchange's.
 */
import type { Candle } from './candle.ts';
import { openOf } from './intervals.ts';
import type { Market } from './market.ts';
import type { Trade } from './tape.ts';

export interface RecordOptions {
  /** Entries of each kind that are kept, about. */
  recordLimit: number;
  /**
   * Epoch ms from which trades and minutes are on record though they happened before the start: for a stand-in that
   * takes the place of another one with the same seed, at rate 1. Default: the start.
   */
  recordFrom?: number;
}

/** What every dump of a record says, whatever the exchange. */
export interface SentSpan {
  symbol: string;
  /** Epoch ms from which the record holds everything, and up to which things have happened (exclusive). */
  since: number;
  until: number;
  /** Entries given up because of the record's limit. */
  dropped: number;
}

const MINUTE = 60_000;

/** `Update` is what is noted of a change of the book. */
export class MarketRecord<Update> {
  readonly trades: Trade[] = [];
  /** Minutes that ended, those without a trade included. */
  readonly candles: Candle[] = [];
  readonly updates: Update[] = [];
  private readonly market: Market;
  private readonly since: number;
  private readonly limit: number;
  private dropped = 0;

  constructor(market: Market, { recordLimit, recordFrom }: RecordOptions) {
    this.market = market;
    this.limit = recordLimit;
    this.since = Math.max(market.listedAt, Math.min(recordFrom ?? market.now, market.now));
    for (const trade of market.trades(this.since, market.now)) this.trade(trade);
    if (this.since === market.now) return;
    for (let open = openOf('1m', this.since); open + MINUTE <= market.now; open += MINUTE) {
      this.candle(market.candle('1m', open));
    }
  }

  trade(trade: Trade): void {
    this.keep(this.trades, trade);
  }

  candle(candle: Candle): void {
    this.keep(this.candles, candle);
  }

  update(update: Update): void {
    this.keep(this.updates, update);
  }

  /** What the record covers now. */
  span(): SentSpan {
    const { listing, now } = this.market;
    return { symbol: listing.symbol, since: this.since, until: now, dropped: this.dropped };
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
