import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { streamKey } from '../../../schema/channels.ts';
import { deadLetterTopic, TOPICS } from '../../../schema/topics.ts';
import { createLog } from '../../../src/platform/log.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { readCapture } from '../../support/fixtures.ts';
import { openTestDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres.ts';
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
  send,
  T,
  TABLE,
  updated,
} from '../cdc/envelopes.ts';
import { changes, mutated, samples } from '../cdc/mutate.ts';
import { drained, memoryPlatform, readAll } from './worker-platform.ts';

const TOPIC = TOPICS.cdc.name;

interface Window {
  start: Date;
  fiat: string;
  side: string;
  orders: number;
  total: string;
  completed: number;
  completedTotal: string;
  revision: number;
}

describe('the worker cdc', () => {
  let server: TestDatabase;
  let postgres: Postgres;
  let close: () => Promise<void>;
  let platform: Platform;
  let running: Running | null = null;
  const lines: string[] = [];

  before(async () => {
    server = await sharedPostgres();
    ({ postgres, stop: close } = await openTestDatabase(MIGRATIONS));
  });
  after(async () => {
    await close();
    await server.stop();
  });
  beforeEach(async () => {
    await postgres.query(
      'TRUNCATE silver.cdc_record, gold.c2c_window, ops.checkpoint, ops.dead_letter RESTART IDENTITY',
    );
    await open();
  });
  afterEach(() => shut());

  /** A log with nothing in it; its offsets mean what those of the last one did, as Kafka's do. */
  async function open(): Promise<void> {
    platform = await memoryPlatform(postgres, { KAFKA_BROKERS: 'same-log:9092' });
    platform.log = createLog('debug', { write: (line: string) => void lines.push(line) });
  }
  async function shut(): Promise<void> {
    await running?.stop();
    running = null;
    await platform.broker.close();
  }
  async function restart(): Promise<void> {
    await running?.stop();
    running = await startWorkers(platform, { only: ['cdc'], onFatal: assert.fail });
  }
  async function work(...messages: Given[]): Promise<void> {
    await send(platform.broker, messages);
    if (!running) await restart();
    await drained(platform.broker, 'cdc', [TOPIC]);
  }
  const records = (): Promise<Row[]> =>
    postgres.query(
      `SELECT id, table_name AS table, op, key, related_key AS related, before, after, changed, unchanged, lsn, tx_id AS tx,
         position, snapshot, source_time AS time FROM silver.cdc_record ORDER BY seq`,
    );
  const windows = (): Promise<Window[]> =>
    postgres.query(
      `SELECT start, fiat, trade_type AS side, orders, trim_scale(total_price) AS total, completed,
         trim_scale(completed_total_price) AS "completedTotal", revision FROM gold.c2c_window ORDER BY 1, 2, 3`,
    );
  const deadLetters = (): Promise<{ offset: string; reason: string; value: Buffer; key: string }[]> =>
    postgres.query(`SELECT "offset", reason, value, key FROM ops.dead_letter ORDER BY "offset"`);

  test('every change once, in the order of the log, with what changed', async () => {
    const heartbeat = message({ ts_ms: T }, { serverName: 'cdc' });
    await work(
      message(envelope('r', null, order('1'), { snapshot: 'first', lsn: 900 })),
      message(envelope('r', null, order('2'), { snapshot: 'incremental', lsn: null, txId: null })),
      heartbeat,
      created('3', { lsn: 1_001, transaction: { id: '700:1', total_order: 4, data_collection_order: 1 } }),
      updated('3', {}, { order_status: 'COMPLETED', amount: 7.5 }, { lsn: 1_002 }),
      deleted('3', { lsn: 1_003 }),
      message(null, { order_number: '3' }),
      message(envelope('t', null, null, { lsn: 1_004 })),
    );
    const rows = await records();
    assert.deepEqual(
      rows.map(({ op, key, lsn, tx, position, snapshot }) => [op, key, lsn, tx, position, snapshot]),
      [
        ['READ', { order_number: '1' }, '900', '700', null, 'first'],
        ['READ', { order_number: '2' }, null, null, null, 'incremental'],
        ['CREATE', { order_number: '3' }, '1001', '700', '4', null],
        ['UPDATE', { order_number: '3' }, '1002', '700', null, null],
        ['DELETE', { order_number: '3' }, '1003', '700', null, null],
        ['TRUNCATE', null, '1004', '700', null, null],
      ],
    );
    const [, , , update] = rows;
    assert.deepEqual(update?.changed, ['amount', 'order_status']);
    assert.deepEqual((update?.after as Row | undefined)?.amount, '7.5');
    assert.deepEqual([rows[0]?.table, rows[0]?.time], [TABLE, new Date(T)]);
    assert.deepEqual(await deadLetters(), []);
  });

  test('a value that was not sent is taken from what was captured before, under this key or the one before', async () => {
    const gone = { pay_method_name: '__debezium_unavailable_value' };
    const bare = (number: string, row: Row, lsn: number): Given =>
      message(envelope('u', null, order(number, { ...row, ...gone }), { lsn }));
    const moved = created('9', { lsn: 5, row: gone });
    await work(
      created('1', { lsn: 1, row: { pay_method_name: 'WISE' } }),
      // captured before this batch, and within it
      bare('1', { order_status: 'BUYER_PAYED' }, 2),
    );
    await work(
      bare('1', { order_status: 'COMPLETED' }, 3),
      bare('2', {}, 4),
      { ...deleted('1', { lsn: 5 }), headers: { '__debezium.newkey': '{"order_number":"9"}' } },
      { ...moved, headers: { '__debezium.oldkey': '{"order_number":"1"}' } },
    );
    const rows = await records();
    const shown = rows.map(({ after, unchanged }) => [(after as Row | null)?.pay_method_name, unchanged]);
    assert.deepEqual(shown, [
      ['WISE', []],
      ['WISE', []],
      ['WISE', []],
      [undefined, ['pay_method_name']],
      [undefined, []],
      ['WISE', []],
    ]);
    assert.ok(!JSON.stringify(rows).includes('unavailable'));
    // an order that got another number is no new one
    assert.equal((await windows())[0]?.orders, 1);
  });

  test('delivered again from the start, with everything repeated and the checkpoint gone, nothing changes', async () => {
    const all = Array.from({ length: 300 }, (_, i) => [
      created(`${i}`, { lsn: 10 * i, time: T + i * 1_000 }),
      updated(`${i}`, {}, { order_status: 'COMPLETED' }, { lsn: 10 * i + 1, time: T + i * 1_000 + 500 }),
    ]).flat();
    await work(...all);
    const [rows, sums] = [await records(), await windows()];
    assert.equal(rows.length, 600);
    await work(...all.slice(100, 400), ...all);
    assert.deepEqual(await records(), rows);
    assert.deepEqual(await windows(), sums);
    await shut();
    await postgres.query('DELETE FROM ops.checkpoint');
    await open();
    await work(...all);
    assert.deepEqual(await records(), rows);
    assert.deepEqual(await windows(), sums);
  });

  describe('windows of a minute', () => {
    test('orders created and completed, by currency and side, at the time of the commit', async () => {
      const krw = { fiat: 'KRW', trade_type: 'SELL', total_price: '0.1' };
      await work(
        created('1', { lsn: 1 }),
        created('2', { lsn: 2, time: T + MINUTE - 1, row: { total_price: '0.000000000000000001' } }),
        created('3', { lsn: 3, row: { ...krw, order_status: 'COMPLETED' } }),
        created('4', { lsn: 4, row: { ...krw, total_price: '0.2' } }),
        created('5', { lsn: 5, time: T + MINUTE }),
        updated('4', krw, { ...krw, total_price: '0.2', order_status: 'BUYER_PAYED' }, { lsn: 6, time: T + MINUTE }),
        updated(
          '4',
          { ...krw, order_status: 'BUYER_PAYED' },
          { ...krw, order_status: 'COMPLETED' },
          { lsn: 7, time: T + MINUTE },
        ),
        updated(
          '4',
          { order_status: 'COMPLETED' },
          { order_status: 'COMPLETED', commission: '1' },
          { lsn: 8, time: T + MINUTE },
        ),
        // none of these makes or completes an order
        deleted('5', { lsn: 9, time: T + MINUTE }),
        message(envelope('t', null, null, { lsn: 10, time: T + MINUTE })),
        message(envelope('r', null, order('6', { order_status: 'COMPLETED' }), { lsn: 11, snapshot: 'last' })),
        created('7', { lsn: 12, row: { trade_type: 'SWAP' } }),
      );
      assert.deepEqual(
        (await windows()).map(({ revision, ...row }) => row),
        [
          {
            start: new Date(T),
            fiat: 'KRW',
            side: 'SELL',
            orders: 2,
            total: '0.3',
            completed: 1,
            completedTotal: '0.1',
          },
          {
            start: new Date(T),
            fiat: 'VND',
            side: 'BUY',
            orders: 2,
            total: '2612500.000000000000000001',
            completed: 0,
            completedTotal: '0',
          },
          {
            start: new Date(T + MINUTE),
            fiat: 'KRW',
            side: 'SELL',
            orders: 0,
            total: '0',
            completed: 1,
            completedTotal: '0.1',
          },
          {
            start: new Date(T + MINUTE),
            fiat: 'VND',
            side: 'BUY',
            orders: 1,
            total: '2612500',
            completed: 0,
            completedTotal: '0',
          },
        ],
      );
    });

    test('up to 5 minutes late a change counts, with a higher revision; later it is kept, and told by the metric', async () => {
      const late = async (): Promise<number> => (await metrics.lateChanges.get()).values[0]?.value ?? 0;
      const before = await late();
      await work(created('1', { lsn: 1 }), created('2', { lsn: 2, time: T + 5 * MINUTE }));
      assert.equal((await windows())[0]?.revision, 1);
      await work(created('3', { lsn: 3 }));
      await restart();
      assert.deepEqual(
        (await windows()).map(({ orders, revision }) => [orders, revision]),
        [
          [2, 2],
          [1, 1],
        ],
      );
      await work(created('4', { lsn: 4, time: T + 5 * MINUTE + 1 }), created('5', { lsn: 5 }));
      assert.deepEqual(
        (await windows()).map(({ orders, revision }) => [orders, revision]),
        [
          [2, 2],
          [2, 2],
        ],
      );
      assert.equal(await late(), before + 1);
      assert.equal((await records()).length, 5);
      // what is known of time outlives a restart
      await restart();
      await work(created('6', { lsn: 6 }));
      assert.equal(await late(), before + 2);
    });

    test('a clock that runs ahead makes nothing else late', async () => {
      await work(
        created('1', { lsn: 1, time: Date.now() + 20 * 3_600_000 }),
        created('2', { lsn: 2, time: Date.now() - MINUTE }),
      );
      assert.equal(
        (await windows()).reduce((sum, { orders }) => sum + orders, 0),
        2,
      );
    });

    test('whatever the order within the bounds, the repeats and the restarts: the same windows', {
      timeout: 120_000,
    }, async () => {
      const change = fc.record({
        at: fc.nat(12 * 60),
        fiat: fc.constantFrom('VND', 'KRW'),
        side: fc.constantFrom('BUY', 'SELL'),
        total: fc.integer({ min: 1, max: 10_000 }),
        completed: fc.boolean(),
      });
      const history = fc.array(change, { minLength: 1, maxLength: 40 });
      const disorder = fc.record({
        delays: fc.array(fc.nat(5 * 60), { minLength: 1, maxLength: 20 }),
        repeats: fc.array(fc.nat(), { maxLength: 20 }),
        piece: fc.integer({ min: 1, max: 15 }),
      });
      await fc.assert(
        fc.asyncProperty(history, disorder, async (changes, { delays, repeats, piece }) => {
          await shut();
          await postgres.query('TRUNCATE silver.cdc_record, gold.c2c_window, ops.checkpoint');
          await open();
          const messages = changes.map(({ at, fiat, side, total, completed }, i) => ({
            // none comes more than 5 minutes after one that is newer
            due: at + (delays[i % delays.length] ?? 0),
            given: created(`${i}`, {
              ...{ lsn: i, time: T + at * 1_000 },
              row: {
                fiat,
                trade_type: side,
                total_price: `${total}.01`,
                order_status: completed ? 'COMPLETED' : 'TRADING',
              },
            }),
          }));
          const sent = messages.toSorted((a, b) => a.due - b.due).map(({ given }) => given);
          for (const n of repeats) {
            const at = 1 + (n % sent.length);
            sent.splice(at, 0, sent[(n >> 3) % at] as Given);
          }
          for (let i = 0; i < sent.length; i += piece) {
            await work(...sent.slice(i, i + piece));
            await restart();
          }
          const expected = new Map<
            string,
            { orders: number; cents: number; completed: number; completedCents: number }
          >();
          for (const { at, fiat, side, total, completed } of changes) {
            const id = `${T + Math.floor(at / 60) * MINUTE} ${fiat} ${side}`;
            const sum = expected.get(id) ?? { orders: 0, cents: 0, completed: 0, completedCents: 0 };
            const cents = total * 100 + 1;
            sum.orders += 1;
            sum.cents += cents;
            sum.completed += Number(completed);
            sum.completedCents += completed ? cents : 0;
            expected.set(id, sum);
          }
          const found = (await windows()).map((w) => {
            assert.ok(w.revision >= 1);
            const { orders, completed } = w;
            const cents = (text: string): number => Math.round(Number(text) * 100);
            const sums = { orders, cents: cents(w.total), completed, completedCents: cents(w.completedTotal) };
            return [`${w.start.getTime()} ${w.fiat} ${w.side}`, sums] as const;
          });
          assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected));
        }),
        { numRuns: 12, seed: 21, endOnFailure: true },
      );
    });
  });

  test('a transaction of 20,000 rows goes through in pieces', { timeout: 60_000 }, async () => {
    const count = 20_000;
    // the log in memory is small
    for (let from = 0; from < count; from += 2_000) {
      await work(...Array.from({ length: 2_000 }, (_, i) => created(`${from + i}`, { lsn: 77, txId: 9 })));
    }
    const [row] = await postgres.query<{ n: number; txs: number }>(
      'SELECT count(*)::int AS n, count(DISTINCT tx_id)::int AS txs FROM silver.cdc_record',
    );
    assert.deepEqual(row, { n: count, txs: 1 });
    assert.equal((await windows())[0]?.orders, count);
  });

  test('samples of other tables, and what is none: recorded, passed over or dead-lettered, each of them', async () => {
    const captures = ['debezium.alltypes.transferia', 'debezium.examples.docs', 'debezium.products.flink']
      .flatMap(readCapture)
      .map(({ line }) => JSON.parse(line) as { name: string; key: string | null; value: string | null });
    await work(
      ...captures.map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value), headers: {} })),
      message('{"op":"c"', { id: 1 }),
      message(envelope('c', null, order('1'), { time: Date.now() + 2 * 86_400_000 })),
    );
    const rows = await records();
    const dead = await deadLetters();
    // two tombstones, a message, two transaction records
    assert.deepEqual(
      [rows.length, dead.map(({ reason }) => reason)],
      [
        // the captures of one project are in the ordered topic of another test of it again
        new Set(rows.map(({ id }) => id)).size,
        ['before: missing, and no key', 'value: not JSON', 'quality: source.ts_ms is more than a day in the future'],
      ],
    );
    assert.equal(rows.length, captures.length - 5 - 1);
    assert.equal((await readAll(platform.broker, deadLetterTopic(TOPIC))).length, 3);
  });

  test('damaged envelopes: whatever becomes of one, the table and the stream agree, and what is read after it is whole', async () => {
    await restart();
    const streams = await startWorkers(platform, { only: ['live'], onFatal: assert.fail });
    const damaged = fc.sample(fc.tuple(fc.constantFrom(...samples), changes), { numRuns: 600, seed: 5 });
    const all = damaged.flatMap(([given, some], i) => [
      mutated(given, some),
      created(`good-${i}`, { lsn: 10_000_000 + i }),
    ]);
    await work(...all);
    await drained(platform.broker, 'live', [TOPIC]);
    await streams.stop();
    const rows = await records();
    const tables = new Set(rows.map(({ table }) => String(table)));
    const told: string[] = [];
    for (const table of tables) {
      const entries = await platform.live.read(streamKey('cdc', table), 0n, 10_000);
      told.push(...entries.map(({ payload }) => (JSON.parse(payload) as { id: string }).id));
    }
    assert.deepEqual(told.sort(), rows.map(({ id }) => String(id)).sort());
    assert.equal(rows.filter(({ key }) => JSON.stringify(key).includes('good-')).length, 600);
    const dead = await postgres.query<{ group_name: string; n: number; offsets: string }>(
      `SELECT group_name, count(*)::int AS n, string_agg("offset"::text, ',' ORDER BY "offset") AS offsets
       FROM ops.dead_letter GROUP BY 1 ORDER BY 1`,
    );
    assert.deepEqual(
      dead.map(({ group_name }) => group_name),
      ['cdc', 'live'],
    );
    assert.equal(dead[0]?.offsets, dead[1]?.offsets);
    assert.ok((dead[0]?.n ?? 0) > 100 && rows.length > 640, `${dead[0]?.n} dead, ${rows.length} recorded`);
    assert.ok(!JSON.stringify(rows).includes('__debezium_unavailable_value'));
  });

  test('no name of a counterparty in dead letters or logs, readable or torn', async () => {
    lines.length = 0;
    const whole = JSON.stringify(envelope('c', null, order('1')));
    const torn = whole.slice(0, whole.indexOf(CANARY) + CANARY.length + 9);
    const wrong = envelope('u', order('1'), order('1', { amount: 'x' }));
    await work(
      message(torn, { order_number: '1' }),
      message(wrong),
      message(order('1'), { order_number: '1' }),
      { ...message(wrong), headers: { copy: JSON.stringify({ counter_part_nick_name: CANARY }) } },
      message(JSON.stringify({ wrapped: whole }), null),
      message(envelope('c', null, order('1', { counter_part_nick_name: { string: CANARY } }))),
    );
    const dead = await deadLetters();
    assert.equal(dead.length, 6);
    const kept = [
      ...dead.map(({ value }) => value.toString()),
      JSON.stringify(await postgres.query('SELECT group_name, topic, reason, key, headers FROM ops.dead_letter')),
      ...(await readAll(platform.broker, deadLetterTopic(TOPIC))).map(
        ({ value, headers, key }) => `${value} ${JSON.stringify(headers)} ${key}`,
      ),
      ...lines,
    ].join('\n');
    assert.ok(lines.length > 0);
    for (const part of [CANARY, 'Canary', 'Nguy']) assert.ok(!kept.includes(part), part);
    assert.match(kept, /"counter_part_nick_name":"Z\*\*\*"/);
  });
});
