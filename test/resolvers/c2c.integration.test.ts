import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { goldC2cDailyVolume } from '../../ingestion/gold/c2c-daily-volume.ts';
import { goldC2cSummary } from '../../ingestion/gold/c2c-summary.ts';
import { silverC2cOrders } from '../../ingestion/silver/c2c-order.ts';
import type { Caller } from '../../src/platform/access.ts';
import type { C2cOrderFilter } from '../generated/graphql.ts';
import * as operations from '../generated/graphql.ts';
import { answer, DAY, putBronze, runTask, T0 } from '../ingestion/silver/c2c-bronze.ts';
import { iso } from './samples.ts';
import { openWorld, type World } from './world.ts';

const ZONE = 'Asia/Ho_Chi_Minh';
const MERCHANT: Caller = { role: 'merchant', local: false };

describe('queries of C2C orders', () => {
  let world: World;
  let calls = 0;
  before(async () => {
    world = await openWorld({ C2C_TIME_ZONE: ZONE });
  });
  after(() => world.stop());
  beforeEach(async () => {
    await world.postgres.query(
      'TRUNCATE bronze.raw_event, silver.c2c_order, silver.c2c_order_moved, silver.c2c_order_reject, gold.c2c_daily_volume, gold.c2c_summary',
    );
    await world.postgres.query("DELETE FROM ops.watermark WHERE step LIKE '%c2c%'");
  });

  async function say(...orders: Record<string, unknown>[]): Promise<void> {
    calls++;
    await putBronze(world.postgres, [{ id: `c${calls}`, at: T0 + 40 * DAY + calls, orders }]);
    await runTask(world.postgres, silverC2cOrders);
  }
  async function fill(): Promise<void> {
    for (const task of [goldC2cDailyVolume, goldC2cSummary])
      await runTask(world.postgres, task, { C2C_TIME_ZONE: ZONE });
  }
  const page = async (variables: operations.C2cOrdersQueryVariables) =>
    (await world.data(operations.C2cOrdersDocument, variables)).c2cOrders;
  const numbers = async (filter: C2cOrderFilter) =>
    (await page({ filter, first: 100 })).nodes.map((node) => node.orderNumber).join(' ');

  test('an order is shown with every field, its digits as they were', async () => {
    await say(answer('20219644646554779648', { commission: '0.000000000000000001', payMethodName: 'BANK' }));
    const order = {
      ...{ orderNumber: '20219644646554779648', advNo: '11218246497340923904', tradeType: 'SELL', asset: 'USDT' },
      ...{ fiat: 'VND', fiatSymbol: '₫', amount: '10', totalPrice: '250000', unitPrice: '25000', status: 'COMPLETED' },
      ...{ rawStatus: 'COMPLETED', createTime: iso(T0), commission: '0.000000000000000001' },
      ...{ advertisementRole: 'MAKER', payMethodName: 'BANK', counterPartNickName: 'ab***' },
    };
    const pageInfo = { hasNextPage: false, endCursor: (await page({})).pageInfo.endCursor };
    assert.deepEqual(await page({}), { totalCount: 1, nodes: [order], pageInfo });
    assert.deepEqual(
      (await world.data(operations.C2cOrderDocument, { orderNumber: order.orderNumber })).c2cOrder,
      order,
    );
    assert.equal((await world.data(operations.C2cOrderDocument, { orderNumber: '1' })).c2cOrder, null);
  });

  test('filters', async () => {
    await say(
      answer('1', { createTime: T0 }),
      answer('2', { createTime: T0 + 1, tradeType: 'BUY', advertisementRole: 'TAKER' }),
      answer('3', { createTime: T0 + 2, asset: 'BTC', orderStatus: 'TRADING' }),
      answer('4', { createTime: T0 + 3, fiat: 'CNY', orderStatus: 'REVIEWING' }),
      answer('5', { createTime: T0 + 4, orderStatus: 'CANCELLED' }),
    );
    assert.equal(await numbers({}), '5 4 3 2 1');
    assert.equal(await numbers({ tradeType: 'BUY' as never }), '2');
    assert.equal(await numbers({ asset: 'BTC' }), '3');
    assert.equal(await numbers({ fiat: 'CNY' }), '4');
    assert.equal(await numbers({ advertisementRole: 'TAKER' }), '2');
    assert.equal(await numbers({ from: iso(T0 + 1), to: iso(T0 + 3) }), '3 2');
    assert.equal(await numbers({ status: ['TRADING', 'CANCELLED'] as never }), '5 3');
    assert.equal(await numbers({ status: ['UNKNOWN'] as never }), '4');
    assert.equal(await numbers({ status: ['UNKNOWN', 'TRADING', 'TRADING'] as never }), '4 3');
    assert.equal(await numbers({ status: [] }), '');
    assert.equal(await numbers({ asset: 'NOSUCH' }), '');
    const [unknown] = (await page({ filter: { fiat: 'CNY' } })).nodes;
    assert.deepEqual([unknown?.status, unknown?.rawStatus], ['UNKNOWN', 'REVIEWING']);
    assert.equal((await page({ filter: { tradeType: 'SELL' as never }, first: 2 })).totalCount, 4);
  });

  test('names are masked below the merchant role', async () => {
    await say(answer('1', { counterPartNickName: 'Nguyen Van A' }));
    const shown = async (caller?: Caller) => {
      const one = await world.ask(operations.C2cOrderDocument, { orderNumber: '1' }, caller);
      const list = await world.ask(operations.C2cOrdersDocument, {}, caller);
      return [one.data?.c2cOrder?.counterPartNickName, list.data?.c2cOrders.nodes[0]?.counterPartNickName];
    };
    assert.deepEqual(await shown(), ['N***', 'N***']);
    assert.deepEqual(await shown(MERCHANT), ['Nguyen Van A', 'Nguyen Van A']);
    assert.deepEqual(await shown({ role: 'admin', local: true }), ['Nguyen Van A', 'Nguyen Van A']);
  });

  test('several orders by number cost one call of the database, totalCount only where it is asked for', async () => {
    await say(answer('1'), answer('2'));
    world.calls.length = 0;
    await world.ask(
      '{ a: c2cOrder(orderNumber: "1") { amount } b: c2cOrder(orderNumber: "2") { amount } c: c2cOrder(orderNumber: "3") { amount } }',
    );
    assert.deepEqual(world.calls, ['postgres.query']);
    world.calls.length = 0;
    await world.ask('{ c2cOrders { nodes { amount } } }');
    assert.deepEqual(world.calls, ['postgres.query']);
  });

  test('bad arguments are named', async () => {
    const refused = async (document: string): Promise<unknown> => {
      const { code, argument, max } = await world.refusal(document);
      assert.equal(code, 'BAD_USER_INPUT');
      return max === undefined ? argument : [argument, max];
    };
    assert.deepEqual(await refused('{ c2cOrders(first: 1001) { totalCount } }'), ['first', 1000]);
    assert.equal(await refused('{ c2cOrders(after: "x") { totalCount } }'), 'after');
    assert.equal(await refused('{ c2cOrders(filter: { asset: "usdt" }) { totalCount } }'), 'filter.asset');
    assert.equal(await refused('{ c2cOrders(filter: { fiat: "dong" }) { totalCount } }'), 'filter.fiat');
    assert.equal(
      await refused('{ c2cOrders(filter: { advertisementRole: "a b" }) { totalCount } }'),
      'filter.advertisementRole',
    );
    const backwards = 'from: "2026-03-02T00:00:00Z", to: "2026-03-01T00:00:00Z"';
    assert.equal(await refused(`{ c2cOrders(filter: { ${backwards} }) { totalCount } }`), 'filter.from');
    assert.deepEqual(await refused('{ c2cOrder(orderNumber: "") { amount } }'), ['orderNumber', 64]);
    assert.equal(await refused('{ c2cDailyVolume(fiat: "V") { day } }'), 'fiat');
    assert.equal(await refused('{ c2cDailyVolume(asset: "*") { day } }'), 'asset');
    assert.equal(await refused(`{ c2cDailyVolume(${backwards}) { day } }`), 'from');
    assert.equal(await refused('{ c2cSummary(asset: "", fiat: "VND") { orders } }'), 'asset');
    assert.equal(await refused('{ c2cSummary(asset: "USDT", fiat: "vnd") { orders } }'), 'fiat');
    await say(answer('1'));
    const { endCursor } = (await page({ first: 1 })).pageInfo;
    assert.equal(
      await refused(`{ c2cOrders(after: "${endCursor}", filter: { fiat: "VND" }) { totalCount } }`),
      'after',
    );
  });

  test('pages stay right while orders arrive and change their status', async () => {
    const some = fc.array(
      fc.record({
        n: fc.integer({ min: 1, max: 60 }),
        time: fc.integer({ min: 0, max: 6 }),
        orderStatus: fc.constantFrom('TRADING', 'COMPLETED', 'CANCELLED'),
      }),
      { maxLength: 10 },
    );
    // an order's time is its own for good
    const order = ({ n, orderStatus }: { n: number; orderStatus: string }) =>
      answer(String(1000 + ((n * 37) % 61)), { createTime: T0 + (n % 7), orderStatus });
    await fc.assert(
      fc.asyncProperty(
        some,
        fc.array(some, { maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (start, between, first, filtered) => {
          await world.postgres.query('TRUNCATE silver.c2c_order');
          await say(...start.map(order));
          const filter = filtered ? { status: ['COMPLETED'] as never } : {};
          const all = () => numbers(filter).then((text) => text.split(' ').filter(Boolean));
          const [seen, always]: [string[], Set<string>] = [[], new Set(await all())];
          const ever = new Set(always);
          const queue = [...between];
          let after: string | null = null;
          for (;;) {
            const { nodes, pageInfo }: Awaited<ReturnType<typeof page>> = await page({ filter, first, after });
            seen.push(...nodes.map((node) => node.orderNumber));
            if (!pageInfo.hasNextPage) break;
            after = pageInfo.endCursor ?? null;
            await say(...(queue.shift() ?? []).map(order));
            const now = new Set(await all());
            for (const number of now) ever.add(number);
            for (const number of always) if (!now.has(number)) always.delete(number);
          }
          assert.equal(new Set(seen).size, seen.length, 'none twice');
          for (const number of seen) assert.ok(ever.has(number));
          for (const number of always) assert.ok(seen.includes(number), `${number} was there all the time`);
          const times = await world.postgres.query<{ n: string; t: Date }>(
            'SELECT order_number AS n, create_time AS t FROM silver.c2c_order',
          );
          const timeOf = new Map(times.map(({ n, t }) => [n, t.getTime()]));
          const sorted = [...seen].sort((a, b) => (timeOf.get(b) ?? 0) - (timeOf.get(a) ?? 0) || (a < b ? 1 : -1));
          assert.deepEqual(seen, sorted);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('the newest page is read by its index', async () => {
    const plan = await world.postgres.transaction(async (sql) => {
      // the table is too small here for the planner to bother
      await sql.query('SET LOCAL enable_seqscan = off');
      await sql.query('SET LOCAL enable_bitmapscan = off');
      return sql.query(
        `EXPLAIN SELECT * FROM silver.c2c_order WHERE (create_time, order_number) < (now(), '5')
         ORDER BY create_time DESC, order_number DESC LIMIT 51`,
      );
    });
    assert.match(JSON.stringify(plan), /Index Scan Backward using c2c_order_newest/);
  });

  test('volume by day: of the days that the range touches, newest first', async () => {
    // 17:00 UTC begins a day there
    const at = (day: number, hour: number) => Date.UTC(2026, 1, day, hour);
    await say(
      answer('1', {
        createTime: at(1, 16),
        amount: '3',
        totalPrice: '10',
        unitPrice: '3.33',
        counterPartNickName: 'x',
      }),
      answer('2', { createTime: at(1, 17) }),
      answer('3', { createTime: at(2, 17), tradeType: 'BUY', orderStatus: 'CANCELLED' }),
    );
    await fill();
    const volume = async (variables: operations.C2cDailyVolumeQueryVariables) =>
      (await world.data(operations.C2cDailyVolumeDocument, variables)).c2cDailyVolume;
    const days = async (from: number | null, to: number | null) =>
      (await volume({ from: from === null ? null : iso(from), to: to === null ? null : iso(to) })).map((v) => v.day);
    const all = await volume({});
    assert.deepEqual(all[0], {
      ...{ day: '2026-02-03', asset: 'USDT', fiat: 'VND', tradeType: 'BUY', orders: 1, completed: 0, cancelled: 1 },
      ...{
        amount: '0',
        totalPrice: '0',
        averageUnitPrice: null,
        commission: '0',
        counterparties: 1,
        completionPercent: 0,
      },
    });
    assert.deepEqual(all[2], {
      ...{ day: '2026-02-01', asset: 'USDT', fiat: 'VND', tradeType: 'SELL', orders: 1, completed: 1, cancelled: 0 },
      ...{ amount: '3', totalPrice: '10', averageUnitPrice: '3.33333333', commission: '0.01', counterparties: 1 },
      completionPercent: 100,
    });
    assert.deepEqual(await days(null, null), ['2026-02-03', '2026-02-02', '2026-02-01']);
    assert.deepEqual(await days(at(1, 17), at(2, 17)), ['2026-02-02']);
    assert.deepEqual(await days(at(1, 17) - 1, at(2, 17) + 1), ['2026-02-03', '2026-02-02', '2026-02-01']);
    assert.deepEqual(await days(at(1, 18), null), ['2026-02-03', '2026-02-02']);
    assert.deepEqual((await volume({ tradeType: 'BUY' as never })).length, 1);
    assert.deepEqual(await volume({ asset: 'NONE' }), []);
    assert.deepEqual(await volume({ fiat: 'CNY' }), []);
  });

  test('a summary says which days it is of, and works averages and spread out of the totals', async () => {
    const at = (day: number, hour: number) => Date.UTC(2026, 1, day, hour);
    const deal = (
      number: string,
      tradeType: string,
      createTime: number,
      amount: string,
      totalPrice: string,
      unitPrice: string,
    ) => answer(number, { tradeType, createTime, amount, totalPrice, unitPrice });
    await say(
      deal('1', 'BUY', at(1, 10), '3', '10', '3.33'),
      deal('2', 'BUY', at(3, 10), '4', '16', '4'),
      deal('3', 'SELL', at(3, 11), '5', '25', '5'),
      deal('4', 'SELL', at(4, 11), '7', '42', '6'),
      answer('5', { createTime: at(4, 12), orderStatus: 'TRADING' }),
    );
    await fill();
    const summary = async (from: number | null, to: number | null, asset = 'USDT') => {
      const range = { from: from === null ? null : iso(from), to: to === null ? null : iso(to) };
      return (await world.data(operations.C2cSummaryDocument, { ...range, asset, fiat: 'VND' })).c2cSummary;
    };
    // 5 cost 10 + 8; 2 of the 7 cost 8, and 5 of them are of no known lot
    assert.deepEqual(await summary(at(1, 3), at(4, 20)), {
      ...{
        from: iso(at(0, 17) + DAY - DAY),
        to: iso(at(5, 17)),
        fiat: 'VND',
        asset: 'USDT',
        buyAmount: '7',
        buyTotal: '26',
      },
      ...{ sellAmount: '12', sellTotal: '67', averageBuyPrice: '3.71428571', averageSellPrice: '5.58333333' },
      ...{ spreadPercent: '50.32051282', realisedMargin: '11', commission: '0.04', orders: 5 },
    });
    const third = await summary(at(2, 17), at(3, 17));
    assert.deepEqual(
      [third.from, third.to, third.buyTotal, third.sellTotal, third.realisedMargin, third.orders],
      [iso(at(2, 17)), iso(at(3, 17)), '16', '25', '7', 2],
    );
    const open = await summary(null, null);
    assert.equal(open.from, iso(at(0, 17)));
    assert.ok(Date.parse(open.to) > Date.now() && Date.parse(open.to) <= Date.now() + DAY);
    assert.equal(open.sellTotal, '67');
    const none = await summary(at(1, 17), at(2, 17), 'NONE');
    assert.deepEqual(
      [
        none.buyAmount,
        none.averageBuyPrice,
        none.averageSellPrice,
        none.spreadPercent,
        none.realisedMargin,
        none.orders,
      ],
      ['0', null, null, null, '0', 0],
    );
    const nothing = await summary(null, null, 'NONE');
    assert.ok(Date.parse(nothing.from) < Date.parse(nothing.to));
    const empty = await summary(at(2, 17), at(2, 17));
    assert.deepEqual([empty.from, empty.to, empty.orders], [iso(at(2, 17)), iso(at(2, 17)), 0]);
  });

  test('what the checks found is told by dataQuality', async () => {
    await say(answer('1'), answer('2', { totalPrice: '1', newField: 1 }));
    const { dataQuality } = await world.data(operations.DataQualityDocument, { dataset: 'c2c_order' });
    const failed = dataQuality.filter((r) => !r.passed && r.check !== 'duplicates').map((r) => r.check);
    assert.ok(failed.includes('total') && failed.includes('unknown_field:newField'), failed.join());
  });
});
