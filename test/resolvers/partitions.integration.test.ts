import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MIGRATIONS } from '../../migrations/index.ts';
import { klinePages } from '../../resolvers/kline-store.ts';
import { tradePages } from '../../resolvers/trade-store.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { BTC, kline, storeKlines, storeTrades, trade } from './samples.ts';

const DAY = 86_400_000;
const JANUARY = Date.UTC(2026, 0, 15);
const MONTHS = [0, 31, 60, 91, 121].map((days) => JANUARY + days * DAY);

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  await storeKlines(
    database.postgres,
    MONTHS.flatMap((time) => Array.from({ length: 20 }, (_, i) => kline(time + i * 60_000))),
  );
  await storeTrades(
    database.postgres,
    Array.from({ length: 5 }, (_, day) => trade(JANUARY + day * DAY, String(day))),
  );
  await database.postgres.query('ANALYZE');
});
after(() => database.stop());

/** What the planner does with the statements that `run` sends; the statements answer nothing. */
async function plansOf(run: (postgres: Postgres) => Promise<unknown>): Promise<string> {
  const plans: string[] = [];
  await run({
    ...database.postgres,
    async query<Row>(text: string, params: readonly unknown[] = []) {
      const rows = await database.postgres.transaction(async (sql) => {
        // so few rows would be read quicker without the index
        await sql.query('SET LOCAL enable_seqscan = off');
        return sql.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE) ${text}`, params);
      });
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
      return [] as Row[];
    },
  });
  return plans.join('\n');
}

/** Partitions that a plan reads: named in it and not left out at run time. */
function partitionsRead(plan: string, table: string): string[] {
  const read = new Set<string>();
  for (const line of plan.split('\n')) {
    const name = new RegExp(`\\b(${table}_\\d+)\\b(?!_)`).exec(line)?.[1];
    if (name && !line.includes('never executed')) read.add(name);
  }
  return [...read].sort();
}

const klines = (range: { from?: number; to?: number; first?: number; afterTime?: number; order?: 'ASC' | 'DESC' }) =>
  plansOf((postgres) =>
    klinePages({ postgres, live: createMemoryLiveStore() }, [
      { market: BTC, interval: 'M1', order: 'DESC', first: 500, from: null, to: null, afterTime: null, ...range },
    ]),
  );

test('a bounded page of candles reads the months in range and no others, by the key', async () => {
  const plan = await klines({ from: Date.UTC(2026, 1, 1), to: Date.UTC(2026, 3, 1) });
  assert.deepEqual(partitionsRead(plan, 'kline'), ['kline_202602', 'kline_202603']);
  assert.match(plan, /Index Scan Backward using kline_202603_pkey/);
  assert.deepEqual(
    plan.match(/Sort Key: .*/g)?.filter((key) => !key.includes('m.n')) ?? [],
    [],
    'the key has the order already',
  );
  const open = await klines({ from: Date.UTC(2026, 4, 1) });
  assert.deepEqual(partitionsRead(open, 'kline'), ['kline_202605']);
  const next = await klines({ afterTime: MONTHS[1], first: 100 });
  assert.deepEqual(partitionsRead(next, 'kline'), ['kline_202601', 'kline_202602']);
});

test('an unbounded page stops at the newest months that fill it, without sorting them', async () => {
  const plan = await klines({ first: 10 });
  assert.deepEqual(partitionsRead(plan, 'kline'), ['kline_202605']);
  const oldest = await klines({ first: 10, order: 'ASC' });
  assert.deepEqual(partitionsRead(oldest, 'kline'), ['kline_202601']);
});

test('a page of trades reads the days in range and no others', async () => {
  const trades = (range: object) =>
    plansOf((postgres) =>
      tradePages({ postgres, live: createMemoryLiveStore() }, [
        { market: BTC, first: 50, from: null, to: null, after: null, ...range },
      ]),
    );
  const bounded = await trades({ from: JANUARY + DAY, to: JANUARY + 2 * DAY });
  assert.deepEqual(partitionsRead(bounded, 'trade'), ['trade_20260116']);
  assert.match(bounded, /Index Scan Backward using trade_20260116_pkey/);
  const next = await trades({ after: { time: JANUARY + DAY, tradeId: '1' } });
  assert.deepEqual(partitionsRead(next, 'trade'), ['trade_20260115', 'trade_20260116']);
  const newest = await trades({ first: 0 });
  assert.deepEqual(partitionsRead(newest, 'trade'), ['trade_20260119']);
});
