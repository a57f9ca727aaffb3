import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { landingToBronze } from '../../../ingestion/bronze/landing.ts';
import { C2C_SOURCE } from '../../../schema/c2c.ts';
import { type LandedAnswer, landingFile } from '../../../src/platform/landing/answer.ts';
import { openFolderStore } from '../../../src/platform/landing/folder.ts';
import type { LandingStore } from '../../../src/platform/landing/store.ts';
import { type MerchantPlatform, startMerchant } from '../c2c/merchant-platform.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 4, 17, 9, 30);
let merchant: MerchantPlatform;
let folder: string;
let store: LandingStore;
before(async () => {
  merchant = await startMerchant({ startAt: NOW, orders: 0 });
});
after(() => merchant.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tickgraph-bronze-'));
  store = openFolderStore(folder, { maxBytes: 1_000_000 });
  await merchant.rows('TRUNCATE bronze.raw_landing_c2c, bronze.raw_event_c2c, ops.dead_letter, ops.watermark');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (settings: Record<string, string> = {}) =>
  merchant.run(landingToBronze, { LANDING_URL: `file://${folder}`, ...settings });
const answer = (data: readonly unknown[] | null, callTs = NOW): LandedAnswer => ({
  ...{ callId: randomUUID(), source: C2C_SOURCE, endpoint: '/orders', callTs, receivedAt: callTs + 40 },
  payload: JSON.stringify({ code: '000000', message: null, data, total: data?.length ?? 0, success: true }),
});
const order = (n: number, more: object = {}): object => ({
  ...{
    orderNumber: `2${n}`,
    asset: 'USDT',
    fiat: 'VND',
    createTime: NOW - n * 60_000,
    orderStatus: 'COMPLETED',
    ...more,
  },
});
async function land(...answers: LandedAnswer[]): Promise<void> {
  for (const one of answers) await store.write(await landingFile(one));
}
const count = async (table: string): Promise<number> =>
  (await merchant.rows<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n ?? -1;
const files = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.gz'));

test('each answer becomes a row, and each order in it one of its own, as it was received', async () => {
  const first = answer([order(1, { amount: '0.10', unknown: { deep: [1] } }), order(2, { fiat: 'KRW' })]);
  first.payload = first.payload.replace('"deep":[1]', '"deep":[12345678901234567890.1234567890123456789]');
  const second = answer([]);
  await land(first, second);
  assert.deepEqual(await run(), { rowsIn: 2, rowsOut: 4 });
  const landed = await merchant.rows<object>(
    `SELECT call_id, source, endpoint, payload::text, call_ts, received_at FROM bronze.raw_landing WHERE call_id = '${first.callId}'`,
  );
  assert.deepEqual(landed, [
    {
      ...{
        call_id: first.callId,
        source: 'binance_c2c',
        endpoint: '/orders',
        payload: (landed[0] as { payload: string }).payload,
      },
      ...{ call_ts: new Date(NOW), received_at: new Date(NOW + 40) },
    },
  ]);
  const events = await merchant.rows<{ payload: string }>(
    'SELECT event_id, source, symbol, ts_event, payload::text AS payload, call_id, received_at FROM bronze.raw_event ORDER BY 1',
  );
  const own = { source: 'binance_c2c', call_id: first.callId, received_at: new Date(NOW + 40) };
  assert.deepEqual(
    events.map(({ payload: _, ...rest }) => rest),
    [
      { event_id: `${first.callId}:0`, symbol: 'USDT-VND', ts_event: new Date(NOW - 60_000), ...own },
      { event_id: `${first.callId}:1`, symbol: 'USDT-KRW', ts_event: new Date(NOW - 120_000), ...own },
    ],
  );
  assert.match(events[0]?.payload ?? '', /"0\.10".*12345678901234567890\.1234567890123456789/);
});

test('taken twice nothing changes; what is new is taken, also what comes late', async () => {
  await land(answer([order(1)]), answer([order(2), order(3)]));
  await run();
  assert.deepEqual(await run(), { rowsIn: 0, rowsOut: 0 });
  await land(answer([order(4)], NOW - DAY), answer([order(1)]));
  assert.deepEqual(await run(), { rowsIn: 2, rowsOut: 4 });
  assert.equal(await count('bronze.raw_event'), 5, 'an order said twice is there twice');
  assert.equal((await files()).length, 4);
});

test('what lies far behind is not looked for again, unless everything is to be read', async () => {
  await land(answer([order(1)]));
  await run();
  const old = answer([order(2)], NOW - 20 * DAY);
  await land(old);
  assert.equal((await run()).rowsIn, 0);
  assert.equal((await run({ BRONZE_WRITE_MODE: 'overwrite' })).rowsIn, 2);
  assert.equal(await count('bronze.raw_event'), 2);
});

test('a clock ahead, a stray name or an unreadable file hides no answer behind it', async () => {
  const now = Date.now();
  const stray = answer([order(1)], Date.UTC(2090, 0, 1));
  await land(stray);
  await run();
  await land(answer([order(2)], now));
  assert.equal((await run()).rowsIn, 1, 'behind a call that claims to be far ahead');
  await merchant.rows('TRUNCATE ops.watermark');
  const unreadable = (await landingFile(answer([order(3)], now - 1_000))).key;
  await store.delete((await landingFile(stray)).key);
  await merchant.rows('TRUNCATE bronze.raw_landing_c2c, bronze.raw_event_c2c');
  for await (const page of store.list('')) for (const key of page) await store.delete(key);
  await store.write({ key: unreadable, bytes: Buffer.from('x') });
  await run();
  await land(answer([order(4)], now - 30 * DAY));
  assert.equal((await run()).rowsOut, 2, 'behind a file that can not be read');
});

test('overwrite writes the rows of each answer anew, and keeps those whose file is gone', async () => {
  const [kept, changed] = [answer([order(1)]), answer([order(2), order(3)])];
  await land(kept, changed);
  await run();
  await store.delete((await landingFile(kept)).key);
  await land({ ...changed, payload: answer([order(9)]).payload });
  await run({ BRONZE_WRITE_MODE: 'overwrite' });
  const numbers = await merchant.rows<{ n: string }>(
    `SELECT payload->>'orderNumber' AS n FROM bronze.raw_event ORDER BY 1`,
  );
  assert.deepEqual(
    numbers.map(({ n }) => n),
    ['21', '29'],
  );
  assert.equal(await count('bronze.raw_landing'), 2);
});

test('delete removes what was taken, and what an earlier run took and did not come to remove', async () => {
  await land(answer([order(1)]), answer([order(2)]));
  await run();
  await land(answer([order(3)]));
  await run({ BRONZE_CLEANUP_MODE: 'delete' });
  assert.deepEqual(await files(), []);
  assert.equal(await count('bronze.raw_event'), 3);
  assert.deepEqual(await run({ BRONZE_CLEANUP_MODE: 'delete' }), { rowsIn: 0, rowsOut: 0 });
});

test('a file that can not be read stays with its reason, and stops no other', async () => {
  const day = `source=${C2C_SOURCE}/day=2026-05-17/`;
  const good = answer([order(1, { counterPartNickName: 'Secretname' })]);
  const whole = (await landingFile(good)).bytes;
  const bad = {
    [`${day}1-cut.ndjson.gz`]: whole.subarray(0, whole.length - 12),
    [`${day}2-plain.ndjson.gz`]: Buffer.from('{"Secretname":1}'),
    [`${day}3-json.ndjson.gz`]: gzipSync('{"payload":{"Secretname"\n'),
    [`${day}4-foreign.ndjson.gz`]: (await landingFile({ ...good, source: 'UPBIT' })).bytes,
    [`${day}5-large.ndjson.gz`]: Buffer.alloc(17 * 1_048_576),
    [`${day}6-far.ndjson.gz`]: (await landingFile({ ...good, callId: 'far', receivedAt: 9e14 })).bytes,
    [`${day}7-id.ndjson.gz`]: (await landingFile({ ...good, callId: 'a\u0000b' })).bytes,
  };
  for (const [key, bytes] of Object.entries(bad)) await store.write({ key, bytes });
  await land(good);
  await run({ BRONZE_CLEANUP_MODE: 'delete' });
  await run({ BRONZE_CLEANUP_MODE: 'delete' });
  assert.equal(await count('bronze.raw_event'), 1);
  assert.equal((await files()).length, 7);
  const letters = await merchant.rows<{ key: string; reason: string }>(
    'SELECT topic AS key, reason FROM ops.dead_letter ORDER BY topic',
  );
  assert.deepEqual(
    letters.map(({ key }) => key),
    Object.keys(bad),
  );
  assert.doesNotMatch(JSON.stringify(letters) + merchant.lines.join(), /Secret/);
  await store.write({ key: `${day}1-cut.ndjson.gz`, bytes: (await landingFile(answer([order(2)]))).bytes });
  assert.equal((await run()).rowsOut, 2, 'mended, it is taken');
});

test('answers that are no list of orders, and orders that are none, are kept all the same', async () => {
  const error = { ...answer(null), payload: '{"code":"083001","message":"no","data":null,"success":false}' };
  const text = { ...answer(null), payload: JSON.stringify('{"code":"000000","da') };
  const odd = answer([
    null,
    7,
    'x',
    [],
    {},
    { createTime: 'soon', asset: 'not an asset', fiat: 'VND' },
    { createTime: 5 },
  ]);
  await land(error, text, odd);
  assert.deepEqual(await run(), { rowsIn: 3, rowsOut: 10 });
  const events = await merchant.rows<{ symbol: string | null; at: Date }>(
    'SELECT symbol, ts_event AS at FROM bronze.raw_event',
  );
  assert.equal(events.length, 7);
  for (const { symbol, at } of events) assert.deepEqual([symbol, at], [null, new Date(NOW)]);
});

test('what jsonb can not hold costs one order a value, not the page its rows', async () => {
  const odd = answer([order(1, { payMethodName: 'a\u0000b' }), order(2)]);
  odd.payload = odd.payload.replace('"orderNumber":"22"', '"orderNumber":"22","amount":1e999999');
  await land(odd);
  await run();
  const rows = await merchant.rows<{ pay: string | null; amount: string | null }>(
    `SELECT payload->>'payMethodName' AS pay, payload->>'amount' AS amount FROM bronze.raw_event ORDER BY event_id`,
  );
  assert.deepEqual(rows, [
    { pay: 'a\ufffdb', amount: null },
    { pay: null, amount: '1e999999' },
  ]);
  const letters = await merchant.rows<{ headers: object }>('SELECT headers FROM ops.dead_letter');
  assert.deepEqual(letters, [{ headers: { callId: odd.callId } }]);
});

test('two runs at the same time take everything once', async () => {
  await land(...Array.from({ length: 250 }, (_, i) => answer([order(2 * i), order(2 * i + 1)])));
  const settings = { BRONZE_CLEANUP_MODE: 'delete' };
  await Promise.all([run(settings), run(settings)]);
  await run(settings);
  assert.deepEqual([await count('bronze.raw_landing'), await count('bronze.raw_event')], [250, 500]);
  assert.deepEqual(await files(), []);
});
