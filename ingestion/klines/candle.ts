/** Candles made of candles: exact, in any order of arrival the same. */
import { compareDecimals, Exact } from '../../schema/decimal.ts';
import type { KlineEvent } from '../../schema/market.ts';

/** What a longer candle needs to know of a shorter one; decimals as text, to keep a day of minutes small. */
export interface Candle {
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
  quoteVolume: string;
  /** Null as soon as one part does not know. */
  tradeCount: number | null;
  eventTime: number;
  receivedAt: number;
  /** Minutes that are known. */
  minutes: number;
  /** True where the last known minute is closed. */
  lastClosed: boolean;
  /** Open time of the last known minute. */
  lastMinute: number;
}

/** One minute as a candle to merge. */
export function candleOfMinute(k: KlineEvent): Candle {
  const { open, high, low, close, volume, quoteVolume, tradeCount, eventTime, receivedAt } = k;
  const prices = { open, high, low, close, volume, quoteVolume, tradeCount, eventTime, receivedAt };
  return { ...prices, minutes: 1, lastClosed: k.isClosed, lastMinute: k.openTime };
}

/** The candle of `parts`, which are in order of time and not empty. */
export function mergeCandles(parts: readonly Candle[]): Candle {
  const [first, ...rest] = parts;
  if (!first) throw new RangeError('nothing to merge');
  if (rest.length === 0) return first;
  const merged = { ...first };
  let volume = new Exact(first.volume);
  let quoteVolume = new Exact(first.quoteVolume);
  for (const part of rest) {
    if (compareDecimals(part.high, merged.high) > 0) merged.high = part.high;
    if (compareDecimals(part.low, merged.low) < 0) merged.low = part.low;
    volume = volume.plus(part.volume);
    quoteVolume = quoteVolume.plus(part.quoteVolume);
    merged.tradeCount =
      merged.tradeCount === null || part.tradeCount === null ? null : merged.tradeCount + part.tradeCount;
    merged.eventTime = Math.max(merged.eventTime, part.eventTime);
    merged.receivedAt = Math.max(merged.receivedAt, part.receivedAt);
    merged.minutes += part.minutes;
    merged.close = part.close;
    merged.lastClosed = part.lastClosed;
    merged.lastMinute = part.lastMinute;
  }
  merged.volume = volume.toFixed();
  merged.quoteVolume = quoteVolume.toFixed();
  return merged;
}

/** True where `a` replaces `b` as the version of one minute: closed beats open, then the later event time wins. */
export function isNewerVersion(
  a: Pick<KlineEvent, 'isClosed' | 'eventTime'>,
  b: Pick<KlineEvent, 'isClosed' | 'eventTime'>,
): boolean {
  return a.isClosed === b.isClosed ? a.eventTime > b.eventTime : a.isClosed;
}
