/** What is dropped when its time has passed, by event time. Candles (silver and gold) stay for good. */
import type { Config } from '../../src/platform/config.ts';
import { dropPartitionsBefore } from '../../src/platform/partitions.ts';
import type { Platform } from '../../src/platform/platform.ts';

type Days = Extract<keyof Config, `RETENTION_${string}_DAYS`>;

/** Tables in daily partitions, and the setting that says for how many days. */
const EXPIRING: readonly (readonly [table: string, days: Days])[] = [
  ['bronze.raw_landing', 'RETENTION_RAW_DAYS'],
  ['bronze.raw_event', 'RETENTION_RAW_DAYS'],
  ['silver.trade', 'RETENTION_TRADES_DAYS'],
  ['silver.ticker_24h', 'RETENTION_TICKER_DAYS'],
];

const DAY = 86_400_000;

/** Drops what is expired at `now` (epoch ms). Doing it twice is harmless. Resolves with the partitions dropped. */
export async function dropExpired({ postgres, config }: Platform, now: number): Promise<string[]> {
  const dropped: string[] = [];
  for (const [table, days] of EXPIRING) {
    dropped.push(...(await dropPartitionsBefore(postgres, table, 'day', now - config[days] * DAY)));
  }
  return dropped;
}
