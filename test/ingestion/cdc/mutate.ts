/** Envelopes of every kind, and what can become of them. */
import fc from 'fast-check';
import { readCapture } from '../../support/fixtures.ts';
import { created, deleted, envelope, type Given, message, order, updated } from './envelopes.ts';

export const samples: Given[] = [
  created('1'),
  updated('1', {}, { order_status: 'COMPLETED' }),
  deleted('1'),
  { ...deleted('1'), headers: { '__debezium.newkey': '{"order_number":"2"}' } },
  message(envelope('r', null, order('1'), { snapshot: 'incremental', lsn: null, txId: null })),
  message(envelope('t', null, null)),
  message(
    { schema: null, payload: envelope('u', null, order('1', { pay_method_name: '__debezium_unavailable_value' })) },
    { order_number: '1' },
  ),
  message({ status: 'BEGIN', id: '571:53195829' }, null),
  ...['debezium.alltypes.transferia', 'debezium.examples.docs', 'debezium.products.flink']
    .flatMap(readCapture)
    .map(({ line }) => JSON.parse(line) as { key: string | null; value: string | null })
    .map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value), headers: {} })),
];

/** Every place in a JSON value, as a path. */
function places(value: unknown, path: readonly string[] = []): string[][] {
  const own = path.length > 0 ? [[...path]] : [];
  if (typeof value !== 'object' || value === null) return own;
  return [...own, ...Object.entries(value).flatMap(([name, one]) => places(one, [...path, name]))];
}

/** The value with another one in a place, or without it. */
function altered(value: unknown, [name, ...rest]: readonly string[], to: unknown): unknown {
  if (name === undefined) return to;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one, i) => (String(i) === name ? altered(one, rest, to) : one));
  const entries = Object.entries(value).map(
    ([one, was]) => [one, one === name ? altered(was, rest, to) : was] as const,
  );
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
}

const anything = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, false, 0, -1, 1.5, 2 ** 53, 1e300, '', 'c', 'u', 'd', 'r', 't', 'm'),
  fc.constantFrom<unknown>(
    'true',
    'incremental',
    '__debezium_unavailable_value',
    '__proto__',
    'constructor',
    '\u0000',
    '\ud800',
  ),
  fc.constantFrom<unknown>(
    [],
    {},
    [[]],
    { scale: 2, value: 'A5lh' },
    { scale: 1e9, value: '!' },
    { long: 1 },
    { string: 'x' },
  ),
  fc.constantFrom<unknown>(JSON.parse('{"__proto__":1}'), '1'.repeat(200), '9'.repeat(30), { name: 'constructor' }),
  fc.jsonValue(),
);

interface Read {
  value: unknown;
  places: string[][];
}
const read = new Map<Given, Read>();

/** What a sample says; nothing ever changes it. */
function readSample(given: Given): Read {
  let known = read.get(given);
  if (!known) {
    const value: unknown = JSON.parse(given.value?.toString() ?? '{}');
    known = { value, places: places(value) };
    read.set(given, known);
  }
  return known;
}

/** The sample with other values in some places. */
export function mutated(given: Given, changes: readonly (readonly [place: number, to: unknown])[]): Given {
  const sample = readSample(given);
  let { value } = sample;
  for (const [n, to] of changes) {
    const all = value === sample.value ? sample.places : places(value);
    value = altered(value, all[n % Math.max(1, all.length)] ?? [], to) ?? null;
  }
  return { ...given, value: Buffer.from(JSON.stringify(value)) };
}

export const changes = fc.array(fc.tuple(fc.nat(), anything), { minLength: 1, maxLength: 3 });
