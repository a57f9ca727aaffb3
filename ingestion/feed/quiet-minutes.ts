/**
 * The candle of a minute in which nothing was traded: where an exchange has none, it is made, at the price before it, so that
 * the minute counts as known. Only the exchange's own history may say so, some time after the minute: that a stream is
 * silent says nothing of the minutes of an outage.
 */
import { INTERVALS, type KlineEvent, type MarketRef } from '../../schema/market.ts';

const MINUTE = INTERVALS.M1;

/** An exchange's history has everything of a minute this long after its end, or never had anything. */
export const SETTLED_MS = 6_000;

/**
 * The closed candle of a quiet minute (epoch ms). Its event time lies before that of any other close of the minute, so that a
 * candle that turns up after all replaces it, in whatever order they are read.
 */
export function quietMinute({ exchange, symbol }: MarketRef, openTime: number, price: string): KlineEvent {
  return {
    ...{ exchange, symbol, interval: 'M1', openTime, open: price, high: price, low: price, close: price },
    ...{ volume: '0', quoteVolume: '0', tradeCount: 0, isClosed: true, coverage: 1 },
    eventTime: openTime + MINUTE - 2,
    receivedAt: Date.now(),
  };
}

/**
 * What the history says of the minutes from..to (without `to`, epoch ms), quiet ones included, in order. `price` is the last
 * one before them; null leaves out the quiet ones before the first candle.
 */
export function withQuietMinutes(
  market: MarketRef,
  found: readonly KlineEvent[],
  from: number,
  to: number,
  price: string | null,
): KlineEvent[] {
  const byTime = new Map(found.map((kline) => [kline.openTime, kline]));
  const all: KlineEvent[] = [];
  let last = price;
  for (let openTime = from; openTime < to; openTime += MINUTE) {
    const kline = byTime.get(openTime) ?? (last === null ? null : quietMinute(market, openTime, last));
    if (!kline) continue;
    all.push(kline);
    last = kline.close;
  }
  return all;
}
