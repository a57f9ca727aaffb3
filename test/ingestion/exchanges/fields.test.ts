import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readJsonNumbersAsText } from '../../../ingestion/exchanges/fields.ts';

const read = (text: string): unknown => readJsonNumbersAsText(Buffer.from(text));

/** Every number by what JSON writes for it. */
function asText(value: unknown): unknown {
  if (typeof value === 'number') return JSON.stringify(value);
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asText(one)]));
}

test('numbers come as they were written, whatever is around them', () => {
  assert.deepEqual(read('{"a":17853950437790001,"b":1.16539E8,"c":-0.00077720,"d":{"e": 2.2e-7 }}'), {
    ...{ a: '17853950437790001', b: '1.16539E8', c: '-0.00077720', d: { e: '2.2e-7' } },
  });
  assert.deepEqual(read('[1,{"a":[2,-3.50]},"x"]'), ['1', { a: ['2', '-3.50'] }, 'x']);
  assert.deepEqual(read('{"a":"\\":5,","b":6}'), { a: '":5,', b: '6' });
  assert.deepEqual(read('{"a":"7:04:03, 12","b":true,"c":null,"d":"8"}'), {
    a: '7:04:03, 12',
    b: true,
    c: null,
    d: '8',
  });
});

test('what is not JSON is refused, numbers too', () => {
  for (const text of [
    '{"a":01}',
    '{"a":1.}',
    '{"a":1e}',
    '{"a":-}',
    '{"a":+1}',
    '{"a":1"b":2}',
    '{"a":1,}',
    '{"a":0x1}',
    '{"a":1 2}',
  ]) {
    assert.throws(() => read(text), { name: 'BadFrame', message: 'not JSON' }, text);
  }
});

test('a text that looks like the end of a name and a number stays a text', () => {
  for (const text of [':0 ', ':5,', ': 7}', '":1,']) {
    assert.deepEqual(read(JSON.stringify({ a: text, b: [text, 1], [text]: 2 })), {
      a: text,
      b: [text, '1'],
      [text]: '2',
    });
    assert.deepEqual(read(JSON.stringify({ a: text, n: 3 })), { a: text, n: '3' });
    assert.equal(read(JSON.stringify(text)), text);
  }
});

test('any JSON is read as JSON.parse reads it, but for its numbers', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      assert.equal(JSON.stringify(read(text)), JSON.stringify(asText(JSON.parse(text))));
    }),
    { numRuns: 2_000 },
  );
});
