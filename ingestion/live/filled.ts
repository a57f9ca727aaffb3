/** Waits until the worker `live` has filled the emptied live store again as far as gold can tell. */

import { latestKlineKey } from '../../schema/live/keys.ts';
import { INTERVALS } from '../../schema/market.ts';
import { pause } from '../../src/platform/retry.ts';
import { loadNewestCandles } from '../gold/kline.ts';
import { type Task, TaskFailed } from '../task.ts';
import { knownMarkets } from './from-gold.ts';

const LOOK_MS = 200;
/** A worker that has been at it for this long without a single candle is none. */
const PATIENCE_MS = 30_000;

/** Done when each market has its newest candles there. Throws where nothing comes. */
export const liveIsFilled: Task = {
  name: 'live_is_filled',
  async run({ platform, signal, progress }) {
    const { live, postgres } = platform;
    const since = Date.now() - INTERVALS.D1;
    const candles = await loadNewestCandles(postgres, await knownMarkets(postgres));
    // one that is not traded any more is not in the log, perhaps
    const keys = candles.filter((k) => k.eventTime >= since).map((k) => latestKlineKey(k, k.interval));
    let filled = -1;
    let movedAt = performance.now();
    for (;;) {
      signal.throwIfAborted();
      const found = (await live.latest(keys)).filter((latest) => latest !== null).length;
      progress(found, keys.length);
      if (found >= keys.length) return { rowsIn: keys.length, rowsOut: found };
      if (found > filled) movedAt = performance.now();
      filled = found;
      if (performance.now() - movedAt > PATIENCE_MS) {
        throw new TaskFailed(
          `${keys.length - found} of ${keys.length} newest candles do not come: is a worker "live" running?`,
        );
      }
      await pause(LOOK_MS, signal);
    }
  },
};
