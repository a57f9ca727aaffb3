import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dropOldRecords } from '../../../ingestion/cdc/old-records.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { C2C_ORDER_TABLE } from '../../../schema/cdc.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { ConfigError, readConfig } from '../../../src/platform/config.ts';
import { openTestDatabase } from '../../support/postgres.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 31, 12);

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

/** `count` changes, one of each of so many rows; all at one time, as a snapshot has them. */
async function capture(what: string, op: string, count: number, committed: number, captured = committed) {
  await database.postgres.query(
    `INSERT INTO silver.cdc_record (id, table_name, op, key_text, key, after, changed, unchanged, source_time, received_at)
     SELECT $1 || n, $2, $3, CASE WHEN $3 <> 'TRUNCATE' THEN 'row ' || n END, '{}', '{}', '[]', '[]', $5, $6
     FROM generate_series(1, $4::int) n ORDER BY n`,
    [what, C2C_ORDER_TABLE, op, count, new Date(NOW - committed), new Date(NOW - captured)],
  );
}

async function left(): Promise<[what: string, count: number][]> {
  const rows = await database.postgres.query<{ what: string; count: number }>(
    `SELECT rtrim(id, '0123456789') AS what, count(*)::int AS count FROM silver.cdc_record GROUP BY 1 ORDER BY min(seq)`,
  );
  return rows.map(({ what, count }) => [what, count]);
}

test('changes go after their days, however many there are; the newest of each row stays', async () => {
  const { postgres } = database;
  await capture('truncated', 'TRUNCATE', 1, 600 * DAY);
  await capture('read', 'READ', 12_000, 500 * DAY);
  await capture('of another time', 'UPDATE', 3, 400 * DAY, 1_000);
  await capture('changed', 'UPDATE', 11_999, 400 * DAY);
  await capture('gone', 'DELETE', 4, 390 * DAY);
  await capture('fresh', 'UPDATE', 3, 364 * DAY);
  await capture('newest', 'UPDATE', 2, 0);
  assert.equal(await dropOldRecords(postgres, 365, NOW), 11_999 + 4 + 3);
  assert.deepEqual(await left(), [
    ['truncated', 1],
    ['read', 1],
    ['of another time', 3],
    ['changed', 11_999 - 4],
    ['gone', 1],
    ['fresh', 3],
    ['newest', 2],
  ]);
  assert.equal(await dropOldRecords(postgres, 365, NOW), 0);
  assert.equal(await dropOldRecords(postgres, 8, NOW), 2);
});

test('never sooner than the log may bring them again', () => {
  const days = TOPICS.cdc.retentionMs / DAY;
  assert.throws(() => readConfig({ RETENTION_CDC_DAYS: String(days) }), ConfigError);
});
