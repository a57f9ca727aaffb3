import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from '../../../ingestion/capture/outbox.ts';
import type { Broker } from '../../../src/platform/broker/broker.ts';
import { createLog } from '../../../src/platform/log.ts';

test('what a log in memory has been given is not safe before it is known where it ends', async () => {
  let answer = (): void => {};
  const known = new Promise<void>((done) => {
    answer = done;
  });
  const broker = {
    durable: false,
    send: async () => {},
    watermarks: async () => {
      await known;
      return [{ partition: 0, low: 0n, high: 1n }];
    },
    committed: async () => [{ partition: 0, offset: 0n }],
  } as unknown as Broker;
  const { signal } = new AbortController();
  const outbox = new Outbox({
    ...{ broker, topic: 't', log: createLog('silent'), signal, check: () => {}, refused: () => {} },
  });
  await outbox.add([{ key: null, value: Buffer.from('x') }]);
  outbox.whole(7n);
  const flushing = outbox.flush();
  await new Promise((next) => setImmediate(next));
  assert.equal(await outbox.safe(), 0n);
  answer();
  await flushing;
  assert.equal(await outbox.safe(), 0n, 'nobody has read it');
});
