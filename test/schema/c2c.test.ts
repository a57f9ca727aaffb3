import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskCounterparty } from '../../schema/c2c.ts';
import { anyText } from '../support/texts.ts';

test('a name is its first letter and a mask, as a masked and an empty one it stays as it is', () => {
  const masked = (name: string) => maskCounterparty(name);
  assert.equal(masked('alice'), 'a***');
  assert.equal(masked('李小龙'), '李***');
  assert.equal(masked('👩‍👩‍👧 shop'), '👩‍👩‍👧***');
  assert.equal(masked('é́xchange'), 'é́***');
  assert.equal(masked('ab***'), 'ab***');
  assert.equal(masked('u***'), 'u***');
  assert.equal(masked(''), '');
  assert.equal(masked('abc***'), 'a***');
  assert.equal(masked('John *** Doe'), 'J***');
  assert.equal(masked('name\n**'), 'n***');
});

test('masking twice changes nothing, and no more than two letters are left', () => {
  fc.assert(
    fc.property(anyText(), (name) => {
      const masked = maskCounterparty(name);
      assert.equal(maskCounterparty(masked), masked);
      const letters = [...new Intl.Segmenter('und').segment(masked.replace(/\*+$/, ''))];
      assert.ok(letters.length <= 2, masked);
    }),
  );
});
