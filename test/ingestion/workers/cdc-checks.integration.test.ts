import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { readEnvelope } from '../../../ingestion/cdc/envelope.ts';
import { addRecords } from '../../../ingestion/cdc/records.ts';
import { runDataChecks } from '../../../ingestion/workers/data-quality.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { CDC_TABLES } from '../../../schema/cdc.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import {
  CANARY,
  created,
  deleted,
  envelope,
  type Given,
  MINUTE,
  message,
  order,
  type Row,
  T,
  TABLE,
  updated,
} from '../cdc/envelopes.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());
beforeEach(async () => {
  await database.postgres.query('TRUNCATE public.c2c_order, silver.cdc_record, ops.data_quality_result');
});

const NOW = T + 10 * MINUTE;
const COLUMNS = Object.keys(CDC_TABLES[TABLE]?.columns ?? {});

async function insert(...rows: Row[]): Promise<void> {
  const list = COLUMNS.join(', ');
  await database.postgres.query(
    `INSERT INTO public.c2c_order (${list}) SELECT ${list} FROM jsonb_populate_recordset(NULL::public.c2c_order, $1)`,
    [JSON.stringify(rows)],
  );
}
let lsn = 0;
async function capture(...messages: Given[]): Promise<void> {
  const changes = messages
    .flatMap((one) => readEnvelope(one) ?? [])
    .map((one) => ({ ...one, id: `${one.id.slice(0, 10)}${++lsn}` }));
  await addRecords(database.postgres, changes);
}

/** What is found wrong: the order and why. */
async function found(sweep = false): Promise<[unknown, unknown, unknown][]> {
  const failures = (await runDataChecks(database.postgres, NOW, sweep)).filter(({ dataset }) => dataset === 'cdc');
  for (const failure of failures) assert.deepEqual([failure.check, failure.severe], ['reconcile', true]);
  const sample = failures.flatMap((failure) => failure.sample as Record<string, unknown>[]);
  assert.ok(!JSON.stringify(sample).includes(CANARY));
  return sample.map((row) => [row.order_number, row.reason, row.columns]);
}

describe('what was captured against the table', () => {
  test('the same, whatever the spelling, is all right; nothing captured at all is not judged', async () => {
    await insert(order('1', { amount: '100.500', additional_kyc_verify: 1 }), order('2', { taker_amount: '0.10' }));
    assert.deepEqual(await found(), []);
    await database.postgres.query('TRUNCATE ops.data_quality_result');
    await capture(
      message(envelope('r', null, order('1', { order_status: 'PENDING' }), { snapshot: 'true' })),
      message(envelope('u', order('1'), order('1', { additional_kyc_verify: 1 }))),
      created('2', { row: { taker_amount: '0.1', updated_at: '2026-03-01 12:00:00.000001+00' } }),
    );
    assert.deepEqual(await found(), []);
    const [row] = await database.postgres.query<{ checked: string }>(
      `SELECT checked::text FROM ops.data_quality_result WHERE dataset = 'cdc'`,
    );
    assert.equal(row?.checked, '2');
  });

  test('a change, a row and a deletion that were not captured, and one that was and did not happen', async () => {
    const failed = async (): Promise<number> =>
      (await metrics.qualityFailed.get()).values.find(({ labels }) => labels.dataset === 'cdc')?.value ?? 0;
    const before = await failed();
    await insert(order('1', { order_status: 'COMPLETED', amount: '7' }), order('2'), order('4'), order('5'));
    await capture(created('1'), created('3'), created('4'), deleted('4'), created('5'), updated('5', {}, {}));
    assert.deepEqual((await found()).toSorted(), [
      ['1', 'captured otherwise', ['amount', 'order_status']],
      ['2', 'not captured', []],
      ['3', 'gone, and its deletion not captured', []],
      ['4', 'captured as deleted', []],
    ]);
    assert.equal(await failed(), before + 4);
  });

  test('a truncation ends what was captured before it', async () => {
    await capture(created('1'), created('2'), message(envelope('t', null, null)), created('3'));
    await insert(order('1'), order('3'));
    assert.deepEqual(await found(), [['1', 'not captured', []]]);
  });

  test('what changed within the last minutes is left to the next look, what changed long ago to the sweep', async () => {
    const old = '2024-01-01T00:00:00Z';
    await insert(order('1', { updated_at: new Date(NOW - MINUTE).toISOString() }), order('2', { updated_at: old }));
    await capture(created('9', { time: Date.UTC(2024, 0, 1) }), created('1', { row: { amount: '1' } }), deleted('1'));
    assert.deepEqual(await found(), []);
    await database.postgres.query('TRUNCATE ops.data_quality_result');
    assert.deepEqual((await found(true)).map(([number]) => number).toSorted(), ['2', '9']);
  });

  test('what was captured while it was looked at is no failure', async () => {
    await insert(order('1'));
    await capture(created('1', { row: { amount: '1' } }));
    setTimeout(() => void capture(updated('1', {}, {})), 500);
    assert.deepEqual(await found(), []);
  });
});
