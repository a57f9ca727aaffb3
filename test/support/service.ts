/**
 * Real services of the tests (PostgreSQL, Redis, Kafka): where one can't be had on this machine, its suites are
 * reported as skipped with the reason and how to get it; with REQUIRE_SERVICES=1 that is a failure.
 */
import { describe, test } from 'node:test';

/** A service that a suite needs can't be had here. `how` says what to do about it. */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable';
  constructor(
    readonly service: string,
    reason: string,
    readonly how: string,
    options?: ErrorOptions,
  ) {
    super(`${service}: ${reason} (${how})`, options);
  }
}

/** True where a missing service must fail the run. */
export function servicesRequired(env: NodeJS.ProcessEnv = process.env): boolean {
  return env.REQUIRE_SERVICES === '1';
}

/**
 * Declares a suite that needs something. `prepare` fetches it (not: starts it) before the suite is declared; where that
 * throws ServiceUnavailable the suite is one skipped test that gives the reason, or one failed test under
 * REQUIRE_SERVICES=1. Any other error is a failed test. Start the service itself in the suite's `before`.
 *
 *     await withService('live store on Redis', prepareRedis, () => { before(…); test(…) });
 */
export async function withService(name: string, prepare: () => Promise<unknown>, suite: () => void): Promise<void> {
  try {
    await prepare();
  } catch (error) {
    if (error instanceof ServiceUnavailable && !servicesRequired()) {
      test(name, { skip: error.message }, () => {});
    } else {
      test(name, () => {
        throw error;
      });
    }
    return;
  }
  describe(name, suite);
}
