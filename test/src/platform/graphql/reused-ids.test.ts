/** An id is free again with the client's `complete`, however long the server takes to end the old operation. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { type ApiServer, startApiServer } from '../../../../src/platform/http/api.ts';
import { createMemoryLiveStore } from '../../../../src/platform/live/memory/store.ts';
import type { LiveStore } from '../../../../src/platform/live/store.ts';
import { type LiveCore, startLiveCore } from '../../../../src/stream/core.ts';
import { until } from '../../../support/until.ts';
import { tick, tickSchema } from '../../stream/fixture.ts';
import { testPlatform } from '../http/fixture.ts';
import { openSocket, type TestSocket } from './client.ts';

const STATE = 'subscription { state { n } }';
const HAPPENINGS = 'subscription { happenings { n } }';

let live: LiveStore;
let core: LiveCore;
let api: ApiServer;
let client: TestSocket;
/** While it is there, newest states are not to be had. */
let held: Promise<void> | null = null;
beforeEach(async () => {
  live = createMemoryLiveStore();
  await live.append([tick('ticker', 1)]);
  const latest = async (keys: readonly string[]) => {
    await held;
    return live.latest(keys);
  };
  const platform = testPlatform({}, [], { live: Object.create(live, { latest: { value: latest } }) });
  core = startLiveCore({ platform, contextOf: () => ({}) });
  api = await startApiServer({
    ...{ platform, schema: tickSchema(), subscribe: core.subscribe, contextFor: () => ({}) },
  });
  client = await openSocket(`http://127.0.0.1:${api.port}`);
  await client.init();
});
afterEach(async () => {
  held = null;
  client.socket.terminate();
  await api.stop();
  await core.stop();
  await live.close();
});

/** Sends what `say` says in one piece, as it arrives where a client says it in one turn. */
function inOnePiece(say: () => void): void {
  const { _socket: socket } = client.socket as unknown as { _socket: Socket };
  socket.cork();
  say();
  socket.uncork();
}
const complete = (id: string): void => client.send({ type: 'complete', id });

let produced = 0;

/** The next frame is a trade under the id; they are produced until one is. */
async function happens(id: string): Promise<void> {
  const producing = setInterval(() => void live.append([tick('trade', ++produced)]), 20);
  const frame = await client.next().finally(() => clearInterval(producing));
  assert.deepEqual([frame.id, frame.type], [id, 'next']);
  assert.ok('happenings' in (frame.payload as { data: object }).data);
}

/** Begins an operation, and completes it and uses its id again before it has begun. Lets the store answer when called. */
async function completeEarly(): Promise<() => void> {
  let answer = (): void => {};
  held = new Promise((done) => {
    answer = done;
  });
  client.subscribe('x', STATE);
  await until('it to wait for the store', () => core.hub.followed === 1);
  complete('x');
  client.subscribe('x', HAPPENINGS);
  return () => {
    answer();
    held = null;
  };
}

test('while the old one runs: nothing is told of the old one, not even its end, and the new one can be completed', async () => {
  client.subscribe('x', STATE);
  await client.next(({ type }) => type === 'next');
  for (let round = 0; round < 3; round++) {
    inOnePiece(() => {
      complete('x');
      client.subscribe('x', HAPPENINGS);
    });
    await happens('x');
  }
  complete('x');
  await until('its end', () => core.cohorts === 0);
  client.subscribe('x', STATE);
  const { payload } = await client.next(({ payload: told }) => JSON.stringify(told).includes('state'));
  assert.deepEqual(payload, { data: { state: { n: 1 } } });
});

test('while the old one is still being begun: it ends unheard, and the new one follows', async () => {
  const release = await completeEarly();
  client.send({ type: 'ping' });
  assert.equal((await client.next()).type, 'pong');
  release();
  await happens('x');
  assert.equal(core.cohorts, 1);
});

test('one that waits is completed before it began; twice the same id is 4409', async () => {
  const release = await completeEarly();
  complete('x');
  client.send({ type: 'ping' });
  assert.equal((await client.next()).type, 'pong');
  release();
  await until('nothing to be followed', () => core.hub.followed === 0);
  client.subscribe('x', STATE);
  await client.next(({ type }) => type === 'next');
  inOnePiece(() => {
    complete('x');
    client.subscribe('x', HAPPENINGS);
    client.subscribe('x', HAPPENINGS);
  });
  assert.deepEqual(await client.closed, { code: 4409, reason: 'Subscriber for x already exists' });
  await until('nothing to be followed', () => core.hub.followed === 0);
});
