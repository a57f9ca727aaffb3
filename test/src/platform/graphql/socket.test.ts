import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { until } from '../../../support/until.ts';
import { CANARY, openSources, startTestApi, type TestApi } from '../http/fixture.ts';
import { BOMBS } from './bombs.ts';
import { errorsOf, openSocket, type TestSocket, withSocket } from './client.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi({ MAX_SUBSCRIPTIONS_PER_SOCKET: '5', REQUEST_TIMEOUT_MS: '150' });
});
after(() => api.stop());

/** Runs with a socket of the local caller. */
const ready = (run: (client: TestSocket) => Promise<void>): Promise<void> => withSocket(api.url, run);

describe('operations', () => {
  test('queries, mutations and subscriptions answer and complete', () =>
    ready(async (client) => {
      client.subscribe('q', '{ hello role }');
      const payload = { data: { hello: 'hello you', role: 'admin' } };
      assert.deepEqual(await client.next(), { id: 'q', type: 'next', payload });
      assert.deepEqual(await client.next(), { id: 'q', type: 'complete' });
      client.subscribe('m', 'mutation { touch }');
      assert.deepEqual((await client.next()).payload, { data: { touch: true } });
      client.subscribe('s', 'subscription S($n: Int!) { ticks(count: $n) }', { n: 2 });
      const events = [];
      for (;;) {
        const { id, type, payload: event } = await client.next(({ id: of }) => of === 's');
        assert.equal(id, 's');
        if (type === 'complete') break;
        events.push(event);
      }
      assert.deepEqual(events, [{ data: { ticks: 0 } }, { data: { ticks: 1 } }]);
    }));

  test('what is wrong with an operation is an error of its id, and the socket lives', () =>
    ready(async (client) => {
      for (const [query, code, variables, name] of [
        ['{ hello', 'GRAPHQL_PARSE_FAILED'],
        ['', 'GRAPHQL_PARSE_FAILED'],
        ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
        ['query A { hello } query B { hello }', 'OPERATION_RESOLUTION_FAILURE'],
        ['query A { hello }', 'OPERATION_RESOLUTION_FAILURE', {}, 'B'],
        ['subscription S($n: Int!) { ticks(count: $n) }', 'BAD_USER_INPUT', {}],
        ['subscription { refused }', 'BAD_USER_INPUT'],
        ['subscription { refusedUnexpectedly }', 'INTERNAL_SERVER_ERROR'],
      ] as const) {
        client.subscribe('1', query, variables, name);
        const frame = await client.next();
        assert.equal(frame.id, '1');
        assert.equal(errorsOf(frame)[0]?.extensions.code, code, query);
        assert.doesNotMatch(JSON.stringify(frame), /canary/);
      }
      client.subscribe('2', '{ hello }');
      assert.equal((await client.next()).type, 'next');
    }));

  test('hostile documents are refused as over HTTP', () =>
    ready(async (client) => {
      for (const [name, query, expected] of BOMBS) {
        if (query.length > 60_000) continue;
        client.subscribe('1', query);
        const { limit, code } = errorsOf(await client.next())[0]?.extensions ?? {};
        assert.match(String(limit ?? code), expected, name);
      }
      client.subscribe('1', 'query Q($n: Int!) { markets(first: $n) { nodes { symbol } } }', { n: 1_000_000 });
      assert.equal(errorsOf(await client.next())[0]?.extensions.limit, 'MAX_QUERY_COST');
    }));

  test('an error that the source throws reaches its id; the other subscriptions go on', () =>
    ready(async (client) => {
      client.subscribe('other', 'subscription { quiet }');
      await client.next(({ id, type }) => id === 'other' && type === 'next');
      client.subscribe('slow', 'subscription { slowConsumer }');
      assert.deepEqual((await client.next()).payload, { data: { slowConsumer: 1 } });
      const told = errorsOf(await client.next());
      assert.deepEqual(told, [{ message: 'reads too slowly', extensions: { code: 'SLOW_CONSUMER' } }]);
      client.subscribe('crash', 'subscription { crashes }');
      await client.next();
      const masked = errorsOf(await client.next());
      assert.equal(masked[0]?.message, 'Internal error');
      assert.equal(masked[0]?.extensions.code, 'INTERNAL_SERVER_ERROR');
      const line = api.lines.find((l) => l.includes(String(masked[0]?.extensions.requestId))) ?? '';
      assert.match(line, /db\.internal/);
      assert.doesNotMatch(line, /canary/);
      client.send({ type: 'ping' });
      assert.equal((await client.next()).type, 'pong');
    }));

  test('an error inside one event is masked in that event', () =>
    ready(async (client) => {
      client.subscribe('1', 'subscription { eventFails }');
      const { type, payload } = await client.next();
      assert.equal(type, 'next');
      const { data, errors } = payload as { data: unknown; errors: { message: string }[] };
      assert.deepEqual(data, { eventFails: null });
      assert.equal(errors[0]?.message, 'Internal error');
      assert.doesNotMatch(JSON.stringify(payload), new RegExp(CANARY.slice(-20)));
    }));

  test('a query that does not end in time is told so', () =>
    ready(async (client) => {
      client.subscribe('1', '{ slow }');
      const { payload } = await client.next();
      assert.match(JSON.stringify(payload), /TIMEOUT/);
    }));

  test('one more than the limit is an error that names it', () =>
    ready(async (client) => {
      for (let i = 0; i < 5; i++) client.subscribe(`s${i}`, 'subscription { quiet }');
      client.subscribe('over', 'subscription { quiet }');
      const [error] = errorsOf(await client.next(({ id }) => id === 'over'));
      assert.equal(error?.extensions.code, 'LIMIT_EXCEEDED');
      assert.equal(error.extensions.limit, 'MAX_SUBSCRIPTIONS_PER_SOCKET');
      client.send({ type: 'complete', id: 's0' });
      // its source takes a moment to end
      await until('4 open sources', () => openSources.count === 4);
      client.subscribe('again', 'subscription { quiet }');
      assert.equal((await client.next(({ id }) => id === 'again')).type, 'next');
    }));

  test('completing an unknown id is nothing', () =>
    ready(async (client) => {
      client.send({ type: 'complete', id: 'nope' });
      client.send({ type: 'ping' });
      assert.equal((await client.next()).type, 'pong');
    }));
});

describe('sources end', () => {
  test('with complete, and with the socket', async () => {
    await until('0 open sources', () => openSources.count === 0);
    const client = await openSocket(api.url);
    await client.init();
    for (const id of ['a', 'b', 'c']) client.subscribe(id, 'subscription { quiet }');
    await until('3 open sources', () => openSources.count === 3);
    client.send({ type: 'complete', id: 'a' });
    await until('2 open sources', () => openSources.count === 2);
    client.socket.terminate();
    await until('0 open sources', () => openSources.count === 0);
  });

  test('even where a client uses an id again before its old source has ended', async () => {
    const client = await openSocket(api.url);
    await client.init();
    client.subscribe('x', 'subscription { quiet }');
    await client.next();
    for (let i = 0; i < 3; i++) {
      client.send({ type: 'complete', id: 'x' });
      client.subscribe('x', 'subscription { quiet }');
      await client.next(({ type }) => type === 'next');
    }
    client.socket.terminate();
    await until('0 open sources', () => openSources.count === 0);
  });
});

describe('clients that are gone or do not read', () => {
  test('a peer that answers no ping is dropped, one that does stays', async () => {
    const server = await startTestApi({}, { pingMs: 50 });
    const lively = await openSocket(server.url);
    await lively.init();
    const silent = await openSocket(server.url, undefined, { autoPong: false });
    await silent.init();
    assert.equal((await silent.closed).code, 1006);
    lively.send({ type: 'ping' });
    assert.equal((await lively.next()).type, 'pong');
    await server.stop();
  });

  test('clients that vanish are no errors of ours', async () => {
    const server = await startTestApi();
    const clients = await Promise.all(Array.from({ length: 40 }, () => openSocket(server.url)));
    try {
      await Promise.all(clients.map((client) => client.init()));
      for (const client of clients) client.subscribe('s', 'subscription { ticks(count: 2000) }');
      await clients[0]?.next();
    } finally {
      for (const client of clients) client.socket.terminate();
    }
    await until('every source to end', () => openSources.count === 0);
    assert.deepEqual(
      server.lines.filter((line) => /"level":(50|60)/.test(line)),
      [],
    );
    await server.stop();
  });

  test('pings of the client are answered', () =>
    ready(async (client) => {
      const pong = new Promise((done) => client.socket.once('pong', (data) => done(String(data))));
      client.socket.ping('x');
      assert.equal(await pong, 'x');
    }));

  test('one that asks on and on and reads nothing is closed with 4490', () =>
    ready(async (client) => {
      const ping = JSON.stringify({ type: 'ping', payload: { pad: 'x'.repeat(60_000) } });
      client.socket.pause();
      for (let sent = 0; sent < 1_000; sent++) {
        await new Promise((done) => client.socket.send(ping, done));
        if (sent % 50 === 0) await new Promise((done) => setImmediate(done));
      }
      client.socket.resume();
      assert.deepEqual(await client.closed, { code: 4490, reason: 'Client does not read' });
    }));

  test('the server stops: 1012 and when to come back; who does not answer is cut', async () => {
    const server = await startTestApi({}, { drainMs: 200 });
    const client = await openSocket(server.url);
    await client.init();
    client.subscribe('1', 'subscription { quiet }');
    await client.next();
    // a peer that upgrades and then never reads a frame
    const deaf = connect(server.port, '127.0.0.1', () =>
      deaf.write(
        'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
      ),
    );
    await new Promise((done) => deaf.once('data', done));
    const started = performance.now();
    await server.stop();
    assert.ok(performance.now() - started < 2_000);
    const { code, reason } = await client.closed;
    assert.equal(code, 1012);
    assert.match(reason, /^restarting; retry in [0-9]+ ms$/);
    await until('0 open sources', () => openSources.count === 0);
    deaf.destroy();
  });

  test('the official client receives, completes and reconnects after 1012', async () => {
    let server = await startTestApi();
    const client = createClient({
      url: () => `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 50,
      retryWait: () => new Promise((done) => setTimeout(done, 20)),
    });
    const seen: unknown[] = [];
    const end = client.subscribe(
      { query: 'subscription { quiet }' },
      {
        next: ({ data }) => {
          seen.push(data);
        },
        error: (error) => assert.fail(String(error)),
        complete: () => {},
      },
    );
    await until('1 events', () => seen.length === 1);
    await server.stop();
    server = await startTestApi();
    await until('2 events', () => seen.length === 2);
    end();
    await client.dispose();
    await server.stop();
  });
});
