/** Event streams of clients that do not read, and of callers whose token is taken back or has too many of them. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startApiServer } from '../../../../src/platform/http/api.ts';
import { createMemoryLiveStore } from '../../../../src/platform/live/memory/store.ts';
import { metrics } from '../../../../src/platform/metrics.ts';
import { startLiveCore } from '../../../../src/stream/core.ts';
import { until } from '../../../support/until.ts';
import { type Seen, tick, tickSchema } from '../../stream/fixture.ts';
import { testPlatform } from '../http/fixture.ts';
import { openSocket } from './client.ts';

const STAYS = 'stays-0123456789abcdef';
const GOES = 'goes-0123456789abcdef';
const QUEUE = 10;
/** The bound of the promise: five seconds from the change. */
const BOUND_MS = 5_000;
// the size comes from what is asked for, and from long names, which cost less than many
const PAD = Array.from({ length: 6 }, (_, i) => `${'p'.repeat(5_000)}${i}: __typename`).join(' ');

let folder: string;
let path: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tickgraph-sse-'));
  path = join(folder, 'tokens');
});
after(() => rm(folder, { recursive: true }));

async function open(env: NodeJS.ProcessEnv = {}) {
  await writeFile(path, `${STAYS}:reader\n${GOES}:reader\n`);
  const live = createMemoryLiveStore();
  const settings = { HOST: '0.0.0.0', ACCESS_TOKENS_FILE: path, MAX_QUERY_ALIASES: '2000', MAX_QUERY_TOKENS: '10000' };
  const platform = testPlatform({ ...settings, ...env }, [], { live });
  const core = startLiveCore({ platform, contextOf: () => ({}) });
  const schema = tickSchema();
  const server = await startApiServer({ platform, schema, subscribe: core.subscribe, contextFor: () => ({}) });
  const url = `http://127.0.0.1:${server.port}`;
  let produced = 0;
  return {
    url,
    core,
    get produced() {
      return produced;
    },
    async produce(count: number) {
      for (let i = 0; i < count; i++) await live.append([tick('trade', ++produced)]);
      await new Promise((done) => setImmediate(done));
    },
    /** Nothing is read of the answer before the test does so. */
    stream: (token: string, query: string, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
      new Promise((done, fail) => {
        const type = { accept: 'text/event-stream', 'content-type': 'application/json' };
        const all = { ...type, authorization: `Bearer ${token}`, ...headers };
        const sent = request(`${url}/graphql`, { method: 'POST', headers: all, agent: false }, done);
        sent.on('error', fail).end(JSON.stringify({ query }));
      }),
    async stop() {
      await server.stop();
      await core.stop();
      await live.close();
    },
  };
}

/** What a stream says from now on, as it comes. */
function reading(response: IncomingMessage) {
  let text = '';
  let closed = false;
  const found: (Seen & { id: string })[] = [];
  const event = /id: (\S+)\nevent: next\ndata: (.*)\n\n/g;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('error', () => {});
  response.on('close', () => {
    closed = true;
  });
  return {
    get text() {
      return text;
    },
    get closed() {
      return closed;
    },
    /** The whole events so far. */
    events(): (Seen & { id: string })[] {
      // each is read once: there are many, and they are large
      for (let from = event.lastIndex; ; from = event.lastIndex) {
        const [, id, data] = event.exec(text) ?? [];
        if (id === undefined) {
          event.lastIndex = from;
          return found;
        }
        found.push({ id, ...JSON.parse(data as string).data.happenings });
      }
    },
  };
}

const blocked = async (): Promise<number> => (await metrics.blockedSockets.get()).values[0]?.value ?? 0;

describe('a client that does not read', () => {
  const slow = { MAX_SUBSCRIBER_QUEUE: String(QUEUE), SOCKET_BUFFER_BYTES: '65536' };
  const query = `subscription { happenings(onSlow: "DROP_WITH_GAP") { sequence gap { missed reason } ${PAD} } }`;

  test('and then does is told how much it missed; nothing is said twice', { timeout: 60_000 }, async () => {
    const api = await open({ ...slow, SOCKET_STUCK_MS: '30000' });
    try {
      const response = await api.stream(STAYS, query);
      await until('it to follow', () => api.core.cohorts === 1);
      const filled = async (): Promise<boolean> => {
        await api.produce(20);
        return (await blocked()) === 1;
      };
      await until('it to be blocked', filled, { timeoutMs: 30_000, everyMs: 1 });
      await api.produce(50);
      const seen = reading(response);
      await until('the newest', () => Number(seen.events().at(-1)?.sequence) === api.produced, { timeoutMs: 30_000 });
      let last = 0;
      let told = 0;
      for (const { sequence, gap } of seen.events()) {
        assert.equal(Number(sequence), last + 1 + (gap?.missed ?? 0));
        last = Number(sequence);
        told += gap?.missed ?? 0;
      }
      assert.ok(told >= 50 - QUEUE, `${told} told as missed`);
      response.destroy();
    } finally {
      await api.stop();
    }
  });

  test('for SOCKET_STUCK_MS is cut off, and goes on with the last id that it has', { timeout: 60_000 }, async () => {
    const api = await open({ ...slow, SOCKET_STUCK_MS: '500' });
    try {
      const response = await api.stream(STAYS, query);
      await until('it to follow', () => api.core.cohorts === 1);
      const cutOff = async (): Promise<boolean> => {
        await api.produce(20);
        return api.core.cohorts === 0;
      };
      await until('it to be cut off', cutOff, { timeoutMs: 30_000, everyMs: 5 });
      assert.equal(await blocked(), 0);
      const seen = reading(response);
      await until('the end of what had left', () => seen.closed);
      assert.doesNotMatch(seen.text, /event: complete/);
      const { id, sequence } = seen.events().at(-1) as Seen & { id: string };

      const again = reading(await api.stream(STAYS, query, { 'last-event-id': id }));
      await until('the newest', () => Number(again.events().at(-1)?.sequence) === api.produced, { timeoutMs: 30_000 });
      let last = Number(sequence);
      for (const event of again.events()) {
        assert.equal(Number(event.sequence), last + 1 + (event.gap?.missed ?? 0));
        last = Number(event.sequence);
      }
    } finally {
      await api.stop();
    }
  });
});

test('where a stream is asked for with a cursor and comes back with an id, the id is what it goes on from', async () => {
  const api = await open();
  try {
    await api.produce(5);
    const first = reading(await api.stream(STAYS, 'subscription { happenings { sequence cursor } }'));
    await until('an event', async () => {
      await api.produce(1);
      return first.events().length >= 3;
    });
    const [one, , three] = first.events().map(({ cursor, id }) => {
      assert.equal(cursor, id);
      return id;
    });
    const query = `subscription { happenings(after: "${one}") { sequence start } }`;
    const from = Number(first.events()[0]?.sequence);
    for (const [headers, next] of [
      [{}, from + 1],
      [{ 'last-event-id': three as string }, from + 3],
    ] as const) {
      const back = reading(await api.stream(STAYS, query, headers));
      await until('its first event', async () => {
        await api.produce(1);
        return back.events().length > 0;
      });
      const event = back.events()[0];
      assert.deepEqual([event?.sequence, event?.start], [String(next), 'RESUMED']);
    }
  } finally {
    await api.stop();
  }
});

describe('a token', () => {
  const query = 'subscription { happenings { sequence } }';

  test('that is taken back: its streams end with UNAUTHENTICATED, it gets no other, and others stay', async () => {
    const api = await open();
    try {
      const stays = reading(await api.stream(STAYS, query));
      const goes = [reading(await api.stream(GOES, query)), reading(await api.stream(GOES, query))];
      await api.produce(1);
      await until('the first event', () => [stays, ...goes].every(({ text }) => text.includes('"sequence":"1"')));
      const from = performance.now();
      await writeFile(`${path}.new`, `${STAYS}:reader\n`);
      await rename(`${path}.new`, path);
      await until('its streams to end', () => goes.every(({ closed }) => closed), { timeoutMs: BOUND_MS });
      assert.ok(performance.now() - from < BOUND_MS);
      for (const { text } of goes) {
        assert.match(text, /event: next\ndata: \{.*"code":"UNAUTHENTICATED".*\}\n\nevent: complete\ndata: \n\n$/);
        assert.doesNotMatch(text, /0123456789abcdef/);
      }
      const refused = await api.stream(GOES, query);
      assert.equal(refused.statusCode, 401);
      refused.resume();
      await api.produce(1);
      await until('the other to go on', () => stays.text.includes('"sequence":"2"'));
    } finally {
      await api.stop();
    }
  });

  test('has so many connections, whichever they are: one stream more is refused, and names the setting', async () => {
    const api = await open({ MAX_SOCKETS_PER_KEY: '2' });
    try {
      const socket = await openSocket(api.url);
      await socket.init({ authorization: `Bearer ${STAYS}` });
      const first = await api.stream(STAYS, query);
      const refused = await api.stream(STAYS, query);
      assert.equal(refused.statusCode, 429);
      assert.ok(refused.headers['retry-after']);
      const answer = reading(refused);
      await until('the answer', () => answer.closed);
      assert.deepEqual(JSON.parse(answer.text).errors[0].extensions, {
        code: 'LIMIT_EXCEEDED',
        limit: 'MAX_SOCKETS_PER_KEY',
        max: 2,
      });
      const other = await api.stream(GOES, query);
      assert.equal(other.statusCode, 200);
      const third = await openSocket(api.url);
      third.send({ type: 'connection_init', payload: { token: STAYS } });
      assert.equal((await third.closed).code, 4491);
      first.destroy();
      await until('room again', async () => {
        const again = await api.stream(STAYS, query);
        again.destroy();
        return again.statusCode === 200;
      });
      other.destroy();
      socket.socket.terminate();
    } finally {
      await api.stop();
    }
  });
});
