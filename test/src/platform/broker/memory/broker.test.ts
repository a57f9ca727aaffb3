import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Broker, Consumer } from '../../../../../src/platform/broker/broker.ts';
import { createMemoryBroker } from '../../../../../src/platform/broker/memory/broker.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { metrics } from '../../../../../src/platform/metrics.ts';
import { until } from '../../../../support/until.ts';
import { brokerContract } from '../broker.contract.ts';
import { type BrokerHarness, createGate, listen, numbered, spec, values } from '../listening.ts';

const log = createLog('silent');

/** One of several users of a log: closing it ends what it began and leaves the log to the others. */
function clientOf(shared: Broker): Broker {
  const consumers: Consumer[] = [];
  let closed = false;
  return {
    ensureTopics: (topics) => shared.ensureTopics(topics),
    send: async (topic, messages) => (closed ? Promise.reject(new Error('closed')) : shared.send(topic, messages)),
    async consume(options) {
      const consumer = await shared.consume(options);
      consumers.push(consumer);
      return consumer;
    },
    watermarks: (topic) => shared.watermarks(topic),
    lag: (group, topics) => shared.lag(group, topics),
    durable: shared.durable,
    committed: (group, topics) => shared.committed(group, topics),
    ping: () => shared.ping(),
    async close() {
      closed = true;
      await Promise.all(consumers.map((consumer) => consumer.stop()));
    },
  };
}

async function startMemory(): Promise<BrokerHarness> {
  let now = Date.now();
  const shared = createMemoryBroker({ clock: () => now, log });
  return {
    open: async () => clientOf(shared),
    async expire() {
      now += 600_001;
    },
    stop: () => shared.close(),
  };
}

describe('the log in memory', () => {
  brokerContract(startMemory);

  test('keeps no more than its bound, and tells a slow reader what it missed', async () => {
    const broker = createMemoryBroker({ maxBytesPerPartition: 30_000, log });
    const one = spec();
    await broker.ensureTopics([one]);
    const gate = createGate();
    const told: bigint[] = [];
    const listener = await listen(broker, {
      group: 'g',
      topics: [one.name],
      maxBatch: 10,
      onBatch: () => gate.pass(),
      onOffsetOutOfRange: (_, wanted, resumedAt) => void told.push(wanted, resumedAt),
    });
    await broker.send(one.name, numbered(0, 10));
    await until('the first batch', () => gate.reached);
    await broker.send(one.name, numbered(10, 1_000));
    const [mark] = await broker.watermarks(one.name);
    assert.ok(mark && mark.high === 1_000n && mark.high - mark.low < 160n);
    gate.open();
    await until('the end', () => listener.seen.at(-1)?.offset === 999n);
    assert.deepEqual(told, [10n, mark.low]);
    assert.equal(BigInt(listener.seen.length), 10n + mark.high - mark.low);
    await broker.close();
  });

  test('all partitions together keep no more than their bound: what was read gives way, then where there is most', async () => {
    const broker = createMemoryBroker({ maxBytes: 100_000, log });
    const [unread, busy, idle] = [spec(), spec(4), spec()];
    await broker.ensureTopics([unread, busy, idle]);
    const gate = createGate();
    const told: bigint[] = [];
    const slow = await listen(broker, {
      ...{ group: 'slow', topics: [unread.name], maxBatch: 10, onBatch: () => gate.pass() },
      onOffsetOutOfRange: (_, wanted, resumedAt) => void told.push(wanted, resumedAt),
    });
    await listen(broker, { group: 'quick', topics: [busy.name] });
    const dropped = async () => (await metrics.memoryLogDropped.get()).values[0]?.value ?? 0;
    const before = await dropped();
    const low = async ({ name }: { name: string }) =>
      (await broker.watermarks(name)).reduce((sum, mark) => sum + Number(mark.low), 0);
    const fill = async (topic: string, count: number) => {
      for (let i = 0; i < count; i++) {
        await broker.send(topic, [{ key: `k${i % 9}`, value: Buffer.alloc((i * 37) % 900) }]);
        if (i % 20 === 0)
          await until('it is read', async () => (await broker.lag('quick', [busy.name])).every((p) => p.lag === 0n));
        const [held] = (await metrics.memoryLogBytes.get()).values;
        assert.ok(held && held.value <= 100_000, `${held?.value} bytes`);
      }
    };
    // most of what there is, and all of it unread
    await fill(unread.name, 100);
    await fill(busy.name, 1_000);
    // nobody reads it, so nobody misses it
    await fill(idle.name, 500);
    assert.ok((await low(busy)) > 800 && (await low(idle)) > 300);
    assert.equal(await low(unread), 0);
    assert.equal((await dropped()) - before, 0);
    await fill(unread.name, 500);
    const gone = await low(unread);
    assert.ok(gone > 300, `${gone} of 600`);
    assert.equal((await dropped()) - before, gone);
    gate.open();
    await until('the rest is read', () => slow.seen.at(-1)?.offset === 599n);
    assert.deepEqual(told, [10n, BigInt(gone)]);
    await broker.close();
  });

  test('a compacted topic that is full keeps the newest message of each key', async () => {
    const broker = createMemoryBroker({ maxBytesPerPartition: 30_000, log });
    const one = spec(1, { compacted: true });
    await broker.ensureTopics([one]);
    await broker.send(one.name, [{ key: 'rare', value: Buffer.from('kept') }]);
    for (let i = 0; i < 1_000; i++) await broker.send(one.name, numbered(i, i + 1, `k${i % 5}`));
    const listener = await listen(broker, { group: 'g', topics: [one.name] });
    await until('the end', () => listener.seen.at(-1)?.offset === 1_000n);
    assert.equal(values(listener.seen)[0], 'kept');
    assert.ok(listener.seen.length < 160);
    await broker.close();
  });

  test('carries 50,000 messages a second and never delivers on the sender’s stack', async () => {
    const broker = createMemoryBroker({ log });
    const one = spec(8);
    await broker.ensureTopics([one]);
    let [handled, inside] = [0, false];
    await broker.consume({
      group: 'g',
      topics: [one.name],
      async onBatch(batch) {
        assert.equal(inside, false);
        handled += batch.messages.length;
      },
      onFatal: assert.fail,
    });
    const value = Buffer.alloc(300);
    // what it costs, whatever else the machine does
    const began = process.cpuUsage();
    for (let i = 0; i < 100_000; i++) {
      inside = true;
      const sent = broker.send(one.name, [{ key: `k${i % 50}`, value }]);
      inside = false;
      await sent;
    }
    await until('all', () => handled === 100_000);
    const { user, system } = process.cpuUsage(began);
    const rate = Math.round(100_000 / ((user + system) / 1_000_000));
    assert.ok(rate > 50_000, `${rate} messages a second`);
    await broker.close();
    await assert.rejects(broker.ping());
    await assert.rejects(broker.send(one.name, numbered(0, 1)));
  });
});
