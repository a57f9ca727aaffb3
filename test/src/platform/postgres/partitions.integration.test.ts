import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KLINE_1M, TRADE } from '../../../../ingestion/workers/silver.ts';
import { MIGRATIONS } from '../../../../migrations/index.ts';
import { bulkUpsert, writeRows } from '../../../../src/platform/postgres/bulk.ts';
import {
  dropPartitionsBefore,
  ensurePartitions,
  forgetPartitions,
} from '../../../../src/platform/postgres/partitions.ts';
import { openPostgres, type Postgres } from '../../../../src/platform/postgres/postgres.ts';
import { minute, START, trade } from '../../../ingestion/workers/market-events.ts';
import { openTestDatabase } from '../../../support/postgres.ts';

const DAY = 86_400_000;

describe('partitions', () => {
  let database: { url: string; postgres: Postgres; stop(): Promise<void> };
  const others: Postgres[] = [];
  before(async () => {
    database = await openTestDatabase(MIGRATIONS);
    for (let i = 0; i < 4; i++) others.push(await openPostgres({ url: database.url, pool: 3, timeoutMs: 20_000 }));
  });
  after(async () => {
    for (const other of others) await other.close();
    await database.stop();
  });

  const partitions = async (table: string): Promise<string[]> => {
    const rows = await database.postgres.query<{ name: string }>(
      'SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1',
      [table],
    );
    return rows.map((r) => r.name);
  };

  test('several processes that need the same ones at once make them once, while rows go in', async () => {
    const days = Array.from({ length: 10 }, (_, i) => START + i * DAY);
    await Promise.all(
      others.flatMap((other, n) => [
        ensurePartitions(other, 'silver.trade', 'day', n % 2 ? days : days.toReversed()),
        writeRows(
          other,
          TRADE,
          days.map((day, i) => trade(`${n}-${i}`, day)),
        ),
      ]),
    );
    assert.equal((await partitions('silver.trade')).length, 10);
    const [row] = await database.postgres.query<{ n: number }>('SELECT count(*)::int AS n FROM silver.trade');
    assert.equal(row?.n, 40);
  });

  test('old ones are dropped, the one that holds the limit stays, and come back when needed', async () => {
    const limit = START + 3 * DAY + 5;
    const dropped = await dropPartitionsBefore(database.postgres, 'silver.trade', 'day', limit);
    assert.deepEqual(dropped, ['silver.trade_20260301', 'silver.trade_20260302', 'silver.trade_20260303']);
    assert.deepEqual(await dropPartitionsBefore(database.postgres, 'silver.trade', 'day', limit), []);
    const [other] = others;
    assert.ok(other);
    // this pool believes they are still there
    assert.equal(await writeRows(other, TRADE, [trade('late', START)]), 1);
  });

  test('the end of a month and of a year', async () => {
    const times = [
      Date.UTC(2025, 11, 31, 23, 59),
      Date.UTC(2026, 0, 1),
      Date.UTC(2024, 1, 29, 23, 59),
      Date.UTC(2024, 2, 1),
    ];
    const written = await writeRows(
      database.postgres,
      KLINE_1M,
      times.map((openTime) => minute(openTime)),
    );
    assert.equal(written, 4);
    assert.deepEqual(await partitions('silver.kline_1m'), [
      'silver.kline_1m_202402',
      'silver.kline_1m_202403',
      'silver.kline_1m_202512',
      'silver.kline_1m_202601',
    ]);
  });

  test('without its partition a row is refused, not lost', async () => {
    forgetPartitions(database.postgres);
    await assert.rejects(bulkUpsert(database.postgres, TRADE, [trade('x', START - 100 * DAY)]), { code: '23514' });
  });
});
