/** Many clients over real sockets: one execution an event for everybody who asks the same, however it is spelled. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { startApiServer } from '../../../src/platform/http/api.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { startLiveCore } from '../../../src/stream/core.ts';
import { until } from '../../support/until.ts';
import { testPlatform } from '../platform/http/fixture.ts';
import { executed, tick, tickSchema } from './fixture.ts';

const CLIENTS = 300;
const EVENTS = 500;

const ASKED = 'subscription { happenings { sequence start gap { missed } n(times: 2) again: n(times: 2) } }';
/** The same question in other words. */
const RESPELLED: { query: string; variables?: object }[] = [
  {
    query:
      'subscription Named {\n  happenings (after: null) { sequence, start, gap { missed }, n(times: 2), again: n(times: 2) } }',
  },
  {
    query:
      'subscription ($times: Int! = 7) { happenings { ...A again: n(times: $times) } } fragment A on Tick { sequence start gap { missed } n(times: $times) }',
    variables: { times: 2 },
  },
  {
    query:
      'subscription ($no: Boolean!) { happenings(onSlow: "DISCONNECT") { sequence ... on Tick @skip(if: $no) { cursor } start ... { gap { missed } gap { missed } } n(times: 2) again: n(times: 2) @include(if: true) } }',
    variables: { no: true },
  },
];

interface Client {
  id: string;
  frames: string[];
  socket: WebSocket;
}

async function connect(url: string, id: string, payload: object): Promise<Client> {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  const frames: string[] = [];
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  socket.on('message', (data) => frames.push(String(data)));
  socket.send(JSON.stringify({ id, type: 'subscribe', payload }));
  return { id, frames, socket };
}

test('300 subscribers, half of them in other words, 500 events: 500 executions and the first one', async (t) => {
  const live = createMemoryLiveStore();
  const platform = testPlatform({}, [], { live });
  const core = startLiveCore({ platform, contextOf: () => ({}) });
  const server = await startApiServer({
    platform,
    schema: tickSchema(),
    subscribe: core.subscribe,
    contextFor: () => ({}),
  });
  t.after(async () => {
    await server.stop();
    await core.stop();
  });
  const url = `ws://127.0.0.1:${server.port}/graphql`;
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) =>
      // some ids are the same, some are of other lengths, one is no ASCII
      connect(
        url,
        i === 7 ? 'zwölf' : `id-${i % 50}`.padEnd(4 + (i % 3) * 40, 'x'),
        i % 2 === 0 ? { query: ASKED } : (RESPELLED[i % 3] as object),
      ),
    ),
  );
  await until('everybody to be in one cohort', async () => {
    const other = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    return /tickgraph_subscribers\{field="happenings"\} 300/.test(await other.text());
  });
  assert.equal(core.cohorts, 1);
  executed.n = 0;
  for (let n = 1; n <= EVENTS; n++) {
    await live.append([tick('trade', n)]);
    if (n % 4 === 0) await new Promise((done) => setImmediate(done));
  }
  await until('every event to arrive', () => clients.every(({ frames }) => frames.length === EVENTS), {
    timeoutMs: 30_000,
  });
  // `n` is asked for twice an event
  assert.ok(executed.n / 2 >= EVENTS && executed.n / 2 <= EVENTS + CLIENTS, String(executed.n / 2));
  assert.equal(executed.n / 2, EVENTS);
  for (const { id, frames } of clients) {
    const wanted = (n: number): string => {
      const event = { sequence: String(n), start: n === 1 ? 'LIVE' : null, gap: null, n: 2 * n, again: 2 * n };
      const name = id === 'zwölf' ? '"zw\\u00f6lf"' : JSON.stringify(id);
      return `{"id":${name},"type":"next","payload":{"data":{"happenings":${JSON.stringify(event)}}}}`;
    };
    for (const [i, frame] of frames.entries()) assert.equal(frame, wanted(i + 1));
  }
  for (const { socket } of clients) socket.terminate();
  await until('every subscription to end', () => core.cohorts === 0 && core.hub.followed === 0);
});
