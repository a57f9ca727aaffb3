import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { startTestApi, type TestApi } from './fixture.ts';

/** Apollo Server answers 400, not 200, to application/json where a document is not valid; GraphQL over HTTP says SHOULD. */
const KNOWN_WARNINGS = ['572B', 'FDE2', '7B9B'];

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api.stop());

test('the GraphQL over HTTP audits: no MUST fails, no SHOULD but the known ones', async () => {
  const fetchFn = (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { 'apollo-require-preflight': '1', ...(init.headers as Record<string, string>) } });
  const audits = serverAudits({ url: `${api.url}/graphql`, fetchFn });
  assert.equal(audits.length, 61);
  const results = await Promise.all(
    audits.map(async (audit) => ({ id: audit.id, name: audit.name, result: await audit.fn() })),
  );
  const failed = results.filter(({ result }) => result.status === 'error').map(({ id, name }) => `${id} ${name}`);
  assert.deepEqual(failed, []);
  const warned = results.filter(({ result }) => result.status === 'warn').map(({ id }) => id);
  assert.deepEqual(
    warned.filter((id) => !KNOWN_WARNINGS.includes(id)),
    [],
  );
});
