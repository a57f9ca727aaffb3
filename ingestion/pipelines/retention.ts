/** What is dropped when its time has passed, by event time. Candles (silver and gold) stay for good. */
import type { Config } from '../../src/platform/config.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { dropPartitionsBefore } from '../../src/platform/postgres/partitions.ts';
import { dropOldRecords } from '../cdc/old-records.ts';
import type { Task } from '../task.ts';
import { dropOldResults } from '../workers/data-quality.ts';
import { dropOldDeadLetters } from '../workers/old-dead-letters.ts';
import { daily, PATIENT, type Pipeline } from './pipeline.ts';
import { dropOldRuns } from './upkeep.ts';

type Days = Extract<keyof Config, `RETENTION_${string}_DAYS`>;

/** Tables in daily partitions, and the setting that says for how many days. */
const EXPIRING: readonly (readonly [table: string, days: Days])[] = [
  // of bronze the market rows alone: a merchant's orders are not to be had again
  ['bronze.raw_landing_market', 'RETENTION_RAW_DAYS'],
  ['bronze.raw_event_market', 'RETENTION_RAW_DAYS'],
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
  return dropped;
}

const expiredPartitions: Task = {
  name: 'expired_partitions',
  async run({ platform, log }) {
    const dropped = await dropExpired(platform, Date.now());
    if (dropped.length > 0) log.info({ dropped }, 'expired partitions dropped');
    return { rowsIn: 0, rowsOut: dropped.length };
  },
};

const oldResults: Task = {
  name: 'old_quality_results',
  async run({ platform: { postgres, config } }) {
    await dropOldResults(postgres, config.RETENTION_QUALITY_DAYS, Date.now());
    return { rowsIn: 0, rowsOut: 0 };
  },
};

const oldDeadLetters: Task = {
  name: 'old_dead_letters',
  async run({ platform: { postgres, config } }) {
    return { rowsIn: 0, rowsOut: await dropOldDeadLetters(postgres, config.RETENTION_DEAD_LETTERS_DAYS, Date.now()) };
  },
};

const oldChanges: Task = {
  name: 'old_changes',
  async run({ platform: { postgres, config } }) {
    return { rowsIn: 0, rowsOut: await dropOldRecords(postgres, config.RETENTION_CDC_DAYS, Date.now()) };
  },
};

const oldRuns: Task = {
  name: 'old_runs',
  async run({ platform: { postgres, config } }) {
    return { rowsIn: 0, rowsOut: await dropOldRuns(postgres, config.RETENTION_RUNS_DAYS, Date.now()) };
  },
};

export const retention: Pipeline = {
  ...{ name: 'retention', schedule: daily(0, 45), ...PATIENT },
  steps: [expiredPartitions, oldResults, oldDeadLetters, oldChanges, oldRuns].map((task) => ({ task, after: [] })),
};
