import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { mendFaults } from '../../../../../../src/platform/broker/kafka/mended/faults.ts';

interface Queue {
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

test('an idle connection sets no timer; a throttled or a waiting one does', () => {
  mendFaults();
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
    options: object,
  ) => Queue;
  const logger = { debug() {} };
  const queue = new RequestQueue({ requestTimeout: 1_000, clientId: 'test', broker: 'none', logger });
  queue.scheduleCheckPendingRequests();
  assert.equal(queue.throttleCheckTimeoutId, null);
  queue.throttledUntil = Date.now() + 60_000;
  queue.scheduleCheckPendingRequests();
  assert.ok(queue.throttleCheckTimeoutId);
  queue.destroy();
  queue.throttledUntil = -1;
  queue.pending = [{}];
  queue.scheduleCheckPendingRequests();
  assert.ok(queue.throttleCheckTimeoutId);
  queue.destroy();
});

test('a group without a coordinator is worth another try; other errors stay as they are', async () => {
  mendFaults();
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/cluster') as {
    prototype: { findGroupCoordinatorMetadata(this: object, request: object): Promise<unknown> };
  };
  const ask = (withBroker: () => Promise<unknown>) =>
    prototype.findGroupCoordinatorMetadata.call({ brokerPool: { withBroker } }, { groupId: 'g', coordinatorType: 0 });
  await assert.rejects(
    ask(async () => undefined),
    { name: 'KafkaJSGroupCoordinatorNotFound', retriable: true },
  );
  await assert.rejects(
    ask(() => Promise.reject(new Error('x'))),
    (error: object) => !('retriable' in error),
  );
});
