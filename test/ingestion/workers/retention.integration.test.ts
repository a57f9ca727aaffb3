import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRetention } from '../../../ingestion/workers/retention.ts';
import { TRADE } from '../../../ingestion/workers/silver.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { writeRows } from '../../../src/platform/postgres/bulk.ts';
import { type Postgres, PostgresUnavailable } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { START, trade } from './market-events.ts';
import { memoryPlatform } from './worker-platform.ts';

const DAY = 86_400_000;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

test('expired partitions go, every day anew, by one process of many, also after its holder vanished', async () => {
  const { postgres } = database;
  const ages = async (): Promise<string[]> => {
    const rows = await postgres.query<{ id: string }>('SELECT trade_id AS id FROM silver.trade ORDER BY event_time');
    return rows.map((row) => row.id);
  };
  await writeRows(
    postgres,
    TRADE,
    [0, 1, 2, 3, 4].map((day) => trade(`day-${day}`, START + day * DAY)),
  );
  let cut = false;
  let drops = 0;
  let now = START + 32 * DAY;
  const start = async (mortal: boolean) => {
    const query: Postgres['query'] = (text, params) => {
      if (mortal && cut) return Promise.reject(new PostgresUnavailable('gone'));
      if (text.includes('pg_inherits')) drops++;
      return postgres.query(text, params);
    };
    const platform = await memoryPlatform({ ...postgres, query }, { LEASE_MS: '600' });
    return startRetention(platform, { everyMs: 150, now: () => now });
  };
  const first = await start(true);
  await until('what is older than thirty days to be gone', async () => (await ages())[0] === 'day-2');
  const second = await start(false);
  now += DAY;
  await until('the next day to be gone', async () => (await ages())[0] === 'day-3');
  const [lease] = await postgres.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ops.lease WHERE name = 'retention' AND expires_at > clock_timestamp()`,
  );
  assert.equal(lease?.n, 1);
  cut = true;
  now += DAY;
  await until('the other process to go on', async () => (await ages())[0] === 'day-4');
  assert.deepEqual(await ages(), ['day-4']);
  await Promise.all([first.stop(), second.stop()]);
  const told = drops;
  await new Promise((done) => setTimeout(done, 400));
  assert.equal(drops, told, 'stopped, nothing runs any more');
});
