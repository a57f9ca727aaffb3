/** Where a Broker's consumers begin, what a failing handler leads to, and how they end. Part of the Broker contract. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { TopicSpec } from '../../../../schema/topics.ts';
import type { Broker, Consumer } from '../../../../src/platform/broker/broker.ts';
import { until } from '../../../support/until.ts';
import {
  type BrokerHarness,
  createGate,
  type Listener,
  lastOf,
  listen,
  numbered,
  spec,
  texts,
  values,
} from './listening.ts';

export function brokerDeliveryContract(started: () => BrokerHarness): void {
  let harness: BrokerHarness;
  let broker: Broker;
  const listeners: Consumer[] = [];

  before(async () => {
    harness = started();
    broker = await harness.open();
  });
  after(async () => {
    await Promise.all(listeners.map((listener) => listener.stop()));
    await broker?.close();
  });

  async function topic(partitions = 1, more: Partial<TopicSpec> = {}): Promise<string> {
    const one = spec(partitions, more);
    await broker.ensureTopics([one]);
    return one.name;
  }
  async function listening(options: Parameters<typeof listen>[1]): Promise<Listener> {
    const listener = await listen(broker, options);
    listeners.push(listener);
    return listener;
  }
  const group = (): string => `g-${randomUUID()}`;

  test('reads on after a restart from what was committed', async () => {
    const name = await topic();
    const g = group();
    await broker.send(name, numbered(0, 10));
    const first = await listening({
      group: g,
      topics: [name],
      onBatch: async (batch) => {
        if (batch.messages.some(({ offset }) => offset === 4n)) await batch.commit(4n);
      },
    });
    await until('the first reading', () => first.seen.length >= 10);
    await first.stop();
    assert.deepEqual(first.assigned(), []);
    const second = await listening({ group: g, topics: [name] });
    await until('the second reading', () => second.seen.length >= 5);
    assert.deepEqual(values(second.seen), texts(5, 10));
  });

  test('gathers what comes after a batch that was not full', async () => {
    const name = await topic();
    const sizes: number[] = [];
    const gate = createGate();
    const listener = await listening({
      ...{ group: group(), topics: [name], maxBatch: 8, gatherMs: 400 },
      async onBatch(batch) {
        sizes.push(batch.messages.length);
        await batch.commit(lastOf(batch).offset);
        if (sizes.length === 1) gate.open();
      },
    });
    await broker.send(name, numbered(0, 1));
    await gate.pass();
    await broker.send(name, numbered(1, 12));
    await until('all of them', () => listener.seen.length >= 12);
    assert.deepEqual(values(listener.seen), texts(0, 12));
    // a full one is followed by the rest at once
    assert.deepEqual(sizes, [1, 8, 3]);
  });

  test('begins where onAssigned says, back or forward, and tries again when it throws', async () => {
    const name = await topic();
    const g = group();
    await broker.send(name, numbered(0, 10));
    for (const [wanted, from] of [
      [null, 0],
      [3n, 3],
      [8n, 8],
      [0n, 0],
      [null, 10],
    ] as const) {
      let tries = 0;
      const listener = await listening({
        group: g,
        topics: [name],
        onAssigned: async (at) => {
          assert.deepEqual(at, { topic: name, partition: 0 });
          assert.deepEqual(listener?.seen ?? [], []);
          tries += 1;
          if (tries < 3) throw new TypeError('not yet');
          return wanted;
        },
      });
      await broker.send(name, []);
      await until('the partition', () => tries === 3);
      if (from < 10) await until(`messages from ${from} on`, () => listener.seen.length >= 10 - from);
      assert.deepEqual(values(listener.seen), texts(from, 10));
      assert.deepEqual(listener.fatal, []);
      await listener.stop();
    }
  });

  test('a TypeError in a handler stops nothing: the batch comes again, from the last commit on', async () => {
    const name = await topic();
    await broker.send(name, numbered(0, 6));
    const firsts: bigint[] = [];
    const listener = await listening({
      group: group(),
      topics: [name],
      async onBatch(batch) {
        firsts.push(batch.messages[0]?.offset ?? -1n);
        if (firsts.length === 1) await batch.commit(2n);
        if (firsts.length < 4) throw new TypeError('x is not a function');
        await batch.commit(lastOf(batch).offset);
      },
    });
    await until('the rest', () => listener.seen.length >= 3);
    assert.deepEqual(firsts, [0n, 3n, 3n, 3n]);
    assert.deepEqual(values(listener.seen), texts(3, 6));
    await broker.send(name, numbered(6, 8));
    await until('what came later', () => listener.seen.length >= 5);
    assert.deepEqual(listener.fatal, []);
  });

  test('other partitions go on while one fails or hangs', async () => {
    const name = await topic(3);
    const gate = createGate();
    const listener = await listening({
      group: group(),
      topics: [name],
      async onBatch(batch) {
        if (batch.partition === 0) throw new SyntaxError('never');
        if (batch.partition === 1) await gate.pass();
      },
    });
    for (let round = 0; round < 5; round++) {
      await broker.send(name, numbered(round * 30, round * 30 + 30, null));
      await until('the third partition', () => listener.seen.length >= (round + 1) * 10);
    }
    assert.ok(listener.seen.every(({ partition }) => partition === 2));
    assert.ok(gate.reached);
    const stopped = listener.stop();
    gate.open();
    await stopped;
  });

  test('stop waits for the batch in hand, which may still commit', async () => {
    const name = await topic();
    const g = group();
    await broker.send(name, numbered(0, 4));
    const gate = createGate();
    const revoked: number[] = [];
    const listener = await listening({
      group: g,
      topics: [name],
      maxBatch: 2,
      onRevoked: ({ partition }) => void revoked.push(partition),
      async onBatch(batch) {
        await gate.pass();
        assert.equal(batch.isStale(), false);
        await batch.commit(lastOf(batch).offset);
      },
    });
    await until('the batch', () => gate.reached);
    const order: string[] = [];
    const stopping = listener.stop().then(() => order.push('stopped'));
    await new Promise((next) => setTimeout(next, 50));
    order.push('handled');
    gate.open();
    await stopping;
    assert.deepEqual(order, ['handled', 'stopped']);
    assert.deepEqual(values(listener.seen), texts(0, 2));
    assert.deepEqual(revoked, [0]);
    const lag = await broker.lag(g, [name]);
    assert.deepEqual(lag, [{ topic: name, partition: 0, lag: 2n }]);
  });

  test('a commit beyond the batch is refused', async () => {
    const name = await topic();
    const errors: string[] = [];
    await listening({
      group: group(),
      topics: [name],
      onBatch: (batch) => batch.commit(99n).catch((error: Error) => void errors.push(error.name)),
    });
    await broker.send(name, numbered(0, 1));
    await until('the refusal', () => errors.length > 0);
    assert.deepEqual(errors, ['RangeError']);
  });

  test('tells of messages that were gone before they were read, and goes on at the start of the log', async () => {
    const name = await topic(1, { retentionMs: 600_000 });
    const g = group();
    await broker.send(name, numbered(0, 5));
    const first = await listening({ group: g, topics: [name], onBatch: (batch) => batch.commit(1n) });
    await until('the first reading', () => first.seen.length >= 5);
    await first.stop();
    await harness.expire(name);
    await broker.send(name, numbered(5, 8));
    await until('the new start', async () => (await broker.watermarks(name))[0]?.low === 5n);
    assert.deepEqual(await broker.watermarks(name), [{ partition: 0, low: 5n, high: 8n }]);
    assert.deepEqual(await broker.lag(g, [name]), [{ topic: name, partition: 0, lag: 3n }]);
    for (const wanted of [null, 2n, 99n]) {
      const told: (bigint | string)[] = [];
      const listener = await listening({
        group: g,
        topics: [name],
        onAssigned: async () => wanted,
        onBatch: async () => {},
        onOffsetOutOfRange: ({ topic: where }, lost, resumedAt) => void told.push(where, lost, resumedAt),
      });
      await until('what is left', () => listener.seen.length >= 3);
      assert.deepEqual(values(listener.seen), texts(5, 8));
      assert.deepEqual(told, [name, wanted ?? 2n, 5n]);
      await listener.stop();
    }
  });
}
