import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSchema, parse, validate } from 'graphql';
import { operationKey } from '../../../src/stream/operation-key.ts';

const schema = buildSchema(`
  input Range { from: Int to: Int = 9 }
  enum Side { BUY SELL }
  type Query { nothing: Int }
  interface Node { id: ID! }
  type Trade implements Node { id: ID! price: Float size(unit: Int = 1, range: Range): Float other: Node }
  type Quote implements Node { id: ID! bid: Float }
  type Subscription { trades(symbol: String!, side: Side = BUY, range: Range, after: String): Trade }
`);

function key(query: string, variables: Record<string, unknown> = {}): string {
  const document = parse(query);
  assert.deepEqual(validate(schema, document), []);
  return operationKey({ schema, document, variableValues: variables }, ['after']);
}

const PLAIN = 'subscription { trades(symbol: "A", range: {from: 1}) { id price size other { id } } }';

test('the same question in other words has the same key', () => {
  for (const [query, variables] of [
    ['subscription S{trades(range:{from:1} symbol:"A"){id,price,size other{id}}}'],
    [
      'subscription { trades(symbol: """A""", range: {to: 9, from: 1}, side: BUY) { id price size(unit: 1) other { id } } }',
    ],
    ['subscription ($s: String!) { trades(symbol: $s, range: {from: 1}) { id price size other { id } } }', { s: 'A' }],
    [
      'subscription ($s: String! = "A", $r: Range) { trades(symbol: $s, range: $r) { id price size other { id } } }',
      { r: { from: 1 } },
    ],
    ['subscription ($n: Int = 1) { trades(symbol: "A", range: {from: $n}) { id price size(unit: $n) other { id } } }'],
    ['subscription { trades(symbol: "A", range: {from: 1}, after: "x") { id price size other { id } } }'],
    [
      'subscription { trades(symbol: "A", range: {from: 1}) { ...F } } fragment F on Trade { id ... on Node { ... on Trade { price } } size other { ...G } } fragment G on Node { id }',
    ],
    [
      'subscription { trades(symbol: "A", range: {from: 1}) { id id price ... on Quote { bid } size other { id } other { id } } }'.replace(
        '... on Quote { bid } ',
        '',
      ),
    ],
    [
      'subscription ($y: Boolean = true) { trades(symbol: "A", range: {from: 1}) { id @include(if: $y) price @skip(if: false) size other { id ... @skip(if: $y) { __typename } } } }',
    ],
    [
      'subscription { trades(symbol: "A", range: {from: 1}) { id price size other { ... on Trade { id } ... on Quote { id } } } }',
    ],
  ] as [string, Record<string, unknown>?][]) {
    assert.equal(key(query, variables), key(PLAIN), query);
  }
});

test('another question has another key', () => {
  const keys = [
    PLAIN,
    'subscription { trades(symbol: "B", range: {from: 1}) { id price size other { id } } }',
    'subscription { trades(symbol: "A", range: {from: 2}) { id price size other { id } } }',
    'subscription { trades(symbol: "A", range: {from: 1, to: null}) { id price size other { id } } }',
    'subscription { trades(symbol: "A", range: {from: 1}, side: SELL) { id price size other { id } } }',
    'subscription { trades(symbol: "A", range: {from: 1}, side: null) { id price size other { id } } }',
    'subscription { trades(symbol: "A") { id price size other { id } } }',
    'subscription { trades(symbol: "A", range: {from: 1}) { price id size other { id } } }',
    'subscription { trades(symbol: "A", range: {from: 1}) { x: id price size other { id } } }',
    'subscription { x: trades(symbol: "A", range: {from: 1}) { id price size other { id } } }',
    'subscription { trades(symbol: "A", range: {from: 1}) { id price size(unit: 2) other { id } } }',
    'subscription { trades(symbol: "A", range: {from: 1}) { id price size other { id ... on Quote { bid } } } }',
    'subscription { trades(symbol: "A", range: {from: 1}) { id price size other { __typename } } }',
    'subscription { trades(symbol: "A", range: {from: 1}) { id @skip(if: true) price size other { id } } }',
  ].map((query) => key(query));
  assert.equal(new Set(keys).size, keys.length);
});
