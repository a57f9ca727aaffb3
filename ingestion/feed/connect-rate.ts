/** Keeps connection attempts of one address below what an exchange allows, whichever feed makes them. */
import { pause } from '../../src/platform/retry.ts';

export interface ConnectRate {
  /** Resolves when one more attempt is allowed, or when `signal` is aborted. */
  turn(signal: AbortSignal): Promise<void>;
}

/** At most `count` attempts in any `perMs`. */
export function createConnectRate({ count, perMs }: { count: number; perMs: number }): ConnectRate {
  const attempts: number[] = [];
  return {
    async turn(signal) {
      while (!signal.aborted) {
        const now = performance.now();
        while (attempts.length > 0 && (attempts[0] ?? now) <= now - perMs) attempts.shift();
        if (attempts.length < count) {
          attempts.push(now);
          return;
        }
        await pause((attempts[0] ?? now) + perMs - now + 1, signal);
      }
    },
  };
}
