/** A token that is taken back or expires ends what it began, and only that. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startApiServer } from '../../../../src/platform/http/api.ts';
import { createMemoryLiveStore } from '../../../../src/platform/live/memory/store.ts';
import { startLiveCore } from '../../../../src/stream/core.ts';
import { tickSchema } from '../../stream/fixture.ts';
import { testPlatform } from '../http/fixture.ts';
import { errorsOf, openSocket } from './client.ts';

const STAYS = 'stays-0123456789abcdef';
const GOES = 'goes-0123456789abcdef';
/** The bound of the promise: five seconds from the change. */
const BOUND_MS = 5_000;

let folder: string;
let path: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tickgraph-revocation-'));
  path = join(folder, 'tokens');
});
after(() => rm(folder, { recursive: true }));

async function open() {
  const live = createMemoryLiveStore();
  const lines: string[] = [];
  const platform = testPlatform({ HOST: '0.0.0.0', ACCESS_TOKENS_FILE: path, MAX_SOCKETS_PER_KEY: '2' }, lines, {
    live,
  });
  const core = startLiveCore({ platform, contextOf: () => ({}) });
  const schema = tickSchema();
  const server = await startApiServer({ platform, schema, subscribe: core.subscribe, contextFor: () => ({}) });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    core,
    lines,
    async connect(token: string) {
      const client = await openSocket(url);
      const ack = await client.init({ authorization: `Bearer ${token}` });
      assert.equal(ack.type, 'connection_ack');
      return client;
    },
    async stop() {
      await server.stop();
      await core.stop();
      await live.close();
    },
  };
}

for (const [how, change] of [
  ['is taken out of the file', () => `${STAYS}:reader\n`],
  ['gets another role', () => `${STAYS}:reader\n${GOES}:admin\n`],
  [
    'expires',
    () => `${STAYS}:reader\n${GOES}:reader ${new Date(Date.now() + 1_000).toISOString().replace(/\.\d+/, '')}\n`,
  ],
] as const) {
  test(`a token that ${how}: its subscriptions end with UNAUTHENTICATED, its sockets close with 4403`, async () => {
    await writeFile(path, `${STAYS}:reader\n${GOES}:reader\n`);
    const api = await open();
    try {
      const [stays, goes] = [await api.connect(STAYS), await api.connect(GOES)];
      for (const client of [stays, goes]) client.subscribe('1', 'subscription { happenings { sequence } }');
      goes.subscribe('2', 'subscription { state { sequence } }');
      goes.send({ type: 'ping' });
      await goes.next(({ type }) => type === 'pong');

      const from = performance.now();
      await writeFile(`${path}.new`, change());
      await rename(`${path}.new`, path);
      const told = [await goes.next(), await goes.next()];
      assert.deepEqual(told.map(({ id }) => id).sort(), ['1', '2']);
      for (const frame of told) assert.equal(errorsOf(frame)[0]?.extensions.code, 'UNAUTHENTICATED');
      assert.deepEqual(await goes.closed, { code: 4403, reason: 'The access token was revoked or has expired.' });
      assert.ok(performance.now() - from < BOUND_MS, `${performance.now() - from} ms`);
      assert.equal(api.core.cohorts, 1);

      stays.send({ type: 'ping' });
      assert.equal((await stays.next()).type, 'pong');
      stays.socket.terminate();
      assert.doesNotMatch(api.lines.join(''), /0123456789abcdef/);
    } finally {
      await api.stop();
    }
  });
}

test('one socket more of a token than its limit is closed with 4491, which names the setting', async () => {
  await writeFile(path, `${STAYS}:reader\n${GOES}:reader\n`);
  const api = await open();
  try {
    const [first] = [await api.connect(STAYS), await api.connect(STAYS)];
    const third = await openSocket(api.url);
    third.send({ type: 'connection_init', payload: { token: STAYS } });
    assert.deepEqual(await third.closed, {
      code: 4491,
      reason: 'Too many sockets of this token; the limit is 2 (MAX_SOCKETS_PER_KEY).',
    });
    const other = await api.connect(GOES);
    other.socket.terminate();
    first?.socket.close();
    await first?.closed;
    const again = await api.connect(STAYS);
    again.socket.terminate();
  } finally {
    await api.stop();
  }
});
