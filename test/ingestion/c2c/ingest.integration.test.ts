import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ingestC2cOrders, upsertLatestC2cOrders } from '../../../ingestion/c2c/ingest.ts';
import { upsertOrders } from '../../../ingestion/c2c/orders.ts';
import { parseC2cOrder } from '../../../schema/c2c-order.ts';
import type { C2cSim } from '../../../sim/c2c/server.ts';
import { until } from '../../support/until.ts';
import { type MerchantPlatform, startMerchant } from './merchant-platform.ts';

const [HOUR, DAY] = [3_600_000, 86_400_000];
const START = Date.UTC(2026, 4, 17, 9, 30);
let merchant: MerchantPlatform;
let sim: C2cSim;
before(async () => {
  merchant = await startMerchant({ startAt: START, orders: 4_000, seed: 7 });
  sim = merchant.sim;
});
after(() => merchant.stop());

const LATEST = { ENABLE_LANDING_WRITE: 'false' };

interface Stored {
  n: string;
  status: string;
  content: string;
}
const stored = (): Promise<Stored[]> =>
  merchant.rows<Stored>(`SELECT order_number AS n, order_status AS status, concat_ws('|', trade_type, asset, fiat, amount, total_price,
    unit_price, extract(epoch FROM create_time) * 1000, commission, counter_part_nick_name, pay_method_name) AS content
    FROM public.c2c_order ORDER BY create_time, order_number`);

/** The table says what the exchange says of every order that it still shows. */
async function agrees(): Promise<void> {
  const rows = new Map((await stored()).map((row) => [row.n, row]));
  const plain = (text: string): number => Number(text);
  for (const order of sim.orders()) {
    const row = rows.get(order.orderNumber);
    assert.ok(row, `order ${order.orderNumber} of ${new Date(order.createTime).toISOString()}`);
    assert.equal(row.status, order.orderStatus, order.orderNumber);
    const [side, asset, fiat, amount, total, price, time, , name, pay] = row.content.split('|');
    assert.deepEqual(
      [side, asset, fiat, name, pay].join(),
      [...[order.tradeType, order.asset, order.fiat, order.counterPartNickName, order.payMethodName]].join(),
    );
    assert.deepEqual(
      [amount, total, price, plain(time ?? '')],
      [...[order.amount, order.totalPrice, order.unitPrice, order.createTime]],
    );
  }
  assert.equal(rows.size, sim.orders().length);
}

/** What tells whether a row was written: its place, and who wrote or locked it last. */
const places = (): Promise<object[]> =>
  merchant.rows('SELECT order_number, ctid, xmin, xmax FROM public.c2c_order ORDER BY 1');

test('with nothing stored yet, latest fetches everything there is, each side for itself', async () => {
  const { rowsIn, rowsOut } = await merchant.run(ingestC2cOrders, LATEST);
  assert.ok(rowsIn >= 4_000);
  assert.equal(rowsOut, 4_000);
  await agrees();
  const statuses = new Set((await stored()).map(({ status }) => status));
  assert.equal(statuses.size, 8, 'all statuses are there');
});

test('what changes nothing writes nothing, not even a lock', async () => {
  const before = await places();
  const calls = sim.stats().pages;
  assert.deepEqual((await merchant.run(upsertLatestC2cOrders, LATEST)).rowsOut, 0);
  assert.ok(sim.stats().pages - calls < 40, 'only since the last that is stored, and around open orders');
  assert.equal((await merchant.run(ingestC2cOrders, { ...LATEST, FETCH_MODE: 'backfill' })).rowsOut, 0);
  assert.deepEqual(await places(), before);
});

test('new orders and changes of open ones are seen by the latest, however old they are', async () => {
  for (const passed of [HOUR, 7 * HOUR, 5 * DAY, 40 * DAY]) {
    sim.setNow(sim.now() + passed);
    const { rowsOut } = await merchant.run(upsertLatestC2cOrders);
    assert.ok(rowsOut > 0);
    await agrees();
  }
});

test('an order that comes to be seen late is found by the overlap', async () => {
  const late = sim.add({ createTime: sim.now() - 20 * HOUR });
  await merchant.run(upsertLatestC2cOrders);
  assert.ok((await stored()).some(({ n }) => n === late.orderNumber));
});

test('the later status wins, and an older answer never overwrites a newer one', async () => {
  const order = sim.add({ orderStatus: 'BUYER_PAYED', counterPartNickName: 'Anbel Corin' });
  await merchant.run(upsertLatestC2cOrders);
  const status = async (): Promise<string | undefined> =>
    (await stored()).find(({ n }) => n === order.orderNumber)?.status;
  assert.equal(await status(), 'BUYER_PAYED');
  for (const [said, kept] of [
    ['TRADING', 'BUYER_PAYED'],
    ['IN_APPEAL', 'IN_APPEAL'],
    ['HELD_BY_NOBODY_KNOWS', 'HELD_BY_NOBODY_KNOWS'],
    ['COMPLETED', 'COMPLETED'],
    ['CANCELLED', 'COMPLETED'],
  ] as const) {
    sim.change(order.orderNumber, { orderStatus: said });
    await merchant.run(upsertLatestC2cOrders);
    assert.equal(await status(), kept, said);
  }
  sim.change(order.orderNumber, { orderStatus: 'COMPLETED' });
});

test('an answer of the older generation takes nothing away that a newer one said', async () => {
  const before = await places();
  sim.faults.generation('older');
  assert.equal((await merchant.run(ingestC2cOrders, { ...LATEST, FETCH_MODE: 'latest_month' })).rowsOut, 0);
  sim.faults.generation('newer');
  assert.deepEqual(await places(), before);
});

test('an order that is none is kept with its reason, tells no name, and stops nothing', async () => {
  const bad = sim.add({ amount: 'Secretname', counterPartNickName: 'Secretname Full' });
  const good = sim.add({ counterPartNickName: 'Secretname Full' });
  await merchant.run(upsertLatestC2cOrders);
  await merchant.run(upsertLatestC2cOrders);
  const numbers = (await stored()).map(({ n }) => n);
  assert.ok(numbers.includes(good.orderNumber) && !numbers.includes(bad.orderNumber));
  const letters = await merchant.rows<object>("SELECT * FROM ops.dead_letter WHERE group_name = 'c2c_orders'");
  assert.equal(letters.length, 1, 'the same content is kept once');
  assert.match(JSON.stringify(letters), /amount: not a decimal/);
  assert.match(JSON.stringify(letters), new RegExp(bad.orderNumber));
  assert.doesNotMatch(JSON.stringify(letters) + merchant.lines.join(), /Secretname/);
  assert.ok(merchant.lines.some((line) => /answers that are no orders/.test(line)));
  sim.change(bad.orderNumber, { amount: '1.0', totalPrice: '1', unitPrice: '1' });
});

test('with both sinks off, or without a key, nothing is fetched', async () => {
  const before = sim.stats().requests;
  await merchant.run(ingestC2cOrders, { ENABLE_LANDING_WRITE: 'false', ENABLE_DB_UPSERT: 'false' });
  await merchant.run(upsertLatestC2cOrders, { ENABLE_DB_UPSERT: 'false' });
  await merchant.run(ingestC2cOrders, { BINANCE_API_KEY: '', BINANCE_API_SECRET: '' });
  assert.equal(sim.stats().requests, before);
});

test("a sink that is switched on later begins at the far end, and another account's position counts for nothing", async () => {
  const { rowsIn } = await merchant.run(ingestC2cOrders);
  assert.ok(rowsIn > 4_000, 'the landing store had nothing yet');
  const again = await merchant.run(ingestC2cOrders);
  assert.ok(
    again.rowsIn < rowsIn / 2,
    `${again.rowsIn} of ${rowsIn}: of the last two weeks, in which a cancelled order may still end otherwise`,
  );
  await merchant.rows(`UPDATE ops.watermark SET position = position || '{"account":"other"}' WHERE step LIKE 'c2c.%'`);
  assert.ok((await merchant.run(ingestC2cOrders)).rowsIn > 4_000);
});

test('a stop ends it at the next pause, and what was begun is done the next time', async () => {
  sim.setNow(sim.now() + 3 * DAY);
  const stop = new AbortController();
  sim.faults.stall(1);
  const requests = sim.stats().requests;
  const running = merchant.run(upsertLatestC2cOrders, {}, stop.signal);
  await until('the call to be under way', () => sim.stats().requests > requests);
  stop.abort(new Error('stopped'));
  await assert.rejects(running, /stopped/);
  await merchant.run(upsertLatestC2cOrders);
  await agrees();
});

test('an older answer that comes late changes nothing, a later status in it counts', async () => {
  const [first] = sim.orders();
  assert.ok(first);
  const parsed = parseC2cOrder({
    ...first,
    orderStatus: 'TRADING',
    orderNumber: 'late-1',
    amount: '1',
    commission: '0',
  });
  assert.ok('order' in parsed);
  const { order } = parsed;
  const at = START;
  const say = (change: object, askedAt: number): Promise<number> =>
    upsertOrders(merchant.postgres, [{ ...order, ...change }], askedAt);
  const amount = async (): Promise<string[]> =>
    (
      await merchant.rows<{ a: string; s: string }>(
        `SELECT amount AS a, order_status AS s FROM public.c2c_order WHERE order_number = 'late-1'`,
      )
    ).flatMap(({ a, s }) => [a, s]);
  assert.equal(await say({}, at), 1);
  assert.equal(await say({ amount: '1.000' }, at + 1), 0, 'the same number spelled otherwise');
  assert.equal(await say({ amount: '2' }, at - 1_000), 0);
  assert.equal(await say({ amount: '3' }, at + 1_000), 1);
  assert.equal(await say({ orderStatus: 'COMPLETED', amount: '4' }, at - 5_000), 1);
  assert.equal(await say({ orderStatus: 'BUYER_PAYED', amount: '5' }, at + 9_000), 0);
  assert.deepEqual(await amount(), ['4', 'COMPLETED']);
  await merchant.rows(`DELETE FROM public.c2c_order WHERE order_number = 'late-1'`);
});

test('several runs at the same time end in the same', async () => {
  sim.setNow(sim.now() + 2 * DAY);
  await Promise.all([
    merchant.run(upsertLatestC2cOrders),
    merchant.run(ingestC2cOrders),
    merchant.run(ingestC2cOrders, { ...LATEST, FETCH_MODE: 'latest_month' }),
  ]);
  await agrees();
  assert.equal((await merchant.run(upsertLatestC2cOrders)).rowsOut, 0);
});

test('a landing store that can not be written to ends the run, and the next one lands what it did not', async () => {
  sim.setNow(sim.now() + DAY);
  const position = (): Promise<object[]> =>
    merchant.rows(`SELECT step, position FROM ops.watermark WHERE step LIKE 'c2c.landing.%' ORDER BY 1`);
  const before = await position();
  await assert.rejects(merchant.run(ingestC2cOrders, { LANDING_URL: 'file:///dev/null/landing' }), {
    name: 'LandingUnavailable',
  });
  assert.deepEqual(await position(), before);
  const { rowsIn } = await merchant.run(ingestC2cOrders);
  assert.ok(rowsIn > 90);
  assert.notDeepEqual(await position(), before);
  await agrees();
});
