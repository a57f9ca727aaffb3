/**
 * The candles of one market: minutes in, candles of all intervals out. A longer candle is made of the next shorter ones
 * (M1 → M5 → H1 → H4 → D1), so that a changed minute costs at most 27 merges however long the day is.
 *
 * - A candle closes when its last minute closes, or when a minute of a later window is known.
 * - A minute that comes late changes the candles it belongs to, and they are said again, closed and with a later event time.
 * - `coverage` is the fraction of the candle's minutes that are known; while it forms, of those that have begun.
 * - Of hours that are long over only the hour is held: a day of minutes of some thousand markets is more than a process has
 *   room for. A minute of such an hour has its day loaded again.
 */
import { INTERVALS, type Interval, type KlineEvent, type MarketRef, openTimeOf } from '../../schema/market.ts';
import { type Candle, candleOfMinute, isNewerVersion, mergeCandles } from './candle.ts';

const LEVELS: readonly Interval[] = ['M1', 'M5', 'H1', 'H4', 'D1'];
const MINUTE = INTERVALS.M1;
const DAY = INTERVALS.D1;
/** The day before is kept this long into a day: it is when late minutes still come. */
const OVERLAP_MS = 30 * MINUTE;
/** Whole hours before the newest minute of which everything is held: it is then that candles are closed and corrected. */
const KEPT_MS = 2 * INTERVALS.H1;
/** What hours are made of, and not held of those that are over. */
const BELOW_HOURS = ['M1', 'M5'] as const;

/** What is held of one UTC day: per level, by open time. Of a minute, what was said is all there is. */
interface Day {
  /** Minutes from here on are held, and what is made of them; before it only whole hours are. */
  from: number;
  candles: Record<Interval, Map<number, Candle>>;
  /** What was last said of each candle. */
  said: Record<Interval, Map<number, KlineEvent>>;
}

const perLevel = <T>(make: () => T): Record<Interval, T> => ({
  M1: make(),
  M5: make(),
  H1: make(),
  H4: make(),
  D1: make(),
});

/** First millisecond of the UTC day that holds `time`. */
export function dayOf(time: number): number {
  return openTimeOf('D1', time);
}

export class KlineWindows {
  readonly #market: MarketRef;
  readonly #days = new Map<number, Day>();
  /** Open times of the candles to make anew, per level. */
  readonly #dirty = perLevel(() => new Set<number>());
  /** Open time of the newest minute known. */
  #frontier: number;

  /** `newest`: open time of the newest minute known so far. */
  constructor(market: MarketRef, newest: number | null) {
    this.#market = { exchange: market.exchange, symbol: market.symbol };
    this.#frontier = newest ?? Number.NEGATIVE_INFINITY;
  }

  /** The days (first millisecond) that must be loaded before minutes at `times` can be applied. */
  missingDays(times: readonly number[]): number[] {
    const wanted = Number.isFinite(this.#frontier) ? [...times, this.#frontier] : times;
    const missing = wanted.filter((time) => time < (this.#days.get(dayOf(time))?.from ?? Number.POSITIVE_INFINITY));
    return [...new Set(missing.map(dayOf))];
  }

  /** How many candles are held, of all intervals. */
  get size(): number {
    const maps = [...this.#days.values()].flatMap(({ candles, said }) => [candles, said].flatMap(Object.values));
    return maps.reduce((sum: number, map: Map<number, unknown>) => sum + map.size, 0);
  }

  /** Takes over what is stored of a day, in place of what was held of it: its candles of all intervals, in any order. */
  loadDay(day: number, stored: readonly KlineEvent[]): void {
    this.#days.delete(day);
    const held = this.#day(day);
    for (const k of stored) {
      held.said[k.interval].set(k.openTime, k);
    }
    for (const openTime of held.said.M1.keys()) this.#touch(openTime);
    this.#settle();
    for (const level of LEVELS) this.#dirty[level].clear();
  }

  /** Applies one minute of a loaded day; false where a newer version of it is known. */
  apply(minute: KlineEvent): boolean {
    const { openTime } = minute;
    const { said } = this.#day(dayOf(openTime));
    const known = said.M1.get(openTime);
    if (known && !isNewerVersion(minute, known)) return false;
    // what is applied now is what is known from now on; it is said with the next take
    said.M1.set(openTime, minute);
    this.#touch(openTime);
    if (openTime > this.#frontier) {
      // windows that the frontier leaves behind are closed by that
      if (Number.isFinite(this.#frontier)) this.#touch(this.#frontier, 'M5');
      this.#frontier = openTime;
    }
    return true;
  }

  /** The newest state of every candle that has changed since the last call, the older ones first. */
  take(): KlineEvent[] {
    this.#settle();
    const changed: KlineEvent[] = [];
    for (const level of LEVELS) {
      for (const openTime of [...this.#dirty[level]].sort((a, b) => a - b)) {
        const event = this.#say(level, openTime);
        if (event) changed.push(event);
      }
      this.#dirty[level].clear();
    }
    this.#forget();
    return changed;
  }

  #day(day: number): Day {
    const known = this.#days.get(day);
    if (known) return known;
    const fresh: Day = { from: day, candles: perLevel(() => new Map()), said: perLevel(() => new Map()) };
    this.#days.set(day, fresh);
    return fresh;
  }

  #touch(openTime: number, from: Interval = 'M1'): void {
    for (const level of LEVELS.slice(LEVELS.indexOf(from))) this.#dirty[level].add(openTimeOf(level, openTime));
  }

  /** Makes the longer candles anew from the shorter ones, level by level. */
  #settle(): void {
    for (const [i, level] of LEVELS.entries()) {
      const below = LEVELS[i - 1];
      if (!below) continue;
      for (const openTime of this.#dirty[level]) {
        const { candles, said } = this.#day(dayOf(openTime));
        const parts: Candle[] = [];
        for (let at = openTime; at < openTime + INTERVALS[level]; at += INTERVALS[below]) {
          const minute = below === 'M1' ? said.M1.get(at) : undefined;
          const part = minute ? candleOfMinute(minute) : candles[below].get(at);
          if (part) parts.push(part);
        }
        if (parts.length > 0) candles[level].set(openTime, mergeCandles(parts));
      }
    }
  }

  #say(level: Interval, openTime: number): KlineEvent | null {
    const { candles, said } = this.#day(dayOf(openTime));
    if (level === 'M1') return said.M1.get(openTime) ?? null;
    const candle = candles[level].get(openTime);
    if (!candle) return null;
    const end = openTime + INTERVALS[level];
    const isClosed = this.#frontier >= end || (candle.lastMinute === end - MINUTE && candle.lastClosed);
    const begun = Math.min(end, this.#frontier + MINUTE) - openTime;
    const { minutes, lastClosed: _, lastMinute: __, ...values } = candle;
    const coverage = minutes / (begun / MINUTE);
    const event: KlineEvent = { ...this.#market, ...values, interval: level, openTime, isClosed, coverage };
    const before = said[level].get(openTime);
    if (before && !isNewerVersion(event, before)) {
      if (isSame(event, before)) return null;
      // changed by a minute older than its newest one: without a later time it would count as a repeat
      event.eventTime = before.eventTime + 1;
    }
    said[level].set(openTime, event);
    return event;
  }

  /** Keeps the newest day, and the one before for a while; what is older is loaded again when it is needed. */
  #forget(): void {
    const newest = dayOf(this.#frontier);
    const oldest = this.#frontier - newest < OVERLAP_MS ? newest - DAY : newest;
    const from = openTimeOf('H1', this.#frontier) - KEPT_MS;
    for (const [day, held] of this.#days) {
      if (day < oldest) this.#days.delete(day);
      else if (held.from < from) thin(held, Math.min(from, day + DAY));
    }
  }
}

/** Forgets what the hours before `from` are made of. */
function thin(day: Day, from: number): void {
  for (const level of BELOW_HOURS) {
    for (let at = day.from; at < from; at += INTERVALS[level]) {
      day.said[level].delete(at);
      day.candles[level].delete(at);
    }
  }
  day.from = from;
}

const VALUES = ['open', 'high', 'low', 'close', 'volume', 'quoteVolume', 'tradeCount', 'isClosed', 'coverage'] as const;

function isSame(a: KlineEvent, b: KlineEvent): boolean {
  return VALUES.every((name) => a[name] === b[name]);
}
