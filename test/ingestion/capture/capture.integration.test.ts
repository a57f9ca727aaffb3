/** Our own reader on a real server: its snapshot, its position, and what it does when the slot is not what it left. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { EMBEDDED_SLOT, startCapture } from '../../../ingestion/capture/capture.ts';
import { requestSnapshot, Superseded, writePosition } from '../../../ingestion/capture/position.ts';
import { TOPICS, topicSpecs } from '../../../schema/topics.ts';
import { type Broker, BrokerUnavailable, type Consumer, type Message } from '../../../src/platform/broker/broker.ts';
import { createMemoryBroker } from '../../../src/platform/broker/memory/broker.ts';
import { createLog } from '../../../src/platform/log.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import type { Running } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { dropSlot, readSlot } from '../../../src/platform/postgres/slot.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { withService } from '../../support/service.ts';
import { until } from '../../support/until.ts';
import { insertMany, insertOrders, loseSlot, openCaptured, platformOf } from './capture-platform.ts';
import { envelopeOf, tableAfter } from './replayed.ts';

const T = 'public.c2c_order';
const TOPIC = TOPICS.cdc.name;

let server: TestPostgres | undefined;

await withService(
  'our own reader',
  async () => {
    server = await startPostgres();
  },
  () => {
    let postgres: Postgres;
    const running: Running[] = [];

    before(async () => {
      postgres = await openCaptured(server?.url ?? '');
    });
    after(async () => {
      await postgres?.close();
      await server?.stop();
    });
    afterEach(async () => {
      for (const one of running.splice(0).reverse()) await one.stop();
      await until('the slot to be free', async () => !(await readSlot(postgres, EMBEDDED_SLOT)).slot?.active);
      await dropSlot(postgres, EMBEDDED_SLOT);
      await postgres.query(`DELETE FROM ops.watermark; TRUNCATE ${T}`);
    });

    /** A log in memory, and a worker `cdc` that keeps what it is given once it may. */
    async function logInMemory({ reads = true } = {}) {
      const broker = createMemoryBroker({ log: createLog('silent') });
      await broker.ensureTopics(topicSpecs());
      const seen: Message[] = [];
      let open = reads;
      let lost = 0;
      const consumer: Consumer = await broker.consume({
        ...{ group: 'cdc', topics: [TOPIC] },
        async onBatch(batch) {
          if (!open) throw new Error('the stores are away');
          seen.push(...batch.messages);
          await batch.commit(batch.messages.at(-1)?.offset ?? 0n);
        },
        onOffsetOutOfRange: () => {
          lost += 1;
        },
        onFatal: () => {},
      });
      running.push(consumer, { stop: () => broker.close() });
      const letRead = (): void => {
        open = true;
      };
      return { broker, seen, letRead, lost: () => lost };
    }
    async function capturing(broker: Broker): Promise<Running> {
      const capture = await startCapture(platformOf({ postgres, broker }, { LEASE_MS: '3000' }), 'embedded');
      running.push(capture);
      return capture;
    }
    const streaming = () =>
      until('the slot to be read', async () => (await readSlot(postgres, EMBEDDED_SLOT)).slot?.active);
    const confirmed = async () => (await readSlot(postgres, EMBEDDED_SLOT)).slot?.confirmed ?? 0n;
    const ops = (seen: readonly Message[]) => seen.flatMap((m) => envelopeOf(m)?.op ?? []);
    const broken = async (reason: string): Promise<number | undefined> =>
      (await metrics.captureBroken.get()).values.find(({ labels }) => labels.reason === reason)?.value;
    async function sameTable(seen: readonly Message[]): Promise<void> {
      const rows = await postgres.query<{ order_number: string; order_status: string; amount: string }>(
        `SELECT order_number, order_status, amount::text FROM ${T} ORDER BY order_number`,
      );
      const told = [...tableAfter(seen).values()].map(({ order_number, order_status, amount }) => ({
        ...{ order_number, order_status, amount },
      }));
      told.sort((a, b) => (String(a.order_number) < String(b.order_number) ? -1 : 1));
      assert.deepEqual(told, rows);
    }

    test('a snapshot with writes under way: nothing is missed and nothing overwrites what is newer', async () => {
      await postgres.query(insertMany('s', 3_000));
      const { broker, seen } = await logInMemory();
      let go = true;
      const writer = (async () => {
        for (let i = 0; go; i++) {
          await postgres.query(`UPDATE ${T} SET amount = amount + 1 WHERE order_number = 's${i % 3_000}'`);
          if (i % 5 === 0) await postgres.query(insertOrders(`n${i}`));
          if (i % 7 === 0) await postgres.query(`DELETE FROM ${T} WHERE order_number = 's${(i * 31) % 3_000}'`);
        }
      })();
      await capturing(broker);
      await until('the snapshot', () => ops(seen).filter((op) => op === 'r').length > 2_500, { timeoutMs: 30_000 });
      await streaming();
      go = false;
      await writer;
      await postgres.query(insertOrders('end'));
      await until('the last change', () => tableAfter(seen).has('{"order_number":"end"}'), { timeoutMs: 30_000 });
      await sameTable(seen);
      const all = ops(seen);
      assert.equal(all.lastIndexOf('r') < all.findIndex((op) => op !== 'r'), true, 'the snapshot comes first');
      const marks = seen.flatMap((m) => envelopeOf(m)?.source.snapshot ?? []).filter((mark) => mark !== 'false');
      assert.deepEqual([marks[0], marks.at(-1)], ['first', 'last']);
      assert.ok(marks.slice(1, -1).every((mark) => mark === 'true'));
    });

    test('the position moves once the stores have it; what a lost log held comes again', async () => {
      const { broker, seen } = await logInMemory();
      const capture = await capturing(broker);
      await streaming();
      await postgres.query(insertOrders('a'));
      await until('the change', () => ops(seen).length === 1);
      const at = await until('its position', async () => {
        const now = await confirmed();
        return now > 0n ? now : null;
      });
      await capture.stop();
      // a process whose worker does not get to the stores
      const away = await logInMemory({ reads: false });
      const second = await capturing(away.broker);
      await streaming();
      const [position] = await postgres.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
      await postgres.query(insertOrders('b', 'c'));
      await until('both in the log', async () => (await away.broker.watermarks(TOPIC))[0]?.high === 2n);
      await new Promise((next) => setTimeout(next, 1_500));
      await second.stop();
      assert.ok((await confirmed()) >= at && position);
      // it is gone with its log; the next one gets them again
      const next = await logInMemory();
      await capturing(next.broker);
      await until('both again', () => next.seen.length >= 2);
      assert.deepEqual(
        next.seen.map(({ key }) => key),
        ['{"order_number":"b"}', '{"order_number":"c"}'],
      );
    });

    test('a log in memory is given no more than it holds while the stores are away', async () => {
      const { broker, seen, letRead, lost } = await logInMemory({ reads: false });
      await capturing(broker);
      await streaming();
      await postgres.query(insertMany('big', 30_000));
      await until('some of it', async () => ((await broker.watermarks(TOPIC))[0]?.high ?? 0n) > 500n);
      await new Promise((next) => setTimeout(next, 1_000));
      assert.ok(((await broker.watermarks(TOPIC))[0]?.high ?? 0n) < 5_000n, 'the rest waits in the database');
      letRead();
      const keys = (): number => new Set(seen.map(({ key }) => key)).size;
      await until('all of it', () => keys() === 30_000, { timeoutMs: 60_000, everyMs: 250 });
      assert.equal(lost(), 0);
    });

    test('what the log does not take is sent again, in order', async () => {
      const { broker, seen } = await logInMemory();
      let calls = 0;
      const flaky: Broker = Object.assign(Object.create(broker) as Broker, {
        durable: false,
        consume: broker.consume.bind(broker),
        watermarks: broker.watermarks.bind(broker),
        committed: broker.committed.bind(broker),
        async send(topic: string, messages: Parameters<Broker['send']>[1]) {
          calls += 1;
          if (calls % 3 !== 0) throw new BrokerUnavailable('no answer');
          await broker.send(topic, messages);
        },
      });
      await capturing(flaky);
      await streaming();
      for (let i = 0; i < 10; i++) await postgres.query(insertOrders(`o${i}`));
      await until('all', () => new Set(seen.map(({ key }) => key)).size === 10);
      assert.deepEqual(
        seen.map(({ key }) => key),
        Array.from({ length: 10 }, (_, i) => `{"order_number":"o${i}"}`),
      );
    });

    /** A log whose `send` goes through `send`. */
    const sendingBy = (broker: Broker, send: Broker['send']): Broker =>
      Object.assign(Object.create(broker) as Broker, {
        ...{ durable: broker.durable, consume: broker.consume.bind(broker), send },
        ...{ watermarks: broker.watermarks.bind(broker), committed: broker.committed.bind(broker) },
      });

    test('what an old stream did not get into the log does not come after a new snapshot', async () => {
      const { broker, seen } = await logInMemory();
      let [held, letGo, tries] = [true, (): void => {}, 0];
      const gate = new Promise<void>((open) => {
        letGo = open;
      });
      const slow = sendingBy(broker, async (topic, messages) => {
        if (!messages.some((one) => String(one.value).includes('"op":"u"'))) return broker.send(topic, messages);
        tries += 1;
        await gate;
        if (held) throw new BrokerUnavailable('no answer');
      });
      await capturing(slow);
      await streaming();
      await postgres.query(insertOrders('x'));
      await until('the change', () => seen.length === 1);
      await postgres.query(`UPDATE ${T} SET amount = 1`);
      await until('it to be sent', () => tries === 1);
      await postgres.query(`UPDATE ${T} SET amount = 2`);
      await requestSnapshot(postgres);
      await new Promise((next) => setTimeout(next, 2_500));
      assert.deepEqual(ops(seen), ['c'], 'the snapshot waits for what is being sent');
      letGo();
      await until('the snapshot', () => ops(seen).includes('r'), { timeoutMs: 20_000 });
      held = false;
      await postgres.query(insertOrders('y'));
      await until('the next change', () => seen.length === 3);
      assert.deepEqual(ops(seen), ['c', 'r', 'c']);
      assert.equal(tries, 1);
    });

    test('a log that refuses what it is sent is told until it takes it', async () => {
      const { broker, seen } = await logInMemory();
      let refuses = true;
      const strict = sendingBy(broker, async (topic, messages) => {
        if (refuses) throw new Error('not allowed');
        await broker.send(topic, messages);
      });
      await capturing(strict);
      await streaming();
      await postgres.query(insertOrders('x'));
      await until('the alarm', async () => (await broken('log_refuses')) === 1);
      refuses = false;
      await until('the change', () => seen.length === 1);
      await until('the end of the alarm', async () => (await broken('log_refuses')) === 0);
    });

    test('a lease that was reset, as by a restore, does not keep the position from moving on', async () => {
      const first = await logInMemory();
      const capture = await capturing(first.broker);
      await streaming();
      await postgres.query(insertOrders('x'));
      await until('its position', async () => (await confirmed()) > 0n && first.seen.length === 1);
      await capture.stop();
      await postgres.query(`UPDATE ops.watermark SET position = position || '{"fence": "99"}' WHERE step = 'capture'`);
      await postgres.query(`DELETE FROM ops.lease WHERE name = 'capture'`);
      const { broker, seen } = await logInMemory();
      await capturing(broker);
      await streaming();
      const before = await confirmed();
      await postgres.query(insertOrders('y'));
      await until('the change', () => seen.some(({ key }) => key?.includes('y')));
      await until('the position', async () => (await confirmed()) > before);
      const [lease] = await postgres.query<{ fence: string }>(`SELECT fence FROM ops.lease WHERE name = 'capture'`);
      await assert.rejects(
        writePosition(postgres, EMBEDDED_SLOT, BigInt(lease?.fence ?? 0) - 1n, { phase: 'stream', lsn: 1n }),
        Superseded,
      );
    });

    test('a table of that name in another schema is not taken for the captured one', async () => {
      const sql = await readFile(new URL('../../../deploy/debezium/publication.sql', import.meta.url), 'utf8');
      await postgres.query(
        'DROP PUBLICATION IF EXISTS dbz_pub; CREATE SCHEMA other; CREATE TABLE other.c2c_order (id int)',
      );
      await postgres.query('CREATE PUBLICATION dbz_pub FOR TABLE other.c2c_order');
      await postgres.query(sql);
      const tables = await postgres.query<{ name: string }>(
        `SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables WHERE pubname = 'dbz_pub'`,
      );
      await postgres.query('DROP SCHEMA other CASCADE');
      assert.ok(
        tables.some(({ name }) => name === T),
        JSON.stringify(tables),
      );
    });

    test('one process reads at a time, another takes over', async () => {
      const { broker, seen } = await logInMemory();
      const [first, second] = [await capturing(broker), await capturing(broker)];
      await streaming();
      await postgres.query(insertOrders('one'));
      await until('the change', () => seen.length === 1);
      await first.stop();
      await postgres.query(insertOrders('two'));
      await until('the next change', () => seen.length === 2, { timeoutMs: 20_000 });
      await second.stop();
      assert.deepEqual(ops(seen), ['c', 'c']);
    });

    test('a quiet table does not hold the log back', async () => {
      const { broker } = await logInMemory();
      await capturing(broker);
      await streaming();
      const before = await confirmed();
      await postgres.query('CREATE TABLE IF NOT EXISTS noise AS SELECT i FROM generate_series(1, 50000) i');
      const [end] = await postgres.query<{ lsn: string }>('SELECT pg_current_wal_lsn() - $1::pg_lsn AS lsn', [
        `${(before >> 32n).toString(16)}/${(before & 0xffffffffn).toString(16)}`,
      ]);
      const grown = BigInt(end?.lsn ?? 0);
      assert.ok(grown > 1_000_000n);
      await until('the position to follow', async () => (await confirmed()) - before > grown / 2n, {
        timeoutMs: 25_000,
      });
    });

    /** Breaks what was captured so far, sees it told, and takes the documented way back. */
    async function breaksAndComesBack(reason: string, breakIt: () => Promise<void>): Promise<void> {
      const { broker, seen } = await logInMemory();
      const capture = await capturing(broker);
      await streaming();
      await postgres.query(insertOrders('before'));
      await until('the change', () => seen.length === 1);
      await until('its position', async () => (await postgres.query('SELECT 1 FROM ops.watermark')).length === 1);
      await capture.stop();
      await until('the slot to be free', async () => !(await readSlot(postgres, EMBEDDED_SLOT)).slot?.active);
      await postgres.query(insertOrders('missed'));
      await breakIt();
      await capturing(broker);
      await until('the alarm', async () => (await broken(reason)) === 1);
      await postgres.query(insertOrders('after'));
      await new Promise((next) => setTimeout(next, 500));
      assert.equal(seen.length, 1, 'nothing goes on as if nothing had happened');
      await requestSnapshot(postgres);
      await until('the whole table', () => tableAfter(seen).size === 3, { timeoutMs: 20_000 });
      await until('the end of the alarm', async () => (await broken(reason)) === 0);
      await streaming();
      await postgres.query(insertOrders('again'));
      await until('changes again', () => tableAfter(seen).has('{"order_number":"again"}'));
      await sameTable(seen);
    }

    test('a slot that was dropped is told, and the way back leads back', () =>
      breaksAndComesBack('slot_missing', () => dropSlot(postgres, EMBEDDED_SLOT)));

    test('a slot that was moved ahead is told, and the way back leads back', () =>
      breaksAndComesBack('slot_ahead', async () => {
        await postgres.query('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [EMBEDDED_SLOT]);
      }));

    test('a slot that was lost is told, and the way back leads back', () =>
      breaksAndComesBack('slot_lost', async () => {
        await loseSlot(postgres, EMBEDDED_SLOT);
      }));

    test('a slot of which nothing is known is not taken over in silence', async () => {
      await postgres.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [EMBEDDED_SLOT]);
      const { broker, seen } = await logInMemory();
      await capturing(broker);
      await until('the alarm', async () => (await broken('slot_foreign')) === 1);
      assert.equal(seen.length, 0);
    });

    test('a new snapshot can be had while all is well', async () => {
      const { broker, seen } = await logInMemory();
      await postgres.query(insertOrders('x', 'y'));
      await capturing(broker);
      await until('the snapshot', () => seen.length === 2);
      await streaming();
      await requestSnapshot(postgres);
      await until('the second', () => seen.length === 4, { timeoutMs: 20_000 });
      assert.deepEqual(ops(seen), ['r', 'r', 'r', 'r']);
    });
  },
);
