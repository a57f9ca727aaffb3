/** A group of which nothing comes: on a Kafka so new that it has no coordinator yet, and when a member stops fetching. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Broker } from '../../../../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../../../../src/platform/broker/kafka/broker.ts';
import type { KafkaOptions } from '../../../../../src/platform/broker/kafka/client.ts';
import { KafkaMember } from '../../../../../src/platform/broker/kafka/consumer.ts';
import { KafkaOffsets } from '../../../../../src/platform/broker/kafka/offsets.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { freePort } from '../../../../../src/platform/postgres/embedded.ts';
import { adminOf, prepareOwnKafka, startKafka, type TestKafka } from '../../../../support/kafka.ts';
import { withService } from '../../../../support/service.ts';
import { startTcpProxy, type TcpProxy } from '../../../../support/tcp-proxy.ts';
import { until } from '../../../../support/until.ts';
import { listen, numbered, spec, values } from '../listening.ts';

const log = createLog(process.env.TEST_LOG ?? 'silent');
/** Of the topic that holds the groups' offsets; Kafka's default. */
const OFFSETS_PARTITIONS = 50;

await withService('Kafka without a coordinator', prepareOwnKafka, () => {
  let kafka: TestKafka;
  let proxy: TcpProxy;
  let broker: Broker;
  const options = (brokers: readonly string[], more: Partial<KafkaOptions> = {}): KafkaOptions => ({
    ...{ brokers, clientId: `test-${randomUUID()}`, sessionTimeoutMs: 1_500, timeoutMs: 1_500, log },
    ...more,
  });

  before(async () => {
    const proxyPort = await freePort();
    // one broker can't have three copies: there is no coordinator before the topic of the groups' offsets is made by hand
    kafka = await startKafka({ proxyPort, properties: { 'offsets.topic.replication.factor': '3' } });
    proxy = await startTcpProxy(kafka.proxiedListener, proxyPort);
    broker = await openKafkaBroker(options(kafka.brokers));
  });
  after(async () => {
    await broker?.close();
    await proxy?.stop();
    await kafka?.stop();
  });

  test('joining goes on until there is one', { timeout: 120_000 }, async () => {
    const one = spec();
    await broker.ensureTopics([one]);
    await broker.send(one.name, numbered(0, 3));
    let crashes = 0;
    const watching = createLog('silent');
    const joiner = await openKafkaBroker(
      options(kafka.brokers, {
        log: Object.assign(watching, {
          warn: (_: object, message: string) => {
            if (message === 'consumer starts anew') crashes++;
          },
        }),
      }),
    );
    const listener = await listen(joiner, { group: one.name, topics: [one.name] });
    await until('kafkajs to give up', () => crashes > 0 || listener.fatal.length > 0, { timeoutMs: 90_000 });
    assert.deepEqual(listener.fatal, []);
    const admin = adminOf(kafka.brokers);
    await admin.connect();
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }];
    const topic = '__consumer_offsets';
    await admin.createTopics({
      topics: [{ topic, numPartitions: OFFSETS_PARTITIONS, replicationFactor: 1, configEntries }],
    });
    await admin.disconnect();
    await until('what was sent', () => listener.seen.length === 3, { timeoutMs: 60_000 });
    assert.deepEqual(values(listener.seen), ['0', '1', '2']);
    assert.deepEqual(listener.fatal, []);
    await listener.stop();
    await joiner.close();
  });

  test('a member that fetches nothing although Kafka answers ends; while nothing answers it waits', async () => {
    const one = spec();
    await broker.ensureTopics([one]);
    const admin = adminOf(kafka.brokers);
    await admin.connect();
    let answers = false;
    const offsets = new KafkaOffsets(admin, 1_500);
    const watched = Object.assign(Object.create(offsets) as KafkaOffsets, {
      watermarks: (topic: string) => (answers ? offsets.watermarks(topic) : Promise.reject(new Error('no answer'))),
    });
    const waits: string[] = [];
    const said = Object.assign(createLog('silent'), { warn: (_: object, message: string) => void waits.push(message) });
    const fatal: Error[] = [];
    const member = new KafkaMember(
      {
        ...{ group: one.name, topics: [one.name], maxBatch: 10 },
        onBatch: async () => {},
        onFatal: (error) => void fatal.push(error),
      },
      options([`127.0.0.1:${proxy.port}`], { fetchStuckMs: 2_000, log: said }),
      watched,
    );
    await member.start();
    try {
      await until('its partition', () => member.assigned().length === 1, { timeoutMs: 30_000 });
      await proxy.set('blackhole');
      await until('it to wait', () => waits.includes('waiting for Kafka to come back'), { timeoutMs: 30_000 });
      assert.deepEqual(fatal, []);
      answers = true;
      await until('it to end', () => fatal.length > 0, { timeoutMs: 30_000 });
      assert.match(String(fatal[0]), /nothing was fetched for 2000 ms although Kafka answers/);
      assert.deepEqual(member.assigned(), []);
    } finally {
      await proxy.set('pass');
      await member.stop();
      await admin.disconnect();
    }
    assert.equal(fatal.length, 1);
  });
});
