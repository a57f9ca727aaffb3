/** The oracle: a market's record as Binance would spell it. */
import type { Listing } from '../market/listing.ts';
import type { MarketRecord, SentSpan } from '../market/record.ts';
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

export interface Sent extends SentSpan {
  trades: SentTrade[];
  candles: SentCandle[];
  depth: SentDepth[];
}

/** Everything noted, in order. */
export function sentOf(record: MarketRecord<SentDepth>, { tickDecimals, lotDecimals }: Listing): Sent {
  const price = (units: number) => digits(units, tickDecimals);
  const lots = (units: number | bigint) => digits(units, lotDecimals);
  const value = (units: bigint) => digits(units, tickDecimals + lotDecimals);
  return {
    ...record.span(),
    trades: record.trades.map((t) => ({
      ...{ a: t.id, p: price(t.price), q: lots(t.quantity), f: t.first, l: t.last },
      ...{ T: t.time, m: t.buyerIsMaker },
    })),
    candles: record.candles.map((c) => ({
      ...{ t: c.openTime, T: c.closeTime, o: price(c.open), h: price(c.high), l: price(c.low), c: price(c.close) },
      ...{ v: lots(c.volume.value()), q: value(c.quoteVolume.value()), n: c.count },
      ...{ V: lots(c.takerVolume.value()), Q: value(c.takerQuoteVolume.value()), f: c.first, L: c.last },
    })),
    depth: [...record.updates],
  };
}
