/** `npm run pipeline` as an operator runs it: names, a run that nobody else does, a failure's exit code. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PIPELINES } from '../../schema/pipelines.ts';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { openPostgres, type Postgres } from '../../src/platform/postgres/postgres.ts';
import { brief, rowsOf } from '../ingestion/pipelines/made-up.ts';
import { sharedKafka } from '../support/kafka.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { sharedRedis } from '../support/redis.ts';
import { startRole } from '../support/role.ts';

let database: TestDatabase;
let postgres: Postgres;
let redis: Awaited<ReturnType<typeof sharedRedis>>;
let kafka: Awaited<ReturnType<typeof sharedKafka>>;
before(async () => {
  [redis, kafka] = await Promise.all([sharedRedis(), sharedKafka()]);
  database = await sharedPostgres();
  postgres = await openPostgres({ url: database.url, pool: 1, timeoutMs: 10_000 });
});
after(async () => {
  await postgres.close();
  await database.stop();
  await Promise.all([redis.stop(), kafka.stop()]);
});

async function command(args: readonly string[], settings: Record<string, string> = {}) {
  const stores = { DATABASE_URL: database.url, REDIS_URL: redis.url, KAFKA_BROKERS: kafka.brokers.join(',') };
  const child = startRole('src/pipeline.ts', { ...stores, ...settings }, args);
  return { code: await child.exited, output: child.output() };
}

test('--list names every pipeline, when it runs and its tasks; another name is refused with those there are', {
  timeout: 60_000,
}, async () => {
  const list = await command(['--list']);
  assert.equal(list.code, 0);
  for (const name of PIPELINES) assert.match(list.output, new RegExp(`^${name} .*[a-z_]+`, 'm'));
  const wrong = await command(['nightly']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.output, /must be one of daily_batch_processing, /);
  assert.doesNotMatch(wrong.output, /^\s+at /m);
});

test('where nobody runs pipelines the command does it itself, and says what happens a line at a time', {
  timeout: 90_000,
}, async () => {
  const { code, output } = await command(['retention']);
  assert.equal(code, 0, output);
  for (const task of ['expired_partitions', 'old_quality_results', 'old_runs', 'all of it']) {
    assert.match(output, new RegExp(`^\\+ ${task} +succeeded `, 'm'));
  }
  assert.ok(!output.includes('\u001b'));
  assert.equal((await rowsOf(postgres, 'retention')).map(brief)[0], 'run 1 SUCCEEDED');
});

test('with a database but without the other stores of its processes it is refused, by their names', {
  timeout: 60_000,
}, async () => {
  const { code, output } = await command(['live_rebuild'], { REDIS_URL: '', KAFKA_BROKERS: '' });
  assert.equal(code, 1);
  assert.match(output, /^Settings are wrong:\n(.*\n)*.*REDIS_URL/);
  assert.match(output, /KAFKA_BROKERS/);
  assert.doesNotMatch(output, /^\s+at /m);
  assert.deepEqual(await rowsOf(postgres, 'live_rebuild'), []);
});

test('checks of the data are not kept back for a first minute', { timeout: 60_000 }, async () => {
  const from = performance.now();
  const { code, output } = await command(['data_quality']);
  assert.equal(code, 0, output);
  assert.ok(performance.now() - from < 45_000, `${performance.now() - from} ms`);
});

test('a run that fails ends the command with 1 and the reason; one that can not be run says so', {
  timeout: 120_000,
}, async () => {
  const nowhere = await freePort();
  const away = {
    MARKETS: 'upbit:BTC-KRW',
    UPBIT_REST_URL: `http://127.0.0.1:${nowhere}`,
    UPBIT_WS_URL: `ws://127.0.0.1:${nowhere}`,
  };
  const [failed, skipped] = await Promise.all([
    command(['upbit_24h_ticker'], away),
    command(['daily_batch_processing']),
  ]);
  assert.equal(failed.code, 1, failed.output);
  assert.match(failed.output, /^x fetch_upbit_tickers .*attempt 4/m);
  assert.match(failed.output, /^- silver_ticker_24h .*needs fetch_upbit_tickers/m);
  assert.match(failed.output, /^x all of it .*fetch_upbit_tickers: /m);
  assert.equal(skipped.code, 0);
  assert.match(skipped.output, /^- all of it .*BINANCE_API_KEY is not set/m);
});
