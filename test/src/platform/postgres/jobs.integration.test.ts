import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLog } from '../../../../src/platform/log.ts';
import { createJobs, type Job, type JobQueue, type Jobs } from '../../../../src/platform/postgres/jobs.ts';
import { openPostgres, type Postgres, PostgresUnavailable } from '../../../../src/platform/postgres/postgres.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { until } from '../../../support/until.ts';

const log = createLog('silent');
let server: TestPostgres;
let postgres: Postgres;

before(async () => {
  server = await startPostgres();
  postgres = await openPostgres({ url: server.url, pool: 2, timeoutMs: 10_000 });
});

after(async () => {
  await postgres.close();
  await server.stop();
});

const jobsOf = (timeoutMs = 5_000): Jobs => createJobs({ url: server.url, timeoutMs, log });
const onDemand = (name: string): JobQueue => ({ name, cron: null });

/** Resolves once the signal is aborted. */
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done();
    signal.addEventListener('abort', () => done());
  });

test('several that start at once make one schema, and one job is done once', { timeout: 60_000 }, async () => {
  const all = Array.from({ length: 4 }, () => jobsOf());
  const done: string[] = [];
  let under = 0;
  let most = 0;
  try {
    await Promise.all(
      all.map((jobs) =>
        jobs.run([onDemand('once')], async (_, { id }) => {
          most = Math.max(most, ++under);
          await new Promise((next) => setTimeout(next, 50));
          under--;
          done.push(id);
        }),
      ),
    );
    const id = await all[0]?.enqueue('once');
    await until('the job to be done', () => done.length > 0);
    for (let i = 0; i < 3; i++) {
      const next = await all[i]?.enqueue('once');
      await until('the next one', () => done.includes(next as string));
    }
    assert.equal(done[0], id);
    assert.equal(new Set(done).size, done.length);
    assert.equal(most, 1);
  } finally {
    await Promise.all(all.map((jobs) => jobs.stop()));
  }
});

test('while one is queued or under way, queueing answers that one', { timeout: 60_000 }, async () => {
  const runs = jobsOf();
  const queues = jobsOf();
  try {
    const first = await queues.enqueue('one');
    assert.equal(await queues.enqueue('one'), first);
    let free: () => void = () => {};
    const held = new Promise<void>((done) => {
      free = done;
    });
    const taken: string[] = [];
    await runs.run([onDemand('one')], async (_, { id }) => {
      taken.push(id);
      await held;
    });
    await until('it to be taken', () => taken.length === 1);
    assert.equal(await queues.enqueue('one'), first);
    assert.deepEqual(await queues.open('one'), [first]);
    free();
    await until('it to be over', async () => (await queues.open('one')).length === 0);
    assert.notEqual(await queues.enqueue('one'), first);
  } finally {
    await Promise.all([runs.stop(), queues.stop()]);
  }
});

test('a stop aborts the job in hand, soon, and another process takes it up', { timeout: 60_000 }, async () => {
  const [one, other] = [jobsOf(), jobsOf()];
  const taken: string[] = [];
  try {
    await one.run([onDemand('moved')], async (_, job: Job) => {
      taken.push(job.id);
      await aborted(job.signal);
      throw new Error('stopped');
    });
    const id = await one.enqueue('moved');
    await until('it to be taken', () => taken.length === 1);
    const from = performance.now();
    await one.stop();
    assert.ok(performance.now() - from < 4_000, `${performance.now() - from} ms`);
    let again = '';
    await other.run([onDemand('moved')], async (_, job) => {
      again = job.id;
    });
    await until('it to be taken up', () => again !== '');
    assert.equal(again, id);
  } finally {
    await Promise.all([one.stop(), other.stop()]);
  }
});

test('what the clock missed while nothing ran is queued once', { timeout: 120_000 }, async () => {
  const queue: JobQueue = { name: 'daily', cron: '0 3 * * *' };
  let done = 0;
  const first = jobsOf();
  await first.run([queue], async () => {
    done++;
  });
  await until('a pass of the clock', async () => {
    const [row] = await postgres.query<{ at: Date | null }>('SELECT cron_on AS at FROM pgboss.version');
    return row?.at != null;
  });
  await first.stop();
  assert.equal(done, 0);
  await postgres.query("UPDATE pgboss.version SET cron_on = now() - interval '3 days'");
  await postgres.query("UPDATE pgboss.schedule SET created_on = now() - interval '9 days'");
  const second = jobsOf();
  try {
    await second.run([queue], async () => {
      done++;
    });
    await until('the missed one', () => done > 0, { timeoutMs: 30_000 });
    await until('the clock to look again', async () => (await second.open('daily')).length === 0);
    assert.equal(done, 1);
  } finally {
    await second.stop();
  }
});

test('Postgres killed: no error escapes, and jobs are done when it is back', { timeout: 120_000 }, async () => {
  const jobs = jobsOf(2_000);
  const done: string[] = [];
  try {
    await jobs.run([onDemand('after')], async (_, { id }) => void done.push(id));
    await server.restart();
    const id = await until('queueing to work again', () => jobs.enqueue('after'), { timeoutMs: 30_000 });
    await until('the job', () => done.includes(id), { timeoutMs: 30_000 });
  } finally {
    await jobs.stop();
  }
});

test('Postgres frozen: queueing fails within its bound, stopping too', { timeout: 120_000 }, async () => {
  const jobs = jobsOf(1_000);
  const done: string[] = [];
  try {
    await jobs.run([onDemand('frozen')], async (_, { id }) => void done.push(id));
    await server.freeze();
    await assert.rejects(jobs.enqueue('frozen'), PostgresUnavailable);
    await server.thaw();
    const id = await until('queueing to work again', () => jobs.enqueue('frozen'), { timeoutMs: 30_000 });
    await until('the job', () => done.includes(id), { timeoutMs: 30_000 });
    await server.freeze();
    const from = performance.now();
    await jobs.stop();
    assert.ok(performance.now() - from < 8_000, `${performance.now() - from} ms`);
  } finally {
    await server.thaw();
    await jobs.stop();
  }
});

test('who asks while Postgres is away is told so, soon, and served when it is back', { timeout: 60_000 }, async () => {
  const known = jobsOf(2_000);
  await known.enqueue('told');
  await server.kill('SIGKILL');
  const fresh = jobsOf(2_000);
  try {
    for (const jobs of [fresh, known]) {
      const from = performance.now();
      await assert.rejects(jobs.enqueue('told'), PostgresUnavailable);
      await assert.rejects(jobs.open('told'), PostgresUnavailable);
      assert.ok(performance.now() - from < 8_000, `${performance.now() - from} ms`);
    }
    await server.restart();
    for (const jobs of [fresh, known]) {
      await until('queueing to work again', () => jobs.enqueue('told').catch(() => ''), { timeoutMs: 30_000 });
    }
  } finally {
    await Promise.all([fresh.stop(), known.stop()]);
  }
});

test('neither a long statement nor a silent server holds the end of the connections up', {
  timeout: 60_000,
}, async () => {
  const other = await openPostgres({ url: server.url, pool: 2, timeoutMs: 30_000 });
  await other.ping();
  const long = assert.rejects(other.query('SELECT pg_sleep(25)'), PostgresUnavailable);
  await until('it to be under way', async () => {
    const [row] = await postgres.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'`,
    );
    return row?.n === 1;
  });
  await server.freeze();
  try {
    // needs a connection that is never made
    const connecting = other.query('SELECT 1').catch(() => {});
    const from = performance.now();
    await other.close();
    assert.ok(performance.now() - from < 4_000, `${performance.now() - from} ms`);
    await long;
    await server.thaw();
    await connecting;
  } finally {
    await server.thaw();
  }
});
