import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ConfigError } from '../../../../src/platform/config.ts';
import { CANARY, codeOf, type Reply, replyOf, startTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi({ REQUEST_TIMEOUT_MS: '150' });
});
after(() => api.stop());

const JSON_TYPE = { 'content-type': 'application/json' };
const PREFLIGHT = { 'apollo-require-preflight': '1' };

const post = async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = JSON_TYPE) =>
  replyOf(await fetch(`${api.url}/graphql`, { method: 'POST', body, headers }));
const get = async (search: string, headers: Record<string, string> = PREFLIGHT) =>
  replyOf(await fetch(`${api.url}/graphql?${search}`, { headers }));

function assertJson(reply: Reply, status: number, code: string): void {
  assert.equal(reply.status, status, reply.text);
  assert.match(reply.headers.get('content-type') ?? '', /json/);
  assert.equal(codeOf(reply), code);
}

describe('operations', () => {
  test('POST and GET answer; a GET needs the header that a foreign page cannot send', async () => {
    assert.deepEqual((await api.graphql({ query: '{ hello }' })).json, { data: { hello: 'hello you' } });
    assert.deepEqual((await get('query=%7Bhello%7D')).json, { data: { hello: 'hello you' } });
    assertJson(await get('query=%7Bhello%7D', {}), 400, 'BAD_REQUEST');
  });

  test('a mutation by GET is 405, a subscription over HTTP is told where to go', async () => {
    const reply = await get('query=mutation%7Btouch%7D');
    assertJson(reply, 405, 'BAD_REQUEST');
    assert.equal(reply.headers.get('allow'), 'POST');
    assertJson(await api.graphql({ query: 'subscription { ticks }' }), 400, 'BAD_REQUEST');
  });

  test('persisted queries: unknown, registered, found, wrong hash, wrong version', async () => {
    const query = '{ hello(name: "apq") }';
    const sha256Hash = createHash('sha256').update(query).digest('hex');
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    assert.equal(codeOf(await api.graphql({ extensions })), 'PERSISTED_QUERY_NOT_FOUND');
    for (const body of [{ query, extensions }, { extensions }, { extensions }]) {
      assert.deepEqual((await api.graphql(body)).json.data, { hello: 'hello apq' });
    }
    const wrong = { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } };
    assertJson(await api.graphql({ query, extensions: wrong }), 400, 'BAD_REQUEST');
    assertJson(
      await api.graphql({ query, extensions: { persistedQuery: { version: 2, sha256Hash } } }),
      400,
      'BAD_REQUEST',
    );
  });

  test('a document that is refused is not kept as a persisted query', async () => {
    const query = '{ nothing }';
    const sha256Hash = createHash('sha256').update(query).digest('hex');
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    assertJson(await api.graphql({ query, extensions }), 400, 'GRAPHQL_VALIDATION_FAILED');
    assert.equal(codeOf(await api.graphql({ extensions })), 'PERSISTED_QUERY_NOT_FOUND');
  });

  test('every reason of an invalid document is told', async () => {
    const { status, json } = await api.graphql({ query: '{ nothing nope hello(x: 1) }' });
    assert.equal(status, 400);
    assert.equal(json.errors?.length, 3);
    for (const error of json.errors ?? []) assert.equal(error.extensions.code, 'GRAPHQL_VALIDATION_FAILED');
  });

  test('an operation that does not end in time is 504 and its signal is aborted', async () => {
    assertJson(await api.graphql({ query: '{ slow }' }), 504, 'TIMEOUT');
  });

  test('values JSON cannot carry, and variables that are wrong or missing, are never 500', async () => {
    assert.deepEqual((await api.graphql({ query: '{ digits }' })).json.data, { digits: '12345678901234567890' });
    const query = 'query Q($n: Int!) { exact(n: $n) }';
    for (const variables of [undefined, null, {}, { n: null }, { n: 2 ** 31 }, { n: '1' }, { n: 1.5 }, { m: 1 }]) {
      assertJson(await api.graphql({ query, variables }), 400, 'BAD_USER_INPUT');
    }
    assertJson(await post(`{"query":${JSON.stringify(query)},"variables":{"n":1e400}}`), 400, 'BAD_USER_INPUT');
    assertJson(
      await post(`{"query":${JSON.stringify(query)},"variables":{"n":${'9'.repeat(400)}}}`),
      400,
      'BAD_USER_INPUT',
    );
    const nested = `{"query":"query Q($a: Any) { hello(any: $a) }","variables":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
    assert.ok((await post(nested)).status < 500);
    const poisoned = '{"query":"query Q($n: Int!) { exact(n: $n) }","variables":{"__proto__":{"n":1}}}';
    assertJson(await post(poisoned), 400, 'BAD_USER_INPUT');
  });

  test('wrong shapes of a request are 400', async () => {
    const bodies = [
      {},
      [],
      [{ query: '{ hello }' }],
      { query: 1 },
      { query: '' },
      { query: {} },
      { query: '{ hello }', variables: 'x' },
      { query: '{ hello }', variables: [] },
      { query: '{ hello }', operationName: 1 },
      { query: '{ hello }', operationName: 'Nope' },
      { query: '{ hello }', extensions: [] },
      'null',
      '1',
      '"x"',
    ];
    for (const body of bodies) {
      const { status, text } = await api.graphql(body);
      assert.equal(status, 400, `${JSON.stringify(body)} → ${text}`);
    }
  });
});

describe('errors', () => {
  test('an unexpected error is masked, with an id that the log has beside the cause', async () => {
    const { json, text, headers } = await api.graphql({ query: '{ hello fails }' });
    assert.equal(json.data?.hello, 'hello you');
    const [error] = json.errors ?? [];
    assert.equal(error?.message, 'Internal error');
    assert.deepEqual(error?.path, ['fails']);
    assert.equal(error?.extensions.code, 'INTERNAL_SERVER_ERROR');
    assert.equal(error?.extensions.requestId, headers.get('x-request-id'));
    assert.doesNotMatch(text, /canary|stack|\.ts:/);
    const line = api.lines.find((l) => l.includes(String(error?.extensions.requestId))) ?? '';
    assert.match(line, /db\.internal/);
    assert.doesNotMatch(line, /canary/);
  });

  test('graphql-js reporting a fault of ours is masked too', async () => {
    for (const query of ['{ required }', '{ int }']) {
      const reply = await api.graphql({ query });
      assert.equal(codeOf(reply), 'INTERNAL_SERVER_ERROR');
      assert.doesNotMatch(reply.text, /canary|non-nullable/);
    }
  });

  test('a coded error passes, a store that does not answer is STORE_UNAVAILABLE', async () => {
    const { json } = await api.graphql({ query: '{ coded }' });
    assert.equal(json.errors?.[0]?.message, 'symbol: unknown');
    assert.equal(json.errors?.[0]?.extensions.code, 'BAD_USER_INPUT');
    const reply = await api.graphql({ query: '{ unavailable }' });
    assert.equal(codeOf(reply), 'STORE_UNAVAILABLE');
    assert.doesNotMatch(reply.text, /canary/);
  });

  test('a context that cannot be made is masked', async () => {
    const broken = await startTestApi(
      {},
      {
        contextFor: () => {
          throw new Error(CANARY);
        },
      },
    );
    try {
      const reply = await broken.graphql({ query: '{ hello }' });
      assertJson(reply, 500, 'INTERNAL_SERVER_ERROR');
      assert.doesNotMatch(reply.text, /canary/);
    } finally {
      await broken.stop();
    }
  });
});

describe('bodies', () => {
  test('malformed JSON, other types, compression and size are refused in JSON', async () => {
    assertJson(await post('{'), 400, 'BAD_REQUEST');
    assertJson(await post(''), 400, 'BAD_REQUEST');
    assertJson(await post('{ hello }', { 'content-type': 'application/graphql' }), 415, 'BAD_REQUEST');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      assertJson(await post('query={hello}', { 'content-type': type }), 415, 'BAD_REQUEST');
    }
    const bomb = Uint8Array.from(gzipSync(JSON.stringify({ query: `{ hello }${' '.repeat(1_000_000)}` })));
    assertJson(await post(bomb, { ...JSON_TYPE, 'content-encoding': 'gzip' }), 415, 'BAD_REQUEST');
  });

  test('a body at the limit is read, one byte more is 413 that names the limit', async () => {
    const empty = JSON.stringify({ query: '{ hello }', pad: '' });
    const padded = (bytes: number) => empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
    assert.equal((await post(padded(262_144))).status, 200);
    const reply = await post(padded(262_145));
    assertJson(reply, 413, 'PAYLOAD_TOO_LARGE');
    assert.equal(reply.json.errors?.[0]?.extensions.limit, 'MAX_BODY_BYTES');
  });

  test('a body without a declared length is cut at the limit as well', async () => {
    const status = await new Promise((done, fail) => {
      const request = httpRequest(`${api.url}/graphql`, { method: 'POST', headers: JSON_TYPE }, (response) => {
        response.resume();
        done(response.statusCode);
      });
      request.on('error', fail);
      for (let i = 0; i < 5; i++) request.write('x'.repeat(65_536));
      request.end();
    });
    assert.equal(status, 413);
  });

  test('what is no HTTP, an unknown path and an unknown method are answered without HTML', async () => {
    const raw = await new Promise<string>((done) => {
      const socket = connect(api.port, '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'));
      let text = '';
      socket.on('data', (data) => (text += data));
      socket.on('close', () => done(text));
    });
    assert.match(raw, /^HTTP\/1\.1 400/);
    assert.doesNotMatch(raw, /<html/i);
    assertJson(await replyOf(await fetch(`${api.url}/nope`)), 404, 'NOT_FOUND');
    assertJson(
      await replyOf(
        await fetch(`${api.url}/graphql`, { method: 'PUT', headers: JSON_TYPE, body: '{"query":"{hello}"}' }),
      ),
      405,
      'BAD_REQUEST',
    );
  });
});

test('a port that is taken is a wrong setting, named', async () => {
  const server = await startTestApi();
  try {
    await assert.rejects(startTestApi({ PORT: String(server.port) }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, new RegExp(`^PORT: 127\\.0\\.0\\.1:${server.port} is taken`));
      return true;
    });
  } finally {
    await server.stop();
  }
});

describe('stopping', () => {
  /** A server whose resolver is at work on a request. */
  async function withRequestInHand(env: NodeJS.ProcessEnv, drainMs: number) {
    let begun = (): void => {};
    const working = new Promise<void>((done) => (begun = done));
    const server = await startTestApi(env, {
      drainMs,
      contextFor: (_, request) => {
        begun();
        return { request };
      },
    });
    const inHand = server.graphql({ query: '{ slow }' });
    await working;
    return { server, inHand };
  }

  test('a request in hand is answered, then nothing is accepted', async () => {
    const { server, inHand } = await withRequestInHand({ REQUEST_TIMEOUT_MS: '300' }, 2_000);
    const started = performance.now();
    const stopped = server.stop();
    assert.equal((await inHand).status, 504);
    await stopped;
    assert.ok(performance.now() - started < 1_500);
    await assert.rejects(fetch(`${server.url}/healthz`));
  });

  test('a request that does not end is cut after the grace period', async () => {
    const { server, inHand } = await withRequestInHand({ REQUEST_TIMEOUT_MS: '60000' }, 100);
    const cut = assert.rejects(inHand);
    const started = performance.now();
    await server.stop();
    assert.ok(performance.now() - started < 1_500);
    await cut;
  });
});
