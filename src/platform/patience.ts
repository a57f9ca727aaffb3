/** Waiting at the start for stores that are not there yet, or not any more: within a bound, and saying what is waited for. */
import type { Log } from './log.ts';
import type { Platform } from './platform.ts';
import { type Backoff, fullJitter, pause } from './retry.ts';

const BACKOFF: Backoff = { baseMs: 200, capMs: 3_000 };
/** Errors that another try may cure, whichever store says so. */
const UNAVAILABLE = new Set(['PostgresUnavailable', 'BrokerUnavailable', 'LiveStoreUnavailable']);

export interface Patience {
  /** Since the first try, ms: a try that fails after this was the last. */
  ms: number;
  log: Log;
}

/** How long a start waits, as the settings say. */
export function patienceOf({ config, log }: Pick<Platform, 'config' | 'log'>): Patience {
  return { ms: config.START_PATIENCE_MS, log };
}

/**
 * What `attempt` resolves with, tried again as long as a store can't be reached. `what` is what the log says is waited for.
 * Rejects with what the last try failed with, or at once with anything that another try won't cure.
 */
export async function whenThere<T>(what: string, { ms, log }: Patience, attempt: () => Promise<T>): Promise<T> {
  const from = performance.now();
  for (let tries = 0; ; tries++) {
    try {
      const found = await attempt();
      if (tries > 0) log.info({ waitedMs: Math.round(performance.now() - from) }, `${what}: there`);
      return found;
    } catch (error) {
      const waitedMs = Math.round(performance.now() - from);
      if (!UNAVAILABLE.has((error as Error).name) || waitedMs >= ms) throw error;
      log.warn({ reason: (error as Error).message, waitedMs, patienceMs: ms }, `waiting for ${what}`);
      await pause(fullJitter(BACKOFF, tries));
    }
  }
}
