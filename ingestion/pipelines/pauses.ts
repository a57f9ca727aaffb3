/** How long a task that failed is left alone before the next try. */
import { type Backoff, fullJitter } from '../../src/platform/retry.ts';

/** The longest that a source's own word on when to come back is waited for, ms: beyond it the next run comes first. */
const LONGEST_MS = 6 * 3_600_000;

/** Ms from `now` until the source takes calls again, by what the error says itself (`until`, `retryAfterMs`); 0 where it says nothing. */
function asked(error: Error, now: number): number {
  const { until, retryAfterMs } = error as { until?: unknown; retryAfterMs?: unknown };
  if (typeof until === 'number') return Math.max(0, until - now);
  return typeof retryAfterMs === 'number' ? Math.max(0, retryAfterMs) : 0;
}

/**
 * The pause after the failed try `attempt` (0 for the first), ms: at random between half of the growing bound and all of it,
 * so that the tries together bear a time that can be named, and never less than what the error asks for. Null where that is
 * too long for this run: no try before then can help. `now` in epoch ms.
 */
export function pauseAfter(
  error: Error,
  attempt: number,
  backoff: Backoff,
  now: number,
  random: () => number = Math.random,
): number | null {
  const told = asked(error, now);
  if (told > LONGEST_MS) return null;
  const half = { baseMs: backoff.baseMs / 2, capMs: backoff.capMs / 2 };
  return Math.max(told, fullJitter(half, attempt, () => 1) + fullJitter(half, attempt, random));
}
