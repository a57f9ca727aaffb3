import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ingestC2cOrders, upsertLatestC2cOrders } from '../../../ingestion/c2c/ingest.ts';
import type { C2cSim } from '../../../sim/c2c/server.ts';
import { type MerchantPlatform, startMerchant } from './merchant-platform.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 4, 17, 9, 30);
let merchant: MerchantPlatform;
let sim: C2cSim;
before(async () => {
  merchant = await startMerchant({ startAt: START, orders: 100, seed: 11 });
  sim = merchant.sim;
  await merchant.run(upsertLatestC2cOrders);
});
after(() => merchant.stop());

const statusOf = async (number: string): Promise<string | undefined> =>
  (
    await merchant.rows<{ n: string; status: string }>(
      'SELECT order_number AS n, order_status AS status FROM public.c2c_order',
    )
  ).find(({ n }) => n === number)?.status;

test('an order that could not be read is asked for again until it can, though the position has passed it', async () => {
  const bad = sim.add({ amount: 'none', orderStatus: 'TRADING' });
  for (let i = 0; i < 2; i++) {
    await merchant.run(upsertLatestC2cOrders);
    sim.setNow(sim.now() + 20 * DAY);
  }
  await merchant.run(upsertLatestC2cOrders);
  assert.equal(await statusOf(bad.orderNumber), undefined);
  sim.change(bad.orderNumber, { amount: '1', totalPrice: '1', unitPrice: '1', orderStatus: 'COMPLETED' });
  await merchant.run(upsertLatestC2cOrders);
  assert.equal(await statusOf(bad.orderNumber), 'COMPLETED');
});

test('a cancelled order is watched for 14 days, in which an appeal may complete it', async () => {
  for (const status of ['CANCELLED', 'CANCELLED_BY_SYSTEM']) {
    const { orderNumber } = sim.add({ orderStatus: status });
    await merchant.run(upsertLatestC2cOrders);
    sim.setNow(sim.now() + 9 * DAY);
    await merchant.run(upsertLatestC2cOrders);
    sim.setNow(sim.now() + 4 * DAY);
    assert.equal(await statusOf(orderNumber), status);
    sim.change(orderNumber, { orderStatus: 'COMPLETED' });
    await merchant.run(upsertLatestC2cOrders);
    assert.equal(await statusOf(orderNumber), 'COMPLETED');
  }
});

test('what no column can hold costs no other order, and a number that is none is not written down', async () => {
  const odd = sim.add({ counterPartNickName: 'a\u0000b', payMethodName: 'x\ud800', orderStatus: 'N\u0000W' });
  const numbers = ['bad\u0000number', 'bad\ud800number', 'bad number'];
  for (const orderNumber of numbers) sim.add({ orderNumber });
  const good = sim.add({});
  await merchant.run(upsertLatestC2cOrders);
  assert.equal(await statusOf(good.orderNumber), good.orderStatus);
  const [row] = await merchant.rows<object>(`SELECT counter_part_nick_name AS name, pay_method_name AS pay,
    order_status AS status FROM public.c2c_order WHERE order_number = '${odd.orderNumber}'`);
  assert.deepEqual(row, { name: 'a\ufffdb', pay: 'x\ufffd', status: 'N\ufffdW' });
  const letters = await merchant.rows<{ headers: object }>(
    "SELECT headers FROM ops.dead_letter WHERE group_name = 'c2c_orders' AND reason LIKE 'orderNumber%'",
  );
  assert.deepEqual(
    letters.map(({ headers }) => headers),
    numbers.map(() => ({})),
  );
  assert.equal((await merchant.run(upsertLatestC2cOrders)).rowsOut, 0);
});

test('a database that holds orders of one host takes none of another, and asks it nothing', async () => {
  const [known] = await merchant.rows<object>(`SELECT position FROM ops.watermark WHERE step = 'c2c.host'`);
  assert.deepEqual(known, { position: { host: 'simulated' } });
  const refused = {
    name: 'TaskFailed',
    message: /holds C2C orders of "simulated" and takes none of "api.binance.com"/,
  };
  await assert.rejects(
    merchant.run(ingestC2cOrders, { BINANCE_C2C_URL: 'https://api.binance.com', STORE_TIMEOUT_MS: '1000' }),
    refused,
  );
  await merchant.rows(`UPDATE ops.watermark SET position = '{"host":"api.binance.com"}' WHERE step = 'c2c.host'`);
  const before = sim.stats().requests;
  await assert.rejects(merchant.run(ingestC2cOrders), {
    name: 'TaskFailed',
    message: /holds C2C orders of "api.binance.com" and takes none of "simulated"/,
  });
  assert.equal(sim.stats().requests, before);
});
