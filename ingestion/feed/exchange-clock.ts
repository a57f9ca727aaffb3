/**
 * What time it is for an exchange, as far as its frames tell: recordings and skewed clocks are not ours. Where nothing
 * happens at all no frame tells it, and time goes on all the same: at least by what has passed here since the last one.
 */

export interface ExchangeClock {
  /** An event carried this time, epoch ms. */
  note(eventTime: number): void;
  /** Newest credible event time; null before the first. */
  now(): number | null;
  /** What time it is there at the least; of a recording, whose time ends with its frames, the newest event time. */
  time(): number | null;
}

/** A stamp this far ahead of the others is an error unless more of them agree. */
const AHEAD_MS = 60_000;
const AGREEING = 3;
/** What was said longer ago than this is no longer of the present. */
const PRESENT_MS = 7 * 86_400_000;

/** `ours` is our clock, epoch ms. */
export function createExchangeClock(ours: () => number = Date.now): ExchangeClock {
  let newest: number | null = null;
  let notedAt = 0;
  let ahead = 0;
  return {
    note(eventTime) {
      const at = performance.now();
      if (newest !== null && eventTime > newest + (at - notedAt) + AHEAD_MS && ++ahead < AGREEING) return;
      ahead = 0;
      if (newest !== null && eventTime <= newest) return;
      newest = eventTime;
      notedAt = at;
    },
    now: () => newest,
    time() {
      if (newest === null || Math.abs(ours() - newest) > PRESENT_MS) return newest;
      return newest + Math.floor(performance.now() - notedAt);
    },
  };
}
