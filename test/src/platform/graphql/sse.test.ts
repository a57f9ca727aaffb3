import assert from 'node:assert/strict';
import { get as httpGet } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-sse';
import { until } from '../../../support/until.ts';
import { openSources, startTestApi, type TestApi } from '../http/fixture.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi({ REQUEST_TIMEOUT_MS: '500', MAX_SOCKETS_PER_ADDRESS: '3' }, { pingMs: 40 });
});
after(() => api.stop());

const STREAM = { accept: 'text/event-stream' };

/** What a stream says until it ends, or until `isEnough`. */
async function read(response: Response, isEnough: (text: string) => boolean = () => false): Promise<string> {
  assert.ok(response.body);
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (isEnough(text)) break;
  }
  return text;
}

const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { ...STREAM, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const get = (params: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${api.url}/graphql?${new URLSearchParams(params)}`, { headers: { ...STREAM, ...headers } });

const next = (n: number): string => `event: next\ndata: {"data":{"ticks":${n}}}\n\n`;
const END = 'event: complete\ndata: \n\n';

describe('an operation a request', () => {
  test('a subscription by POST and by GET: each event, then complete', async () => {
    for (const response of [
      await post({ query: 'subscription ($n: Int!) { ticks(count: $n) }', variables: { n: 2 } }),
      await get({ query: 'subscription ($n: Int!) { ticks(count: $n) }', variables: '{"n":2}' }),
    ]) {
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
      assert.match(response.headers.get('cache-control') ?? '', /no-cache/);
      assert.equal(await read(response), `retry: 1000\n\n${next(0)}${next(1)}${END}`);
    }
  });

  test('a query answers once; a mutation by GET is refused', async () => {
    assert.match(
      await read(await post({ query: '{ hello }' })),
      /data: \{"data":\{"hello":"hello you"\}\}\n\nevent: complete/,
    );
    assert.match(await read(await post({ query: 'mutation { touch }' })), /"touch":true/);
    assert.match(await read(await get({ query: 'mutation { touch }' })), /GET requests only support query operations/);
  });

  test('whatever is wrong with it is told in the stream, with its code', async () => {
    for (const [body, code] of [
      [{ query: '{' }, 'GRAPHQL_PARSE_FAILED'],
      [{ query: 'subscription { none }' }, 'GRAPHQL_VALIDATION_FAILED'],
      [
        { query: 'subscription A { ticks } subscription B { ticks }', operationName: 'C' },
        'OPERATION_RESOLUTION_FAILURE',
      ],
      [{ query: 'subscription { refused }' }, 'BAD_USER_INPUT'],
      [{ query: 'subscription { refusedUnexpectedly }' }, 'INTERNAL_SERVER_ERROR'],
      [{ query: 'subscription { slowConsumer }' }, 'SLOW_CONSUMER'],
      [{ query: 7 }, 'BAD_REQUEST'],
      [{ query: 'subscription { ticks }', variables: [] }, 'BAD_REQUEST'],
    ] as const) {
      const response = await post(body);
      assert.equal(response.status, 200);
      const text = await read(response);
      assert.match(text, new RegExp(`event: next\\ndata: \\{.*"code":"${code}".*\\}\\n\\n${END}$`));
      assert.ok(!text.includes('canary'));
    }
    assert.match(
      await read(await get({ query: 'subscription { ticks }' }, { 'last-event-id': 'x' })),
      /BAD_USER_INPUT/,
    );
    assert.match(await read(await get({ query: '{hello}', variables: '{' })), /variables must be JSON/);
  });

  test('one who takes JSON as well gets JSON', async () => {
    const accept = 'application/graphql-response+json, application/json, text/event-stream';
    const response = await post({ query: '{ hello }' }, { accept });
    assert.match(response.headers.get('content-type') ?? '', /json/);
    await response.text();
  });

  test('graphql-sse, the reference client', async () => {
    const client = createClient({ url: `${api.url}/graphql`, retryAttempts: 0 });
    const got: unknown[] = [];
    for await (const { data } of client.iterate({ query: 'subscription { ticks }' })) got.push(data?.ticks);
    assert.deepEqual(got, [0, 1, 2]);
    client.dispose();
  });
});

describe('a connection', () => {
  test('shows that it lives while nothing happens; leaving it ends the subscription', async () => {
    const open = openSources.count;
    const abort = new AbortController();
    const response = await fetch(`${api.url}/graphql?query=subscription{quiet}`, {
      headers: STREAM,
      signal: abort.signal,
    });
    const text = await read(response, (all) => all.split(':\n\n').length > 3);
    assert.match(text, /"quiet":1/);
    abort.abort();
    await until('the source to be returned', () => openSources.count === open);
  });

  test('is one of those of its address', async () => {
    const streams = await Promise.all([1, 2, 3].map(() => get({ query: 'subscription { quiet }' })));
    const refused = await get({ query: 'subscription { quiet }' });
    assert.equal(refused.status, 429);
    assert.ok(refused.headers.get('retry-after'));
    assert.deepEqual(((await refused.json()) as { errors: { extensions: object }[] }).errors[0]?.extensions, {
      code: 'LIMIT_EXCEEDED',
      limit: 'MAX_SOCKETS_PER_ADDRESS',
      max: 3,
    });
    await Promise.all(streams.map((one) => one.body?.cancel()));
    await until('room again', async () => {
      const response = await get({ query: 'subscription { ticks }' });
      await response.body?.cancel();
      return response.status === 200;
    });
  });

  test('of a foreign page is refused, seen or unseen; an allowed one is told so', async () => {
    const query = 'subscription { ticks }';
    assert.equal((await get({ query }, { origin: 'https://evil.example' })).status, 403);
    const blind = await new Promise<number | undefined>((done) => {
      // fetch sets this header itself
      const headers = { ...STREAM, 'sec-fetch-mode': 'no-cors' };
      httpGet(`${api.url}/graphql?query=subscription{ticks}`, { headers }, (reply) => done(reply.resume().statusCode));
    });
    assert.equal(blind, 403);
    const allowed = await get({ query }, { origin: 'http://localhost:3000' });
    assert.equal(allowed.headers.get('access-control-allow-origin'), 'http://localhost:3000');
    await allowed.body?.cancel();
  });
});

test('strangers are refused, readers are served', async () => {
  const token = 'a-token-of-some-length';
  const other = await startTestApi({ ACCESS_TOKENS: `${token}:reader` });
  const url = `${other.url}/graphql?query=subscription{ticks}`;
  const headers = { ...STREAM, 'x-forwarded-for': '10.0.0.1' };
  assert.equal((await fetch(url, { headers })).status, 401);
  const response = await fetch(url, { headers: { ...headers, authorization: `Bearer ${token}` } });
  assert.match(await read(response), /"ticks":2/);
  await other.stop();
});

test('a server that ends says when to come back, and not that the operation is complete', async () => {
  const other = await startTestApi({}, { drainMs: 500 });
  const response = await fetch(`${other.url}/graphql?query=subscription{quiet}`, { headers: STREAM });
  const text = read(response);
  await until('the stream to be open', async () => openSources.count > 0);
  await other.stop();
  assert.match(await text, /retry: [1-9][0-9]{2,3}\n\n$/);
  assert.ok(!(await text).includes('complete'));
});
