/** The package graphql-ws as its users have it: when it connects, what it does when cut off, how its operations end. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type ClientOptions, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Access } from '../../../../src/platform/access.ts';
import { createAdmission, createKeyAdmission } from '../../../../src/platform/graphql/admission.ts';
import { createDocuments } from '../../../../src/platform/graphql/documents.ts';
import { createGraphqlSockets } from '../../../../src/platform/graphql/socket.ts';
import { until } from '../../../support/until.ts';
import { openSources, startTestApi, type TestApi, testPlatform, testSchema } from '../http/fixture.ts';
import { openSocket } from './client.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api.stop());

function clientOf(url: () => string, options: Partial<ClientOptions> = {}) {
  const events: string[] = [];
  let socket: WebSocket | null = null;
  const client = createClient({
    url: () => `${url().replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 50,
    retryWait: () => new Promise((done) => setTimeout(done, 20)),
    on: {
      connected: (opened) => {
        socket = opened as WebSocket;
        events.push('connected');
      },
      closed: (event) => events.push(`closed ${(event as { code: number }).code}`),
    },
    ...options,
  });
  return {
    client,
    events,
    get socket() {
      return socket;
    },
    subscribe(query: string) {
      const seen: unknown[] = [];
      const ends: unknown[] = [];
      const stop = client.subscribe(
        { query },
        {
          next: ({ data }) => void seen.push(data),
          error: (error) => void ends.push(error),
          complete: () => void ends.push('complete'),
        },
      );
      return { seen, ends, stop };
    },
  };
}

test('lazy: connects with the first operation, and closes after the last', async () => {
  const one = clientOf(() => api.url);
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(one.events, []);
  const [a, b] = [one.subscribe('subscription { quiet }'), one.subscribe('subscription { quiet }')];
  await until('both to begin', () => a.seen.length === 1 && b.seen.length === 1);
  assert.deepEqual(one.events, ['connected']);
  a.stop();
  await until('its source to end', () => openSources.count === 1);
  b.stop();
  await until('the socket to be closed', () => one.events.length === 2);
  assert.deepEqual(one.events, ['connected', 'closed 1000']);
  assert.deepEqual([a.ends, b.ends], [['complete'], ['complete']]);
  await until('every source to end', () => openSources.count === 0);
});

test('not lazy: connects at once, and stays', async () => {
  const one = clientOf(() => api.url, { lazy: false });
  await until('the connection', () => one.events.length === 1);
  const a = one.subscribe('subscription { ticks(count: 2) }');
  await until('its end', () => a.ends.length === 1);
  assert.deepEqual([a.seen.length, a.ends], [2, ['complete']]);
  assert.deepEqual(one.events, ['connected']);
  await one.client.dispose();
});

test('complete: of one operation leaves the others alone, and what failed does not end the socket', async () => {
  const one = clientOf(() => api.url);
  const stays = one.subscribe('subscription { quiet }');
  const ends = one.subscribe('subscription { ticks(count: 1) }');
  const fails = one.subscribe('subscription { slowConsumer }');
  const wrong = one.subscribe('subscription { nothing }');
  await until('all to end but one', () => [ends, fails, wrong].every((each) => each.ends.length === 1));
  assert.deepEqual(ends.ends, ['complete']);
  for (const { ends: told } of [fails, wrong]) assert.ok(Array.isArray(told[0]), 'GraphQL errors');
  assert.deepEqual([stays.ends, one.events], [[], ['connected']]);
  stays.stop();
  await one.client.dispose();
});

for (const [how, cut] of [
  ['the connection breaks', (_: TestApi, socket: WebSocket | null) => socket?.terminate()],
  ['the server restarts', (server: TestApi) => server.stop()],
] as const) {
  test(`retry: ${how}, and every operation is begun again`, async () => {
    let server = await startTestApi();
    const one = clientOf(() => server.url);
    const [a, b] = [one.subscribe('subscription { quiet }'), one.subscribe('subscription { quiet }')];
    await until('both to begin', () => a.seen.length === 1 && b.seen.length === 1);
    await cut(server, one.socket);
    if (how !== 'the connection breaks') server = await startTestApi();
    await until('both to begin again', () => a.seen.length === 2 && b.seen.length === 2);
    assert.deepEqual([a.ends, b.ends], [[], []]);
    await one.client.dispose();
    await server.stop();
  });
}

test('retry: as often as it is told to where the token is wrong, then the operation fails with 4403', async () => {
  const closed = await startTestApi({ HOST: '0.0.0.0', ACCESS_TOKENS: 'right-0123456789abcdef:reader' });
  const one = clientOf(() => closed.url, { retryAttempts: 2, connectionParams: { token: 'wrong' } });
  const a = one.subscribe('{ hello }');
  await until('its end', () => a.ends.length === 1);
  assert.equal((a.ends[0] as { code: number }).code, 4403);
  assert.deepEqual(
    one.events.filter((event) => event !== 'connected'),
    ['closed 4403', 'closed 4403', 'closed 4403'],
  );
  await closed.stop();
});

test('not retried: a breach of the protocol, as 4400', async () => {
  const one = clientOf(() => api.url);
  const a = one.subscribe('subscription { quiet }');
  await until('it to begin', () => a.seen.length === 1);
  one.socket?.send('nonsense');
  await until('its end', () => a.ends.length === 1);
  assert.equal((a.ends[0] as { code: number }).code, 4400);
  assert.deepEqual(one.events, ['connected', 'closed 4400']);
});

test('what breaks on our side closes with 4500, says no more, and is logged', async () => {
  const lines: string[] = [];
  const { config, log } = testPlatform({}, lines);
  const schema = testSchema();
  const access: Access = {
    identify: () => {
      throw new Error('out of order');
    },
    isValid: () => true,
    originAllowed: () => true,
    maySeeSchema: () => true,
  };
  const sockets = createGraphqlSockets({
    ...{ schema, access, log, limits: config, contextOf: () => ({}) },
    admission: createAdmission(config),
    keys: createKeyAdmission(1_000),
    documents: createDocuments(schema, config),
    subscribe: () => Promise.reject(new Error('not asked')),
  });
  const server = createServer().on('upgrade', (request, socket, head) => sockets.upgrade(request, socket, head));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const client = await openSocket(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.send({ type: 'connection_init' });
  assert.deepEqual(await client.closed, { code: 4500, reason: 'Internal server error' });
  assert.ok(lines.some((line) => line.includes('out of order')));
  await sockets.stop(100);
  server.close();
});
