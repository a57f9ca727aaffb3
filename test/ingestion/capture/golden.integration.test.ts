/** One script of SQL, captured by Debezium and by our own reader at once: the same messages, field by field. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCapture } from '../../../ingestion/capture/capture.ts';
import { TOPICS } from '../../../schema/topics.ts';
import type { Broker, Message } from '../../../src/platform/broker/broker.ts';
import type { Running } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { prepareDebezium, startDebezium, type TestDebezium } from '../../support/debezium.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { prepareCapture } from '../../support/prepare-sql.ts';
import { withService } from '../../support/service.ts';
import { readTopics, type TopicReader } from '../../support/topic-reader.ts';
import { until } from '../../support/until.ts';
import { insertMany, insertOrders, openCaptured, openTopics, platformOf } from './capture-platform.ts';

const OTHER = 'dbz.public.c2c_order';
const T = 'public.c2c_order';

/** Each line a transaction of its own. */
const SCRIPT = [
  insertOrders('a1'),
  `UPDATE ${T} SET order_status = 'COMPLETED' WHERE order_number = 'a1'`,
  insertOrders('b1', 'b2', 'b3'),
  `UPDATE ${T} SET order_number = 'a2' WHERE order_number = 'a1'`,
  `DELETE FROM ${T} WHERE order_number = 'b1'`,
  insertMany('m', 20),
  `UPDATE ${T} SET order_status = 'TRADING' WHERE order_number LIKE 'm%'`,
  // one transaction, one row, three changes
  `BEGIN; ${insertOrders('x')}; UPDATE ${T} SET amount = 7 WHERE order_number = 'x'; DELETE FROM ${T} WHERE order_number = 'x'; COMMIT`,
  `BEGIN; ${insertOrders('never')}; ROLLBACK`,
  `UPDATE ${T} SET taker_amount = 'NaN', taker_commission = 1e-10, commission = 1e20, additional_kyc_verify = -1, pay_method_name = U&'\\FEFFbank ☃ \\+01F4B0' WHERE order_number = 'b2'`,
  // large values that are stored apart
  `ALTER TABLE ${T} ALTER COLUMN counter_part_nick_name SET STORAGE EXTERNAL`,
  `UPDATE ${T} SET counter_part_nick_name = repeat('x', 3000) WHERE order_number = 'b2'`,
  `UPDATE ${T} SET order_status = 'IN_APPEAL' WHERE order_number = 'b2'`,
  `ALTER TABLE ${T} REPLICA IDENTITY DEFAULT`,
  `UPDATE ${T} SET order_status = 'COMPLETED' WHERE order_number = 'b2'`,
  `UPDATE ${T} SET order_number = 'b9' WHERE order_number = 'b2'`,
  `DELETE FROM ${T} WHERE order_number = 'b9'`,
  `ALTER TABLE ${T} REPLICA IDENTITY FULL`,
  // columns that come and go, of every common type
  `ALTER TABLE ${T} ADD COLUMN z_bool boolean, ADD COLUMN z_big bigint, ADD COLUMN z_small smallint, ADD COLUMN z_date date,
     ADD COLUMN z_ts timestamp, ADD COLUMN z_float float8, ADD COLUMN z_json jsonb, ADD COLUMN z_text varchar(10) NOT NULL DEFAULT 'dd'`,
  `UPDATE ${T} SET z_bool = true, z_big = 9007199254740993, z_small = -3, z_date = '2026-02-03', z_ts = '2026-02-03 04:05:06.7',
     z_float = 1.5e300, z_json = '{"a": [1, "\\u00e9"]}', z_text = '' WHERE order_number = 'a2'`,
  `ALTER TABLE ${T} DROP COLUMN z_big`,
  `UPDATE ${T} SET z_bool = false WHERE order_number = 'a2'`,
  `TRUNCATE ${T}`,
  insertOrders('last'),
];

/** What both must say alike: everything but who says it and when it was said. */
function comparable({ key, value, headers }: Message) {
  const own = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('__debezium.context.')));
  if (!value) return { key, value: null, headers: own };
  // numbers beyond what JavaScript holds, as text
  const text = value.toString().replaceAll(/:(\d{16,})/g, ':"$1"');
  const { ts_ms, ts_us, ts_ns, source, ...rest } = JSON.parse(text);
  assert.ok(ts_ms && ts_us && ts_ns, 'when it was said');
  const { version, name, ...from } = source;
  assert.ok(version && name);
  // a snapshot of each is taken at a moment of its own
  if (rest.op === 'r') for (const field of ['ts_ms', 'ts_us', 'ts_ns', 'sequence', 'txId', 'lsn']) from[field] = 'own';
  return { key, value: { ...rest, source: from }, headers: own };
}

await withService(
  'the envelopes of both sources',
  async () => {
    await prepareOwnKafka();
    await prepareDebezium();
  },
  () => {
    let kafka: TestKafka;
    let server: TestPostgres;
    let postgres: Postgres;
    let broker: Broker;
    let debezium: TestDebezium;
    let reader: TopicReader;
    let capture: Running;

    before(async () => {
      [kafka, server] = await Promise.all([startKafka(), startPostgres()]);
      postgres = await openCaptured(server.url);
      await prepareCapture(postgres, 'secret1');
      await postgres.query(insertOrders('s1', 's2', 's3'));
      broker = await openTopics(kafka.brokers);
      const spec = { partitions: 1, retentionMs: 86_400_000, compacted: false };
      await broker.ensureTopics([{ name: OTHER, ...spec }]);
      debezium = await startDebezium({
        ...{ brokers: kafka.brokers, databaseUrl: server.url, password: 'secret1' },
        connector: { 'topic.prefix': 'dbz', 'heartbeat.interval.ms': '0' },
      });
      await debezium.register();
      await debezium.running();
      capture = await startCapture(platformOf({ postgres, broker }), 'embedded');
      reader = await readTopics(kafka.brokers, [TOPICS.cdc.name, OTHER]);
    });
    after(async () => {
      await capture?.stop();
      await reader?.close();
      await debezium?.stop();
      await broker?.close();
      await postgres?.close();
      await server?.stop();
      await kafka?.stop();
    });

    test('are equal, field by field', async () => {
      const ours = (): readonly Message[] => reader.seen(TOPICS.cdc.name);
      const theirs = (): readonly Message[] => reader.seen(OTHER);
      const bound = { timeoutMs: 60_000 };
      await until('both snapshots', () => ours().length === 3 && theirs().length === 3, bound);
      await until(
        'both to read on',
        async () => {
          const [row] = await postgres.query<{ n: number }>(
            'SELECT count(*)::int AS n FROM pg_replication_slots WHERE active',
          );
          return row?.n === 2;
        },
        bound,
      );
      for (const text of SCRIPT) await postgres.query(text);
      const isLast = (m: Message | undefined): boolean => m?.key === '{"order_number":"last"}';
      await until('the last change of both', () => isLast(ours().at(-1)) && isLast(theirs().at(-1)), bound);

      const [mine, golden] = [ours().map(comparable), theirs().map(comparable)];
      assert.equal(mine.length, golden.length);
      assert.deepEqual(mine, golden);
      assert.ok(
        golden.some(({ value }) => value === null),
        'tombstones',
      );
      assert.ok(
        golden.some(({ headers }) => '__debezium.newkey' in headers),
        'a changed key',
      );
      assert.ok(
        golden.some(({ value }) => JSON.stringify(value).includes('__debezium_unavailable_value')),
        'a value that was not sent',
      );
    });
  },
);
