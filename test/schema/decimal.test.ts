import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareDecimals, compareDigits, decimal, Exact, isDecimal, signOfDecimal } from '../../schema/decimal.ts';

const digits = fc.stringMatching(/^[0-9]{1,12}$/);
/** Every spelling that is taken. */
const spelled = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    digits,
    fc.option(fc.stringMatching(/^[0-9]{0,12}$/)),
    fc.option(fc.integer({ min: -30, max: 30 })),
  )
  .map(
    ([sign, whole, places, exponent]) =>
      `${sign}${whole}${places === null ? '' : `.${places}`}${exponent === null ? '' : `e${exponent}`}`,
  );

test('the canonical spelling is that of the exact number', () => {
  fc.assert(
    fc.property(spelled, (text) => {
      assert.ok(isDecimal(text));
      const exact = new Exact(text);
      assert.equal(decimal(text), exact.isZero() ? '0' : exact.toFixed());
      assert.equal(decimal(decimal(text)), decimal(text));
    }),
  );
});

test('what is no decimal is refused', () => {
  for (const text of ['', '.', '-', '1.2.3', '1,5', '0x10', '1e', 'NaN', ' 1', '1 ', '٣', '1'.repeat(101)]) {
    assert.equal(isDecimal(text), false, text);
    assert.throws(() => decimal(text), RangeError, text);
  }
  assert.equal(decimal('1.'), '1');
  assert.equal(decimal('.5'), '0.5');
  assert.equal(decimal('007'), '7');
});

test('what has no canonical spelling of its own length is refused, so that what was taken once is taken again', () => {
  const long = (part: string): string => part.repeat(99);
  for (const text of ['1e400', '-1e400', '1e-400', '1e100', '-1e99', '1e-99', `.${long('1')}`, `+${long('1')}.e1`]) {
    assert.equal(isDecimal(text), false, text);
    assert.throws(() => decimal(text), RangeError, text);
  }
  for (const text of ['1e99', '-1e98', '1e-98', `.${long('1').slice(1)}`, `-${long('1')}`, '0e999', `+${long('0')}`]) {
    assert.equal(decimal(decimal(text)), decimal(text), text);
    assert.ok(isDecimal(decimal(text)), text);
  }
});

test('sign and order are those of the exact numbers', () => {
  fc.assert(
    fc.property(spelled, spelled, (a, b) => {
      assert.equal(signOfDecimal(a), new Exact(a).comparedTo(0));
      assert.equal(compareDecimals(a, b), new Exact(a).comparedTo(b));
      assert.equal(compareDecimals(decimal(a), decimal(b)), new Exact(a).comparedTo(b));
    }),
  );
});

test('whole numbers as digits are in their order', () => {
  const any = fc.stringMatching(/^[0-9]{1,25}$/);
  fc.assert(
    fc.property(any, any, (a, b) => {
      const [x, y] = [BigInt(a), BigInt(b)];
      assert.equal(compareDigits(a, b), x === y ? 0 : x < y ? -1 : 1);
    }),
  );
});
