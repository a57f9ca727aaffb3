import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { logId } from '../../../ingestion/workers/log-id.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { type ArbitrageEvent, arbitrageId } from '../../../schema/arbitrage.ts';
import { Exact } from '../../../schema/decimal.ts';
import { TOPICS } from '../../../schema/topics.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { type BookFeed, bookEvents } from './arbitrage-books.ts';
import { drained, memoryPlatform, produce, readAll } from './worker-platform.ts';

const T = Date.UTC(2026, 2, 1);
const MINUTE = 60_000;

const FEEDS: readonly BookFeed[] = [
  { exchange: 'BINANCE', symbol: 'BTC-USDT', price: 100 },
  { exchange: 'KUCOIN', symbol: 'BTC-USDT', price: 100.2 },
  { exchange: 'UPBIT', symbol: 'BTC-KRW', price: 141_000 },
  { exchange: 'UPBIT', symbol: 'USDT-KRW', price: 1_400 },
];

interface Average {
  id: string;
  minute: Date;
  samples: number;
  sum: string;
  squares: string;
  min: string;
  max: string;
}

describe('spreads, from the books to the tables', () => {
  let server: TestDatabase;
  let postgres: Postgres;
  let close: () => Promise<void>;
  let platform: Platform;
  let running: Running;

  before(async () => {
    server = await sharedPostgres();
  });
  after(() => server.stop());
  beforeEach(async () => {
    ({ postgres, stop: close } = await openTestDatabase(MIGRATIONS));
    // the offsets of this log mean the same after a restart of the workers
    platform = await memoryPlatform(postgres, { KAFKA_BROKERS: 'same-log:9092', ARBITRAGE_NOTIONALS: '100,1000' });
    for (const { exchange, symbol } of FEEDS) {
      const [base, quote] = symbol.split('-');
      await postgres.query(
        `INSERT INTO gold.market (exchange, symbol, native_symbol, base, quote, status, taker_fee_percent)
         VALUES ($1, $2, $2, $3, $4, 'TRADING', 0.1)`,
        [exchange, symbol, base, quote],
      );
    }
    running = { stop: async () => {} };
  });
  afterEach(async () => {
    await running.stop();
    await platform.broker.close();
    await close();
  });

  const start = async (...only: string[]): Promise<void> => {
    running = await startWorkers(platform, { only, onFatal: assert.fail });
  };
  const said = async (): Promise<ArbitrageEvent[]> =>
    (await readAll(platform.broker, TOPICS.arbitrage.name)).map(({ value }) => TOPICS.arbitrage.parse(value));
  const averages = (): Promise<Average[]> =>
    postgres.query(
      `SELECT base || ':' || lower(buy_exchange) || ':' || buy_symbol || '>' || lower(sell_exchange) || ':' || sell_symbol
         || ':' || notional AS id, minute, samples, sum::text, sum_of_squares::text AS squares, min::text, max::text
       FROM gold.arbitrage_average ORDER BY 1, 2`,
    );
  const settled = async (): Promise<void> => {
    await drained(platform.broker, 'arbitrage', [TOPICS.orderbook.name]);
    await drained(platform.broker, 'arbitrage-gold', [TOPICS.arbitrage.name]);
  };

  /** From what was said, with nothing of the code under test. */
  function expected(events: readonly ArbitrageEvent[]): Average[] {
    const samples = events.filter((e) => e.sampled && e.notExecutable.every((r) => r === 'THIN_BOOK'));
    const byMinute = Map.groupBy(samples, (e) => `${arbitrageId(e)} ${e.eventTime - (e.eventTime % MINUTE)}`);
    return [...byMinute.values()]
      .map((all) => {
        const [first] = all;
        assert.ok(first);
        const nets = all.map((e) => new Exact(e.netPercent));
        const total = (values: typeof nets) => values.reduce((a, b) => a.plus(b), new Exact(0));
        const sorted = nets.toSorted((a, b) => a.comparedTo(b));
        return {
          id: arbitrageId(first),
          minute: new Date(first.eventTime - (first.eventTime % MINUTE)),
          samples: all.length,
          sum: total(nets).toFixed(),
          squares: total(nets.map((n) => n.times(n))).toFixed(),
          min: sorted[0]?.toFixed() ?? '',
          max: sorted.at(-1)?.toFixed() ?? '',
        };
      })
      .sort((a, b) => (a.id === b.id ? Number(a.minute) - Number(b.minute) : a.id < b.id ? -1 : 1));
  }
  const plain = (rows: readonly Average[]): Average[] =>
    rows
      .map((r) => ({
        ...r,
        sum: new Exact(r.sum).toFixed(),
        squares: new Exact(r.squares).toFixed(),
        min: new Exact(r.min).toFixed(),
        max: new Exact(r.max).toFixed(),
      }))
      .sort((a, b) => (a.id === b.id ? Number(a.minute) - Number(b.minute) : a.id < b.id ? -1 : 1));

  test('every pair, every size; a rate for those in KRW; averages are those of what was said', async () => {
    await produce(
      platform.broker,
      TOPICS.orderbook,
      bookEvents(FEEDS, { from: T, to: T + 2 * MINUTE + 30_000, everyMs: 1_000, snapshotMs: 30_000, seed: 1 }),
    );
    await start('arbitrage', 'arbitrage-gold');
    await settled();
    const events = await said();
    const pairs = new Set(events.map(arbitrageId));
    // three markets of BTC: six directions of two sizes
    assert.equal(pairs.size, 12);
    assert.ok(
      events.every((e) => (e.fxRate === null) === (e.buy.symbol === 'BTC-USDT' && e.sell.symbol === 'BTC-USDT')),
    );
    const rates = await readAll(platform.broker, TOPICS.fx.name);
    assert.ok(rates.length > 0);
    const rows = plain(await averages());
    assert.deepEqual(rows, expected(events));
    const perMinute = Map.groupBy(rows, (r) => Number(r.minute) - T);
    // the third minute is half there
    assert.deepEqual(
      [...(perMinute.get(0) ?? []), ...(perMinute.get(MINUTE) ?? [])].map((r) => r.samples),
      Array(24).fill(60),
    );
    assert.ok(perMinute.get(2 * MINUTE)?.every((r) => r.samples === 30));
    const [values] = await postgres.query<{ n: number; most: number }>(
      `SELECT count(*)::int AS n, max(c)::int AS most FROM (SELECT count(*) AS c FROM gold.arbitrage_value
         GROUP BY base, second, buy_exchange, buy_symbol, sell_exchange, sell_symbol) g`,
    );
    assert.equal(values?.most, 1);
  });

  test('a worker that ends in the middle loses and repeats no minute', async () => {
    const coins = FEEDS.slice(0, 2);
    const events = bookEvents(coins, { from: T, to: T + 3 * MINUTE, everyMs: 100, snapshotMs: 20_000, seed: 2 });
    await produce(platform.broker, TOPICS.orderbook, events);
    for (let i = 0; i < 4; i++) {
      await start('arbitrage', 'arbitrage-gold');
      const before = (await averages()).reduce((sum, r) => sum + r.samples, 0);
      await until('some more', async () => {
        const [{ lag = 0n } = {}] = (await platform.broker.lag('arbitrage', [TOPICS.orderbook.name])).filter(
          (l) => l.lag > 0n,
        );
        return lag === 0n || (await averages()).reduce((sum, r) => sum + r.samples, 0) > before;
      });
      await running.stop();
    }
    await start('arbitrage', 'arbitrage-gold');
    await settled();
    const rows = plain(await averages());
    assert.deepEqual([...new Set(rows.map((r) => r.samples))], [60]);
    assert.equal(rows.length, 3 * 2 * 2);
    // each second once, though a restart may have said one twice
    const once = [
      ...new Map((await said()).filter((e) => e.sampled).map((e) => [`${arbitrageId(e)} ${e.eventTime}`, e])).values(),
    ];
    assert.deepEqual(rows, expected(once.filter((e) => e.eventTime < T + 3 * MINUTE)));
  });

  test('with no book left to read again, the group learns how far the worker is all the same', async () => {
    const { broker } = platform;
    const events = bookEvents(FEEDS.slice(0, 2), {
      from: T,
      to: T + MINUTE,
      everyMs: 1_000,
      snapshotMs: 20_000,
      seed: 4,
    });
    await produce(broker, TOPICS.orderbook, events);
    const marks = (await broker.watermarks(TOPICS.orderbook.name)).filter(({ low, high }) => high > low);
    // as a process leaves it that is killed between its checkpoint and its commit, when all books were long silent
    for (const { partition, high } of marks) {
      await postgres.query(
        `INSERT INTO ops.checkpoint (group_name, topic, partition, log, next_offset, state)
         VALUES ('arbitrage', $1, $2, $3, $4, $5)`,
        [TOPICS.orderbook.name, partition, logId(platform), String(high), JSON.stringify({ books: String(high) })],
      );
    }
    await start('arbitrage');
    await drained(broker, 'arbitrage', [TOPICS.orderbook.name]);
    assert.deepEqual(await said(), []);
  });
});
