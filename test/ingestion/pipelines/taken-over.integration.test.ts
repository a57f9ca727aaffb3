/** Runs that another process has, that nobody has, and that nobody takes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { fetchUpbitTickers } from '../../../ingestion/bronze/upbit-tickers.ts';
import { followRun, followToEnd, NotTaken } from '../../../ingestion/pipelines/follow.ts';
import { beginRun, beginTask } from '../../../ingestion/pipelines/record.ts';
import { Interrupted, runPipeline } from '../../../ingestion/pipelines/runner.ts';
import { startPipelines } from '../../../ingestion/pipelines/start.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import { freePort } from '../../../src/platform/postgres/embedded.ts';
import type { Job, Jobs } from '../../../src/platform/postgres/jobs.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { brief, madeUp, pipelinePlatform, rowsOf, task } from './made-up.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let postgres: Postgres;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  postgres = database.postgres;
});
after(() => database.stop());

/** A queue that holds nothing; `take` hands a job to whoever runs them. */
function emptyQueue(): Jobs & { take(queue: string, job: Job): Promise<void> } {
  let taking: (queue: string, job: Job) => Promise<void> = async () => {};
  return {
    enqueue: async () => randomUUID(),
    open: async () => [],
    run: async (_, work) => {
      taking = work;
    },
    stop: async () => {},
    take: (queue, job) => taking(queue, job),
  };
}

test('who lost a run does not end the task that its successor is at', async () => {
  const id = randomUUID();
  const lost = new AbortController();
  const successor = { runId: id, pipeline: 'moved', task: 'one', attempt: 2 };
  const one = task('one', async ({ signal }) => {
    await beginRun(postgres, id, 'moved');
    await beginTask(postgres, successor);
    lost.abort();
    signal.throwIfAborted();
  });
  const pipeline = madeUp('moved', [{ task: one, after: [] }]);
  const platform = pipelinePlatform(postgres);
  await assert.rejects(runPipeline(pipeline, { platform, runId: id, signal: lost.signal }), Interrupted);
  assert.deepEqual((await rowsOf(postgres, id)).map(brief), ['run 2 RUNNING', 'one 1 FAILED', 'one 2 RUNNING']);
});

test('a run that is lost is counted and said as an error', async () => {
  const id = randomUUID();
  await postgres.query(
    `INSERT INTO ops.pipeline_run (run_id, pipeline, task, attempt, status, started_at)
     VALUES ($1, 'forgotten', '', 20, 'RUNNING', now() - interval '1 hour')`,
    [id],
  );
  const failed = async () =>
    (await metrics.pipelineRuns.get()).values.find(
      ({ labels }) => labels.pipeline === 'forgotten' && labels.status === 'FAILED',
    )?.value;
  const platform = pipelinePlatform(postgres);
  const said: object[] = [];
  const { log } = platform;
  log.child = () => Object.assign(log, { error: (what: object) => void said.push(what) }) as never;
  const jobs = emptyQueue();
  const running = await startPipelines(platform, { jobs, pipelines: [madeUp('forgotten', [])] });
  try {
    await until('it to be counted', async () => (await failed()) === 1);
    assert.deepEqual(said, [{ pipeline: 'forgotten', run: id }]);
    assert.equal((await rowsOf(postgres, id))[0]?.status, 'FAILED');
  } finally {
    await running.stop();
  }
});

test('a job that is handed over when it is aborted already is left at once', { timeout: 20_000 }, async () => {
  const jobs = emptyQueue();
  let begun = 0;
  const pipeline = madeUp('late', [{ task: task('one', async () => void begun++), after: [] }]);
  const running = await startPipelines(pipelinePlatform(postgres), { jobs, pipelines: [pipeline] });
  try {
    // held by another, so that waiting for it would be waiting for long
    await postgres.query(
      `INSERT INTO ops.lease (name, holder, fence, expires_at) VALUES ('pipeline:late', 'other', 1, now() + interval '1 hour')`,
    );
    await assert.rejects(jobs.take('late', { id: randomUUID(), signal: AbortSignal.abort() }), Interrupted);
    assert.equal(begun, 0);
  } finally {
    await running.stop();
  }
});

test('a run that nobody takes is not waited for for ever', { timeout: 20_000 }, async () => {
  const id = randomUUID();
  await postgres.query(
    `INSERT INTO ops.pipeline_run (run_id, pipeline, task, attempt, status, started_at)
     VALUES ($1, 'unwanted', '', 1, 'QUEUED', now())`,
    [id],
  );
  await assert.rejects(
    followRun(postgres, id, () => {}, 300),
    NotTaken,
  );
  let shown = '';
  const write = (text: string) => {
    shown += text;
  };
  assert.equal(await followToEnd(postgres, id, { write }, 300), 1);
  assert.match(shown, /nobody took the run up within .* "npm start" runs all of them\.\n$/);
  // one that was taken up is waited for as long as it takes
  await postgres.query(`UPDATE ops.pipeline_run SET status = 'RUNNING' WHERE run_id = $1`, [id]);
  const following = followRun(postgres, id, () => {}, 300);
  await new Promise((next) => setTimeout(next, 900));
  await postgres.query(
    `UPDATE ops.pipeline_run SET status = 'SUCCEEDED', finished_at = now() WHERE run_id = $1 AND task = ''`,
    [id],
  );
  assert.equal(await following, 'SUCCEEDED');
});

test('an exchange that does not answer is a reason that tells where to look', { timeout: 30_000 }, async () => {
  const id = randomUUID();
  const port = await freePort();
  const nowhere = { UPBIT_REST_URL: `http://127.0.0.1:${port}`, UPBIT_WS_URL: `ws://127.0.0.1:${port}` };
  const settings = { MARKETS: 'upbit:BTC-KRW', ...nowhere };
  const pipeline = madeUp('silent', [{ task: fetchUpbitTickers, after: [] }], { tries: 1 });
  const signal = new AbortController().signal;
  const platform = pipelinePlatform(postgres, settings);
  assert.equal(await runPipeline(pipeline, { platform, runId: id, signal }), 'FAILED');
  assert.match((await rowsOf(postgres, id))[1]?.error ?? '', /^Upbit's list of markets .*UPBIT_REST_URL/);
});
