import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskBytes, maskText } from '../../../ingestion/workers/personal.ts';
import { PERSONAL_FIELDS } from '../../../schema/cdc.ts';
import { anyText } from '../../support/texts.ts';

const masked = (text: string): string | undefined => maskBytes(Buffer.from(text), PERSONAL_FIELDS).masked?.toString();

test('the values of the fields that hold names, whatever is around them', () => {
  const cases: [string, string][] = [
    ['{"counter_part_nick_name":"Alice","a":"Alice B"}', '{"counter_part_nick_name":"A***","a":"Alice B"}'],
    ['{"counterPartNickName" : "Nguyễn Văn"}', '{"counterPartNickName" : "N***"}'],
    ['{"counter_part_nick_name":"ab***"}', '{"counter_part_nick_name":"ab***"}'],
    ['{"counter_part_nick_name":null,"x":1}', '{"counter_part_nick_name":null,"x":1}'],
    ['{"counter_part_nick_name":"Al\\"ice"}', '{"counter_part_nick_name":"A***"}'],
    ['{"counter_part_nick_name":"\\u0041lice"}', '{"counter_part_nick_name":"A***"}'],
    ['{"counter_part_nick_name":{"string":"Alice"},"x":1}', '{"counter_part_nick_name":"***","x":1}'],
    ['{"counter_part_nick_name":{"string":"[VIP]Anna"},"x":1}', '{"counter_part_nick_name":"***","x":1}'],
    ['{"counter_part_nick_name":[["}",{"a":"Anna"}],"Bo"],"x":1}', '{"counter_part_nick_name":"***","x":1}'],
    ['{"counter_part_nick_name":{"string":"[VIP]An', '{"counter_part_nick_name":"***"'],
    ['{"counter_part_nick_nam\\u0065":"Anna"}', '{"counter_part_nick_nam\\u0065":"A***"}'],
    ['{"counter_part_nick_name":Anna Smith, Paris}', '{"counter_part_nick_name":"***"'],
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
  const name = anyText({ minLength: 3 }).map((text) => `Q${text}Z`);
  fc.assert(
    fc.property(name, fc.constantFrom(...PERSONAL_FIELDS), fc.nat(), (text, field, cut) => {
      const whole = JSON.stringify({ a: 1, [field]: text, nested: JSON.stringify({ [field]: text }) });
      const given = whole.slice(0, whole.length - (cut % 30));
      const found = masked(given) ?? '';
      if (/^Q[^"\\]+Z$/.test(text)) assert.ok(!found.includes(text.slice(-3)), found);
      assert.ok(!found.includes(text) && !found.includes(JSON.stringify(text).slice(1, -1)), found);
    }),
    { numRuns: 2_000, seed: 4 },
  );
});

test('a reason that tells a name is told without it', () => {
  assert.equal(maskText('not a number: "Alice"', PERSONAL_FIELDS, ['Alice']), 'not a number: "A***"');
});

test('a reason that tells a name from within an object is told without it', () => {
  const { names } = maskBytes(Buffer.from('{"counter_part_nick_name":{"string":"[VIP]Anna"}}'), PERSONAL_FIELDS);
  assert.equal(maskText('no text: [VIP]Anna', PERSONAL_FIELDS, names), 'no text: [***');
  const cut = maskBytes(Buffer.from('{"counter_part_nick_name":{"string":"[VIP]Anna"'), PERSONAL_FIELDS);
  assert.equal(maskText('no text: [VIP]Anna', PERSONAL_FIELDS, cut.names), 'no text: [***');
});

test('where a name can not be taken out, nothing is kept', () => {
  // the quotes of the text within are spelled as escapes
  const text = '{"p":"{\\u0022counter_part_nick_name\\u0022:\\u0022Anna\\u0022}"}';
  assert.deepEqual(maskBytes(Buffer.from(text), PERSONAL_FIELDS), { masked: null, names: ['Anna'] });
});

test('no name is left of a value of any shape, however its field is spelled, as deep as it may be and cut off anywhere', () => {
  const name = fc
    .tuple(fc.constantFrom('[', ']', '{', '}', '"', '\\', ',', ':', 'x', 'ñ'), fc.string({ maxLength: 4 }))
    .map(([first, more]) => `${first}Zanzibar${more}`);
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      name,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 3 }),
    ),
  }));
  const field = fc.tuple(fc.constantFrom(...PERSONAL_FIELDS), fc.nat(), fc.boolean());
  fc.assert(
    fc.property(value, field, fc.nat(3), fc.nat(), (given, [plain, at, isEscaped], depth, cut) => {
      const letter = plain[at % plain.length] ?? '';
      const spelled = plain.replace(letter, `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
      let text = JSON.stringify({ a: '[{', [plain]: given, z: [1] });
      if (isEscaped) text = text.replace(`"${plain}"`, `"${spelled}"`);
      for (let i = 0; i < depth; i++) text = JSON.stringify({ p: text, q: '}' });
      for (const one of [text, text.slice(0, cut % text.length)]) {
        const { masked: kept, names } = maskBytes(Buffer.from(one), PERSONAL_FIELDS);
        assert.ok(!kept?.toString().includes('Zanzibar'), `${one} -> ${kept}`);
        assert.ok(!maskText(one, PERSONAL_FIELDS, names).includes('Zanzibar'));
      }
    }),
    { numRuns: 3_000, seed: 7 },
  );
});
