/**
 * History meets live: the newest rows of gold.kline and what the live store knows beyond them. The table is written apart
 * from the stream and may be behind it.
 */
import { INTERVALS, type Interval, type KlineEvent } from '../schema/market.ts';
import { type Latest, type LiveStore, LiveStoreUnavailable, type StreamPosition } from '../src/platform/live/store.ts';
import { optional } from './availability.ts';

/** Which of a market's candles a page asks for. */
export interface KlineRange {
  interval: Interval;
  order: 'ASC' | 'DESC';
  /** Epoch ms; `from` inclusive, `to` exclusive. */
  from: number | null;
  to: number | null;
  /** Opening time of the last row of the page before. */
  afterTime: number | null;
}

/** Candles of a page and the stream position that they hold for. */
export interface Joined {
  candles: KlineEvent[];
  at: StreamPosition | LiveStoreUnavailable;
}

/** Entries of a stream that are looked at for candles that are not in the table yet. */
const WINDOW = 512n;

/** A table that is further behind its stream than this is out of order anyway. */
export const LAG_MS = 60_000;

/** Closed beats open, then the later word wins. */
function newer(a: KlineEvent, b: KlineEvent): KlineEvent {
  if (a.isClosed !== b.isClosed) return a.isClosed ? a : b;
  return b.eventTime >= a.eventTime ? b : a;
}

/**
 * The rows (at most `first` and one more, in order) with the candles of the live store that belong among them. Where the
 * table is further behind than can be made up for, the position goes back to the oldest event kept: a candle told twice
 * is better than one never told. `latest` was read before the rows.
 */
export async function joinLiveKlines(
  live: LiveStore,
  stream: string,
  key: KlineRange,
  rows: readonly KlineEvent[],
  latest: Latest,
): Promise<Joined> {
  const newest = JSON.parse(latest.value) as KlineEvent;
  const length = INTERVALS[key.interval];
  // by the stream's own clock: replayed data is as old as it is
  if (key.to !== null && key.to <= newest.openTime - length - LAG_MS) return { candles: [...rows], at: latest };
  const last = rows.at(key.order === 'ASC' ? -1 : 0);
  /** Everything that opened before this is in the table, or of no interest. */
  const complete = last
    ? last.openTime + (last.isClosed ? length : 0)
    : Math.max(key.from ?? 0, key.order === 'ASC' && key.afterTime !== null ? key.afterTime + 1 : 0);
  const extra = [newest];
  let at: Joined['at'] = { epoch: latest.epoch, sequence: latest.sequence };
  if (complete < newest.openTime) {
    const from = latest.sequence > WINDOW ? latest.sequence - WINDOW : 0n;
    const entries = await optional(live.read(stream, from, Number(latest.sequence - from)));
    if (entries instanceof LiveStoreUnavailable) {
      at = entries;
    } else {
      extra.unshift(...entries.map((entry) => JSON.parse(entry.payload) as KlineEvent));
      const whole = entries[0]?.sequence === 1n || complete >= (extra[0] as KlineEvent).openTime;
      if (!whole) at = await beforeOldest(live, stream, latest);
    }
  }
  const known = new Map(rows.map((row) => [row.openTime, row]));
  for (const candle of extra) {
    if (key.from !== null && candle.openTime < key.from) continue;
    if (key.to !== null && candle.openTime >= key.to) continue;
    if (key.afterTime !== null && candle.openTime <= key.afterTime) continue;
    const row = known.get(candle.openTime);
    known.set(candle.openTime, row ? newer(row, candle) : candle);
  }
  const direction = key.order === 'ASC' ? 1 : -1;
  return { candles: [...known.values()].sort((a, b) => (a.openTime - b.openTime) * direction), at };
}

/** The position from which everything that the stream still has follows. */
export async function beforeOldest(
  live: LiveStore,
  stream: string,
  now: StreamPosition,
): Promise<StreamPosition | LiveStoreUnavailable> {
  const oldest = await optional(live.oldest(stream));
  if (oldest instanceof LiveStoreUnavailable) return oldest;
  return { epoch: now.epoch, sequence: (oldest ?? now.sequence + 1n) - 1n };
}
