/** What time it is for an exchange, as far as its frames tell: recordings and skewed clocks are not ours. */

export interface ExchangeClock {
  /** An event carried this time, epoch ms. */
  note(eventTime: number): void;
  /** Newest credible event time; null before the first. */
  now(): number | null;
}

/** A stamp this far ahead of the others is an error unless more of them agree. */
const AHEAD_MS = 60_000;
const AGREEING = 3;

export function createExchangeClock(): ExchangeClock {
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
  };
}
