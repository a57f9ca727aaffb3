/** Candle intervals, named as Binance names them: where a candle of each begins and where the next one does. */

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Case-sensitive: 1m is a minute, 1M a month. */
export const KLINE_INTERVALS = [
  '1s',
  '1m',
  '3m',
  '5m',
  '15m',
  '30m',
  '1h',
  '2h',
  '4h',
  '6h',
  '8h',
  '12h',
  '1d',
  '3d',
  '1w',
  '1M',
] as const;
export type KlineInterval = (typeof KLINE_INTERVALS)[number];

const WEEK = 7 * 86_400_000;
// 1970-01-01 was a Thursday; weeks begin on Monday
const MONDAY = 4 * 86_400_000;

/** Length in ms, or null for the month, whose length varies. */
function lengthOf(interval: KlineInterval): number | null {
  if (interval === '1M') return null;
  if (interval === '1w') return WEEK;
  return Number.parseInt(interval, 10) * (UNITS[interval.slice(-1)] as number);
}

/** True for one of the names. */
export function isKlineInterval(text: string): text is KlineInterval {
  return (KLINE_INTERVALS as readonly string[]).includes(text);
}

/** First ms of the candle that holds `time`. */
export function openOf(interval: KlineInterval, time: number): number {
  const length = lengthOf(interval);
  if (length === null) {
    const date = new Date(time);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  }
  const offset = interval === '1w' ? MONDAY : 0;
  return Math.floor((time - offset) / length) * length + offset;
}

/** First ms of the candle after the one that opens at `open`. */
export function nextOpen(interval: KlineInterval, open: number): number {
  const length = lengthOf(interval);
  if (length !== null) return open + length;
  const date = new Date(open);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
