import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskBytes, maskText } from '../../../ingestion/workers/personal.ts';
import { PERSONAL_FIELDS } from '../../../schema/cdc.ts';

const masked = (text: string): string => maskBytes(Buffer.from(text), PERSONAL_FIELDS).masked.toString();

test('the values of the fields that hold names, whatever is around them', () => {
  const cases: [string, string][] = [
    ['{"counter_part_nick_name":"Alice","a":"Alice B"}', '{"counter_part_nick_name":"A***","a":"Alice B"}'],
    ['{"counterPartNickName" : "Nguyễn Văn"}', '{"counterPartNickName" : "N***"}'],
    ['{"counter_part_nick_name":"ab***"}', '{"counter_part_nick_name":"ab***"}'],
    ['{"counter_part_nick_name":null,"x":1}', '{"counter_part_nick_name":null,"x":1}'],
    ['{"counter_part_nick_name":"Al\\"ice"}', '{"counter_part_nick_name":"A***"}'],
    ['{"counter_part_nick_name":"\\u0041lice"}', '{"counter_part_nick_name":"A***"}'],
    ['{"counter_part_nick_name":{"string":"Alice"},"x":1}', '{"counter_part_nick_name":"***","x":1}'],
    ['{"counter_part_nick_name":84912345678}', '{"counter_part_nick_name":"***"}'],
    // cut off, in either place
    ['{"counter_part_nick_name":"Ali', '{"counter_part_nick_name":"A***"'],
    ['},"counter_part_nick_name":"Alice"', '},"counter_part_nick_name":"A***"'],
    // JSON within JSON
    [
      '{"p":"{\\"counter_part_nick_name\\":\\"Alice\\",\\"x\\":1}"}',
      '{"p":"{\\"counter_part_nick_name\\":\\"***\\",\\"x\\":1}"}',
    ],
  ];
  for (const [text, expected] of cases) assert.equal(masked(text), expected);
});

test('other bytes stay as they are', () => {
  const bytes = Buffer.from([0xff, 0x00, 0x22, 0xfe]);
  assert.equal(maskBytes(bytes, PERSONAL_FIELDS).masked, bytes);
  const mixed = Buffer.concat([bytes, Buffer.from('"counterPartNickName":"Alice"'), bytes]);
  const expected = Buffer.concat([bytes, Buffer.from('"counterPartNickName":"A***"'), bytes]);
  assert.deepEqual(maskBytes(mixed, PERSONAL_FIELDS).masked, expected);
});

test('no name of two letters or more is left, whatever it is and wherever the text ends', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 3 }).map((text) => `Q${text}Z`);
  fc.assert(
    fc.property(name, fc.constantFrom(...PERSONAL_FIELDS), fc.nat(), (text, field, cut) => {
      const whole = JSON.stringify({ a: 1, [field]: text, nested: JSON.stringify({ [field]: text }) });
      const given = whole.slice(0, whole.length - (cut % 30));
      const found = masked(given);
      if (/^Q[^"\\]+Z$/.test(text)) assert.ok(!found.includes(text.slice(-3)), found);
      assert.ok(!found.includes(text) && !found.includes(JSON.stringify(text).slice(1, -1)), found);
    }),
    { numRuns: 2_000, seed: 4 },
  );
});

test('a reason that tells a name is told without it', () => {
  assert.equal(maskText('not a number: "Alice"', PERSONAL_FIELDS, ['Alice']), 'not a number: "A***"');
});
