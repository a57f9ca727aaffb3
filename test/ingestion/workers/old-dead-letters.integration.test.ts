import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dropOldDeadLetters } from '../../../ingestion/workers/old-dead-letters.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { openTestDatabase } from '../../support/postgres.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 31, 12);

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

test('dead letters go after their days, however many there are, and no others', async () => {
  const { postgres } = database;
  const write = (log: string, count: number, ageMs: number) =>
    postgres.query(
      `INSERT INTO ops.dead_letter (group_name, log, topic, partition, "offset", reason, value, headers, at)
       SELECT 'silver', $1, 'crypto_trades', 0, n, 'not JSON', '\\x00', '{}', $3 FROM generate_series(1, $2::int) n`,
      [log, count, new Date(NOW - ageMs)],
    );
  const left = async (): Promise<string[]> =>
    (await postgres.query<{ log: string }>('SELECT DISTINCT log FROM ops.dead_letter ORDER BY log')).map((r) => r.log);
  await write('long ago', 12_000, 90 * DAY);
  await write('a week and a second', 3, 7 * DAY + 1_000);
  await write('just a week', 3, 7 * DAY - 1_000);
  await write('now', 3, 0);
  assert.equal(await dropOldDeadLetters(postgres, 30, NOW), 12_000);
  assert.deepEqual(await left(), ['a week and a second', 'just a week', 'now']);
  assert.equal(await dropOldDeadLetters(postgres, 7, NOW), 3);
  assert.deepEqual(await left(), ['just a week', 'now']);
  assert.equal(await dropOldDeadLetters(postgres, 7, NOW), 0);
});
