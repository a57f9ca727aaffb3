/** The folded order book as the live store keeps it: the value of `orderbook:<exchange>:<symbol>:latest`. */
import type { BookIntegrity, BookLevel, MarketRef } from '../market.ts';

/** Levels a side that the live key keeps and a query may ask for. */
export const LIVE_BOOK_DEPTH = 500;

export interface LiveBook extends MarketRef {
  /** Best (highest) first. */
  bids: BookLevel[];
  /** Best (lowest) first. */
  asks: BookLevel[];
  /** The exchange's update id of the state. */
  sequence: string;
  integrity: BookIntegrity;
  eventTime: number;
  receivedAt: number;
}
