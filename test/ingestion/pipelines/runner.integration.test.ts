import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { chain, checkPipeline, type Pipeline, type Step } from '../../../ingestion/pipelines/pipeline.ts';
import { INTERRUPTED } from '../../../ingestion/pipelines/reason.ts';
import { Interrupted, runPipeline } from '../../../ingestion/pipelines/runner.ts';
import { TaskFailed } from '../../../ingestion/task.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { PostgresUnavailable } from '../../../src/platform/postgres/postgres.ts';
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

const never = new AbortController().signal;
const run = (pipeline: Pipeline, runId = randomUUID(), signal = never, on = postgres) =>
  runPipeline(pipeline, { platform: pipelinePlatform(on), runId, signal });

test('tasks run in the order of their dependencies, those that do not depend on each other at once', async () => {
  const order: string[] = [];
  let together = 0;
  let most = 0;
  const note = (name: string) =>
    task(name, async () => {
      most = Math.max(most, ++together);
      await new Promise((next) => setTimeout(next, 30));
      together--;
      order.push(name);
    });
  const pipeline = madeUp('diamond', [
    { task: note('end'), after: ['left', 'right'] },
    { task: note('left'), after: ['begin'] },
    { task: note('right'), after: ['begin'] },
    { task: note('begin'), after: [] },
  ]);
  const id = randomUUID();
  assert.equal(await run(pipeline, id), 'SUCCEEDED');
  assert.equal(order[0], 'begin');
  assert.equal(order[3], 'end');
  assert.equal(most, 2);
  const rows = await rowsOf(postgres, id);
  assert.deepEqual(rows.map(brief).sort(), [
    'begin 1 SUCCEEDED',
    'end 1 SUCCEEDED',
    'left 1 SUCCEEDED',
    'right 1 SUCCEEDED',
    'run 1 SUCCEEDED',
  ]);
  const [whole] = await postgres.query<{ rows_in: string; rows_out: string }>(
    `SELECT rows_in, rows_out FROM ops.pipeline_run WHERE run_id = $1 AND task = ''`,
    [id],
  );
  assert.deepEqual(whole, { rows_in: '4', rows_out: '4' });
});

test('for any graph: what is done is what does not come after a failure, and nothing begins before what it needs', async () => {
  const graphs = fc.array(fc.record({ needs: fc.array(fc.nat(6), { maxLength: 3 }), fails: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(graphs, async (nodes) => {
      const done = new Set<string>();
      const steps: Step[] = nodes.map(({ needs, fails }, i) => ({
        after: [...new Set(needs.filter((n) => n < i).map((n) => `t${n}`))],
        task: task(`t${i}`, async () => {
          for (const one of steps[i]?.after ?? []) assert.ok(done.has(one), `t${i} began before ${one}`);
          if (fails) throw new TaskFailed('meant to');
          done.add(`t${i}`);
        }),
      }));
      const id = randomUUID();
      const outcome = await run(madeUp('any', steps, { tries: 1 }), id);
      const expected = new Map<string, string>();
      for (const [i, { after: needs }] of steps.entries()) {
        const skipped = needs.some((one) => expected.get(one) !== 'SUCCEEDED');
        expected.set(`t${i}`, skipped ? 'SKIPPED' : nodes[i]?.fails ? 'FAILED' : 'SUCCEEDED');
      }
      const rows = (await rowsOf(postgres, id)).filter((row) => row.task !== '');
      assert.deepEqual(Object.fromEntries(rows.map((row) => [row.task, row.status])), Object.fromEntries(expected));
      assert.equal(outcome, [...expected.values()].every((status) => status === 'SUCCEEDED') ? 'SUCCEEDED' : 'FAILED');
      assert.ok((await rowsOf(postgres, id)).every((row) => row.ended));
    }),
    { numRuns: 25 },
  );
});

test('a failed task is tried again with growing pauses, then FAILED with its reason; what needs it is SKIPPED', async () => {
  const at: number[] = [];
  const pipeline = madeUp(
    'fails',
    chain(
      task('one'),
      task('two', async () => {
        at.push(performance.now());
        throw new TaskFailed('the source answers 503');
      }),
      task('three'),
      task('four'),
    ),
  );
  const id = randomUUID();
  assert.equal(await run(pipeline, id), 'FAILED');
  assert.equal(at.length, 3);
  const rows = await rowsOf(postgres, id);
  assert.deepEqual(rows.map(brief), [
    'run 1 FAILED',
    'one 1 SUCCEEDED',
    'two 1 FAILED',
    'two 2 FAILED',
    'two 3 FAILED',
    'three 1 SKIPPED',
    'four 1 SKIPPED',
  ]);
  assert.equal(rows[0]?.error, 'two: the source answers 503');
  assert.equal(rows[4]?.error, 'the source answers 503');
  assert.equal(rows[5]?.error, 'needs two');
});

test('a source that says when to come back is waited for; one that says never in this run is not tried again', async () => {
  const at: number[] = [];
  const paused = (ms: number) =>
    task('paused', async () => {
      if (at.push(Date.now()) === 1) throw Object.assign(new TaskFailed('later'), { until: Date.now() + ms });
    });
  assert.equal(await run(madeUp('paused', [{ task: paused(500), after: [] }])), 'SUCCEEDED');
  assert.ok((at[1] ?? 0) - (at[0] ?? 0) >= 495);
  at.length = 0;
  assert.equal(await run(madeUp('paused', [{ task: paused(3 * 86_400_000), after: [] }])), 'FAILED');
  assert.equal(at.length, 1);
});

test('a task that works at its second try ends well', async () => {
  let tries = 0;
  const id = randomUUID();
  const flaky = task('flaky', async () => {
    if (++tries === 1) throw new Error('first');
  });
  assert.equal(await run(madeUp('flaky', [{ task: flaky, after: [] }]), id), 'SUCCEEDED');
  assert.deepEqual((await rowsOf(postgres, id)).map(brief), ['run 1 SUCCEEDED', 'flaky 1 FAILED', 'flaky 2 SUCCEEDED']);
});

test('no secret and nothing of the data is in a reason', async () => {
  const settings = { ACCESS_TOKENS: 'very-secret-token:reader', DATABASE_URL: 'postgres://u:hidden-word@db/x' };
  const errors: [Error, RegExp][] = [
    [new TaskFailed('refused: very-secret-token at postgres://u:hidden-word@db/x'), /^refused: \*\*\* at postgres:/],
    [new TaskFailed('GET /orders?signature=abcdef0123&timestamp=1'), /signature=\*\*\*/],
    [
      Object.assign(new Error('invalid input: "Nguyen Van A"'), { name: 'QueryFailedError', code: '22P02' }),
      /^QueryFailedError 22P02$/,
    ],
    [new SyntaxError(`Unexpected token 'N', "Nguyen Van A" is not valid JSON`), /^SyntaxError$/],
    [new Error('Nguyen Van A has no such order'), /^Error$/],
  ];
  for (const [error, expected] of errors) {
    const id = randomUUID();
    const broken = task('broken', () => Promise.reject(error));
    const pipeline = madeUp('secrets', [{ task: broken, after: [] }], { tries: 1 });
    await runPipeline(pipeline, { platform: pipelinePlatform(postgres, settings), runId: id, signal: never });
    const reason = (await rowsOf(postgres, id)).find((row) => row.task === 'broken')?.error ?? '';
    assert.match(reason, expected);
    assert.doesNotMatch(reason, /Nguyen|hidden-word|very-secret|abcdef/);
  }
});

test('a task that takes too long is told to end, and tried again; one that does not listen is given up', async () => {
  const id = randomUUID();
  let told = 0;
  const slow = task('slow', ({ signal }) => {
    if (told > 0) return Promise.resolve();
    return new Promise((_, fail) =>
      signal.addEventListener('abort', () => {
        told++;
        fail(new Error('told'));
      }),
    );
  });
  assert.equal(await run(madeUp('slow', [{ task: slow, after: [] }], { timeoutMs: 100 }), id), 'SUCCEEDED');
  assert.match((await rowsOf(postgres, id))[1]?.error ?? '', /^not done within 0.1 s$/);
  const deaf = task('deaf', () => new Promise(() => {}));
  const other = randomUUID();
  assert.equal(await run(madeUp('deaf', [{ task: deaf, after: [] }], { timeoutMs: 100 }), other), 'FAILED');
  assert.deepEqual((await rowsOf(postgres, other)).map(brief), ['run 1 FAILED', 'deaf 1 FAILED']);
});

test('an aborted run is gone on with where it was: done tasks are not repeated, and the interruption is no failure', async () => {
  const stop = new AbortController();
  const done: string[] = [];
  const steps = chain(
    task('one', async () => void done.push('one')),
    task('two', async ({ signal }) => {
      if (!stop.signal.aborted) {
        stop.abort();
        await new Promise((next) => setTimeout(next, 5));
        signal.throwIfAborted();
      }
      done.push('two');
    }),
    task('three', async () => void done.push('three')),
  );
  const id = randomUUID();
  await assert.rejects(run(madeUp('resumed', steps, { tries: 1 }), id, stop.signal), Interrupted);
  assert.equal((await rowsOf(postgres, id))[0]?.status, 'RUNNING');
  assert.equal(await run(madeUp('resumed', steps, { tries: 1 }), id), 'SUCCEEDED');
  assert.deepEqual(done, ['one', 'two', 'three']);
  const rows = await rowsOf(postgres, id);
  assert.deepEqual(rows.map(brief), [
    'run 2 SUCCEEDED',
    'one 1 SUCCEEDED',
    'two 1 FAILED',
    'two 2 SUCCEEDED',
    'three 1 SUCCEEDED',
  ]);
  assert.equal(rows[2]?.error, INTERRUPTED);
  // taken up once more by mistake, it does nothing
  assert.equal(await run(madeUp('resumed', steps), id), 'SUCCEEDED');
  assert.equal(done.length, 3);
});

test('the database away for a moment while the record is kept: the run goes on', async () => {
  let broken = 0;
  const shaky = {
    ...postgres,
    query: (text: string, params?: readonly unknown[]) => {
      if (broken-- > 0) return Promise.reject(new PostgresUnavailable('away'));
      return postgres.query(text, params);
    },
  } as Postgres;
  let times = 0;
  const steps = chain(
    task('one', async () => {
      times++;
      broken = 3;
    }),
    task('two'),
  );
  assert.equal(await run(madeUp('shaky', steps), randomUUID(), never, shaky), 'SUCCEEDED');
  assert.equal(times, 1);
});

test('how far a task is can be read while it runs', async () => {
  const id = randomUUID();
  let free: () => void = () => {};
  const held = new Promise<void>((done) => {
    free = done;
  });
  const counting = task('counting', async ({ progress }) => {
    progress(3, 10);
    await held;
  });
  const running = run(madeUp('counting', [{ task: counting, after: [] }]), id);
  await until('its progress', async () => {
    const [row] = await postgres.query<{ done: string; total: string }>(
      `SELECT done, total FROM ops.pipeline_run WHERE run_id = $1 AND task = 'counting'`,
      [id],
    );
    return row?.done === '3' && row.total === '10';
  });
  free();
  assert.equal(await running, 'SUCCEEDED');
});

test('one that can not be run with these settings is SKIPPED, with the reason', async () => {
  const id = randomUUID();
  const pipeline = madeUp('unset', [{ task: task('one'), after: [] }], {
    unavailable: () => 'BINANCE_API_KEY is not set',
  });
  assert.equal(await run(pipeline, id), 'SKIPPED');
  const rows = await rowsOf(postgres, id);
  assert.deepEqual(rows.map(brief), ['run 1 SKIPPED']);
  assert.equal(rows[0]?.error, 'BINANCE_API_KEY is not set');
});

test('steps that can never all be done are refused', () => {
  const bad: Step[][] = [
    [{ task: task('a'), after: ['a'] }],
    [
      { task: task('a'), after: ['b'] },
      { task: task('b'), after: ['a'] },
    ],
    [{ task: task('a'), after: ['missing'] }],
    [
      { task: task('a'), after: [] },
      { task: task('a'), after: [] },
    ],
  ];
  for (const steps of bad) assert.throws(() => checkPipeline(madeUp('bad', steps)), /pipeline bad: /);
});
