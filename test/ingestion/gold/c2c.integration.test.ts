import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { goldC2cDailyVolume } from '../../../ingestion/gold/c2c-daily-volume.ts';
import { goldC2cSummary } from '../../../ingestion/gold/c2c-summary.ts';
import { silverC2cOrders } from '../../../ingestion/silver/c2c-order.ts';
import { Exact } from '../../../schema/decimal.ts';
import { seeded } from '../../support/seeded.ts';
import { answer, openTaskWorld, T0 } from '../silver/c2c-bronze.ts';
import { type OracleOrder, type SummaryDay, summariesOf, type Volume, volumesOf } from './c2c-oracle.ts';

const HOUR = 3_600_000;
const ZONE = 'America/New_York';

describe('gold of C2C orders', () => {
  let world: Awaited<ReturnType<typeof openTaskWorld>>;
  let calls = 0;
  before(async () => {
    world = await openTaskWorld();
  });
  after(() => world.stop());
  beforeEach(() => empty());

  async function empty(): Promise<void> {
    await world.forget();
    await world.postgres.query('TRUNCATE bronze.raw_event, ops.data_quality_result');
  }
  /** An answer with these orders, newer than all before, and silver made of it. */
  async function say(...orders: OracleOrder[]): Promise<void> {
    calls++;
    const given = orders.map((o) => ({ ...answer(o.orderNumber), ...o }));
    await world.put({ id: `c${calls}`, at: T0 + 400 * 24 * HOUR + calls, orders: given });
    await world.run(silverC2cOrders);
  }
  async function fill(timeZone = 'UTC'): Promise<{ rowsIn: number; rowsOut: number }[]> {
    const env = { C2C_TIME_ZONE: timeZone };
    return [await world.run(goldC2cDailyVolume, env), await world.run(goldC2cSummary, env)];
  }
  const volumes = () =>
    world.postgres.query<Volume>(
      'SELECT *, day::text AS day FROM gold.c2c_daily_volume v ORDER BY v.day, asset COLLATE "C", fiat, trade_type',
    );
  const summaries = () =>
    world.postgres.query<SummaryDay>(
      'SELECT *, day::text AS day FROM gold.c2c_summary s ORDER BY asset COLLATE "C", fiat, s.day',
    );

  let number = 0;
  const order = (tradeType: 'BUY' | 'SELL', amount: string, unitPrice: string, hour: number, given = {}) => {
    const totalPrice = new Exact(amount).times(unitPrice).toFixed();
    number++;
    return {
      ...{ orderNumber: String(1000 + number), tradeType, asset: 'USDT', fiat: 'VND', amount, unitPrice, totalPrice },
      ...{ orderStatus: 'COMPLETED', createTime: T0 + hour * HOUR, commission: '0.5', counterPartNickName: 'ab***' },
      ...given,
    };
  };

  test('a sale consumes the earliest lots bought before it, and what has no lot counts on neither side', async () => {
    await say(
      order('SELL', '5', '100', -1),
      order('BUY', '10', '90', 0),
      order('BUY', '10', '95', 1),
      order('SELL', '15', '100', 2),
      order('SELL', '10', '101', 3),
      order('BUY', '1', '50', 4),
    );
    await fill();
    const [day] = await summaries();
    // 10 x (100 - 90) + 5 x (100 - 95) + 5 x (101 - 95); 5 at first and 5 at last have no cost
    assert.deepEqual(day, {
      ...{ asset: 'USDT', fiat: 'VND', day: '2026-03-01', orders: 6, buy_amount: '21', buy_total: '1900' },
      ...{ sell_amount: '30', sell_total: '3010', commission: '3', realised_margin: '155', uncosted_amount: '10' },
    });
  });

  test('amounts, totals and prices are of completed orders, counts are of all', async () => {
    await say(
      order('BUY', '3', '10', 0, { counterPartNickName: 'x***' }),
      order('BUY', '4', '10.01', 1, { counterPartNickName: 'x***' }),
      order('BUY', '100', '9', 2, { orderStatus: 'CANCELLED_BY_SYSTEM' }),
      order('BUY', '100', '9', 2, { orderStatus: 'CANCELLED', counterPartNickName: '' }),
      order('BUY', '100', '9', 3, { orderStatus: 'TRADING', counterPartNickName: 'y***' }),
      order('BUY', '100', '9', 3, { orderStatus: 'NEW_STATUS', counterPartNickName: 'y***' }),
      order('SELL', '100', '9', 3, { orderStatus: 'PENDING' }),
    );
    await fill();
    const key = { day: '2026-03-01', asset: 'USDT', fiat: 'VND' };
    assert.deepEqual(await volumes(), [
      {
        ...{ ...key, trade_type: 'BUY', orders: 6, completed: 2, cancelled: 2, amount: '7', total_price: '70.04' },
        ...{ average_unit_price: '10.00571429', commission: '1', counterparties: 3, completion_percent: 100 / 3 },
      },
      {
        ...{ ...key, trade_type: 'SELL', orders: 1, completed: 0, cancelled: 0, amount: '0', total_price: '0' },
        ...{ average_unit_price: null, commission: '0', counterparties: 1, completion_percent: 0 },
      },
    ]);
  });

  test('an average is rounded once: a half that only seems one is none', async () => {
    // 1 / 200000000 = 0.000000005 is a half; a hair less is not, however many places a quotient is worked out to
    await say(order('BUY', '200000000', '0.000000005', 0));
    await say(order('SELL', '200000000.000000000000000001', '0.000000005', 0, { totalPrice: '1' }));
    await fill();
    const found = await volumes();
    assert.deepEqual(
      found.map((v) => v.average_unit_price),
      ['0.00000001', '0'],
    );
  });

  test('a change makes its days and its pair anew and nothing else, no change nothing', async () => {
    const late = order('BUY', '10', '80', -30, { orderStatus: 'TRADING' });
    const moved = order('SELL', '1', '7', 50, { asset: 'BTC', fiat: 'KRW' });
    await say(
      order('BUY', '10', '90', 0),
      order('SELL', '10', '100', 1),
      late,
      order('BUY', '1', '5', 2, { asset: 'BTC' }),
      moved,
    );
    await fill();
    assert.deepEqual(await fill(), [
      { rowsIn: 0, rowsOut: 0 },
      { rowsIn: 0, rowsOut: 0 },
    ]);
    // said again with nothing new in it
    await say(late);
    assert.deepEqual(
      (await fill()).map((r) => r.rowsIn),
      [0, 0],
    );
    const margin = async () => (await summaries()).filter((s) => s.asset === 'USDT').map((s) => s.realised_margin);
    assert.deepEqual(await margin(), ['0', '100']);
    // the lot that was bought first is completed last: the sale cost less
    await say({ ...late, orderStatus: 'COMPLETED' });
    assert.deepEqual(await fill(), [
      { rowsIn: 1, rowsOut: 1 },
      { rowsIn: 3, rowsOut: 2 },
    ]);
    assert.deepEqual(await margin(), ['0', '200']);
    // an answer that puts an order elsewhere takes it from where it was
    await say({ ...moved, asset: 'BTC', fiat: 'USD', createTime: T0 });
    await fill();
    assert.deepEqual(
      (await summaries()).filter((s) => s.fiat === 'KRW'),
      [],
    );
    assert.deepEqual(
      (await volumes()).filter((v) => v.fiat === 'KRW'),
      [],
    );
    assert.equal((await summaries()).find((s) => s.fiat === 'USD')?.day, '2026-03-01');
  });

  test('figures for days of another time zone are made from their beginning', async () => {
    await say(order('BUY', '1', '10', -6), order('BUY', '2', '10', -4), order('BUY', '4', '10', 15));
    await fill('UTC');
    const days = async () => (await volumes()).map((v) => [v.day, v.amount]);
    assert.deepEqual(await days(), [
      ['2026-03-01', '3'],
      ['2026-03-02', '4'],
    ]);
    await fill(ZONE);
    assert.deepEqual(await days(), [
      ['2026-02-28', '1'],
      ['2026-03-01', '6'],
    ]);
  });

  test('whatever comes in whatever order, the figures are those of the oracle, bit by bit and from scratch', async () => {
    const one = fc.record({
      orderNumber: fc.integer({ min: 1, max: 25 }).map((n) => String(100 + n)),
      tradeType: fc.constantFrom('BUY', 'SELL'),
      asset: fc.constantFrom('USDT', 'USDT', 'USDT', 'BTC'),
      fiat: fc.constantFrom('VND', 'VND', 'USD'),
      amount: fc.constantFrom('1', '3', '7', '0.1', '12.34567891', '0.00000001', '250', '0.333333333333333333'),
      unitPrice: fc.constantFrom('1', '3.33', '25123.07', '0.07', '1000000'),
      orderStatus: fc.constantFrom('TRADING', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'CANCELLED', 'ODD'),
      // both nights on which the clocks of New York are changed in 2026 are near
      createTime: fc
        .tuple(fc.constantFrom(Date.UTC(2026, 2, 8), Date.UTC(2026, 10, 1)), fc.integer({ min: -6, max: 12 }))
        .map(([day, hours]) => day + hours * HOUR * 3),
      commission: fc.constantFrom('0', '0.01', '1.000000000000000001'),
      counterPartNickName: fc.constantFrom('', 'a***', 'b***'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(one, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('UTC', ZONE, 'Asia/Ho_Chi_Minh'),
        async (batches, timeZone) => {
          await empty();
          for (const batch of batches) {
            const orders = batch.map((o) => {
              const exact = new Exact(o.amount).times(o.unitPrice);
              // as the exchange does, to the cent where that is not nothing
              const cents = exact.toDecimalPlaces(2);
              return { ...o, totalPrice: (cents.isZero() ? exact : cents).toFixed(18) };
            });
            await say(...orders);
            await fill(timeZone);
            const rows = await world.postgres.query<OracleOrder>(
              `SELECT order_number AS "orderNumber", trade_type AS "tradeType", asset, fiat, amount, total_price AS "totalPrice",
                 order_status AS "orderStatus", (extract(epoch FROM create_time) * 1000)::float8 AS "createTime", commission,
                 counter_part_nick_name AS "counterPartNickName" FROM silver.c2c_order`,
            );
            assert.deepEqual(await volumes(), volumesOf(rows, timeZone));
            assert.deepEqual(await summaries(), summariesOf(rows, timeZone));
          }
          const bit = [await volumes(), await summaries()];
          await world.forget();
          await world.run(silverC2cOrders);
          await fill(timeZone);
          assert.deepEqual([await volumes(), await summaries()], bit);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('fifty thousand orders are made in seconds, and one change in them too', async (t) => {
    const random = seeded(3);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const all = Array.from({ length: 50_000 }, (_, i) => {
      const asset = pick(['USDT', 'USDT', 'USDT', 'BTC', 'FDUSD']);
      const unitPrice = (25_000 + random() * 1_000).toFixed(2);
      const amount = (1 + random() * 500).toFixed(8);
      const given = {
        asset,
        fiat: pick(['VND', 'VND', 'CNY', 'KRW', 'USD']),
        createTime: T0 + Math.floor((i / 50_000) * 390 * 24 * HOUR),
      };
      return {
        ...order(pick(['BUY', 'SELL'] as const), amount, unitPrice, 0, given),
        orderNumber: String(10 ** 9 + i),
        orderStatus: pick(['COMPLETED', 'COMPLETED', 'COMPLETED', 'CANCELLED']),
      };
    });
    for (let at = 0; at < all.length; at += 5_000) {
      calls++;
      const given = all.slice(at, at + 5_000).map((o) => ({ ...answer(o.orderNumber), ...o }));
      await world.put({ id: `c${calls}`, at: T0 + 400 * 24 * HOUR + calls, orders: given });
    }
    const times: Record<string, number> = {};
    const timed = async (name: string, work: () => Promise<unknown>) => {
      const from = performance.now();
      await work();
      times[name] = Math.round(performance.now() - from);
    };
    await timed('silver', () => world.run(silverC2cOrders));
    await timed('volume', () => world.run(goldC2cDailyVolume));
    await timed('summary', () => world.run(goldC2cSummary));
    assert.deepEqual(await summaries(), summariesOf(all, 'UTC'));
    const changed = { ...(all[100] as (typeof all)[number]), orderStatus: 'COMPLETED', commission: '9' };
    await timed('silver again', () => say(changed));
    await timed('volume again', () => world.run(goldC2cDailyVolume));
    await timed('summary again', () => world.run(goldC2cSummary));
    t.diagnostic(`ms of 50,000 orders: ${JSON.stringify(times)}`);
    // a statement is bounded by STORE_TIMEOUT_MS, 5 s unless set; several to a task
    for (const [name, ms] of Object.entries(times)) assert.ok(ms < 60_000, `${name} took ${ms} ms`);
  });
});
