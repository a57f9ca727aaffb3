import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Broker } from '../../../../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../../../../src/platform/broker/kafka/broker.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { adminOf, prepareOwnKafka, startKafka, type TestKafka } from '../../../../support/kafka.ts';
import { withService } from '../../../../support/service.ts';
import { until } from '../../../../support/until.ts';
import { listen, numbered, values } from '../listening.ts';

/** Number of the codec as a record batch has it. */
const CODECS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
/** Where a record batch in the log has its attributes, and where its records begin. */
const [ATTRIBUTES, RECORDS] = [21, 61];

await withService('codecs on Kafka', prepareOwnKafka, () => {
  let kafka: TestKafka;
  let broker: Broker;
  const errors: string[] = [];

  before(async () => {
    kafka = await startKafka();
    const log = createLog('error', { write: (line) => void errors.push(line) });
    const { brokers } = kafka;
    broker = await openKafkaBroker({ brokers, clientId: 'test', sessionTimeoutMs: 2_000, timeoutMs: 5_000, log });
  });
  after(async () => {
    await broker?.close();
    await kafka?.stop();
  });

  /** A topic whose messages Kafka itself packs anew, with its own library. */
  async function packedTopic(codec: keyof typeof CODECS): Promise<string> {
    const topic = `t-${codec}-${randomUUID()}`;
    const admin = adminOf(kafka.brokers);
    await admin.connect();
    const configEntries = [{ name: 'compression.type', value: codec }];
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true });
    await admin.disconnect();
    return topic;
  }
  const segment = (topic: string): string => join(kafka.folder, `${topic}-0`, '00000000000000000000.log');

  for (const [name, number] of Object.entries(CODECS)) {
    test(`reads ${name} as Kafka packs it`, async () => {
      const topic = await packedTopic(name as keyof typeof CODECS);
      const noise = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7919 + (i >> 5)) & 0xff));
      await broker.send(topic, [...numbered(0, 500), { key: 'k', value: noise }]);
      const listener = await listen(broker, { group: topic, topics: [topic] });
      await until('all', () => listener.seen.length === 501);
      assert.deepEqual(
        values(listener.seen.slice(0, 500)),
        values(numbered(0, 500).map((m) => ({ ...m, offset: 0n, timestamp: 0, headers: {} }))),
      );
      assert.deepEqual(listener.seen[500]?.value, noise);
      const stored = await readFile(segment(topic));
      assert.equal(stored.readInt16BE(ATTRIBUTES) & 7, number);
      await listener.stop();
    });
  }

  test('a batch that is damaged in the log is handed on as bytes, told, and what follows is read', async () => {
    const topic = await packedTopic('zstd');
    await broker.send(topic, numbered(0, 50));
    await broker.send(topic, numbered(50, 60));
    await kafka.kill('SIGTERM');
    const stored = await readFile(segment(topic));
    const packed = stored.subarray(RECORDS, stored.readInt32BE(8) + 12);
    packed.fill(0xee, 4, 20);
    const damaged = Buffer.from(packed);
    await writeFile(segment(topic), stored);
    await kafka.restart();
    const listener = await listen(broker, { group: topic, topics: [topic] });
    await until('what follows', () => listener.seen.length === 11);
    const [poison, ...rest] = listener.seen;
    assert.deepEqual(poison?.value, damaged);
    assert.match(String(poison?.headers.undecodable), /^zstd: .* \(a batch of 50\)$/);
    assert.deepEqual(values(rest)[0], '50');
    assert.ok(errors.some((line) => line.includes('batch can not be unpacked')));
    // committed after it was handed on
    await until('nothing left', async () => (await broker.lag(topic, [topic])).every(({ lag }) => lag === 0n));
    assert.deepEqual(listener.fatal, []);
  });
});
