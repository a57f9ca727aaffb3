import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { codeOf, replyOf, startTestApi, type TestApi } from './fixture.ts';

const READER = 'reader-0123456789abcdef';
const ADMIN = 'admin-0123456789abcdef';

/** Bound to every address, as in production: nobody is local. */
let open: TestApi;
let local: TestApi;
before(async () => {
  open = await startTestApi({
    HOST: '0.0.0.0',
    ACCESS_TOKENS: `${READER}:reader,${ADMIN}:admin`,
    ALLOWED_ORIGINS: 'https://charts.example',
  });
  local = await startTestApi();
});
after(() => Promise.all([open.stop(), local.stop()]));

const as = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('callers', () => {
  test('nobody without a token, everybody by the role of theirs', async () => {
    for (const headers of [{}, as('wrong-0123456789abcdef'), as('')]) {
      const reply = await open.graphql({ query: '{ role }' }, headers);
      assert.equal(reply.status, 401);
      assert.equal(codeOf(reply), 'UNAUTHENTICATED');
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer');
    }
    assert.deepEqual((await open.graphql({ query: '{ role }' }, as(READER))).json.data, { role: 'reader' });
    assert.deepEqual((await open.graphql({ query: '{ role }' }, as(ADMIN))).json.data, { role: 'admin' });
    assert.deepEqual((await local.graphql({ query: '{ role }' })).json.data, { role: 'admin' });
  });

  test('a stranger is refused before the body is read', async () => {
    const reply = await open.graphql('x'.repeat(1_000_000));
    assert.equal(reply.status, 401);
  });

  test('a page whose name was rebound to loopback is no local caller', async () => {
    const status = await new Promise((done, fail) => {
      const headers = { 'content-type': 'application/json', host: 'rebound.example' };
      const request = httpRequest(`${local.url}/graphql`, { method: 'POST', headers }, (response) => {
        response.resume();
        done(response.statusCode);
      });
      request.on('error', fail);
      request.end('{"query":"{ role }"}');
    });
    assert.equal(status, 401);
  });

  test('the schema is shown to admins alone: introspection and suggestions', async () => {
    for (const query of [
      '{ __schema { types { name } } }',
      '{ __type(name: "Query") { name } }',
      'query { ...F } fragment F on Query { a: __schema { __typename } }',
    ]) {
      const refused = await open.graphql({ query }, as(READER));
      assert.equal(refused.status, 403);
      assert.equal(codeOf(refused), 'INTROSPECTION_DISABLED');
      assert.equal((await open.graphql({ query }, as(ADMIN))).status, 200);
      assert.equal((await local.graphql({ query })).status, 200);
    }
    for (const query of [
      '{ helo }',
      '{ hello(nam: "x") }',
      '{ ... on Qery { hello } }',
      'query Q($a: Sting) { hello(name: $a) }',
    ]) {
      const { status, text } = await open.graphql({ query }, as(READER));
      assert.equal(status, 400);
      assert.doesNotMatch(text, /did you mean/i);
      assert.match((await open.graphql({ query }, as(ADMIN))).text, /Did you mean/);
    }
    assert.deepEqual((await open.graphql({ query: '{ __typename }' }, as(READER))).json.data, { __typename: 'Query' });
  });

  test('probes and metrics need no token', async () => {
    for (const path of ['/healthz', '/metrics', '/readyz']) assert.notEqual((await fetch(open.url + path)).status, 401);
  });
});

describe('pages of other origins', () => {
  const from = (api: TestApi, origin: string, init: RequestInit = {}) =>
    fetch(`${api.url}/graphql`, { ...init, headers: { origin, ...(init.headers as Record<string, string>) } });
  const query = { method: 'POST', body: '{"query":"{ role }"}', headers: { 'content-type': 'application/json' } };

  test('a listed one passes the preflight and gets its answer', async () => {
    const preflight = await from(open, 'https://charts.example', { method: 'OPTIONS' });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://charts.example');
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /authorization/);
    assert.equal(preflight.headers.get('access-control-allow-credentials'), null);
    const headers = { ...query.headers, ...as(READER) };
    const reply = await from(open, 'https://charts.example', { ...query, headers });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('access-control-allow-origin'), 'https://charts.example');
    assert.match(reply.headers.get('vary') ?? '', /origin/);
  });

  test('another one is refused, even where its caller would be local', async () => {
    for (const api of [open, local]) {
      for (const init of [query, { method: 'OPTIONS' }]) {
        const reply = await replyOf(await from(api, 'https://evil.example', init));
        assert.equal(reply.status, 403);
        assert.equal(codeOf(reply), 'FORBIDDEN');
        assert.equal(reply.headers.get('access-control-allow-origin'), null);
      }
    }
    assert.equal((await from(local, 'http://localhost:3000', query)).status, 200);
  });
});
