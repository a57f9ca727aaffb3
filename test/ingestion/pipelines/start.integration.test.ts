import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { daily } from '../../../ingestion/pipelines/pipeline.ts';
import { INTERRUPTED } from '../../../ingestion/pipelines/reason.ts';
import { startPipelines } from '../../../ingestion/pipelines/start.ts';
import { dropOldRuns, loseRuns } from '../../../ingestion/pipelines/upkeep.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import { createJobs, type Jobs } from '../../../src/platform/postgres/jobs.ts';
import { openPostgres, type Postgres } from '../../../src/platform/postgres/postgres.ts';
import { queueRun } from '../../../src/platform/postgres/queue-run.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type RoleProcess, startRole } from '../../support/role.ts';
import { until } from '../../support/until.ts';
import { brief, madeUp, pipelinePlatform, rowsOf, task } from './made-up.ts';

let server: TestPostgres;
let postgres: Postgres;
let asks: Jobs;
const children: RoleProcess[] = [];

before(async () => {
  server = await startPostgres();
  postgres = await openPostgres({ url: server.url, pool: 3, timeoutMs: 10_000, migrations: MIGRATIONS });
  await postgres.migrate();
  await postgres.query(`
    CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, pid integer, task text,
      begun timestamptz DEFAULT clock_timestamp(), ended timestamptz);
    CREATE TABLE hold (task text)`);
  asks = createJobs({ url: server.url, timeoutMs: 5_000, log: pipelinePlatform(postgres).log });
});

after(async () => {
  await Promise.all(children.map((child) => child.end('SIGKILL')));
  await asks.stop();
  await postgres.close();
  await server.stop();
});

async function startChild(): Promise<RoleProcess> {
  const child = startRole('test/ingestion/pipelines/pipelines-child.ts', {
    DATABASE_URL: server.url,
    TEST_LOG: process.env.TEST_LOG ?? 'silent',
  });
  children.push(child);
  await until('the child', () => child.output().includes('running\n'), { timeoutMs: 30_000 });
  return child;
}

interface Effect {
  pid: number;
  task: string;
  begun: Date;
  ended: Date | null;
}

const effects = () => postgres.query<Effect>('SELECT pid, task, begun, ended FROM effect ORDER BY id');
const ended = (id: string, timeoutMs = 60_000) =>
  until(
    `run ${id} to end`,
    async () => {
      const [row] = await rowsOf(postgres, id);
      return row && row.status !== 'QUEUED' && row.status !== 'RUNNING' ? row.status : null;
    },
    { timeoutMs, everyMs: 50 },
  );

describe('several processes', () => {
  let id = '';
  before(async () => {
    await Promise.all([startChild(), startChild()]);
    await postgres.query('DELETE FROM effect');
  });

  test('one run at a time, each done once, whoever asks and however often', { timeout: 120_000 }, async () => {
    const asked = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const ids = await Promise.all([1, 2, 3].map(() => queueRun(asks, postgres, 'three')));
      for (const one of ids) asked.add(one);
      await ended(ids[0] as string);
    }
    assert.ok(asked.size >= 4, `${asked.size} runs`);
    for (const one of asked) assert.equal(await ended(one), 'SUCCEEDED');
    const all = await effects();
    assert.equal(all.length, asked.size * 3);
    for (const [i, { ended: end }] of all.entries()) {
      assert.ok(end);
      const next = all[i + 1];
      if (next) assert.ok(next.begun >= end, 'two at once');
    }
    assert.deepEqual(
      all.map((one) => one.task),
      Array.from({ length: asked.size }, () => ['one', 'two', 'three']).flat(),
    );
  });

  async function underWay(): Promise<RoleProcess> {
    await postgres.query('DELETE FROM effect');
    await postgres.query(`INSERT INTO hold VALUES ('two')`);
    id = await queueRun(asks, postgres, 'three');
    const [, two] = await until('the second task', async () => {
      const all = await effects();
      return all.length === 2 && all;
    });
    return children.find(({ pid }) => pid === two?.pid) as RoleProcess;
  }

  test('SIGKILL in the middle: another process goes on within half a minute, done tasks stay done', {
    timeout: 120_000,
  }, async () => {
    const victim = await underWay();
    // asked for meanwhile, it is this one
    assert.equal(await queueRun(asks, postgres, 'three'), id);
    const from = performance.now();
    await victim.end('SIGKILL');
    await postgres.query('DELETE FROM hold');
    assert.equal(await ended(id), 'SUCCEEDED');
    assert.ok(performance.now() - from < 40_000, `${performance.now() - from} ms`);
    assert.deepEqual(
      (await effects()).map((one) => one.task),
      ['one', 'two', 'two', 'three'],
    );
    const rows = await rowsOf(postgres, id);
    assert.deepEqual(rows.map(brief), [
      'run 2 SUCCEEDED',
      'one 1 SUCCEEDED',
      'two 1 FAILED',
      'two 2 SUCCEEDED',
      'three 1 SUCCEEDED',
    ]);
    assert.equal(rows[2]?.error, INTERRUPTED);
    await startChild();
  });

  test('SIGTERM in the middle: the process ends in order, and another goes on at once', {
    timeout: 120_000,
  }, async () => {
    const victim = await underWay();
    const from = performance.now();
    assert.equal(await victim.end('SIGTERM'), 0);
    assert.ok(performance.now() - from < 5_000, `stopped after ${performance.now() - from} ms`);
    await postgres.query('DELETE FROM hold');
    assert.equal(await ended(id), 'SUCCEEDED');
    assert.ok(performance.now() - from < 12_000, `${performance.now() - from} ms`);
    assert.deepEqual(
      (await effects()).map((one) => one.task),
      ['one', 'two', 'two', 'three'],
    );
  });

  test('Postgres frozen for longer than a lease: the processes live, the run ends, never two at once', {
    timeout: 180_000,
  }, async () => {
    await startChild();
    await underWay();
    const alive = children.filter((child) => child.running());
    await server.freeze();
    await new Promise((next) => setTimeout(next, 18_000));
    await server.thaw();
    await until('the database', async () => postgres.ping().then(() => true));
    await postgres.query('DELETE FROM hold');
    assert.equal(await ended(id), 'SUCCEEDED');
    assert.ok(alive.every((child) => child.running()));
    const all = (await effects()).filter((one) => one.ended);
    for (const [i, { begun }] of all.entries())
      assert.ok(i === 0 || begun >= (all[i - 1]?.ended as Date), 'two at once');
  });
});

describe('in this process', () => {
  const jobsOf = () => createJobs({ url: server.url, timeoutMs: 5_000, log: pipelinePlatform(postgres).log });

  test('a pipeline with a schedule that never ran is run at once, and no second time', {
    timeout: 60_000,
  }, async () => {
    let runs = 0;
    const first = madeUp('first', [{ task: task('only', async () => void runs++), after: [] }], {
      schedule: daily(3, 0),
    });
    for (let i = 0; i < 2; i++) {
      const running = await startPipelines(pipelinePlatform(postgres), { jobs: jobsOf(), pipelines: [first] });
      await until('its run', async () => (await rowsOf(postgres, 'first'))[0]?.status === 'SUCCEEDED');
      await running.stop();
    }
    assert.equal(runs, 1);
    assert.deepEqual((await rowsOf(postgres, 'first')).map(brief), ['run 1 SUCCEEDED', 'only 1 SUCCEEDED']);
    assert.deepEqual(
      (await metrics.pipelineInterval.get()).values.find(({ labels }) => labels.pipeline === 'first')?.value,
      86_400,
    );
  });

  test('a run whose job is gone does not say RUNNING for ever; one that has a job does', async () => {
    await postgres.query(
      `INSERT INTO ops.pipeline_run (run_id, pipeline, task, attempt, status, started_at)
       SELECT 'lost', 'gone', t, 1, 'RUNNING', now() - interval '2 minutes' FROM unnest(ARRAY['', 'one']) t
       UNION ALL SELECT 'fresh', 'gone', '', 1, 'RUNNING', now()
       UNION ALL SELECT 'alive', 'gone', '', 1, 'RUNNING', now() - interval '1 hour'`,
    );
    await loseRuns(postgres, 'gone', async () => ['alive']);
    assert.deepEqual((await rowsOf(postgres, 'lost')).map(brief), ['run 1 FAILED', 'one 1 FAILED']);
    assert.deepEqual((await rowsOf(postgres, 'fresh')).map(brief), ['run 1 RUNNING']);
    assert.deepEqual((await rowsOf(postgres, 'alive')).map(brief), ['run 1 RUNNING']);
  });

  test('old runs are dropped whole, the newest of a pipeline stays', async () => {
    const now = Date.now();
    const days = (n: number) => new Date(now - n * 86_400_000);
    for (const [run, at] of [
      ['old', 40],
      ['older', 50],
      ['young', 2],
    ] as const) {
      await postgres.query(
        `INSERT INTO ops.pipeline_run (run_id, pipeline, task, attempt, status, started_at, finished_at)
         SELECT $1, 'kept', t, 1, 'SUCCEEDED', $2, $2 FROM unnest(ARRAY['', 'one', 'two']) t`,
        [run, days(at)],
      );
    }
    await postgres.query(
      `INSERT INTO ops.pipeline_run (run_id, pipeline, task, attempt, status, started_at, finished_at)
       VALUES ('lonely', 'seldom', '', 1, 'SUCCEEDED', $1, $1)`,
      [days(400)],
    );
    assert.equal(await dropOldRuns(postgres, 30, now), 6);
    assert.deepEqual(
      (await rowsOf(postgres, 'kept')).map((row) => row.run),
      ['young', 'young', 'young'],
    );
    assert.equal((await rowsOf(postgres, 'seldom')).length, 1);
  });
});
