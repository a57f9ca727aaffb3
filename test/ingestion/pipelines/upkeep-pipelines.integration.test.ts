/** The pipelines that look after the data: what they do in one run, and that they may be run twice. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { dataQualityAfter } from '../../../ingestion/pipelines/data-quality.ts';
import { retention } from '../../../ingestion/pipelines/retention.ts';
import { runPipeline } from '../../../ingestion/pipelines/runner.ts';
import { DATASETS } from '../../../ingestion/workers/data-checks.ts';
import { TRADE } from '../../../ingestion/workers/silver.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { writeRows } from '../../../src/platform/postgres/bulk.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { trade } from '../workers/market-events.ts';
import { pipelinePlatform, rowsOf } from './made-up.ts';

const DAY = 86_400_000;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

const signal = new AbortController().signal;

test('retention: expired partitions, old results of checks and old runs go, what is younger stays', async () => {
  const { postgres } = database;
  const now = Date.now();
  await writeRows(
    postgres,
    TRADE,
    [40, 33, 20, 0].map((days) => trade(`day-${days}`, now - days * DAY)),
  );
  const old = new Date(now - 40 * DAY);
  await postgres.query(
    `INSERT INTO ops.data_quality_result SELECT 'd', 'c', at, at, at, true, 1, 0, '[]' FROM unnest($1::timestamptz[]) at`,
    [[old, new Date(now)]],
  );
  await postgres.query(
    `INSERT INTO ops.pipeline_run (run_id, pipeline, task, attempt, status, started_at, finished_at)
     SELECT r, 'some', '', 1, 'SUCCEEDED', at, at FROM unnest(ARRAY['a', 'b'], $1::timestamptz[]) AS t (r, at)`,
    [[old, new Date(now)]],
  );
  const platform = pipelinePlatform(postgres, { RETENTION_TRADES_DAYS: '30', RETENTION_RUNS_DAYS: '30' });
  for (let i = 0; i < 2; i++) {
    assert.equal(await runPipeline(retention, { platform, runId: randomUUID(), signal }), 'SUCCEEDED');
  }
  const trades = await postgres.query<{ id: string }>('SELECT trade_id AS id FROM silver.trade ORDER BY event_time');
  assert.deepEqual(
    trades.map(({ id }) => id),
    ['day-20', 'day-0'],
  );
  const [results] = await postgres.query('SELECT count(*)::int AS n FROM ops.data_quality_result');
  assert.deepEqual(results, { n: 1 });
  assert.deepEqual(
    (await rowsOf(postgres, 'some')).map(({ run }) => run),
    ['b'],
  );
});

test('data_quality: every dataset has its results, what may have come late is looked at again once an hour', async () => {
  const { postgres } = database;
  const platform = pipelinePlatform(postgres);
  const from = async (): Promise<number[]> => {
    const rows = await postgres.query<{ from: Date }>(
      `SELECT from_time AS "from" FROM ops.data_quality_result
       WHERE dataset = 'silver.kline_1m' AND check_name = 'coverage' ORDER BY run_at`,
    );
    return rows.map((row) => row.from.getTime());
  };
  const run = () => runPipeline(dataQualityAfter(0), { platform, runId: randomUUID(), signal });
  assert.equal(await run(), 'SUCCEEDED');
  const found = await postgres.query<{ dataset: string }>(
    `SELECT DISTINCT dataset FROM ops.data_quality_result WHERE dataset <> 'd'`,
  );
  assert.equal(found.length, DATASETS.length);
  assert.equal(await run(), 'SUCCEEDED');
  assert.equal((await from()).length, 1, 'nothing new, nothing looked at');
  await postgres.query(
    `UPDATE ops.watermark SET position = jsonb_build_object('sweptAt', $1::bigint) WHERE step = 'data_quality'`,
    [Date.now() - 2 * 3_600_000],
  );
  assert.equal(await run(), 'SUCCEEDED');
  const [first = 0, sweep = 0] = await from();
  assert.ok(first - sweep > 20 * 3_600_000, 'the last day again');
  assert.equal(await run(), 'SUCCEEDED');
  assert.equal((await from()).length, 2);
});
