/** A client that stops reading, over real sockets: what it costs is bounded, others don't notice, and it is told or cut. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ApiServer, startApiServer } from '../../../src/platform/http/api.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import { type LiveCore, startLiveCore } from '../../../src/stream/core.ts';
import { append } from '../../resolvers/samples.ts';
import { until } from '../../support/until.ts';
import { openSocket } from '../platform/graphql/client.ts';
import { testPlatform } from '../platform/http/fixture.ts';
import { ID, tickSchema } from './fixture.ts';

const QUEUE = 20;
/** An event is about this large on its way to a client. */
const EVENT_BYTES = 30_000;

const live = createMemoryLiveStore();
let core: LiveCore;
let server: ApiServer;
before(async () => {
  const env = {
    ...{ MAX_SUBSCRIBER_QUEUE: String(QUEUE), SOCKET_BUFFER_BYTES: '65536', SOCKET_STUCK_MS: '1500' },
    ...{ RESUME_BUFFER_EVENTS: '10', MAX_QUERY_ALIASES: '2000', MAX_QUERY_TOKENS: '10000' },
  };
  const platform = testPlatform(env, [], { live });
  core = startLiveCore({ platform, contextOf: () => ({}) });
  server = await startApiServer({
    platform,
    schema: tickSchema(),
    subscribe: core.subscribe,
    contextFor: () => ({}),
  });
});
after(async () => {
  await server.stop();
  await core.stop();
  await live.close();
});

// the size comes from what is asked for: it must not be in the store as well. A few long names cost less than many
const PAD = Array.from({ length: EVENT_BYTES / 5_000 }, (_, i) => `${'p'.repeat(4_980)}${i}: __typename`).join(' ');
const query = (onSlow: string, pad = PAD) =>
  `subscription { happenings(onSlow: "${onSlow}") { sequence gap { missed } ${pad} } }`;

let produced = 0;
async function produce(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    produced += 1;
    const tick = { n: produced, tradeId: String(produced), eventTime: produced };
    await live.append([{ ...append('trade', ID, tick), maxLength: 10 }]);
    if (i % 5 === 0) await new Promise((done) => setImmediate(done));
  }
}

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;
function used(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const gauge = async (metric: { get(): Promise<{ values: { value: number; labels: object }[] }> }): Promise<number> =>
  (await metric.get()).values.find(({ labels }) => !('field' in labels) || labels.field === 'happenings')?.value ?? 0;

test('60 MB that one client does not read cost no more than its queue, and no other client anything', {
  timeout: 60_000,
}, async () => {
  const [slow, quick] = [await openSocket(server.url), await openSocket(server.url)];
  await Promise.all([slow.init(), quick.init()]);
  const seen: number[] = [];
  quick.socket.removeAllListeners('message');
  quick.socket.on('message', (data) => {
    const { happenings } = JSON.parse(String(data)).payload.data;
    assert.equal(happenings.gap, null);
    seen.push(Number(happenings.sequence));
  });
  slow.subscribe('s', query('DROP_WITH_GAP'));
  quick.subscribe('q', query('DROP_WITH_GAP', ''));
  await until('both to follow', () => core.cohorts === 2);
  await produce(10);
  await until('the first events', () => seen.length === 10);
  slow.socket.pause();
  // what the kernel takes comes first
  await until(
    'the slow one to be noticed',
    async () => {
      await produce(20);
      return (await gauge(metrics.queued)) === QUEUE;
    },
    { timeoutMs: 30_000, everyMs: 1 },
  );
  const before = used();
  const from = produced;
  await produce(2_000);
  await until('the quick one to have all', () => seen.length === produced, { timeoutMs: 30_000 });
  assert.deepEqual(
    seen,
    seen.map((_, i) => i + 1),
  );
  assert.equal(await gauge(metrics.queued), QUEUE);
  assert.equal(produced - from, 2_000);
  const grown = used() - before;
  // of 60 MB; its queue is twenty events, and what is encoded for them
  assert.ok(grown < 2 * QUEUE * EVENT_BYTES + 4_000_000, `${grown} bytes`);
  // longer than SOCKET_STUCK_MS: closed with 4490, and nothing is kept of it, while it still does not read
  await until('its subscription to end', () => core.cohorts === 1, { timeoutMs: 20_000 });
  assert.equal(await gauge(metrics.queued), 0);
  await until('no socket to be blocked', async () => (await gauge(metrics.blockedSockets)) === 0);
  quick.socket.terminate();
  slow.socket.terminate();
});

test('who reads nothing for SOCKET_STUCK_MS is closed with 4490, and hears so when it reads', {
  timeout: 60_000,
}, async () => {
  const stuck = await openSocket(server.url);
  await stuck.init();
  stuck.subscribe('s', query('DROP_WITH_GAP'));
  await until('it to follow', () => core.cohorts === 1);
  stuck.socket.pause();
  await until(
    'it to be blocked',
    async () => {
      await produce(20);
      return (await gauge(metrics.blockedSockets)) === 1;
    },
    { timeoutMs: 30_000, everyMs: 1 },
  );
  const from = performance.now();
  await new Promise((done) => setTimeout(done, 1_800));
  stuck.socket.resume();
  assert.deepEqual(await stuck.closed, { code: 4490, reason: 'Client does not read' });
  assert.ok(performance.now() - from > 1_500);
  await until('its subscription to end', () => core.cohorts === 0);
});
