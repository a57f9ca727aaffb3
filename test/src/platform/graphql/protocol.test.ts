/** The rules of graphql-transport-ws as a client meets them that keeps none of them. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { until } from '../../../support/until.ts';
import { startTestApi, type TestApi } from '../http/fixture.ts';
import { errorsOf, openSocket, type TestSocket, withSocket } from './client.ts';

const TOKEN = 'reader-0123456789abcdef';

let api: TestApi;
let hasty: TestApi;
let open: TestApi;
before(async () => {
  api = await startTestApi();
  hasty = await startTestApi({ CONNECTION_INIT_TIMEOUT_MS: '100' });
  open = await startTestApi({ HOST: '0.0.0.0', ACCESS_TOKENS: `${TOKEN}:reader` });
});
after(() => Promise.all([api.stop(), hasty.stop(), open.stop()]));

describe('breaches of the protocol close the socket', () => {
  const subscribe = { type: 'subscribe', id: '1', payload: { query: '{ hello }' } };
  const cases: [string, (client: TestSocket) => unknown, number][] = [
    ['no JSON', (c) => c.send('x'), 4400],
    ['no object', (c) => c.send('[]'), 4400],
    ['an unknown type', (c) => c.send({ type: 'start' }), 4400],
    ['an empty id', (c) => c.send({ ...subscribe, id: '' }), 4400],
    ['no query', (c) => c.send({ ...subscribe, payload: {} }), 4400],
    ['variables that are no object', (c) => c.send({ ...subscribe, payload: { query: '{a}', variables: [] } }), 4400],
    ['a binary frame', (c) => c.socket.send(Buffer.from(JSON.stringify(subscribe))), 4400],
    ['subscribe before connection_init', (c) => c.send(subscribe), 4401],
    ['no connection_init in time', () => {}, 4408],
    [
      'two connection_init',
      async (c) => {
        await c.init();
        c.send({ type: 'connection_init' });
      },
      4429,
    ],
    [
      'an id in use, however long it is',
      async (c) => {
        await c.init();
        c.subscribe('long'.repeat(100), 'subscription { quiet }');
        await c.next(({ type }) => type === 'next');
        c.subscribe('long'.repeat(100), '{ hello }');
      },
      4409,
    ],
    ['a message over the limit', (c) => c.send('x'.repeat(65_537)), 1009],
    ['invalid UTF-8', (c) => c.socket.send(Buffer.from([0xff]), { binary: false }), 1007],
  ];
  for (const [name, act, code] of cases) {
    test(`${name}: ${code}`, async () => {
      const client = await openSocket(code === 4408 ? hasty.url : api.url);
      await act(client);
      assert.equal((await client.closed).code, code);
    });
  }

  test('no subprotocol: 4406; a foreign one is not agreed to', async () => {
    const client = await openSocket(api.url, []);
    assert.equal((await client.closed).code, 4406);
    await assert.rejects(openSocket(api.url, ['graphql-ws']));
  });

  test('a message of exactly the limit, in pieces too, is read', () =>
    withSocket(api.url, async (client) => {
      const frame = (pad: number) => JSON.stringify({ type: 'ping', payload: { pad: 'x'.repeat(pad) } });
      client.send(frame(65_536 - frame(0).length));
      assert.equal((await client.next()).type, 'pong');
      client.socket.send('{"type":', { fin: false });
      client.socket.send('"ping"}', { fin: true });
      assert.equal((await client.next()).type, 'pong');
      client.socket.send('x'.repeat(40_000), { fin: false });
      client.socket.send('x'.repeat(40_000), { fin: true });
      assert.equal((await client.closed).code, 1009);
    }));

  test('compression is not agreed to', async () => {
    const client = await openSocket(api.url, undefined, { perMessageDeflate: true });
    assert.equal(client.socket.extensions, '');
    client.socket.terminate();
  });
});

describe('who connects', () => {
  test('a token comes with connection_init or in a header; without one 4403', async () => {
    await withSocket(open.url, async () => {}, { authorization: `Bearer ${TOKEN}` });
    await withSocket(open.url, async () => {}, { token: TOKEN });
    const client = await openSocket(open.url, undefined, { headers: { authorization: `Bearer ${TOKEN}` } });
    assert.equal((await client.init()).type, 'connection_ack');
    client.socket.terminate();
    for (const params of [undefined, { token: 'wrong' }, { authorization: 'Bearer wrong' }]) {
      const stranger = await openSocket(open.url);
      stranger.send({ type: 'connection_init', payload: params });
      assert.deepEqual(await stranger.closed, { code: 4403, reason: 'Forbidden' });
    }
  });

  test('a page of a foreign origin gets no socket', async () => {
    for (const at of [api, open])
      await assert.rejects(openSocket(at.url, undefined, { origin: 'https://evil.example' }));
    await withSocket(api.url, async () => {});
    const own = await openSocket(api.url, undefined, { origin: 'http://localhost:3000' });
    own.socket.terminate();
  });

  test('an unknown path is 404, a socket over the limit 503', async () => {
    const response = await new Promise<string>((done) => {
      const socket = connect(api.port, '127.0.0.1', () =>
        socket.write('GET /other HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      );
      let text = '';
      socket.on('data', (data) => (text += data));
      socket.on('close', () => done(text));
    });
    assert.match(response, /^HTTP\/1\.1 404/);

    const some = await startTestApi({ MAX_SOCKETS: '2' });
    const clients = await Promise.all([openSocket(some.url), openSocket(some.url)]);
    await assert.rejects(openSocket(some.url));
    clients[0]!.socket.terminate();
    // the server hears of it a moment later
    await until('room for another socket', () => openSocket(some.url));
    await some.stop();
  });

  test('a token with another role may not introspect', () =>
    withSocket(
      open.url,
      async (client) => {
        client.subscribe('1', '{ __schema { types { name } } }');
        assert.equal(errorsOf(await client.next())[0]?.extensions.code, 'INTROSPECTION_DISABLED');
        client.subscribe('2', '{ helo }');
        assert.doesNotMatch(JSON.stringify(await client.next()), /did you mean/i);
      },
      { token: TOKEN },
    ));
});
