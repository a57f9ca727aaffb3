/** Things that one process of all does again and again: who holds the lease does them, the others stand by. */
import type { Log } from '../../src/platform/log.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { type Lease, workWhileLeased } from '../../src/platform/postgres/lease.ts';
import { pause } from '../../src/platform/retry.ts';

export interface Singleton {
  /** Name of its lease. */
  readonly name: string;
  /** Least time between the beginnings of two rounds, ms. */
  readonly everyMs: number;
  /** Time from the lease to the first round, ms. */
  readonly firstMs: number;
  /** Called with every lease anew; the function it returns does one round, and may throw. */
  begin(platform: Platform, log: Log): (lease: Lease) => Promise<void>;
}

/** Does the rounds of a singleton, never two at once, in one of all the processes that run this. A failed round is logged. */
export function startSingleton(platform: Platform, { name, everyMs, firstMs, begin }: Singleton): Running {
  const { postgres, config } = platform;
  const log = platform.log.child({ part: name });

  async function rounds(held: Lease, signal: AbortSignal): Promise<void> {
    // a long round asks between its parts, and must not outlast a stop
    const lease: Lease = { ...held, isHeld: () => !signal.aborted && held.isHeld() };
    const round = begin(platform, log);
    let next = performance.now() + firstMs;
    while (lease.isHeld()) {
      const left = next - performance.now();
      // a timer may fire a little early
      if (left > 0) {
        await pause(Math.ceil(left), signal);
        continue;
      }
      next = performance.now() + everyMs;
      await round(lease).catch((error) => {
        if (!signal.aborted) log.warn({ err: error }, 'round not done');
      });
    }
  }

  return workWhileLeased({ postgres, name, ms: config.LEASE_MS, log, work: rounds });
}
