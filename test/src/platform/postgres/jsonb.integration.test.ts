import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { jsonbText } from '../../../../src/platform/postgres/jsonb.ts';
import { openTestDatabase } from '../../../support/postgres.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase([]);
});
after(() => database.stop());

const stored = async (text: string): Promise<string> => {
  const [row] = await database.postgres.query<{ text: string }>('SELECT $1::jsonb::text AS text', [text]);
  return row?.text ?? '';
};

test('any JSON can be stored, and what jsonb can hold is the same after', async () => {
  const strange = fc.constantFrom(
    ...[
      '"\\u0000"',
      '"a\\ud800b"',
      '"\\udc00"',
      '"\\ud83d\\ude00"',
      '"\\\\u0000"',
      '"\\\\\\u0000"',
      '1e999999',
      '-1E-99999',
    ],
    ...[
      '"\\ud800\\ud83d\\ude00"',
      '{"\\u0000":1}',
      `${'['.repeat(9_000)}${']'.repeat(9_000)}`,
      `1${'0'.repeat(140_000)}`,
    ],
    ...['"say \\"hi\\", [1e999999]"', '12345678901234567890.123456789012345678901'],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.json({ stringUnit: 'binary' }), strange), { maxLength: 4 }),
      async (parts) => {
        const text = `[${parts.join(',')}]`;
        const { text: clean, changed } = jsonbText(text);
        const back = await stored(clean);
        if (!changed) {
          assert.equal(clean, text);
          assert.deepEqual(JSON.parse(back), JSON.parse(text));
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('only what can not be stored is put otherwise', async () => {
  const cases = [
    ['"a\\u0000b"', '"a\\ufffdb"'],
    ['"\\\\u0000"', '"\\\\u0000"'],
    ['"\\ud83d\\ude00 \\ude00"', '"\\ud83d\\ude00 \\ufffd"'],
    ['{"n":1e999999,"m":1e-7}', '{"n":"1e999999","m":1e-7}'],
    ['{"t":"1e999999"}', '{"t":"1e999999"}'],
  ] as const;
  for (const [text, clean] of cases) {
    assert.deepEqual(jsonbText(text), { text: clean, changed: text !== clean });
    await stored(clean);
  }
  const deep = `${'['.repeat(5_000)}"\\u0000"${']'.repeat(5_000)}`;
  assert.equal(JSON.parse(jsonbText(deep).text), deep);
});
