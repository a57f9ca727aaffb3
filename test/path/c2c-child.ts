/** A process of its own that does the tasks named on its command line in turn and exits 0, unless CRASH_AT ends it before. */
import { landingToBronze } from '../../ingestion/bronze/landing.ts';
import { ingestC2cOrders } from '../../ingestion/c2c/ingest.ts';
import { goldC2cDailyVolume } from '../../ingestion/gold/c2c-daily-volume.ts';
import { goldC2cSummary } from '../../ingestion/gold/c2c-summary.ts';
import { silverC2cOrders } from '../../ingestion/silver/c2c-order.ts';
import type { Task } from '../../ingestion/task.ts';
import { openPostgres } from '../../src/platform/postgres/postgres.ts';
import { runTask } from '../ingestion/silver/c2c-bronze.ts';

export const TASKS: readonly Task[] = [
  ingestC2cOrders,
  landingToBronze,
  silverC2cOrders,
  goldC2cDailyVolume,
  goldC2cSummary,
];

if (process.argv[1] === import.meta.filename) {
  const postgres = await openPostgres({ url: process.env.DATABASE_URL ?? '', pool: 3, timeoutMs: 20_000 });
  for (const name of process.argv.slice(2)) {
    const task = TASKS.find((one) => one.name === name);
    if (!task) throw new Error(`no task ${name}`);
    await runTask(postgres, task, process.env);
  }
  await postgres.close();
}
