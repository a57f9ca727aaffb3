/** The oracle: a market's record as KuCoin would spell it. */
import type { Listing } from '../market/listing.ts';
import type { MarketRecord, SentSpan } from '../market/record.ts';
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

export interface Sent extends SentSpan {
  trades: SentTrade[];
  candles: SentCandle[];
  updates: SentUpdate[];
}

/** Everything noted, in order. */
export function sentOf(record: MarketRecord<SentUpdate>, { tickDecimals, lotDecimals }: Listing): Sent {
  const price = (units: number) => plain(units, tickDecimals);
  return {
    ...record.span(),
    trades: record.trades.map((t) => ({
      sequence: tradeSequence(t),
      price: price(t.price),
      size: plain(t.quantity, lotDecimals),
      side: t.buyerIsMaker ? 'sell' : 'buy',
      time: nanoseconds(t.time, t.id),
    })),
    candles: record.candles.map((c) => ({
      ...{ start: c.openTime / 1_000, open: price(c.open), close: price(c.close), high: price(c.high) },
      ...{ low: price(c.low), volume: plain(c.volume.value(), lotDecimals) },
      ...{ turnover: plain(c.quoteVolume.value(), tickDecimals + lotDecimals), trades: c.count },
    })),
    updates: [...record.updates],
  };
}
