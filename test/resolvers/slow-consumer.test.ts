/** A client that stops reading, over a real socket with the official client: it is told, and can go on. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startApi } from '../../resolvers/api.ts';
import { decodeCursor } from '../../schema/cursor.ts';
import type { ApiServer } from '../../src/platform/http/api.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { testPlatform } from '../src/platform/http/fixture.ts';
import { subscribe } from '../support/subscriber.ts';
import { until } from '../support/until.ts';
import { T0, trade, tradeAppend } from './samples.ts';

const live = createMemoryLiveStore();
const QUEUE = 20;
let api: ApiServer;
before(async () => {
  api = await startApi(testPlatform({ MAX_SUBSCRIBER_QUEUE: String(QUEUE), LOG_LEVEL: 'silent' }, [], { live }));
});
after(async () => {
  await api.stop();
  await live.close();
});

/** Large events: what the kernel holds for a socket is soon full. */
const LARGE = `subscription { tradeExecuted(exchange: BINANCE, symbol: "BTC-USDT", onSlow: DISCONNECT) { cursor sequence trade {
  ${Array.from({ length: 29 }, (_, i) => `a${i}: tradeId`).join(' ')} } } }`;
const SMALL = 'subscription { tradeExecuted(exchange: BINANCE, symbol: "BTC-USDT") { sequence } }';

interface Event {
  tradeExecuted: { sequence: string; cursor: string };
}

async function slowConsumers(): Promise<number> {
  const { values } = await metrics.slowConsumers.get();
  return values.find(({ labels }) => labels.field === 'tradeExecuted')?.value ?? 0;
}

async function subscribers(): Promise<number> {
  const { values } = await metrics.subscribers.get();
  return values.find(({ labels }) => labels.field === 'tradeExecuted')?.value ?? 0;
}

test('who stops reading gets SLOW_CONSUMER and its last cursor; its socket and other clients go on', {
  timeout: 60_000,
}, async () => {
  let socket: WebSocket | undefined;
  class Kept extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols);
      socket = this;
    }
  }
  const client = createClient({
    url: `${api.url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: Kept,
    retryAttempts: 0,
    lazy: false,
  });
  const received: Event['tradeExecuted'][] = [];
  const told = new Promise<unknown>((done) => {
    client.subscribe<Event>(
      { query: LARGE },
      { next: ({ data }) => data && received.push(data.tradeExecuted), error: done, complete: () => done('complete') },
    );
  });
  const quick = subscribe<Event>(api.url, SMALL);
  await until('both to follow', async () => (await subscribers()) === 2);

  socket?.pause();
  let sent = 0;
  await until(
    'the queue to be full',
    async () => {
      for (let n = 0; n < 10; n++) {
        sent += 1;
        await live.append([tradeAppend(trade(T0 + sent, String(sent).padStart(1_000, '0')))]);
      }
      return (await slowConsumers()) === 1;
    },
    { timeoutMs: 30_000, everyMs: 1 },
  );
  assert.equal(await subscribers(), 1, 'nothing is kept for it any more');
  socket?.resume();

  const [error] = (await told) as { message: string; extensions: Record<string, unknown> }[];
  assert.deepEqual(error?.extensions, {
    code: 'SLOW_CONSUMER',
    cursor: received.at(-1)?.cursor,
    limit: 'MAX_SUBSCRIBER_QUEUE',
    max: QUEUE,
  });
  // what it got has no hole, and the cursor says where it ends
  assert.deepEqual(
    received.map(({ sequence }) => sequence),
    received.map((_, i) => String(i + 1)),
  );
  assert.ok(received.length < sent);
  assert.equal(decodeCursor(String(error?.extensions.cursor))?.sequence, BigInt(received.length));

  await until('the other client to have all', () => quick.events.length === sent);
  assert.deepEqual(quick.faults, []);
  // the same socket still serves
  const answer = await client.iterate({ query: '{ __typename }' }).next();
  assert.deepEqual({ ...answer.value?.data }, { __typename: 'Query' });
  await Promise.all([quick.stop(), client.dispose()]);
});
