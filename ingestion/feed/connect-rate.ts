/** Keeps connection attempts of one address below what an exchange allows, whichever feed makes them. */
import { pause } from '../../src/platform/retry.ts';

export interface ConnectRate {
  /** Resolves when one more attempt is allowed, or when `signal` is aborted. */
  turn(signal: AbortSignal): Promise<void>;
  /** The exchange wants no attempt for this long. */
  pause(ms: number): void;
  /** For how long no attempt will be allowed, ms; 0 where they are. */
  silentFor(): number;
  /** The address is shared by so many processes: each keeps to its part. */
  divide(parts: number): void;
}

/** At most `count` attempts in any `perMs`. */
export function createConnectRate({ count, perMs }: { count: number; perMs: number }): ConnectRate {
  const attempts: number[] = [];
  let allowed = count;
  let pausedUntil = 0;
  return {
    async turn(signal) {
      while (!signal.aborted) {
        const now = performance.now();
        while (attempts.length > 0 && (attempts[0] ?? now) <= now - perMs) attempts.shift();
        if (attempts.length < allowed && now >= pausedUntil) {
          attempts.push(now);
          return;
        }
        // of the attempts of the last `perMs` so many must have passed by
        const last = attempts[attempts.length - allowed] ?? now - perMs;
        await pause(Math.max(pausedUntil, last + perMs) - now + 1, signal);
      }
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, performance.now() + ms);
    },
    silentFor: () => Math.max(0, pausedUntil - performance.now()),
    divide(parts) {
      allowed = Math.max(1, Math.floor(count / Math.max(1, parts)));
    },
  };
}
