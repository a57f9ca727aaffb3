/**
 * Changes through a real Kafka to a real Redis and PostgreSQL, the process that takes them killed at every boundary and
 * everything delivered again: the table, the windows and a subscriber have each change once, in order.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { FaultPoint } from '../../../ingestion/workers/fault.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { CDC_TABLES, type CdcChange } from '../../../schema/cdc.ts';
import { streamKey } from '../../../schema/channels.ts';
import { TOPICS, topicSpecs } from '../../../schema/topics.ts';
import type { Broker } from '../../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../../src/platform/broker/kafka/broker.ts';
import { openRedisLiveStore } from '../../../src/platform/live/redis/store.ts';
import type { LiveStore } from '../../../src/platform/live/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import { CdcEventDocument, type CdcEventSubscription } from '../../generated/graphql.ts';
import { createWorld } from '../../resolvers/world.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { startRole } from '../../support/role.ts';
import { withService } from '../../support/service.ts';
import { until } from '../../support/until.ts';
import {
  CANARY,
  created,
  deleted,
  envelope,
  type Given,
  message,
  order,
  send,
  T,
  TABLE,
  updated,
} from '../cdc/envelopes.ts';
import { drained } from './worker-platform.ts';

const CHILD = 'test/ingestion/workers/cdc-child.ts';
const DEATHS: readonly FaultPoint[] = ['mid_batch', 'after_write', 'before_dlq', 'after_commit'];
/** Of one piece of what is sent. */
const CHANGES_BEFORE_BAD = 120;
const CHANGES = CHANGES_BEFORE_BAD + 21;

await withService(
  'changes on Kafka, Redis and PostgreSQL',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
  () => {
    let kafka: TestKafka;
    let redis: TestRedis;
    let database: Awaited<ReturnType<typeof openTestDatabase>>;
    let broker: Broker;
    let live: LiveStore;
    let settings: Record<string, string>;
    /** Ends what a failed test leaves running. */
    let ends: (() => Promise<unknown>)[] = [];

    before(async () => {
      const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
      [kafka, redis, database] = await Promise.all([startKafka(), startRedis({ args }), openTestDatabase(MIGRATIONS)]);
      const log = createLog('silent');
      live = await openRedisLiveStore({ url: redis.url, timeoutMs: 5_000, log });
      broker = await openKafkaBroker({
        brokers: kafka.brokers,
        clientId: 'test',
        sessionTimeoutMs: 6_000,
        timeoutMs: 10_000,
        log,
      });
      await broker.ensureTopics(topicSpecs());
      settings = {
        ...{ DATABASE_URL: database.url, REDIS_URL: redis.url, KAFKA_BROKERS: kafka.brokers.join(',') },
        ...{ KAFKA_SESSION_TIMEOUT_MS: '6000', METRICS_PORT: '0' },
      };
    });
    after(async () => {
      for (const end of ends) await end();
      await live.close();
      await broker.close();
      await Promise.all([kafka.stop(), redis.stop(), database.stop()]);
    });

    /** As a connector does: until it is acknowledged, repeats and all. A new topic may be without a leader for a moment. */
    const deliver = (messages: readonly Given[]) =>
      until(
        'the log to take it',
        () =>
          send(broker, messages).then(
            () => true,
            () => false,
          ),
        { timeoutMs: 30_000, everyMs: 200 },
      );
    const settled = async (): Promise<void> => {
      await drained(broker, 'cdc', [TOPICS.cdc.name]);
      await drained(broker, 'live', [TOPICS.cdc.name]);
    };

    test('killed at every boundary, and delivered again: each change once', { timeout: 180_000 }, async () => {
      let lsn = 1_000;
      const piece = (n: number): Given[] => [
        ...Array.from({ length: 60 }, (_, i) => created(`${n}-${i}`, { lsn: ++lsn, txId: n, time: T + n * 1_000 })),
        // one statement: one place in the log
        ...Array.from({ length: 60 }, (_, i) =>
          updated(`${n}-${i}`, {}, { order_status: 'COMPLETED' }, { lsn: n * 1_000_000, txId: n, time: T + n * 1_000 }),
        ),
        message(JSON.stringify(envelope('c', null, order(`${n}-bad`))).slice(0, -40), { order_number: 'bad' }),
        deleted(`${n}-0`, { lsn: ++lsn, txId: n, time: T + n * 1_000 }),
        message(null, { order_number: `${n}-0` }),
        ...Array.from({ length: 20 }, (_, i) =>
          message(
            envelope('r', null, order(`${n}-s${i}`), { snapshot: 'incremental', lsn: null, txId: null, time: T + n }),
          ),
        ),
      ];
      const world = createWorld(database.postgres, {}, live);
      ends = [() => subscriber.stop(), () => world.core.stop()];
      const follow = async (more: object) => world.follow(CdcEventDocument, { table: TABLE, ...more } as never);
      const seen: CdcEventSubscription['cdcEvent'][] = [];
      let subscriber = await follow({});
      const read = async (): Promise<void> => {
        for (;;) seen.push((await subscriber.next()).cdcEvent);
      };
      void read().catch(() => {});

      const sent: Given[] = [];
      let output = '';
      for (const [n, point] of DEATHS.entries()) {
        const some = piece(n + 1);
        sent.push(...some);
        await deliver(some);
        const role = startRole(CHILD, { ...settings, CRASH_AT: point, CRASH_AFTER: '0' });
        assert.equal(await role.exited, null, `${point}: ${role.output()}`);
        output += role.output();
      }
      const role = startRole(CHILD, settings);
      ends.push(() => role.end('SIGKILL'));
      const last = piece(DEATHS.length + 1);
      sent.push(...last);
      await deliver(last);
      await settled();
      const count = sent.length - 2 * (DEATHS.length + 1);
      await until('all of them', () => seen.length >= count, { timeoutMs: 30_000 });

      const tables = () =>
        Promise.all([
          database.postgres.query('SELECT * FROM silver.cdc_record ORDER BY seq'),
          database.postgres.query('SELECT * FROM gold.c2c_window ORDER BY start'),
        ]);
      const before = await tables();
      const head = (await live.positions([streamKey('cdc', TABLE)]))[0];
      // as a connector does that forgot where it was
      await deliver(sent);
      await settled();
      assert.deepEqual(await tables(), before);
      assert.deepEqual((await live.positions([streamKey('cdc', TABLE)]))[0], head);

      const ids = (before[0] as { id: string }[]).map(({ id }) => id);
      assert.equal(ids.length, count);
      assert.deepEqual(
        seen.map(({ record }) => record.id),
        ids,
        'in the order of the log',
      );
      assert.deepEqual(
        seen.map(({ sequence }) => Number(sequence)),
        ids.map((_, i) => i + 1),
      );
      // what could not be read is a gap: the change behind it says so, and perhaps another after it was delivered again
      const gap = { missed: null, reason: 'FEED_GAP' };
      for (let n = 0; n <= DEATHS.length; n++) assert.deepEqual(seen[n * CHANGES + CHANGES_BEFORE_BAD]?.gap, gap);
      for (const one of seen) if (one.gap) assert.deepEqual(one.gap, gap);
      const [sums] = await database.postgres.query(
        'SELECT sum(orders)::int AS orders, sum(completed)::int AS completed FROM gold.c2c_window',
      );
      assert.deepEqual(sums, { orders: 60 * 5, completed: 60 * 5 });

      // back at any place, with nothing missed
      const place = seen[200];
      await subscriber.stop();
      subscriber = await follow({ after: place?.cursor });
      const rest: string[] = [];
      while (rest.length < count - 201) rest.push((await subscriber.next()).cdcEvent.record.id);
      assert.deepEqual(rest, ids.slice(201));

      assert.equal(await role.end('SIGTERM'), 0, role.output());
      output += role.output();
      assert.match(output, /dead-lettered/);
      const dead = await database.postgres.query<{ value: Buffer; reason: string }>(
        'SELECT value, reason FROM ops.dead_letter',
      );
      assert.ok(dead.length >= 5);
      for (const text of [output, ...dead.map(({ value, reason }) => `${value} ${reason}`)])
        assert.ok(!text.includes(CANARY));
      const shown = JSON.stringify(seen);
      assert.ok(!shown.includes(CANARY) && shown.includes('"counter_part_nick_name":"Z***"'));
      assert.ok(
        CDC_TABLES[TABLE] &&
          (JSON.parse((await live.read(streamKey('cdc', TABLE), 0n, 1))[0]?.payload ?? '') as CdcChange).id,
      );
    });
  },
);
