/**
 * Finds single lost trades where ids don't show them: once a minute is over and its candle settled, the exchange's volume
 * is held against the sum of the trades that were published of it. No I/O.
 */
import { Exact } from '../../schema/decimal.ts';
import { INTERVALS, type KlineEvent, openTimeOf, type TradeEvent } from '../../schema/market.ts';

const MINUTE = INTERVALS.M1;
/** A candle may be corrected until then, and its last trades come until then, after the minute's end. */
const SETTLED_MS = 12_000;
/** Minutes remembered; older ones are left as they are. */
const MAX_MINUTES = 10;
/** Exchanges that add up in floating point are off by less: the part of the volume, and of the base asset. */
const TOLERANCE = { part: 1e-9, least: 5e-9 };

interface Minute {
  traded: InstanceType<typeof Exact>;
  /** What the exchange says; null where no closed candle has come. */
  volume: string | null;
  judged: boolean;
}

export interface TradeAudit {
  /**
   * A trade that was published; each one once. `now` is the exchange's clock, epoch ms: a subscription begins with the last
   * trade there was, of minutes ago perhaps.
   */
  trade(trade: TradeEvent, now?: number): void;
  /** A candle that was published. */
  candle(kline: KlineEvent): void;
  /** From the next trade on nothing is missing again: minutes that it or anything before it lies in prove nothing. */
  restart(): void;
  /** Open times of the minutes of which trades are missing; each one once. `now` is the exchange's clock, epoch ms. */
  incomplete(now: number): number[];
}

/** Begins with the first trade. */
export function createTradeAudit(): TradeAudit {
  const minutes = new Map<number, Minute>();
  /** Minutes that open later were seen whole. */
  let since: number | null = null;

  function minuteAt(openTime: number): Minute {
    const known = minutes.get(openTime);
    if (known) return known;
    const minute: Minute = { traded: new Exact(0), volume: null, judged: false };
    minutes.set(openTime, minute);
    if (minutes.size > MAX_MINUTES) minutes.delete(Math.min(...minutes.keys()));
    return minute;
  }

  return {
    trade({ eventTime, quantity }, now = 0) {
      since ??= Math.max(eventTime, now);
      const minute = minuteAt(openTimeOf('M1', eventTime));
      minute.traded = minute.traded.plus(quantity);
    },
    candle({ openTime, isClosed, volume }) {
      if (!isClosed) return;
      const minute = minuteAt(openTime);
      // a correction is judged anew
      if (minute.volume !== volume) minute.judged = false;
      minute.volume = volume;
    },
    restart() {
      since = null;
    },
    incomplete(now) {
      const found: number[] = [];
      for (const [openTime, minute] of minutes) {
        if (minute.judged || minute.volume === null || now < openTime + MINUTE + SETTLED_MS) continue;
        minute.judged = true;
        if (since === null || openTime <= since) continue;
        const tolerance = Number(minute.volume) * TOLERANCE.part + TOLERANCE.least;
        if (new Exact(minute.volume).minus(minute.traded).toNumber() > tolerance) found.push(openTime);
      }
      return found;
    },
  };
}
