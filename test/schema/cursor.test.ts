import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeCursor, decodePosition, encodeCursor, encodePosition, isCursorOf } from '../../schema/cursor.ts';
import { CursorPen } from '../../schema/cursor-pen.ts';

test('a cursor comes back as it was, and is known by its stream', () => {
  const sequence = fc.bigInt({ min: 0n, max: 2n ** 59n });
  const epoch = fc.stringMatching(/^[\w:.-]{0,40}$/);
  fc.assert(
    fc.property(fc.string(), epoch, sequence, (stream, e, s) => {
      const cursor = decodeCursor(encodeCursor(stream, { epoch: e, sequence: s }));
      assert.ok(cursor);
      assert.deepEqual([cursor.epoch, cursor.sequence], [e, s]);
      assert.ok(isCursorOf(stream, cursor));
      assert.ok(!isCursorOf(`${stream}x`, cursor));
    }),
  );
});

test('a pen writes the very cursors, whatever the epoch and however large the sequence', () => {
  const sequence = fc.oneof(fc.bigInt({ min: 0n, max: 100n }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }));
  const epoch = fc.oneof(fc.string({ maxLength: 400 }), fc.uuid(), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.tuple(epoch, sequence)), (stream, places) => {
      const pen = new CursorPen(stream);
      for (const [e, s] of places) assert.equal(pen.write(e, s), encodeCursor(stream, { epoch: e, sequence: s }));
    }),
  );
});

test('garbled cursors and positions are refused, never misread', () => {
  const text = encodeCursor('live:trade:a', { epoch: 'e', sequence: 5n });
  const position = encodePosition('kline:a', ['1700000000000']);
  assert.equal(decodeCursor(position), null);
  assert.equal(decodePosition('kline:a', text, 1), null);
  fc.assert(
    fc.property(fc.string(), (garbage) => {
      assert.equal(decodeCursor(garbage), null);
      assert.equal(decodePosition('kline:a', garbage, 1), null);
    }),
  );
});

test('a position belongs to one list', () => {
  const text = encodePosition('kline:a', ['1', 'x']);
  assert.deepEqual(decodePosition('kline:a', text, 2), ['1', 'x']);
  assert.equal(decodePosition('kline:b', text, 2), null);
  assert.equal(decodePosition('kline:a', text, 1), null);
  assert.equal(decodePosition('kline:a', encodePosition('kline:a', ['1', 'x\0']), 2), null);
});
