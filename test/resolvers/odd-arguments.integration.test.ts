/** Whatever a caller puts into an argument: the answer is data, or a refusal that says what is wrong; never an inner error. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as g from 'graphql';
import { c2cOrderQuestion } from '../../resolvers/c2c-store.ts';
import { cdcQuestion } from '../../resolvers/cdc-store.ts';
import { buildTickgraphSchema } from '../../resolvers/index.ts';
import { klineQuestion } from '../../resolvers/kline-store.ts';
import { marketQuestion } from '../../resolvers/market-store.ts';
import { tradeQuestion } from '../../resolvers/trade-store.ts';
import { encodeCursor, encodePosition } from '../../schema/cursor.ts';
import type { Caller } from '../../src/platform/access.ts';
import { openWorld, type World } from './world.ts';

const ADMIN: Caller = { role: 'admin', local: true };
const TEXTS = ['', 'BTC', 'nope', 'BTC-USDT', '\0', 'a\0b', "'; DROP TABLE x; --", '%', '\uD800', '💥', '__proto__'];
const NUMBERS = [0, -1, 1, 100, 2_147_483_647, -2_147_483_648, 1.5, '3'];
const YEARS = ['0000', '0001', '2026', '2999', '9999'];
const ENDS = [
  '01-01T00:00:00Z',
  '12-31T23:59:59.999Z',
  '01-01T00:00:00+14:00',
  '12-31T23:59:59-14:00',
  '02-30T00:00:00Z',
];
/** By scalar; what is no scalar here is made of these. */
const ODD: Record<string, unknown[]> = {
  String: [...TEXTS, 'A'.repeat(5_000), 'public.c2c_order'],
  ID: [...TEXTS, '9'.repeat(2_000)],
  Int: NUMBERS,
  Boolean: [true, false, 1],
  Decimal: ['0', '1000', '-1', '1e400', '1e-400', '1e99', 'NaN', '9'.repeat(100), '1,5', 1],
  DateTime: YEARS.flatMap((year) => ENDS.map((end) => `${year}-${end}`)),
  Date: YEARS.flatMap((year) => [`${year}-01-01`, `${year}-12-31`, `${year}-02-30`]),
  Cursor: ['x', encodeCursor('kline:binance:BTC-USDT:M1', { epoch: '', sequence: 0n })],
};
/** What makes an operation whole where the argument in question is another one. */
const WHOLE: Record<string, unknown> = {
  ...{ exchange: 'BINANCE', symbol: 'BTC-USDT', base: 'BTC', table: 'public.c2c_order', pipeline: 'retention' },
  ...{ asset: 'USDT', fiat: 'VND', orderNumber: '1' },
};

const BTC = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;
const ALL_ORDERS = { tradeType: null, asset: null, fiat: null, status: null, from: null, to: null };
/** The list behind each page of `ask` without filters. */
const LISTS: Record<string, string> = {
  markets: marketQuestion({ exchange: null, base: null, quote: null }),
  klines: klineQuestion({ market: BTC, interval: 'M1', order: 'DESC' }),
  trades: tradeQuestion(BTC),
  c2cOrders: c2cOrderQuestion({ ...ALL_ORDERS, advertisementRole: null }),
  cdcRecords: cdcQuestion({ table: 'public.c2c_order', op: null }),
};

const schema = buildTickgraphSchema();
const queries = Object.values(schema.getQueryType()?.getFields() ?? {});
let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.stop());

function oddValues(type: g.GraphQLInputType): unknown[] {
  const plain = g.getNullableType(type);
  if (g.isListType(plain)) {
    const items = oddValues(plain.ofType);
    return [...items.map((item) => [item]), [], Array(500).fill(items[0])];
  }
  if (g.isEnumType(plain)) return plain.getValues().map(({ name }) => name);
  if (g.isInputObjectType(plain)) {
    const fields = Object.values(plain.getFields());
    return fields.flatMap((field) => oddValues(field.type).map((value) => ({ [field.name]: value })));
  }
  return ODD[plain.name] ?? assert.fail(`values for ${plain.name}`);
}

/** Everything that a type has without arguments, two levels deep. */
function selection(type: g.GraphQLOutputType, depth = 0): string {
  const named = g.getNamedType(type);
  if (!g.isObjectType(named)) return '';
  const fields = Object.values(named.getFields()).filter(({ args }) => !args.some((arg) => g.isRequiredArgument(arg)));
  const chosen = fields.filter((field) => depth < 2 || !g.isObjectType(g.getNamedType(field.type)));
  return `{ ${['__typename', ...chosen.map((f) => `${f.name} ${selection(f.type, depth + 1)}`)].join(' ')} }`;
}

/** Asks with these arguments; the codes of what was refused, `undefined` for an error that has none. */
async function ask(field: g.GraphQLField<unknown, unknown>, odd: Record<string, unknown>) {
  const whole = field.args.filter(g.isRequiredArgument).map(({ name }) => [name, WHOLE[name]]);
  const variables: Record<string, unknown> = { ...Object.fromEntries(whole), ...odd };
  const used = field.args.filter(({ name }) => name in variables);
  const declared = used.map(({ name, type }) => `$${name}: ${type}`).join(', ');
  const given = used.map(({ name }) => `${name}: $${name}`).join(', ');
  const document = `query ${declared && `(${declared})`} { ${field.name} ${given && `(${given})`} ${selection(field.type)} }`;
  return world.ask<Record<string, unknown>, Record<string, unknown>>(document, variables, ADMIN);
}

/** What nobody may be answered with: an error without a code, other than that the value is not of the type. */
async function assertAnswered(field: g.GraphQLField<unknown, unknown>, odd: Record<string, unknown>): Promise<void> {
  const { errors = [] } = await ask(field, odd);
  for (const { message, extensions, path } of errors) {
    const ofTheType = path === undefined && message.startsWith('Variable ');
    assert.ok(extensions?.code || ofTheType, `${field.name} ${JSON.stringify(odd).slice(0, 200)}: ${message}`);
  }
}

test('any value of any argument of any query', { timeout: 60_000 }, async () => {
  let asked = 0;
  for (const field of queries) {
    for (const { name, type } of field.args) {
      for (const value of [...oddValues(type), null]) {
        await assertAnswered(field, { [name]: value });
        asked++;
      }
    }
  }
  assert.ok(asked > 500);
});

test('ranges that end before they begin, are empty, or are all of time', async () => {
  for (const field of queries) {
    const from = field.args.find(({ name }) => name === 'from');
    if (!from) continue;
    const times = oddValues(from.type);
    for (const [i, value] of times.entries()) await assertAnswered(field, { from: value, to: times.at(-1 - i) });
  }
});

test('positions of pages that nobody was given', async () => {
  const paged = queries.filter(({ args }) => args.some(({ name }) => name === 'after'));
  assert.deepEqual(paged.map(({ name }) => name).sort(), Object.keys(LISTS).sort());
  const parts = ['', '\0', 'x', '-1', '99999999999999', '253402300800000', '9'.repeat(40), '1e400', "'", 'BINANCE'];
  for (const field of paged) {
    for (const one of parts) {
      for (const key of [[one], ...parts.map((other) => [one, other])]) {
        await assertAnswered(field, { after: encodePosition(LISTS[field.name] as string, key) });
      }
    }
  }
});
