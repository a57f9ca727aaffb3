/** What is dropped when its time has passed, by event time. Candles (silver and gold) stay for good. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../../src/platform/config.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { keepLease, type Lease } from '../../src/platform/postgres/lease.ts';
import { dropPartitionsBefore } from '../../src/platform/postgres/partitions.ts';
import { pause } from '../../src/platform/retry.ts';
import { dropOldDeadLetters } from './old-dead-letters.ts';

type Days = Extract<keyof Config, `RETENTION_${string}_DAYS`>;

/** Tables in daily partitions, and the setting that says for how many days. */
const EXPIRING: readonly (readonly [table: string, days: Days])[] = [
  ['bronze.raw_landing', 'RETENTION_RAW_DAYS'],
  ['bronze.raw_event', 'RETENTION_RAW_DAYS'],
  ['silver.trade', 'RETENTION_TRADES_DAYS'],
  ['silver.ticker_24h', 'RETENTION_TICKER_DAYS'],
  ['gold.arbitrage_value', 'RETENTION_ARBITRAGE_DAYS'],
];

const DAY = 86_400_000;

/** Drops what is expired at `now` (epoch ms). Doing it twice is harmless. Resolves with the partitions dropped. */
export async function dropExpired({ postgres, config }: Platform, now: number): Promise<string[]> {
  const dropped: string[] = [];
  for (const [table, days] of EXPIRING) {
    dropped.push(...(await dropPartitionsBefore(postgres, table, 'day', now - config[days] * DAY)));
  }
  await dropOldDeadLetters(postgres, config.RETENTION_DEAD_LETTERS_DAYS, now);
  return dropped;
}

/** After a failure, e.g. a table that was being read all the time. */
const AGAIN_MS = 60_000;

/**
 * Drops what is expired, at once and every day, in one of all the processes that run this. A failure is logged and
 * tried again. `times` are for tests.
 */
export function startRetention(platform: Platform, times: { everyMs?: number; now?: () => number } = {}): Running {
  const { postgres, config } = platform;
  const { everyMs = DAY, now = Date.now } = times;
  const log = platform.log.child({ part: 'retention' });
  const ended = new AbortController();
  let turn = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function run(lease: Lease, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && lease.isHeld()) {
      let next = everyMs;
      try {
        const dropped = await dropExpired(platform, now());
        if (dropped.length > 0) log.info({ dropped }, 'expired partitions dropped');
      } catch (error) {
        log.warn({ err: error }, 'expired partitions not dropped');
        next = Math.min(AGAIN_MS, everyMs);
      }
      await pause(next, signal);
    }
  }

  const lease = keepLease({
    ...{ postgres, name: 'retention', ms: config.LEASE_MS, log },
    holder: `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`,
    onAcquired(held) {
      turn = new AbortController();
      const signal = AbortSignal.any([turn.signal, ended.signal]);
      running = running.then(() => run(held, signal));
    },
    onLost: () => turn.abort(),
  });
  return {
    async stop() {
      ended.abort();
      await Promise.all([lease.stop(), running]);
    },
  };
}
