/** What every Broker must do. Run against the in-memory log and against Kafka. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { TopicSpec } from '../../../../schema/topics.ts';
import type { Broker, Consumer } from '../../../../src/platform/broker/broker.ts';
import { until } from '../../../support/until.ts';
import { brokerDeliveryContract } from './delivery.contract.ts';
import { brokerGroupsContract } from './groups.contract.ts';
import { type BrokerHarness, type Listener, lastOf, listen, numbered, spec, texts, values } from './listening.ts';

export function brokerContract(start: () => Promise<BrokerHarness>): void {
  let harness: BrokerHarness;
  let broker: Broker;
  const listeners: Consumer[] = [];

  before(async () => {
    harness = await start();
    broker = await harness.open();
  });
  after(async () => {
    await Promise.all(listeners.map((listener) => listener.stop()));
    await broker?.close();
    await harness?.stop();
  });

  async function topic(partitions = 1, more: Partial<TopicSpec> = {}): Promise<string> {
    const one = spec(partitions, more);
    await broker.ensureTopics([one]);
    return one.name;
  }
  async function listening(options: Parameters<typeof listen>[1], from = broker): Promise<Listener> {
    const listener = await listen(from, options);
    listeners.push(listener);
    return listener;
  }
  const group = (): string => `g-${randomUUID()}`;

  test('keeps the order of a key, and one key in one partition', async () => {
    const name = await topic(4);
    const sends: Promise<void>[] = [];
    for (let i = 0; i < 200; i++) {
      sends.push(broker.send(name, [{ key: `key-${i % 7}`, value: Buffer.from(String(i)) }]));
    }
    await Promise.all(sends);
    const { seen } = await listening({ group: group(), topics: [name], maxBatch: 9 });
    await until('all messages', () => seen.length >= 200);
    for (let k = 0; k < 7; k++) {
      const mine = seen.filter(({ key }) => key === `key-${k}`);
      assert.deepEqual(
        values(mine),
        texts(0, 200).filter((n) => Number(n) % 7 === k),
      );
      assert.equal(new Set(mine.map(({ partition }) => partition)).size, 1);
    }
    assert.equal(seen.length, 200);
  });

  test('hands over one batch of a partition at a time, never larger than asked for', async () => {
    const name = await topic(2);
    const [running, sizes] = [new Map<number, number>(), new Set<number>()];
    let overlaps = 0;
    const { seen } = await listening({
      group: group(),
      topics: [name],
      maxBatch: 10,
      async onBatch(batch) {
        const now = (running.get(batch.partition) ?? 0) + 1;
        running.set(batch.partition, now);
        if (now > 1) overlaps++;
        sizes.add(batch.messages.length);
        assert.ok(batch.highWatermark > lastOf(batch).offset);
        await new Promise((turn) => setImmediate(turn));
        running.set(batch.partition, now - 1);
      },
    });
    for (let i = 0; i < 10; i++) await broker.send(name, numbered(i * 20, i * 20 + 20, `k${i}`));
    await until('all messages', () => seen.length >= 200);
    assert.equal(overlaps, 0);
    assert.ok(Math.max(...sizes) <= 10);
  });

  test('carries keys, nulls, bytes and headers unchanged', async () => {
    const name = await topic();
    const bytes = Buffer.from([0, 255, 128, 10]);
    const earliest = Date.now() - 60_000;
    await broker.send(name, [
      { key: 'ключ', value: bytes, headers: { a: 'é', b: '' } },
      { key: 'tombstone', value: null },
      { key: null, value: Buffer.alloc(0) },
    ]);
    const { seen } = await listening({ group: group(), topics: [name] });
    await until('all messages', () => seen.length >= 3);
    const got = seen.map(({ key, value, headers, offset }) => ({ key, value, headers, offset }));
    assert.deepEqual(got, [
      { key: 'ключ', value: bytes, headers: { a: 'é', b: '' }, offset: 0n },
      { key: 'tombstone', value: null, headers: {}, offset: 1n },
      { key: null, value: Buffer.alloc(0), headers: {}, offset: 2n },
    ]);
    assert.ok(seen.every(({ timestamp }) => timestamp > earliest && timestamp < Date.now() + 60_000));
  });

  test('knows how far a group is behind', async () => {
    const name = await topic(2);
    const g = group();
    assert.deepEqual(await broker.lag(g, [name]), [
      { topic: name, partition: 0, lag: 0n },
      { topic: name, partition: 1, lag: 0n },
    ]);
    for (let i = 0; i < 6; i++) await broker.send(name, numbered(i, i + 1, null));
    assert.deepEqual(
      (await broker.lag(g, [name])).map(({ lag }) => lag),
      [3n, 3n],
    );
    const listener = await listening({ group: g, topics: [name] });
    await until('no lag', async () => (await broker.lag(g, [name])).every(({ lag }) => lag === 0n));
    assert.equal(listener.seen.length, 6);
  });

  test('makes topics that are missing, again without harm, and refuses one with too few partitions', async () => {
    const one = spec(2);
    const compacted = spec(1, { compacted: true });
    await broker.ensureTopics([one, compacted]);
    await broker.send(one.name, numbered(0, 1));
    await broker.ensureTopics([one, { ...compacted }, spec(1)]);
    assert.equal(
      (await broker.watermarks(one.name)).reduce((sum, { high }) => sum + high, 0n),
      1n,
    );
    await assert.rejects(broker.ensureTopics([{ ...one, partitions: 3 }]), /has 2 partitions, 3 are declared/);
    await broker.ensureTopics([{ ...one, partitions: 1 }]);
  });

  test('a topic that is not there is an error for its sender alone', async () => {
    const name = await topic();
    const [missing, there] = await Promise.allSettled([
      broker.send(`not-${name}`, numbered(0, 1)),
      broker.send(name, numbered(0, 1)),
    ]);
    assert.equal(missing.status, 'rejected');
    assert.equal(there.status, 'fulfilled');
    await assert.rejects(listening({ group: group(), topics: [`not-${name}`] }));
  });

  test('delivers what is sent while it is read, a lot of it', async () => {
    const name = await topic(4);
    const listener = await listening({ group: group(), topics: [name] });
    await until('the partitions', () => listener.assigned().length === 4);
    const total = 20_000;
    const began = performance.now();
    for (let i = 0; i < total; i += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, j) => broker.send(name, numbered(i + j, i + j + 1, `k${j}`))));
    }
    await until('all', () => listener.seen.length >= total, { timeoutMs: 60_000 });
    assert.equal(new Set(values(listener.seen)).size, total);
    const rate = Math.round((total / (performance.now() - began)) * 1_000);
    assert.ok(rate > 2_000, `${rate} messages a second`);
  });

  describe('delivery', () => brokerDeliveryContract(() => harness));

  describe('groups', () => brokerGroupsContract(() => harness.open()));

  describe('the end', () => {
    test('ping answers until close, which stops the consumers', async () => {
      const mine = await harness.open();
      await mine.ping();
      const name = await topic();
      const consumer = await listen(mine, { group: group(), topics: [name] });
      await mine.send(name, numbered(0, 1));
      await until('the message', () => consumer.seen.length === 1);
      await mine.close();
      assert.deepEqual(consumer.assigned(), []);
      await assert.rejects(mine.send(name, numbered(1, 2)));
    });
  });
}
