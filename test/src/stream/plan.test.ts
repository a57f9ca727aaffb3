import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildSchema, execute, GraphQLScalarType, type GraphQLSchema, parse, validate } from 'graphql';
import { buildTickgraphSchema } from '../../../resolvers/index.ts';
import { resolveEvent } from '../../../src/stream/cohort.ts';
import { planOf } from '../../../src/stream/plan.ts';
import { anyText } from '../../support/texts.ts';

const SDL = `
  type Query { nothing: Int }
  enum Side { BUY SELL }
  scalar Odd
  interface Node { id: ID! }
  type Level implements Node { id: ID! price: Float amount: String! }
  type Event implements Node {
    id: ID! text: String must: String! number: Int real: Float yes: Boolean! side: Side sides: [Side!]
    odd: Odd level: Level levels(first: Int = 2): [Level!] grid: [[String]]! self: Event selves: [Event]
    node: Node own(times: Int! = 1): Int
  }
  type Subscription { event(market: String, first: Int! = 1): Event sure: Event! }
`;

function testSchema(): GraphQLSchema {
  const schema = buildSchema(SDL);
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) field.resolve = resolveEvent;
  const odd = schema.getType('Odd');
  assert.ok(odd instanceof GraphQLScalarType);
  // refuses, answers nothing, or with something that is not plain
  odd.serialize = (value) => {
    if (value === 1) throw new Error('one is too odd');
    return value === 2 ? undefined : value === 3 ? { three: [3] } : value === 4 ? Number.NaN : value;
  };
  const event = schema.getType('Event');
  assert.ok(event && 'getFields' in event);
  const own = event.getFields().own;
  assert.ok(own && 'resolve' in own);
  own.resolve = (_: unknown, { times }: { times: number }) => times;
  return schema;
}
const schema = testSchema();

const FIELDS = [
  ...['id', 'text', 'must', 'number', 'real', 'yes', 'side', 'sides', 'odd', 'grid', '__typename', 'alias: text'],
  ...['level { id price amount }', 'levels(first: $n) { amount ...L }', 'again: levels { __typename }'],
  ...[
    '... on Event { yes }',
    '... on Node { id }',
    'text @skip(if: $no)',
    'number @include(if: $no)',
    'level { amount }',
  ],
];
const RARE = ['node { id }', 'own', 'own(times: $n)'];

const anything = fc.oneof(
  ...[anyText(), fc.double(), fc.integer(), fc.boolean(), fc.constantFrom('BUY', 'SELL', 'HOLD')],
  ...[fc.constantFrom(null, undefined, 1, 2, 3, 4, '', '"\\\u2028é'), fc.constant(new Error('in the data'))],
  ...[fc.constant(() => 'called'), fc.array(fc.string()), fc.date()],
);
const mostly = <T>(good: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 60, arbitrary: good as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything });

const level = fc.record({
  id: mostly(fc.integer()),
  price: mostly(fc.double({ noNaN: true })),
  amount: mostly(fc.string()),
});
const event = fc.letrec((tie) => ({
  event: fc.record({
    id: mostly(fc.string()),
    text: mostly(fc.option(anyText())),
    must: mostly(fc.string()),
    number: mostly(fc.integer({ min: -5, max: 5 })),
    real: mostly(fc.double({ noNaN: true, noDefaultInfinity: true })),
    yes: mostly(fc.boolean()),
    side: mostly(fc.constantFrom('BUY', 'SELL')),
    sides: mostly(fc.array(mostly(fc.constantFrom('BUY', 'SELL')))),
    odd: mostly(fc.string()),
    level: mostly(fc.option(level)),
    levels: mostly(fc.array(mostly(level), { maxLength: 3 })),
    grid: mostly(fc.array(mostly(fc.array(mostly(fc.string()), { maxLength: 2 })), { maxLength: 2 })),
    self: fc.option(tie('event'), { maxDepth: 2 }),
    selves: mostly(fc.array(fc.option(tie('event'), { maxDepth: 2 }), { maxLength: 2 })),
  }),
})).event;

function selection(depth: number): fc.Arbitrary<string> {
  const field = fc.constantFrom(...FIELDS);
  const below =
    depth > 0 ? [selection(depth - 1).map((s) => `self ${s}`), selection(depth - 1).map((s) => `selves ${s}`)] : [];
  return fc
    .array(fc.oneof({ weight: 5, arbitrary: field }, ...below), { minLength: 1, maxLength: 7 })
    .map((all) => `{ ${all.join(' ')} }`);
}

test('a plan writes what graphql-js says, or leaves it to that', () => {
  let planned = 0;
  fc.assert(
    fc.property(
      selection(2),
      fc.constantFrom('event', 'sure', 'event(first: $n)'),
      fc.option(fc.constantFrom(...RARE), { freq: 8 }),
      fc.array(mostly(event), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      (fields, root, rare, events, no) => {
        const selected = rare ? fields.replace('{', `{ ${rare}`) : fields;
        const used = ['$n', '$no'].filter((name) => new RegExp(`\\${name}\\b`).test(root + selected));
        const declared = used.map((name) => (name === '$n' ? '$n: Int! = 3' : '$no: Boolean!')).join(', ');
        const head = declared ? `subscription (${declared})` : 'subscription';
        const fragment = selected.includes('...L') ? 'fragment L on Level { price id }' : '';
        const document = parse(`${head} { ${root} ${selected} } ${fragment}`);
        assert.deepEqual(validate(schema, document), []);
        const operation = { schema, document, variableValues: { no } };
        const plan = planOf(operation, resolveEvent);
        if (rare) assert.equal(plan, null, 'a resolver or an interface is not known before');
        else assert.ok(plan);
        for (const one of events) {
          const rootValue = { event: one as object };
          const written = plan?.(rootValue) ?? null;
          const result = execute({ ...operation, rootValue });
          if (written === null) continue;
          planned += 1;
          assert.ok(!('then' in result));
          assert.equal(result.errors, undefined);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is meant
          assert.match(written, /^[\x00-\x7f]*$/);
          assert.equal(JSON.stringify(JSON.parse(written)), JSON.stringify(result.data));
        }
      },
    ),
    { numRuns: 800 },
  );
  assert.ok(planned > 150, `only ${planned} were planned`);
});

test('a fault is told by graphql-js', () => {
  const document = parse('subscription { event { id } }');
  const plan = planOf({ schema, document }, resolveEvent);
  assert.equal(plan?.({ fault: new Error('unreadable') }), null);
  assert.equal(plan?.({ event: { id: 'a' } }), '{"event":{"id":"a"}}');
});

test('questions that differ in arguments alone share a plan, which keeps nothing of one for the other', () => {
  const document = parse('subscription ($m: String, $no: Boolean!) { event(market: $m) { id text @skip(if: $no) } }');
  const of = (variableValues: Record<string, unknown>) => planOf({ schema, document, variableValues }, resolveEvent);
  const plan = of({ m: 'a', no: false });
  assert.ok(plan);
  assert.equal(of({ m: 'b', no: false }), plan);
  assert.notEqual(of({ m: 'a', no: true }), plan);
  assert.notEqual(planOf({ schema: testSchema(), document, variableValues: { no: false } }, resolveEvent), plan);
  const told: [unknown, unknown, string | null][] = [
    ['a', 'x', '{"event":{"id":"a","text":"x"}}'],
    ['a', 'y', '{"event":{"id":"a","text":"y"}}'],
    ['a', null, '{"event":{"id":"a","text":null}}'],
    [{}, 'y', null],
    ['a', 'y', '{"event":{"id":"a","text":"y"}}'],
    [1, true, '{"event":{"id":"1","text":"true"}}'],
    ['1', 'true', '{"event":{"id":"1","text":"true"}}'],
    [undefined, 'true', null],
    ['1', () => 'true', null],
    ['1', undefined, '{"event":{"id":"1","text":null}}'],
  ];
  for (const [id, text, written] of told) assert.equal(plan({ event: { id, text } }), written);
});

test('every subscription of the schema is planned', () => {
  const real = buildTickgraphSchema();
  const market = 'exchange: BINANCE, symbol: "BTC-USDT"';
  for (const text of [
    `klineUpdated(${market}) { cursor sequence start gap { missed reason } kline { id open openTime isClosed interval } }`,
    `tradeExecuted(${market}) { cursor trade { id price side } }`,
    `orderBookUpdated(${market}) { cursor snapshot bids { price quantity } checksum }`,
    `tickerUpdated(${market}) { cursor ticker { last changePercent24h } }`,
  ]) {
    const document = parse(`subscription { ${text} }`);
    assert.deepEqual(validate(real, document), [], text);
    assert.ok(planOf({ schema: real, document }, resolveEvent), text);
  }
});
