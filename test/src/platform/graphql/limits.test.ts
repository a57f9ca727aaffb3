import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'graphql';
import { readConfig } from '../../../../src/platform/config.ts';
import { checkLimits, measure } from '../../../../src/platform/graphql/limits.ts';
import { testSchema } from '../http/fixture.ts';

const schema = testSchema();
const limits = readConfig({});
const of = (text: string, variables: Record<string, unknown> = {}) => measure(schema, parse(text), variables);

describe('cost', () => {
  for (const [text, cost] of [
    ['{ hello }', 0],
    ['{ hello(name: "x") }', 1],
    ['{ hello a: hello(name: "x") b: hello(name: "y") }', 2],
    ['{ markets { nodes { symbol } } }', 101],
    ['{ markets(first: 5) { nodes { symbol } } }', 6],
    ['{ markets(first: 5) { nodes { next { symbol } } } }', 11],
    ['{ tickers { symbol } }', 10],
    ['{ markets(first: 2) { nodes { bids(depth: 3) { price } } } }', 1 + 2 * (1 + 3)],
    ['{ markets(first: 2) { nodes { klines(first: 5) { nodes { open close } } } } }', 1 + 2 * (1 + (1 + 5))],
    ['{ markets(first: -1) { nodes { symbol } } }', 2],
    ['{ markets(first: 0) { nodes { symbol } } }', 2],
    [
      '{ ...P } fragment P on Query { markets(first: 7) { ...N } } fragment N on MarketConnection { nodes { symbol } }',
      8,
    ],
    ['{ markets(first: 3) { ... on MarketConnection { nodes { symbol } } } }', 4],
    ['{ nothing { at { all } } }', 2],
    ['query A { markets(first: 3) { nodes { symbol } } } query B { markets(first: 9) { nodes { symbol } } }', 10],
  ] as const) {
    test(`${text} costs ${cost}`, () => assert.equal(of(text).cost, cost));
  }

  test('a page size in a variable counts as given, by default, or as the argument has it', () => {
    const text = 'query Q($n: Int = 50) { markets(first: $n) { nodes { symbol } } }';
    assert.equal(of(text).byVariable, true);
    assert.equal(of(text).cost, 51);
    assert.equal(of(text, { n: 7 }).cost, 8);
    assert.equal(of(text, { n: 1e9 }).cost, 1_000_000_001);
    for (const n of [null, '9', -5, Number.NaN]) assert.equal(of(text, { n }).cost, 2);
    assert.equal(of('query Q($n: Int!) { markets(first: $n) { nodes { symbol } } }').cost, 101);
  });

  test('never falls as a page grows', () => {
    const page = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(page, page, (a, b) => {
        const cost = (n: number) =>
          of(`{ markets(first: ${n}) { nodes { klines(first: 10) { nodes { open } } } } }`).cost;
        return a <= b ? cost(a) <= cost(b) : cost(a) >= cost(b);
      }),
    );
  });
});

describe('shape', () => {
  test('depth counts fields in fields, through fragments, not introspection', () => {
    assert.equal(of('{ hello }').depth, 1);
    assert.equal(of('{ markets { nodes { next { next { symbol } } } } }').depth, 5);
    assert.equal(
      of('{ ...A } fragment A on Query { markets { ...B } } fragment B on MarketConnection { nodes { symbol } }').depth,
      3,
    );
    assert.equal(of('{ __schema { types { fields { type { ofType { ofType { name } } } } } } }').depth, 1);
  });

  test('aliases, directives and duplicates are counted, spread fragments as often as they are spread', () => {
    assert.equal(of('{ a: hello b: hello hello }').aliases, 2);
    const text =
      '{ ...A ...A ...A } fragment A on Query { ...B ...B } fragment B on Query { a: hello @include(if: true) }';
    assert.equal(of(text).aliases, 6);
    assert.equal(of(text).directives, 6);
    assert.equal(of('{ hello hello a: hello hello }').duplicates, 3);
    assert.equal(of('{ __schema { types { a: name b: name } } }').aliases, 2);
  });

  test('a fragment that doubles at every step is measured, not walked', () => {
    const steps = Array.from({ length: 60 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
    const measured = of(`{ ...F0 } ${steps.join(' ')} fragment F60 on Query { a: hello }`);
    assert.equal(measured.aliases, 2 ** 60);
    assert.equal(checkLimits(measured, limits)?.extensions.limit, 'MAX_QUERY_ALIASES');
  });

  test('cycles of fragments end', () => {
    for (const text of [
      '{ ...A } fragment A on Query { ...A }',
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A hello }',
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { ...A }',
      '{ ...Nope }',
    ]) {
      assert.equal(of(text).cost, 0);
    }
  });
});

test('each limit is refused by name, at the limit not', () => {
  const fine = {
    depth: 10,
    aliases: 30,
    directives: 20,
    duplicates: 10,
    cost: 20_000,
    introspects: false,
    byVariable: false,
  };
  assert.equal(checkLimits(fine, limits), null);
  for (const [name, change] of [
    ['MAX_QUERY_DEPTH', { depth: 11 }],
    ['MAX_QUERY_ALIASES', { aliases: 31 }],
    ['MAX_DIRECTIVES', { directives: 21 }],
    ['MAX_DUPLICATE_FIELDS', { duplicates: 11 }],
    ['MAX_QUERY_COST', { cost: 20_001 }],
    ['MAX_QUERY_COST', { cost: Number.POSITIVE_INFINITY }],
  ] as const) {
    const error = checkLimits({ ...fine, ...change }, limits);
    assert.equal(error?.extensions.code, 'QUERY_TOO_COMPLEX');
    assert.equal(error.extensions.limit, name);
    assert.match(error.message, new RegExp(name));
  }
});
