import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Broker } from '../../../../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../../../../src/platform/broker/kafka/broker.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { adminOf, prepareKafka, sharedKafka } from '../../../../support/kafka.ts';
import { withService } from '../../../../support/service.ts';
import { until } from '../../../../support/until.ts';
import { brokerContract } from '../broker.contract.ts';
import { type BrokerHarness, createGate, lastOf, listen, numbered, spec } from '../listening.ts';

const log = createLog(process.env.TEST_LOG ?? 'silent');

function openBroker(brokers: readonly string[]): Promise<Broker> {
  return openKafkaBroker({
    brokers,
    clientId: `test-${randomUUID()}`,
    sessionTimeoutMs: 2_000,
    timeoutMs: 5_000,
    handlerStuckMs: 8_000,
    log,
  });
}

async function startShared(): Promise<BrokerHarness> {
  const kafka = await sharedKafka();
  return {
    open: () => openBroker(kafka.brokers),
    async expire(topic) {
      const admin = adminOf(kafka.brokers);
      await admin.connect();
      const high = await admin.fetchTopicOffsets(topic);
      const partitions = high.map(({ partition, offset }) => ({ partition, offset }));
      await admin.deleteTopicRecords({ topic, partitions });
      await admin.disconnect();
    },
    stop: () => kafka.stop(),
  };
}

await withService('the log on Kafka', prepareKafka, () => {
  brokerContract(startShared);

  test('retention that overtakes a reader is told, and reading goes on at the start of the log', async () => {
    const harness = await startShared();
    const broker = await harness.open();
    const one = spec();
    await broker.ensureTopics([one]);
    const large = { key: 'k', value: Buffer.alloc(500_000) };
    for (let i = 0; i < 40; i++) await broker.send(one.name, [large]);
    const gate = createGate();
    const told: bigint[] = [];
    const listener = await listen(broker, {
      group: one.name,
      topics: [one.name],
      maxBatch: 1,
      onOffsetOutOfRange: (_, wanted, resumedAt) => void told.push(wanted, resumedAt),
      onBatch: async (batch) => {
        await gate.pass();
        await batch.commit(lastOf(batch).offset);
      },
    });
    await until('the first message', () => gate.reached);
    await harness.expire(one.name);
    await broker.send(one.name, numbered(40, 45));
    gate.open();
    await until('the end', () => listener.seen.at(-1)?.offset === 44n);
    const [wanted, resumedAt] = told;
    assert.ok(wanted !== undefined && wanted > 0n && wanted < 40n, `read ahead to ${wanted}`);
    assert.equal(resumedAt, 40n);
    assert.equal(told.length, 2);
    assert.equal(BigInt(listener.seen.length), wanted + 5n);
    assert.deepEqual(await broker.lag(one.name, [one.name]), [{ topic: one.name, partition: 0, lag: 0n }]);
    await broker.close();
    await harness.stop();
  });

  test('a handler that hangs is told once and ends the consumer', async () => {
    const harness = await startShared();
    const broker = await harness.open();
    const one = spec();
    await broker.ensureTopics([one]);
    await broker.send(one.name, numbered(0, 1));
    const gate = createGate();
    const listener = await listen(broker, { group: one.name, topics: [one.name], onBatch: () => gate.pass() });
    await until('onFatal', () => listener.fatal.length > 0);
    assert.match(String(listener.fatal[0]), /handler of .* stuck/);
    assert.deepEqual(listener.assigned(), []);
    gate.open();
    await broker.close();
    await harness.stop();
    assert.equal(listener.fatal.length, 1);
  });
});
