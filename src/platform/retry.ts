/** Backoff with full jitter, and waiting that a stop can cut short. */

export interface Backoff {
  /** Upper bound of the first pause, ms. */
  baseMs: number;
  /** Upper bound of any pause, ms. */
  capMs: number;
}

/**
 * Length of the pause after the failed try `attempt` (0 for the first), ms: uniform between 0 and the exponentially
 * growing bound, so that many callers that failed together do not come back together.
 */
export function fullJitter({ baseMs, capMs }: Backoff, attempt: number, random: () => number = Math.random): number {
  // 2 ** 31 is beyond any cap
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 31)));
}

/** Resolves after `ms`, or at once when `signal` is aborted. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal?.aborted) return done();
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      done();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish);
  });
}
