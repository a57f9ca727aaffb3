/** Envelopes that were damaged: each is read for what it says, or refused with a reason; never anything in between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEnvelope } from '../../../ingestion/cdc/envelope.ts';
import { CDC_OPERATIONS, type CdcChange } from '../../../schema/cdc.ts';
import type { Given } from './envelopes.ts';
import { changes, mutated, samples } from './mutate.ts';

/** What must hold of everything that is read. */
function check(change: CdcChange): void {
  const { op, key, before, after, changed, unchanged, lsn, eventTime, id } = change;
  assert.ok(CDC_OPERATIONS.includes(op) && /^[\w-]{22}$/.test(id));
  assert.equal(after === null, op === 'DELETE' || op === 'TRUNCATE');
  if (op === 'TRUNCATE') assert.ok(key === null && before === null);
  if (op === 'CREATE' || op === 'READ') assert.equal(before, null);
  if (op === 'DELETE') assert.ok(before !== null || key !== null);
  if (op !== 'READ') assert.ok(lsn !== null);
  assert.ok(Number.isSafeInteger(eventTime) && eventTime > 1_230_000_000_000);
  assert.ok(unchanged.every((column) => after && !Object.hasOwn(after, column) && !changed.includes(column)));
  const text = JSON.stringify(change);
  assert.ok(!text.includes('__debezium_unavailable_value'), 'a placeholder');
  assert.deepEqual(JSON.parse(text), change, 'it can be written down');
}

/** Reads it, whatever it is. True for a change. */
function readable(given: Given): boolean {
  let change: CdcChange | null;
  try {
    change = readEnvelope(given);
  } catch (error) {
    const { name, message: reason } = error as Error;
    assert.equal(name, 'BadMessage', `${name}: ${reason}`);
    assert.match(reason, /^[\w .]+: /);
    assert.ok(!reason.includes('Canary'), reason);
    return false;
  }
  if (change) check(change);
  return change !== null;
}

test('a field that is another, or gone', () => {
  let told = 0;
  fc.assert(
    fc.property(fc.constantFrom(...samples), changes, (given, some) => {
      if (readable(mutated(given, some))) told += 1;
    }),
    { numRuns: 4_000, seed: 11 },
  );
  assert.ok(told > 500, `${told} were still read`);
});

test('bytes that are others, gone, or twice there', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.nat(),
      fc.nat(40),
      fc.uint8Array({ maxLength: 8 }),
      (given, at, cut, put) => {
        const bytes = given.value ?? Buffer.alloc(0);
        const from = at % (bytes.length + 1);
        readable({ ...given, value: Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + cut)]) });
      },
    ),
    { numRuns: 4_000, seed: 12 },
  );
});

test('keys and headers that are something else', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('{"order_number":"1"}', '{"order_number":1}', '{}', 'null'),
  );
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.option(texts), texts, fc.boolean(), (given, key, header, isNew) => {
      readable({ ...given, key, headers: { [`__debezium.${isNew ? 'newkey' : 'oldkey'}`]: header } });
    }),
    { numRuns: 3_000, seed: 13 },
  );
});
