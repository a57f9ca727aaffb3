/** The rolling 24 h statistics of one market: the last 1,440 whole minutes and the running one. */
import type { Candle } from './candle.ts';
import { ExactSum } from './exact-sum.ts';
import { openOf } from './intervals.ts';
import type { Market } from './market.ts';

const MINUTE = 60_000;
const MINUTES = 1_440;

export interface DayStats {
  open: number;
  high: number;
  low: number;
  close: number;
  /** Close of the minute before the window. */
  previousClose: number;
  lastQuantity: number;
  /** In lots, and in ticks × lots. */
  volume: bigint;
  quoteVolume: bigint;
  firstTrade: number;
  lastTrade: number;
}

export class DayWindow {
  private readonly market: Market;
  private minutes: Candle[] = [];
  private readonly volume = new ExactSum();
  private readonly quoteVolume = new ExactSum();
  private high = 0;
  private low = 0;

  constructor(market: Market) {
    this.market = market;
  }

  /** The statistics at the market's own time. */
  stats(): DayStats {
    const running = this.market.candle('1m', openOf('1m', this.market.now));
    this.roll(running.openTime);
    const oldest = this.minutes[0] as Candle;
    const last = this.market.tradesFrom(this.market.lastTradeId(), 1)[0];
    return {
      open: oldest.open,
      high: Math.max(this.high, running.high),
      low: Math.min(this.low, running.low),
      close: running.close,
      previousClose: this.market.candle('1m', oldest.openTime - MINUTE).close,
      lastQuantity: last?.quantity ?? 0,
      volume: this.volume.value() + running.volume.value(),
      quoteVolume: this.quoteVolume.value() + running.quoteVolume.value(),
      firstTrade: this.minutes.find((m) => m.count > 0)?.first ?? running.first,
      lastTrade: last?.last ?? running.last,
    };
  }

  /** Makes the window the 1,440 minutes before `end`. */
  private roll(end: number): void {
    const start = end - MINUTES * MINUTE;
    let next = Math.max(start, (this.minutes.at(-1)?.openTime ?? 0) + MINUTE);
    if (next === end && this.minutes.length > 0) return;
    for (; next < end; next += MINUTE) {
      const minute = this.market.candle('1m', next);
      this.minutes.push(minute);
      this.volume.addSum(minute.volume);
      this.quoteVolume.addSum(minute.quoteVolume);
    }
    const gone = this.minutes.findIndex((m) => m.openTime >= start);
    for (const minute of this.minutes.splice(0, gone)) {
      this.volume.subtractSum(minute.volume);
      this.quoteVolume.subtractSum(minute.quoteVolume);
    }
    this.high = Math.max(...this.minutes.map((m) => m.high));
    this.low = Math.min(...this.minutes.map((m) => m.low));
  }
}
