/** Order books from the live store, and what can be read off one. */
import { streamKey } from '../schema/channels.ts';
import { encodeCursor } from '../schema/cursor.ts';
import { addDecimals, Exact } from '../schema/decimal.ts';
import type { OrderBook, PriceLevel } from '../schema/graphql/orderbook.ts';
import type { LiveBook } from '../schema/live/book.ts';
import { latestBookKey } from '../schema/live/keys.ts';
import { type BookLevel, type MarketRef, marketId, type Side } from '../schema/market.ts';
import type { Latest, LiveStore } from '../src/platform/live/store.ts';
import { required } from './availability.ts';

/** Digits of a quotient that has no end: as many as IEEE decimal128. */
const QUOTIENT_DIGITS = 34;

/** Newest books with the positions they hold for; null where there is none. */
export function latestBooks(live: LiveStore, markets: readonly MarketRef[]): Promise<(Latest | null)[]> {
  return required(live.latest(markets.map(latestBookKey)));
}

/** Levels as GraphQL objects. */
export function priceLevels(levels: readonly BookLevel[]): PriceLevel[] {
  return levels.map(([price, quantity]) => ({ price, quantity }));
}

/** The book cut at `depth` levels a side. */
export function orderBookOf(latest: Latest, depth: number): OrderBook {
  const book = JSON.parse(latest.value) as LiveBook;
  const [bids, asks] = [book.bids.slice(0, depth), book.asks.slice(0, depth)];
  return {
    book,
    exchange: book.exchange,
    symbol: book.symbol,
    bids: priceLevels(bids),
    asks: priceLevels(asks),
    ...spreadOf(book),
    imbalance: imbalanceOf(bids, asks),
    bookSequence: book.sequence,
    integrity: book.integrity,
    time: book.eventTime,
    liveCursor: encodeCursor(streamKey('orderbook', marketId(book)), latest),
  };
}

function spreadOf({ bids, asks }: LiveBook): Pick<OrderBook, 'mid' | 'spreadBps'> {
  const [bid, ask] = [bids[0]?.[0], asks[0]?.[0]];
  if (bid === undefined || ask === undefined) return { mid: null, spreadBps: null };
  const mid = new Exact(bid).plus(ask).div(2);
  return { mid: mid.toFixed(), spreadBps: new Exact(ask).minus(bid).div(mid).times(10_000).toNumber() };
}

function imbalanceOf(bids: readonly BookLevel[], asks: readonly BookLevel[]): number | null {
  const volume = (levels: readonly BookLevel[]) =>
    levels.reduce((sum, [, quantity]) => addDecimals(sum, quantity), '0');
  const [bid, ask] = [new Exact(volume(bids)), new Exact(volume(asks))];
  const total = bid.plus(ask);
  return total.isZero() ? null : bid.minus(ask).div(total).toNumber();
}

/**
 * Average price to fill `quantity` of base: a buyer takes the asks, a seller the bids, over all levels that are kept.
 * Exact, or rounded to 34 digits where the quotient has no end. Null where the book is too thin.
 */
export function vwap(book: LiveBook, side: Side, quantity: string): string | null {
  const wanted = new Exact(quantity);
  let left = wanted;
  let paid = new Exact(0);
  for (const [price, offered] of side === 'BUY' ? book.asks : book.bids) {
    const taken = Exact.min(left, offered);
    paid = paid.plus(taken.times(price));
    left = left.minus(taken);
    if (left.isZero()) return paid.div(wanted).toSignificantDigits(QUOTIENT_DIGITS).toFixed();
  }
  return null;
}
