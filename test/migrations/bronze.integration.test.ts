import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dropExpired } from '../../ingestion/pipelines/retention.ts';
import { startWorkers } from '../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { RAW_FRAMES, type RawFrame } from '../../schema/topics.ts';
import { openPostgres, type Postgres } from '../../src/platform/postgres/postgres.ts';
import { drained, memoryPlatform } from '../ingestion/workers/worker-platform.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';

const DAY = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY) * DAY;
/** Those before the tables were split by source. */
const EARLIER = MIGRATIONS.slice(0, 4);
let database: TestDatabase;
const opened: Postgres[] = [];
before(async () => {
  database = await sharedPostgres();
});
after(async () => {
  for (const postgres of opened) await postgres.close();
  await database.stop();
});
const open = async (migrations: readonly (new () => object)[]): Promise<Postgres> => {
  const postgres = await openPostgres({ url: database.url, pool: 3, timeoutMs: 20_000, migrations });
  opened.push(postgres);
  await postgres.migrate();
  return postgres;
};

const stamp = (time: number): string => new Date(time).toISOString().slice(0, 10).replaceAll('-', '');
const everything = (postgres: Postgres): Promise<object[]> =>
  postgres.query(`SELECT 'landing' AS t, call_id AS id, source, payload::text AS payload, received_at FROM bronze.raw_landing
    UNION ALL SELECT 'event', event_id, source, payload::text, received_at FROM bronze.raw_event ORDER BY 1, 2`);
const partitions = async (postgres: Postgres): Promise<string[]> =>
  (
    await postgres.query<{ name: string }>(
      `SELECT relid::regclass::text AS name FROM pg_partition_tree('bronze.raw_event') ORDER BY 1`,
    )
  ).map(({ name }) => name);

/** Two days of market rows in tables as they were. */
async function fill(postgres: Postgres): Promise<void> {
  for (const time of [TODAY - DAY, TODAY]) {
    const [from, to] = [time, time + DAY].map((t) => `'${new Date(t).toISOString()}'`);
    await postgres.query(
      `CREATE TABLE bronze.raw_landing_${stamp(time)} PARTITION OF bronze.raw_landing FOR VALUES FROM (${from}) TO (${to})`,
    );
    await postgres.query(
      `CREATE TABLE bronze.raw_event_${stamp(time)} PARTITION OF bronze.raw_event FOR VALUES FROM (${from}) TO (${to})`,
    );
    await postgres.query(`INSERT INTO bronze.raw_landing (call_id, source, endpoint, payload, call_ts, received_at)
      VALUES ('call-${time}', 'UPBIT', '/v1/ticker', '{"p":1.10}', ${from}, ${from})`);
    await postgres.query(`INSERT INTO bronze.raw_event (event_id, source, symbol, ts_event, payload, call_id, received_at)
      SELECT 'event-${time}-' || n, 'BINANCE', 'BTC-USDT', ${from}, '{"p":1.10}', NULL, ${from} FROM generate_series(1, 50) n`);
  }
}

const frame = (receivedAt: number): RawFrame => ({
  ...{
    kind: 'frame',
    exchange: 'BINANCE',
    connection: 'c',
    channel: 'kline',
    symbol: 'BTC-USDT',
    eventTime: receivedAt,
  },
  ...{ receivedAt, endpoint: null, callId: null, callTs: null, bytes: Buffer.from('{"k":1}') },
});

test('a database with market rows is split by source without losing one, and taken back', async () => {
  const earlier = await open(EARLIER);
  await fill(earlier);
  const before = await everything(earlier);
  assert.equal(before.length, 102);
  const postgres = await open(MIGRATIONS);
  assert.deepEqual(await everything(postgres), before);
  const days = [TODAY - DAY, TODAY].map((time) => `bronze.raw_event_market_${stamp(time)}`);
  assert.deepEqual(await partitions(postgres), [
    'bronze.raw_event',
    'bronze.raw_event_c2c',
    'bronze.raw_event_market',
    ...days,
  ]);
  for (const Migration of MIGRATIONS.slice(4).reverse()) {
    await new Migration().down({ query: (text: string) => postgres.query(text) } as never);
  }
  assert.deepEqual(await everything(postgres), before);
  const names = MIGRATIONS.slice(4).map(({ name }) => name);
  await postgres.query('DELETE FROM migrations WHERE name = ANY($1)', [names]);
  await postgres.migrate();
  assert.deepEqual(await everything(postgres), before);
});

test('the worker goes on where it was, and what it writes again changes nothing', async () => {
  const postgres = opened.at(-1) as Postgres;
  for (let runs = 0; runs < 2; runs++) {
    // offsets of this log mean the same in both runs, as if everything were read again
    const platform = await memoryPlatform(postgres, { KAFKA_BROKERS: 'same-log:9092' });
    const frames = [frame(TODAY), frame(TODAY + 1), frame(TODAY - 3 * DAY)];
    await platform.broker.send(RAW_FRAMES.name, frames.map(RAW_FRAMES.encode));
    const workers = await startWorkers(platform, { only: ['bronze'], onFatal: (error) => assert.fail(error) });
    await drained(platform.broker, 'bronze', [RAW_FRAMES.name]);
    await workers.stop();
  }
  const [row] = await postgres.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM bronze.raw_event WHERE payload ? 'k'`,
  );
  assert.equal(row?.n, 3);
  assert.ok((await partitions(postgres)).includes(`bronze.raw_event_market_${stamp(TODAY - 3 * DAY)}`));
});

test("retention drops market rows by age, and never a merchant's orders", async () => {
  const postgres = opened.at(-1) as Postgres;
  await postgres.query(`INSERT INTO bronze.raw_landing_c2c (call_id, source, endpoint, payload, call_ts, received_at)
    VALUES ('c', 'binance_c2c', '/orders', '{}', '2021-04-25', '2021-04-25')`);
  await postgres.query(`INSERT INTO bronze.raw_event (event_id, source, symbol, ts_event, payload, call_id, received_at)
    VALUES ('c:0', 'binance_c2c', 'USDT-VND', '2021-04-25', '{}', 'c', '2021-04-25')`);
  const platform = await memoryPlatform(postgres, { RETENTION_RAW_DAYS: '2' });
  const dropped = await dropExpired(platform, TODAY + 2 * DAY);
  assert.ok(dropped.includes(`bronze.raw_event_market_${stamp(TODAY - DAY)}`));
  assert.ok(!dropped.some((name) => name.includes('c2c')));
  const rows = (await everything(postgres)) as { id: string }[];
  assert.deepEqual(
    rows.filter(({ id }) => id.startsWith('c:') || id === 'c').map(({ id }) => id),
    ['c:0', 'c'],
  );
  assert.ok(!rows.some(({ id }) => id.includes(String(TODAY - DAY))));
  assert.ok(
    rows.some(({ id }) => id.includes(String(TODAY))),
    'what is not old stays',
  );
});

test('a row of the merchant can not come among those that go', async () => {
  const postgres = opened.at(-1) as Postgres;
  await assert.rejects(
    postgres.query(`INSERT INTO bronze.raw_event_market (event_id, source, ts_event, payload, received_at)
      VALUES ('x', 'binance_c2c', now(), '{}', now())`),
    { code: '23514' },
  );
});
