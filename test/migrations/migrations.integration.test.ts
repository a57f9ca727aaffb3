import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GOLD_KLINE } from '../../ingestion/gold/kline.ts';
import { KLINE_1M, TICKER_24H, TRADE } from '../../ingestion/workers/silver.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { openPostgres, type Postgres } from '../../src/platform/postgres/postgres.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';

describe('migrations', () => {
  let database: TestDatabase;
  const opened: Postgres[] = [];
  const open = async (): Promise<Postgres> => {
    const postgres = await openPostgres({ url: database.url, pool: 2, timeoutMs: 20_000, migrations: MIGRATIONS });
    opened.push(postgres);
    return postgres;
  };
  before(async () => {
    database = await sharedPostgres();
  });
  after(async () => {
    for (const postgres of opened) await postgres.close();
    await database.stop();
  });

  test('run once on an empty database, also when two processes start at once', async () => {
    const [a, b] = await Promise.all([open(), open()]);
    const ran = await Promise.all([a.migrate(), b.migrate()]);
    assert.deepEqual(ran.flat().sort(), MIGRATIONS.map((m) => m.name).sort());
    assert.deepEqual(await a.migrate(), []);
  });

  test("wait for another process's, however small the pool and the bound on a call", async () => {
    const other = await sharedPostgres();
    const options = { url: other.url, timeoutMs: 200 };
    const holder = await openPostgres({ ...options, pool: 1, timeoutMs: 20_000 });
    const postgres = await openPostgres({ ...options, pool: 1, migrations: MIGRATIONS });
    try {
      // as the process does that migrates just now
      await holder.query('SELECT pg_advisory_lock(7420001)');
      let done = false;
      const migrated = postgres.migrate().finally(() => {
        done = true;
      });
      await new Promise((next) => setTimeout(next, 2_000));
      assert.equal(done, false);
      await holder.query('SELECT pg_advisory_unlock(7420001)');
      assert.equal((await migrated).length, MIGRATIONS.length);
      await assert.rejects(postgres.query('SELECT pg_sleep(1)'), 'calls are bounded as before');
    } finally {
      await Promise.all([holder.close(), postgres.close()]);
      await other.stop();
    }
  });

  test('give every column that a writer declares, with its type', async () => {
    const postgres = await open();
    const rows = await postgres.query<{ table: string; column: string; type: string }>(
      `SELECT table_schema || '.' || table_name AS "table", column_name AS "column", data_type AS type
       FROM information_schema.columns WHERE table_schema IN ('bronze', 'silver', 'gold', 'ops')`,
    );
    const spelled: Record<string, string> = { 'timestamp with time zone': 'timestamptz', 'double precision': 'float8' };
    const known = new Map(rows.map((r) => [`${r.table} ${r.column}`, spelled[r.type] ?? r.type]));
    for (const { table, columns } of [GOLD_KLINE, KLINE_1M, TRADE, TICKER_24H]) {
      for (const [name, [type]] of Object.entries(columns)) assert.equal(known.get(`${table} ${name}`), type, name);
      assert.equal([...known.keys()].filter((k) => k.startsWith(`${table} `)).length, Object.keys(columns).length);
    }
  });

  test('can be taken back', async () => {
    const postgres = await open();
    for (const migration of [...MIGRATIONS].reverse()) {
      await new migration().down({ query: (text: string) => postgres.query(text) } as never);
    }
    const left = await postgres.query(
      "SELECT 1 FROM information_schema.tables WHERE table_schema IN ('bronze', 'silver', 'gold', 'ops')",
    );
    assert.deepEqual(left, []);
  });
});
