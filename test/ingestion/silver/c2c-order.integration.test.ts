import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { silverC2cOrders } from '../../../ingestion/silver/c2c-order.ts';
import { C2C_STATUSES } from '../../../schema/c2c.ts';
import { openPostgres } from '../../../src/platform/postgres/postgres.ts';
import { answer, type Call, DAY, openTaskWorld, putBronze, T0 } from './c2c-bronze.ts';

interface Row {
  order_number: string;
  order_status: string;
  [column: string]: unknown;
}
interface Reject {
  order_number: string | null;
  reasons: string[];
  payload: unknown;
}
interface Result {
  check_name: string;
  passed: boolean;
  checked: string;
  failed: string;
  sample: { event: string; order: string; reason: string }[];
}

describe('silver.c2c_order', () => {
  let world: Awaited<ReturnType<typeof openTaskWorld>>;
  before(async () => {
    world = await openTaskWorld();
  });
  after(() => world.stop());
  beforeEach(async () => {
    await world.forget();
    await world.postgres.query('TRUNCATE bronze.raw_event, ops.data_quality_result');
  });

  const rows = () => world.postgres.query<Row>('SELECT * FROM silver.c2c_order ORDER BY order_number');
  const statuses = async () => Object.fromEntries((await rows()).map((row) => [row.order_number, row.order_status]));
  const rejects = () =>
    world.postgres.query<Reject>(
      'SELECT order_number, reasons, payload FROM silver.c2c_order_reject ORDER BY received_at, event_id',
    );
  const results = () =>
    world.postgres.query<Result>('SELECT * FROM ops.data_quality_result ORDER BY check_name, run_at');
  const one = (id: string, at: number, ...orders: unknown[]): Call => ({ id, at, orders });
  const later = (minutes: number): number => T0 + minutes * 60_000;

  test('an answer becomes a row of types, its numbers exact and in one spelling', async () => {
    const second = {
      ...{ payMethodName: 'BANK', additionalKycVerify: 0, takerCommissionRate: '0.0010', takerCommission: '0' },
      takerAmount: '343.40',
    };
    await world.put(
      one(
        'a',
        later(1),
        answer('1', { amount: '0.123456789012345678', unitPrice: '1e0' }),
        answer('20219644646554779648'),
      ),
      one('b', later(2), answer('3', { ...second, createTime: T0 + 7 })),
    );
    assert.deepEqual(await world.run(silverC2cOrders), { rowsIn: 3, rowsOut: 3 });
    const [first, newer] = await rows();
    assert.deepEqual(
      { ...first, tx: null },
      {
        order_number: '20219644646554779648',
        ...{ adv_no: '11218246497340923904', trade_type: 'SELL', asset: 'USDT', fiat: 'VND', fiat_symbol: '₫' },
        ...{ amount: '10', total_price: '250000', unit_price: '25000', order_status: 'COMPLETED' },
        ...{ create_time: new Date(T0), commission: '0.01', counter_part_nick_name: 'ab***' },
        ...{ advertisement_role: 'MAKER', pay_method_name: null, additional_kyc_verify: null },
        ...{ taker_commission_rate: null, taker_commission: null, taker_amount: null },
        ...{ status_rank: 9, payload_generation: 1, answered_at: new Date(later(1)), event_id: 'a:1', tx: null },
      },
    );
    assert.deepEqual(
      [newer?.payload_generation, newer?.pay_method_name, newer?.additional_kyc_verify, newer?.taker_commission_rate],
      [2, 'BANK', 0, '0.001'],
    );
    assert.equal(newer?.taker_amount, '343.4');
    assert.deepEqual(newer?.create_time, new Date(T0 + 7));
    // nothing new: nothing done
    assert.deepEqual(await world.run(silverC2cOrders), { rowsIn: 0, rowsOut: 0 });
  });

  test('of two answers the later status wins, of equal ones the newer answer, however they come', async () => {
    await world.put(
      one('a', later(1), answer('1', { orderStatus: 'TRADING' }), answer('2', { orderStatus: 'COMPLETED' })),
      one('b', later(2), answer('1', { orderStatus: 'PENDING' }), answer('2', { orderStatus: 'CANCELLED' })),
    );
    await world.run(silverC2cOrders);
    assert.deepEqual(await statuses(), { 1: 'TRADING', 2: 'COMPLETED' });
    await world.put(one('c', later(3), answer('1', { orderStatus: 'COMPLETED', commission: '1' })));
    await world.put(one('d', later(1.5), answer('1', { orderStatus: 'COMPLETED', commission: '2' })));
    await world.run(silverC2cOrders);
    assert.deepEqual(await statuses(), { 1: 'COMPLETED', 2: 'COMPLETED' });
    assert.equal((await rows())[0]?.commission, '1');
  });

  test('a status that is not known is kept as it was said, after the open ones and before the final ones', async () => {
    const said = (orderStatus: string) => answer('1', { orderStatus });
    for (const [i, [next, kept]] of [
      ['IN_APPEAL', 'IN_APPEAL'],
      ['REVIEWING', 'REVIEWING'],
      ['TRADING', 'REVIEWING'],
      ['SETTLING', 'SETTLING'],
      ['CANCELLED', 'CANCELLED'],
      ['SETTLING', 'CANCELLED'],
    ].entries()) {
      await world.put(one(`c${i}`, later(i), said(next as string)));
      await world.run(silverC2cOrders);
      assert.deepEqual(await statuses(), { 1: kept });
    }
    const failed = (await results()).filter((r) => r.check_name === 'status' && !r.passed);
    assert.equal(failed.length, 3);
    assert.deepEqual(failed[0]?.sample, [{ event: 'c1:0', order: '1', reason: 'orderStatus: REVIEWING is not known' }]);
  });

  test('what is no order is rejected alone, with its reason, and once', async () => {
    const bad: [unknown, RegExp][] = [
      [answer('b1', { amount: '12x' }), /^amount: not a decimal above zero$/],
      [answer('b2', { amount: '1e400' }), /^amount/],
      [answer('b3', { amount: '0.00' }), /^amount/],
      [answer('b4', { totalPrice: null }), /^totalPrice/],
      [answer('b5', { unitPrice: 'NaN' }), /^unitPrice/],
      [answer('b6', { commission: '-1' }), /^commission: not a decimal$/],
      [answer('b7', { takerAmount: 'Infinity' }), /^takerAmount/],
      [answer('b8', { createTime: '2026-01-01' }), /^createTime: not a time$/],
      [answer('b9', { createTime: Date.UTC(2018, 0) }), /^createTime: not a time at which/],
      [answer('c1', { createTime: T0 + 30 * DAY }), /^createTime: not a time at which/],
      [answer('c2', { totalPrice: '252600' }), /^totalPrice: more than 1 % off/],
      [answer('c3', { tradeType: 'HOLD' }), /^tradeType/],
      [answer('c4', { fiat: 'dong' }), /^fiat/],
      [answer('c5', { asset: { name: 'USDT' } }), /^asset/],
      [answer('', {}), /^orderNumber: none$/],
      [answer('c6', { orderStatus: '' }), /^orderStatus/],
      [answer('c7', { counterPartNickName: 'x'.repeat(201) }), /200 characters/],
      [answer('c8', { additionalKycVerify: 'yes' }), /^additionalKycVerify/],
      [['not', 'an', 'object'], /^not an object$/],
      ['text', /^not an object$/],
      [7, /^not an object$/],
    ];
    await world.put(one('a', later(1), answer('1'), ...bad.map(([order]) => order), answer('2')));
    const { rowsIn, rowsOut } = await world.run(silverC2cOrders);
    assert.deepEqual([rowsIn, rowsOut], [bad.length + 2, bad.length + 2]);
    assert.deepEqual(await statuses(), { 1: 'COMPLETED', 2: 'COMPLETED' });
    const kept = await rejects();
    for (const [order, reason] of bad) {
      const found = kept.find((row) => JSON.stringify(sorted(row.payload)) === JSON.stringify(sorted(order)));
      assert.match(found?.reasons.join() ?? 'not kept', reason);
    }
    // the same content again, in the next overlap
    await world.put(one('b', later(9), ...bad.map(([order]) => order)));
    await world.run(silverC2cOrders);
    assert.equal((await rejects()).length, bad.length);
  });

  test('what was found is a result of each check, with reasons and without names', async () => {
    await world.put(
      one(
        'a',
        later(1),
        answer('1', { counterPartNickName: 'Secret Name' }),
        answer('1'),
        answer('2', { amount: 'x' }),
      ),
      one('b', later(2), answer('3', { totalPrice: '1' })),
    );
    await world.run(silverC2cOrders);
    const found = Object.fromEntries(
      (await results()).map((r) => [r.check_name, [r.passed, r.checked, r.failed, r.sample]]),
    );
    const repeated = (event: string) => ({ event, order: '1', reason: 'twice in one answer' });
    assert.deepEqual(found, {
      duplicates: [false, '4', '2', [repeated('a:0'), repeated('a:1')]],
      form: [false, '4', '1', [{ event: 'a:2', order: '2', reason: 'amount: not a decimal above zero' }]],
      status: [true, '4', '0', []],
      time: [true, '4', '0', []],
      total: [
        false,
        '4',
        '1',
        [{ event: 'b:0', order: '3', reason: 'totalPrice: more than 1 % off amount × unitPrice' }],
      ],
    });
    assert.ok(!JSON.stringify(await results()).includes('Secret'));
  });

  test('the tolerance of price times amount is one percent of the total', async () => {
    const with_ = (number: string, totalPrice: string) => answer(number, { amount: '100', unitPrice: '1', totalPrice });
    await world.put(
      one('a', later(1), with_('1', '101.01'), with_('2', '99.01'), with_('3', '101.02'), with_('4', '99')),
    );
    await world.run(silverC2cOrders);
    assert.deepEqual(Object.keys(await statuses()), ['1', '2']);
  });

  test('a field that is not known stays in bronze and is reported once, ever', async () => {
    const fields = async () => (await results()).filter((r) => r.check_name.startsWith('unknown_field:'));
    await world.put(one('a', later(1), answer('1', { feeTier: 'VIP', region: null }), answer('2', { feeTier: 'X' })));
    await world.run(silverC2cOrders);
    const [first, second, ...rest] = await fields();
    assert.deepEqual([first?.check_name, first?.failed, first?.passed], ['unknown_field:feeTier', '2', false]);
    assert.deepEqual(first?.sample, [{ event: 'a:0', reason: 'a field that this version does not know' }]);
    assert.deepEqual([second?.check_name, second?.failed, rest], ['unknown_field:region', '1', []]);
    assert.deepEqual(await statuses(), { 1: 'COMPLETED', 2: 'COMPLETED' });
    await world.put(one('b', later(2), answer('3', { feeTier: 'VIP' })));
    await world.run(silverC2cOrders);
    await world.forget();
    await world.run(silverC2cOrders);
    assert.equal((await fields()).length, 2);
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`field${i}`, i]));
    await world.put(one('c', later(3), answer('4', many)));
    await world.run(silverC2cOrders);
    assert.equal((await fields()).length, 100);
  });

  test('a row that commits late is not missed, whatever its time of receipt', async () => {
    const other = await openPostgres({ url: world.url, pool: 1, timeoutMs: 20_000 });
    try {
      await world.put(one('a', later(1), answer('1')));
      await other.transaction(async (sql) => {
        // begun before, answered before, there only after
        await putBronze(sql, [one('late', later(0), answer('2', { createTime: T0 + 1 }))]);
        await world.put(one('b', later(5), answer('3')));
        await world.run(silverC2cOrders);
        assert.deepEqual(Object.keys(await statuses()), ['1', '3']);
        await world.put(one('c', later(6), answer('4')));
        await world.run(silverC2cOrders);
      });
      await world.run(silverC2cOrders);
      assert.deepEqual(Object.keys(await statuses()), ['1', '2', '3', '4']);
      assert.deepEqual(await world.run(silverC2cOrders), { rowsIn: 0, rowsOut: 0 });
    } finally {
      await other.close();
    }
  });

  test('a position of another cluster is not believed: a restored backup is read from its beginning', async () => {
    await world.put(one('a', later(1), answer('1')));
    await world.run(silverC2cOrders);
    await world.postgres.query(
      `UPDATE ops.watermark SET position = position || '{"system": "1", "tx": "999999999999"}' WHERE step = 'silver.c2c_order'`,
    );
    await world.put(one('b', later(2), answer('2')));
    assert.equal((await world.run(silverC2cOrders)).rowsIn, 2);
    assert.deepEqual(Object.keys(await statuses()), ['1', '2']);
  });

  test('nothing that JSON can hold stops the rows beside it', async () => {
    const names = Object.keys(answer('1', { payMethodName: 1, additionalKycVerify: 1, takerAmount: 1, other: 1 }));
    const odd = fc.oneof(
      fc.jsonValue(),
      fc
        .tuple(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.stringMatching(/^[-+0-9.eE]{0,40}$/)))
        .map(([name, value]) => answer('7', { [name]: value })),
    );
    // jsonb has no U+0000; bronze is not given one
    const storable = odd.filter((value) => !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value)) && value !== null);
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(storable, { minLength: 1, maxLength: 20 }), async (rows) => {
        n++;
        await world.put(one(`r${n}`, later(1), ...rows, answer(`good${n}`)));
        assert.equal((await world.run(silverC2cOrders)).rowsIn, rows.length + 1);
        assert.equal((await statuses())[`good${n}`], 'COMPLETED');
      }),
      { numRuns: 40 },
    );
    assert.ok((await rejects()).length > 100);
  });

  test('parts, orders of arrival, repeats and a rebuild end in the same table', async () => {
    const said = fc.record({
      number: fc.integer({ min: 1, max: 8 }).map(String),
      orderStatus: fc.constantFrom(...C2C_STATUSES, 'NEW_ONE', 'OTHER'),
      minute: fc.integer({ min: 0, max: 5 }),
      createTime: fc.constantFrom(T0, T0, T0, T0 - DAY),
      amount: fc.constantFrom('10', '10.0', '10.04', 'x'),
      generation: fc.boolean(),
    });
    const plain = async () =>
      JSON.stringify([
        await world.postgres.query(
          `SELECT to_jsonb(o) - 'tx' AS row FROM silver.c2c_order o ORDER BY order_number COLLATE "C"`,
        ),
        await world.postgres.query('SELECT to_jsonb(r) AS row FROM silver.c2c_order_reject r ORDER BY content'),
      ]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(said, { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.nat(3)),
        async (all, cut) => {
          await world.forget();
          await world.postgres.query('TRUNCATE bronze.raw_event');
          let calls: Call[] = all.map(({ number, minute, generation, ...rest }, i) =>
            one(`c${i}`, later(minute), answer(number, { ...rest, ...(generation && { payMethodName: 'BANK' }) })),
          );
          while (calls.length > 0) {
            const n = (cut.next().value as number) + 1;
            await world.put(...calls.slice(0, n));
            calls = calls.slice(n);
            await world.run(silverC2cOrders);
          }
          const bit = await plain();
          await world.forget();
          await world.run(silverC2cOrders);
          assert.equal(await plain(), bit);
          // the winner by the plain rule
          const order = [...C2C_STATUSES.slice(0, 5), '?', ...C2C_STATUSES.slice(5)];
          const rank = (s: string) => (C2C_STATUSES.includes(s as never) ? order.indexOf(s) : 5);
          const best = new Map<string, { said: (typeof all)[number]; i: number }>();
          for (const [i, s] of all.entries()) {
            if (s.amount === 'x') continue;
            const b = best.get(s.number);
            const wins =
              !b ||
              rank(s.orderStatus) - rank(b.said.orderStatus) ||
              s.minute - b.said.minute ||
              (`c${i}:0` > `c${b.i}:0` ? 1 : -1);
            if (wins === true || (wins as number) > 0) best.set(s.number, { said: s, i });
          }
          assert.deepEqual(
            await statuses(),
            Object.fromEntries(
              [...best].map(
                ([
                  number,
                  {
                    said: { orderStatus },
                  },
                ]) => [number, orderStatus],
              ),
            ),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** Objects with their keys in order, as PostgreSQL has none. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
