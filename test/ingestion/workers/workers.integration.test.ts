import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { dropExpired } from '../../../ingestion/pipelines/retention.ts';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { KlineEvent } from '../../../schema/market.ts';
import { deadLetterTopic, RAW_FRAMES, type RawFrame, TOPICS } from '../../../schema/topics.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import { type Postgres, PostgresUnavailable } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres.ts';
import { MINUTE, minute, START, ticker, trade } from './market-events.ts';
import { drained, memoryPlatform, produce, readAll, seeded } from './worker-platform.ts';

const DAY = 86_400_000;

describe('workers on PostgreSQL', () => {
  let postgres: Postgres;
  let close: () => Promise<void>;
  let platform: Platform;
  let running: Running;

  const start = async (...only: string[]): Promise<void> => {
    running = await startWorkers(platform, { only, onFatal: assert.fail });
  };
  const settled = (group: string, ...topics: string[]): Promise<void> => drained(platform.broker, group, topics);
  const count = async (table: string): Promise<number> => {
    const [row] = await postgres.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
    return row?.n ?? 0;
  };
  const deadLetters = (): Promise<{ group: string; reason: string; value: Buffer | null }[]> =>
    postgres.query(
      'SELECT group_name AS "group", reason, value FROM ops.dead_letter ORDER BY topic, partition, "offset"',
    );

  // keeps the server up between the tests
  let server: TestDatabase;
  before(async () => {
    server = await sharedPostgres();
  });
  after(() => server.stop());
  beforeEach(async () => {
    ({ postgres, stop: close } = await openTestDatabase(MIGRATIONS));
    platform = await memoryPlatform(postgres);
    running = { stop: async () => {} };
  });
  afterEach(async () => {
    await running.stop();
    await platform.broker.close();
    await close();
  });

  test('silver: what is good is kept once, what is not is dead-lettered with its reason', async () => {
    await start('silver');
    await produce(platform.broker, TOPICS.trades, [
      trade('1', START),
      trade('1', START),
      trade('2', START, { price: '0' }),
      trade('3', Date.now() + 2 * DAY),
      trade('nul\u0000byte', START),
    ]);
    await produce(platform.broker, TOPICS.kline1m, [
      minute(START),
      minute(START + MINUTE, { high: '1' }),
      minute(START + 1),
    ]);
    await produce(platform.broker, TOPICS.ticker, [ticker(START)]);
    await settled('silver', TOPICS.trades.name, TOPICS.kline1m.name, TOPICS.ticker.name);
    assert.deepEqual(
      [await count('silver.trade'), await count('silver.kline_1m'), await count('silver.ticker_24h')],
      [1, 1, 1],
    );
    const dead = await deadLetters();
    assert.deepEqual(
      dead.map((d) => [d.group, d.reason.replace(/: invalid byte.*/, '')]),
      [
        ['silver', 'quality: high is below low'],
        ['silver', 'quality: openTime is not aligned'],
        ['silver', 'quality: price is not above zero'],
        ['silver', 'quality: eventTime is more than a day in the future'],
        ['silver', 'QueryFailedError'],
      ],
    );
    assert.equal((await readAll(platform.broker, deadLetterTopic(TOPICS.trades.name))).length, 3);
  });

  test('bronze: responses and low-rate frames as received', async () => {
    const frame = (fields: Partial<RawFrame>, body: string | Buffer): ReturnType<typeof RAW_FRAMES.encode> =>
      RAW_FRAMES.encode({
        exchange: 'BINANCE',
        connection: 'c1',
        kind: 'frame',
        channel: 'kline',
        symbol: 'BTC-USDT',
        eventTime: START,
        receivedAt: START + 10,
        endpoint: null,
        callId: null,
        callTs: null,
        bytes: Buffer.from(body),
        ...fields,
      });
    const call = {
      kind: 'response',
      channel: null,
      endpoint: '/api/v3/klines',
      callId: 'call-1',
      callTs: START,
    } as const;
    await platform.broker.send(RAW_FRAMES.name, [
      frame({}, '{"price":1.50,"id":9007199254740993}'),
      frame({}, '{"price":1.50,"id":9007199254740993}'),
      frame({ channel: 'ticker', eventTime: null }, '[1]'),
      frame({ channel: 'trade' }, '{"high":"rate"}'),
      frame({ channel: 'orderbook' }, Buffer.from([0, 1, 2])),
      frame({ channel: null }, '{"result":null}'),
      frame({}, '{"cut of'),
      frame({}, '{"nul":"\\u0000"}'),
      frame({}, '{"half":"\\ud800"}'),
      frame(call, '{"rows":[]}'),
      frame(call, '{"rows":[]}'),
      frame({ ...call, callId: 'call-2' }, '<html>'),
    ]);
    await start('bronze');
    await settled('bronze', RAW_FRAMES.name);
    const rows = await postgres.query<{ payload: string }>('SELECT payload::text FROM bronze.raw_event ORDER BY 1');
    assert.deepEqual(
      rows.map((r) => r.payload),
      ['[1]', '{"id": 9007199254740993, "price": 1.50}', '{"id": 9007199254740993, "price": 1.50}'],
    );
    assert.equal(await count('bronze.raw_landing'), 1);
    const reasons = (await deadLetters()).map((d) => d.reason);
    assert.deepEqual(reasons.slice(0, 1), ['frame: holds U+0000']);
    assert.match(reasons[1] ?? '', /surrogate|escape|json/i);
    assert.deepEqual(reasons.slice(2), ['response: not JSON']);
  });

  test('klines: candles of all intervals in the topic and in gold, over a restart', async () => {
    await start('klines');
    const minutes = Array.from({ length: 90 }, (_, i) =>
      minute(START + i * MINUTE, { volume: '0.1', open: String(100 - (i % 5)) }),
    );
    await produce(platform.broker, TOPICS.kline1m, minutes.slice(0, 70));
    await settled('klines', TOPICS.kline1m.name);
    await running.stop();
    await start('klines');
    await produce(platform.broker, TOPICS.kline1m, [...minutes.slice(60), minute(START - DAY)]);
    await settled('klines', TOPICS.kline1m.name);
    const rows = await postgres.query<{
      interval: string;
      n: number;
      closed: number;
      volume: string;
      coverage: number;
    }>(
      `SELECT interval, count(*)::int AS n, sum(is_closed::int)::int AS closed, trim_scale(sum(volume)) AS volume, min(coverage) AS coverage
       FROM gold.kline WHERE open_time >= $1 GROUP BY 1 ORDER BY 2 DESC`,
      [new Date(START).toISOString()],
    );
    assert.deepEqual(rows, [
      { interval: 'M1', n: 90, closed: 90, volume: '9', coverage: 1 },
      { interval: 'M5', n: 18, closed: 18, volume: '9', coverage: 1 },
      { interval: 'H1', n: 2, closed: 1, volume: '9', coverage: 1 },
      { interval: 'H4', n: 1, closed: 0, volume: '9', coverage: 1 },
      { interval: 'D1', n: 1, closed: 0, volume: '9', coverage: 1 },
    ]);
    const produced = (await readAll(platform.broker, TOPICS.kline.name)).map((m) => TOPICS.kline.parse(m.value));
    const closedOf = (interval: string) => produced.filter((k) => k.interval === interval && k.isClosed);
    assert.equal(new Set(closedOf('M5').map((k) => k.openTime)).size, 18 + 1);
    assert.equal(closedOf('M5').length, 18 + 1, 'each closed once');
  });

  test('klines: a day of back-fill for six markets takes seconds', async (t) => {
    const symbols = ['BTC', 'ETH', 'XRP', 'SOL', 'BNB', 'DOGE'].map((base) => `${base}-USDT`);
    const minutes = Array.from({ length: 1_440 }, (_, i) => START + i * MINUTE).flatMap((openTime) =>
      symbols.map((symbol): KlineEvent => minute(openTime, { symbol })),
    );
    await produce(platform.broker, TOPICS.kline1m, minutes);
    const began = performance.now();
    await start('klines', 'silver');
    await settled('klines', TOPICS.kline1m.name);
    await settled('silver', TOPICS.kline1m.name);
    t.diagnostic(`${minutes.length} minutes in ${Math.round(performance.now() - began)} ms`);
    const [day] = await postgres.query<{ n: number; volume: string; closed: boolean }>(
      `SELECT count(*)::int AS n, trim_scale(sum(volume)) AS volume, bool_and(is_closed) AS closed FROM gold.kline WHERE interval = 'D1'`,
    );
    assert.deepEqual(day, { n: 6, volume: String(6 * 1_440 * 1.5), closed: true });
    assert.equal(await count('gold.kline'), 6 * (1_440 + 288 + 24 + 6 + 1));
  });

  test('a redelivery of everything changes nothing', async () => {
    const tables = ['silver.trade', 'silver.kline_1m', 'gold.kline'];
    const content = async () =>
      JSON.stringify(
        await Promise.all(tables.map((name) => postgres.query(`SELECT * FROM ${name} ORDER BY 1, 2, 3, 4`))),
      );
    await produce(
      platform.broker,
      TOPICS.trades,
      Array.from({ length: 50 }, (_, i) => trade(String(i), START + i)),
    );
    await produce(
      platform.broker,
      TOPICS.kline1m,
      Array.from({ length: 50 }, (_, i) => minute(START + i * MINUTE)),
    );
    const all = async () => {
      await settled('silver', TOPICS.trades.name, TOPICS.kline1m.name);
      await settled('klines', TOPICS.kline1m.name);
    };
    await start('silver', 'klines');
    await all();
    const before = await content();
    await running.stop();
    for (const [topic, payloads] of [
      [TOPICS.trades, await readAll(platform.broker, TOPICS.trades.name)],
      [TOPICS.kline1m, await readAll(platform.broker, TOPICS.kline1m.name)],
    ] as const) {
      await platform.broker.send(topic.name, payloads);
    }
    await start('silver', 'klines');
    await all();
    assert.equal(await content(), before);
  });

  test('klines: a database that fails, before or after it did what it was asked, changes nothing', async () => {
    const random = seeded(5);
    const broken = async <T>(call: () => Promise<T>): Promise<T> => {
      const fate = random();
      if (fate < 0.1) throw new PostgresUnavailable('before');
      const result = await call();
      if (fate < 0.2) throw new PostgresUnavailable('after');
      return result;
    };
    platform.postgres = {
      ...postgres,
      query: (text, params) => broken(() => postgres.query(text, params)),
      transaction: (work) => broken(() => postgres.transaction(work)),
    };
    await start('klines');
    for (let i = 0; i < 40; i++) {
      await produce(platform.broker, TOPICS.kline1m, [minute(START + i * MINUTE), minute(START + (i - 300) * MINUTE)]);
      if (i % 8 === 0) await settled('klines', TOPICS.kline1m.name);
      if (i === 20) {
        await running.stop();
        await start('klines');
      }
    }
    await settled('klines', TOPICS.kline1m.name);
    const rows = await postgres.query<{ interval: string; volume: string }>(
      'SELECT interval, trim_scale(sum(volume)) AS volume FROM gold.kline GROUP BY 1 ORDER BY 1',
    );
    assert.deepEqual(
      rows,
      ['D1', 'H1', 'H4', 'M1', 'M5'].map((interval) => ({ interval, volume: String(80 * 1.5) })),
    );
    assert.equal((await readAll(platform.broker, deadLetterTopic(TOPICS.kline1m.name))).length, 0);
    const closed = (await readAll(platform.broker, TOPICS.kline.name))
      .map((m) => TOPICS.kline.parse(m.value))
      .filter((k) => k.interval === 'M5' && k.isClosed && k.coverage === 1);
    assert.equal(new Set(closed.map((k) => k.openTime)).size, 16);
  });

  test('retention drops what is older than its days, by event time', async () => {
    await start('silver');
    const today = START + 40 * DAY;
    const ages = [0, 29, 30, 31, 39];
    await produce(
      platform.broker,
      TOPICS.trades,
      ages.map((age) => trade(`age-${age}`, today - age * DAY)),
    );
    await settled('silver', TOPICS.trades.name);
    const dropped = await dropExpired(platform, today);
    assert.equal(dropped.length, 2);
    assert.equal(await count('silver.trade'), 3);
  });
});
