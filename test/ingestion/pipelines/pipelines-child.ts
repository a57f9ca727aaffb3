/**
 * A process that runs pipelines of made-up tasks on DATABASE_URL, for the tests that kill it. What a task does is one row in
 * the table `effect`, begun and ended, so that doing twice and at the same time shows.
 */
import { chain } from '../../../ingestion/pipelines/pipeline.ts';
import { startPipelines } from '../../../ingestion/pipelines/start.ts';
import { createJobs } from '../../../src/platform/postgres/jobs.ts';
import { openPostgres } from '../../../src/platform/postgres/postgres.ts';
import { madeUp, pipelinePlatform, task } from './made-up.ts';

const url = process.env.DATABASE_URL ?? '';
const postgres = await openPostgres({ url, pool: 4, timeoutMs: 5_000 });
const platform = pipelinePlatform(postgres, { LEASE_MS: '4000', LOG_LEVEL: process.env.TEST_LOG ?? 'silent' });

/** Lasts as long as the table `hold` names it, and `ms` at the least. */
const step = (name: string, ms: number) =>
  task(name, async ({ signal }) => {
    const [row] = await postgres.query<{ id: string }>(
      'INSERT INTO effect (pid, task) VALUES ($1, $2) RETURNING id::text',
      [process.pid, name],
    );
    do {
      await new Promise((next) => setTimeout(next, ms));
      signal.throwIfAborted();
    } while ((await postgres.query('SELECT FROM hold WHERE task = $1', [name])).length > 0);
    await postgres.query('UPDATE effect SET ended = clock_timestamp() WHERE id = $1', [row?.id]);
  });

const pipelines = [
  madeUp('three', chain(step('one', 20), step('two', 20), step('three', 20)), {
    tries: 8,
    backoff: { baseMs: 200, capMs: 1_000 },
  }),
];
const running = await startPipelines(platform, {
  jobs: createJobs({ url, timeoutMs: 3_000, log: platform.log }),
  pipelines,
});
process.once('SIGTERM', async () => {
  await running.stop();
  await postgres.close();
  process.exit(0);
});
process.stdout.write('running\n');
