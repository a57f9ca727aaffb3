/** Our own reader killed where it hurts: in the snapshot, between the log and its position, between that and the slot. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TOPICS } from '../../../schema/topics.ts';
import type { Broker, Message } from '../../../src/platform/broker/broker.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../../support/kafka.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { type RoleProcess, startRole } from '../../support/role.ts';
import { withService } from '../../support/service.ts';
import { readTopics, type TopicReader } from '../../support/topic-reader.ts';
import { until } from '../../support/until.ts';
import { insertMany, insertOrders, openCaptured, openTopics } from './capture-platform.ts';
import { envelopeOf, tableAfter, withoutRepeats } from './replayed.ts';

const BOUND = { timeoutMs: 60_000, everyMs: 100 };

await withService('our own reader, killed', prepareOwnKafka, () => {
  let kafka: TestKafka;
  let server: TestPostgres;
  let redis: TestRedis;
  let postgres: Postgres;
  let broker: Broker;
  let reader: TopicReader;

  before(async () => {
    [kafka, server, redis] = await Promise.all([startKafka(), startPostgres(), startRedis()]);
    postgres = await openCaptured(server.url);
    broker = await openTopics(kafka.brokers);
    reader = await readTopics(kafka.brokers, [TOPICS.cdc.name]);
  });
  after(async () => {
    await reader?.close();
    await broker?.close();
    await postgres?.close();
    await Promise.all([kafka?.stop(), server?.stop(), redis?.stop()]);
  });

  const seen = (): readonly Message[] => reader.seen(TOPICS.cdc.name);
  function start(crash: Record<string, string> = {}): RoleProcess {
    const settings = {
      ...{ DATABASE_URL: server.url, REDIS_URL: redis.url, KAFKA_BROKERS: kafka.brokers.join(',') },
      ...{ METRICS_PORT: '0', LEASE_MS: '2000', POSTGRES_POOL: '4', CDC_SOURCE: 'embedded' },
    };
    return startRole('src/work.ts', { ...settings, ...crash }, ['--only=capture,feed-watch']);
  }
  /** Keeps writing until the process has killed itself. */
  async function runToDeath(point: string, skipped: number): Promise<void> {
    const role = start({ CRASH_AT: point, CRASH_AFTER: String(skipped) });
    for (let i = 0; role.running(); i++) {
      await postgres.query(insertOrders(`${point}${skipped}-${i}`));
      await postgres.query(
        `UPDATE public.c2c_order SET amount = amount + 1 WHERE order_number = '${point}${skipped}-${i >> 1}'`,
      );
      await Promise.race([role.exited, new Promise((next) => setTimeout(next, 50))]);
      assert.ok(i < 1_200, role.output());
    }
    assert.equal(await role.exited, null, 'killed');
  }

  test('at any of these points nothing is lost and nothing changes its order', async () => {
    await postgres.query(insertMany('s', 1_500));
    await runToDeath('capture_snapshot', 700);
    await runToDeath('capture_sent', 1);
    await runToDeath('capture_sent', 6);
    await runToDeath('capture_kept', 0);
    await runToDeath('capture_kept', 2);
    const last = start();
    try {
      await postgres.query(insertOrders('end'));
      await until('the last change', () => tableAfter(seen()).has('{"order_number":"end"}'), BOUND);
      const rows = await postgres.query<{ order_number: string; amount: string }>(
        'SELECT order_number, amount::text FROM public.c2c_order',
      );
      // with repeats in it as without: what is repeated is everything from some place on
      for (const messages of [seen(), withoutRepeats(seen())]) {
        const table = tableAfter(messages);
        assert.equal(table.size, rows.length);
        for (const { order_number, amount } of rows) {
          assert.equal(table.get(`{"order_number":"${order_number}"}`)?.amount, amount, order_number);
        }
      }
      const places = withoutRepeats(seen()).flatMap((m) => {
        const said = envelopeOf(m);
        return said && said.op !== 'r' ? [said.source.lsn] : [];
      });
      assert.deepEqual(
        places,
        places.toSorted((a, b) => a - b),
      );
      assert.ok(withoutRepeats(seen()).length < seen().length, 'something was repeated');
    } finally {
      await last.end('SIGKILL');
    }
  });
});
