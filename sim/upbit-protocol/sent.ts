/** The oracle: a market's record as the two exchanges would spell it. */
import type { Listing } from '../market/listing.ts';
import type { MarketRecord, SentSpan } from '../market/record.ts';
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

export interface Sent extends SentSpan {
  trades: SentTrade[];
  candles: SentCandle[];
  /** Ms of the books that were told. */
  books: number[];
}

/** Everything noted, in order. */
export function sentOf(record: MarketRecord<number>, { trade }: Dialect, listing: Listing): Sent {
  const { tickDecimals, lotDecimals } = listing;
  const price = (units: number): string => plain(units, tickDecimals);
  return {
    ...record.span(),
    trades: record.trades.map((t) => ({
      streamId: trade.streamId(t),
      restId: trade.restId(t),
      price: price(t.price),
      volume: plain(t.quantity, lotDecimals),
      side: t.buyerIsMaker ? 'ASK' : 'BID',
      time: t.time,
    })),
    candles: record.candles
      .filter((c) => c.count > 0)
      .map((c) => ({
        ...{ openTime: c.openTime, open: price(c.open), high: price(c.high), low: price(c.low) },
        ...{ close: price(c.close), volume: plain(c.volume.value(), lotDecimals) },
        value: plain(c.quoteVolume.value(), tickDecimals + lotDecimals),
      })),
    books: [...record.updates],
  };
}
