import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { getIntrospectionQuery } from 'graphql';
import { readConfig } from '../../../../src/platform/config.ts';
import { createDocuments, isRefused } from '../../../../src/platform/graphql/documents.ts';
import { startTestApi, type TestApi, testSchema } from '../http/fixture.ts';
import { BOMBS } from './bombs.ts';

describe('hostile documents', () => {
  let api: TestApi;
  before(async () => {
    api = await startTestApi({ MAX_BODY_BYTES: '1000000' });
  });
  after(() => api.stop());

  for (const [name, query, expected] of BOMBS) {
    test(`${name}: 400 at once, naming ${expected.source}`, async () => {
      // what it costs, whatever else the machine does
      const started = process.cpuUsage();
      const { status, json } = await api.graphql({ query });
      const { user, system } = process.cpuUsage(started);
      const took = (user + system) / 1_000;
      assert.equal(status, 400);
      const { limit, code } = json.errors?.[0]?.extensions ?? {};
      assert.match(String(limit ?? code), expected);
      if (limit) assert.equal(code, 'QUERY_TOO_COMPLEX');
      assert.ok(took < 250, `${took} ms`);
    });
  }

  test('a variable that makes the cost is refused, whether or not the document is known', async () => {
    const query = 'query Q($n: Int!) { markets(first: $n) { nodes { symbol } } }';
    for (const [n, status] of [
      [10, 200],
      [1_000_000, 400],
      [10, 200],
    ] as const) {
      assert.equal((await api.graphql({ query, variables: { n } })).status, status);
    }
  });

  test('with the limits raised as far as they go, nesting is still refused and never 500', async () => {
    const lax = await startTestApi({
      MAX_BODY_BYTES: '10000000',
      MAX_QUERY_TOKENS: '1000000',
      MAX_QUERY_DEPTH: '100',
      MAX_QUERY_ALIASES: '10000',
    });
    try {
      for (const [name, query] of BOMBS) {
        const { status } = await lax.graphql({ query });
        assert.ok(status === 200 || status === 400, `${name}: ${status}`);
      }
    } finally {
      await lax.stop();
    }
  });
});

describe('the kept documents', () => {
  const limits = readConfig({});

  test('the same text gives the same tree, a refused one is not kept', () => {
    const documents = createDocuments(testSchema(), limits);
    const first = documents.prepare('{ hello }', true);
    assert.equal(documents.prepare('{ hello }', true), first);
    assert.ok(isRefused(documents.prepare('{ nothing }', true)));
    assert.notEqual(documents.prepare('{ nothing }', true), documents.prepare('{ nothing }', true));
  });

  test('are bounded by the length of their text, least recently used out first', () => {
    const documents = createDocuments(testSchema(), limits);
    const text = (i: number) => `{ hello } #${i}${'x'.repeat(100_000)}`;
    const first = documents.prepare(text(0), true);
    const second = documents.prepare(text(1), true);
    for (let i = 2; i < 9; i++) documents.prepare(text(i), true);
    assert.equal(documents.prepare(text(0), true), first);
    documents.prepare(text(9), true);
    assert.equal(documents.prepare(text(0), true), first);
    assert.notEqual(documents.prepare(text(1), true), second);
  });

  test('the introspection that tools send is within the limits', () => {
    const documents = createDocuments(testSchema(), limits);
    const query = getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true, specifiedByUrl: true });
    const prepared = documents.prepare(query, true);
    assert.ok(!isRefused(prepared));
    assert.equal(documents.admit(prepared, {}, true), null);
    assert.equal(documents.admit(prepared, {}, false)?.extensions.code, 'INTROSPECTION_DISABLED');
  });

  test("a subscription's one field can't be left out, whatever the variables", () => {
    const documents = createDocuments(testSchema(), limits);
    const error = (text: string) => {
      const result = documents.prepare(text, false);
      return isRefused(result) ? [result[0]?.extensions.code, result[0]?.message] : null;
    };
    const told = (name: string) => [
      'GRAPHQL_VALIDATION_FAILED',
      `A subscription's root field can't be subject to @${name}.`,
    ];
    for (const [query, name] of [
      ['subscription { quiet @skip(if: true) }', 'skip'],
      ['subscription ($s: Boolean!) { quiet @skip(if: $s) }', 'skip'],
      ['subscription ($s: Boolean!) { ... @include(if: $s) { quiet } }', 'include'],
      [
        'subscription ($s: Boolean!) { ...A } fragment A on Subscription { ...B ...A } fragment B on Subscription { quiet @skip(if: $s) }',
        'skip',
      ],
      [
        'query A { hello } subscription B ($s: Boolean!) { ...C @include(if: $s) } fragment C on Subscription { quiet }',
        'include',
      ],
    ] as const) {
      assert.deepEqual(error(query), told(name), query);
    }
    assert.equal(error('query ($s: Boolean!) { hello @skip(if: $s) }'), null);
    assert.equal(error('subscription ($n: Int!) { ticks(count: $n) }'), null);
  });
});
