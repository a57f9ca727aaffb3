/** pipelineRuns and runPipeline, over HTTP and WebSocket, with a real queue. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startPipelines } from '../../ingestion/pipelines/start.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { startApi } from '../../resolvers/api.ts';
import { PIPELINES } from '../../schema/pipelines.ts';
import type { ApiServer } from '../../src/platform/http/api.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import { createJobs } from '../../src/platform/postgres/jobs.ts';
import { openPostgres } from '../../src/platform/postgres/postgres.ts';
import { PipelineRunsDocument, type PipelineRunsQuery, RunPipelineDocument } from '../generated/graphql.ts';
import { madeUp, pipelinePlatform, rowsOf, task } from '../ingestion/pipelines/made-up.ts';
import { openSocket } from '../src/platform/graphql/client.ts';
import { testPlatform } from '../src/platform/http/fixture.ts';
import { openTestDatabase, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

type Run = PipelineRunsQuery['pipelineRuns'][number];
interface Answer {
  data?: { pipelineRuns?: Run[]; runPipeline?: Run } | null;
  errors?: { message: string; extensions: Record<string, unknown> }[];
}

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let api: ApiServer;
const live = createMemoryLiveStore();
const TOKENS = 'reader-test-token:reader,merchant-test-token:merchant,admin-test-token:admin';

before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  const { postgres } = database;
  api = await startApi(testPlatform({ ACCESS_TOKENS: TOKENS }, [], { live, postgres }));
});
after(async () => {
  await api?.stop();
  await live.close();
  await database.stop();
});

const headersOf = (role: string) => ({
  'content-type': 'application/json',
  authorization: `Bearer ${role}-test-token`,
});

async function ask(role: string, query: unknown, variables: object = {}): Promise<Answer> {
  const body = JSON.stringify({ query: String(query), variables });
  const response = await fetch(`${api.url}/graphql`, { method: 'POST', headers: headersOf(role), body });
  return (await response.json()) as Answer;
}

const run = (role: string, pipeline: string) => ask(role, RunPipelineDocument, { pipeline });
const runs = async (role: string, variables: object) =>
  (await ask(role, PipelineRunsDocument, variables)).data?.pipelineRuns ?? [];

test('runPipeline queues a run and answers it; while it is open, it is answered again; admins only', async () => {
  const { data, errors } = await run('admin', 'live_rebuild');
  assert.equal(errors, undefined);
  const first = data?.runPipeline;
  assert.equal(first?.status, 'QUEUED');
  assert.equal(first?.pipeline, 'live_rebuild');
  assert.equal(first?.task, '');
  assert.equal(first?.finishedAt, null);
  const again = (await run('admin', 'live_rebuild')).data?.runPipeline;
  assert.equal(again?.runId, first?.runId);
  assert.equal((await runs('reader', { pipeline: 'live_rebuild' })).length, 1);
  for (const role of ['reader', 'merchant']) {
    const refused = await run(role, 'retention');
    assert.equal(refused.errors?.[0]?.extensions.code, 'FORBIDDEN');
    assert.deepEqual(await runs('admin', { pipeline: 'retention' }), []);
  }
});

test('a name that is none is refused, and the known ones are told', async () => {
  for (const document of [RunPipelineDocument, PipelineRunsDocument]) {
    const { errors = [] } = await ask('admin', document, { pipeline: 'nightly', first: 5 });
    assert.equal(errors[0]?.extensions.code, 'BAD_USER_INPUT');
    assert.equal(errors[0]?.extensions.argument, 'pipeline');
    assert.deepEqual(errors[0]?.extensions.known, [...PIPELINES]);
    for (const name of PIPELINES) assert.ok(errors[0]?.message.includes(name));
  }
  const { errors = [] } = await ask('admin', PipelineRunsDocument, { first: 1_001 });
  assert.deepEqual([errors[0]?.extensions.argument, errors[0]?.extensions.max], ['first', 1_000]);
});

test('what was asked for is run, and becomes of it is told; a reason is for admins', { timeout: 60_000 }, async () => {
  const { postgres } = database;
  const jobs = createJobs({ url: database.url, timeoutMs: 5_000, log: pipelinePlatform(postgres).log });
  let free: () => void = () => {};
  const held = new Promise<void>((done) => {
    free = done;
  });
  const steps = [
    { task: task('good', () => held, 7), after: [] },
    {
      task: task('bad', async () => {
        throw Object.assign(new Error('the source answers 503'), { name: 'TaskFailed' });
      }),
      after: ['good'],
    },
    { task: task('last'), after: ['bad'] },
  ];
  const running = await startPipelines(pipelinePlatform(postgres), {
    jobs,
    pipelines: [madeUp('data_quality', steps, { tries: 1 })],
  });
  try {
    const asked = (await run('admin', 'data_quality')).data?.runPipeline;
    await until('it to run', async () => (await rowsOf(postgres, 'data_quality')).some((row) => row.task === 'good'));
    const meanwhile = (await run('admin', 'data_quality')).data?.runPipeline;
    assert.equal(meanwhile?.runId, asked?.runId);
    assert.equal(meanwhile?.status, 'RUNNING');
    free();
    await until('its end', async () => (await rowsOf(postgres, 'data_quality'))[0]?.ended);
    const told = await runs('admin', { pipeline: 'data_quality' });
    assert.deepEqual(
      told.map(({ task: name, status, rowsIn, error }) => [name, status, rowsIn, error]),
      [
        ['last', 'SKIPPED', null, 'needs bad'],
        ['bad', 'FAILED', null, 'the source answers 503'],
        ['good', 'SUCCEEDED', 7, null],
        ['', 'FAILED', 7, 'bad: the source answers 503'],
      ],
    );
    assert.deepEqual(new Set(told.map(({ runId }) => runId)), new Set([asked?.runId]));
    const shown = await runs('reader', { pipeline: 'data_quality' });
    assert.deepEqual(
      shown.map(({ error }) => error),
      ['needs bad', 'failed; the reason is shown to admins', null, 'failed; the reason is shown to admins'],
    );
    assert.deepEqual(
      (await runs('reader', { first: 2 })).map(({ id }) => id),
      told.slice(0, 2).map(({ id }) => id),
    );
  } finally {
    await running.stop();
  }
});

test('a mutation is refused over GET, as a form, and beyond the limits; a WebSocket may send it', async () => {
  const query = 'mutation { runPipeline(pipeline: "retention") { id } }';
  const authorization = 'Bearer admin-test-token';
  const get = await fetch(`${api.url}/graphql?query=${encodeURIComponent(query)}`, {
    headers: { authorization, 'apollo-require-preflight': '1' },
  });
  assert.equal(get.status, 405);
  const form = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'text/plain' },
    body: JSON.stringify({ query }),
  });
  assert.ok(form.status >= 400);
  const many = Array.from({ length: 40 }, (_, i) => `a${i}: runPipeline(pipeline: "retention") { id }`).join(' ');
  const { errors = [] } = await ask('admin', `mutation { ${many} }`);
  assert.equal(errors[0]?.extensions.code, 'QUERY_TOO_COMPLEX');
  assert.deepEqual(await runs('admin', { pipeline: 'retention' }), []);

  const client = await openSocket(api.url);
  await client.init({ authorization: 'Bearer reader-test-token' });
  client.subscribe('1', query);
  const refused = (await client.next()).payload as { errors: { extensions: { code: string } }[] };
  assert.equal(refused.errors[0]?.extensions.code, 'FORBIDDEN');
  client.socket.close();
  const admin = await openSocket(api.url);
  await admin.init({ authorization });
  admin.subscribe('1', query);
  const { payload } = await admin.next(({ type }) => type === 'next');
  assert.ok((payload as Answer).data?.runPipeline?.id);
  admin.socket.close();
});

test('with PostgreSQL away, asking for a run says so within its bounds', { timeout: 60_000 }, async () => {
  const server = await startPostgres();
  const postgres = await openPostgres({ url: server.url, pool: 2, timeoutMs: 2_000, migrations: MIGRATIONS });
  const settings = { ACCESS_TOKENS: TOKENS, STORE_TIMEOUT_MS: '2000' };
  const apart = await startApi(testPlatform(settings, [], { live, postgres }));
  try {
    await server.kill('SIGKILL');
    const response = await fetch(`${apart.url}/graphql`, {
      method: 'POST',
      headers: headersOf('admin'),
      body: JSON.stringify({ query: 'mutation { runPipeline(pipeline: "retention") { id } }' }),
    });
    const { errors = [] } = (await response.json()) as Answer;
    assert.deepEqual([errors[0]?.extensions.code, errors[0]?.extensions.store], ['STORE_UNAVAILABLE', 'postgres']);
  } finally {
    await apart.stop();
    await postgres.close();
    await server.stop();
  }
});
