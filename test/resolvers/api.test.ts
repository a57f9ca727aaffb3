import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from '../../resolvers/api.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import { testPlatform } from '../src/platform/http/fixture.ts';
import { until } from '../support/until.ts';

test('whatever clients ask, part of the database’s connections is left to leases, writers and health checks', async () => {
  const held: (() => void)[] = [];
  const live = createMemoryLiveStore();
  const postgres = {
    ping: async () => {},
    query: () => new Promise<never[]>((done) => held.push(() => done([]))),
  };
  const api = await startApi(testPlatform({ POSTGRES_POOL: '10', STORE_TIMEOUT_MS: '200' }, [], { live, postgres }));
  try {
    const body = JSON.stringify({ query: '{ markets { nodes { id } } }' });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const answers: unknown[] = [];
    const asked = Array.from({ length: 20 }, async () => {
      const response = await fetch(`${api.url}/graphql`, init);
      const { data, errors } = (await response.json()) as { data: unknown; errors?: { extensions: object }[] };
      answers.push(data ? 'data' : errors?.[0]?.extensions);
    });
    // six ask the database; those whose turn does not come are told so, and readiness is no matter of theirs
    await until('the others to be refused', () => answers.length === 14);
    assert.deepEqual(answers, Array(14).fill({ code: 'STORE_UNAVAILABLE', store: 'postgres' }));
    assert.equal(held.length, 6);
    const { reasons } = (await (await fetch(`${api.url}/readyz`)).json()) as { reasons: object };
    assert.ok(!('postgres' in reasons));
    for (const end of held) end();
    await Promise.all(asked);
    assert.deepEqual(answers.slice(14), Array(6).fill('data'));
  } finally {
    await api.stop();
    await live.close();
  }
});
