import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GraphQLError, Kind } from 'graphql';
import { encodeCursor } from '../../schema/cursor.ts';
import { CalendarDate, Cursor, DateTime, Decimal } from '../../schema/scalars.ts';

const refused = (run: () => unknown): void => {
  assert.throws(run, (error) => error instanceof GraphQLError && error.extensions.code === 'BAD_USER_INPUT');
};

test('Decimal takes text and whole numbers, and answers with the canonical spelling', () => {
  for (const [input, output] of [
    ['67012.34000000', '67012.34'],
    ['1.16539E8', '116539000'],
    ['-0', '0'],
    [42, '42'],
  ] as const) {
    assert.equal(Decimal.parseValue(input), output);
  }
  assert.equal(Decimal.parseLiteral({ kind: Kind.INT, value: '900719925474099312' }), '900719925474099312');
  assert.equal(Decimal.serialize('1.50'), '1.5');
  for (const input of [1.5, 2 ** 60, '1,5', '', 'NaN', '1e9999', null, true, {}, ['1']]) {
    refused(() => Decimal.parseValue(input));
  }
  refused(() => Decimal.parseLiteral({ kind: Kind.FLOAT, value: '1.5' }));
  assert.throws(() => Decimal.serialize(1.5));
});

test('DateTime takes RFC 3339 instants with an offset and answers in UTC with milliseconds', () => {
  const time = Date.UTC(2026, 2, 1, 9, 30, 0, 5);
  for (const text of ['2026-03-01T09:30:00.005Z', '2026-03-01T18:30:00.005+09:00', '2026-03-01t09:30:00.005z']) {
    assert.equal(DateTime.parseValue(text), time);
  }
  assert.equal(DateTime.serialize(time), '2026-03-01T09:30:00.005Z');
  assert.equal(DateTime.serialize(new Date(time)), '2026-03-01T09:30:00.005Z');
  for (const input of [
    '2026-03-01',
    '2026-03-01T09:30:00',
    '2026-03-01 09:30:00Z',
    '2026-02-30T09:30:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T09:30:60Z',
    '2026-03-01T09:30:00.0000001Z',
    '+002026-03-01T09:30:00Z',
    '0000-12-31T23:59:59.999Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:00-00:01',
    time,
    'now',
  ]) {
    refused(() => DateTime.parseValue(input));
  }
  assert.throws(() => DateTime.serialize(Number.NaN));
  for (const text of ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
    assert.equal(DateTime.serialize(DateTime.parseValue(text)), text);
  }
});

test('every instant survives the way out and in', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (time) => {
      assert.equal(DateTime.parseValue(DateTime.serialize(time)), time);
    }),
  );
});

test('Date takes days that exist', () => {
  assert.equal(CalendarDate.parseValue('2024-02-29'), '2024-02-29');
  for (const input of ['2023-02-29', '2024-2-9', '2024-02-29T00:00:00Z', '0000-01-01', 20_240_229]) {
    refused(() => CalendarDate.parseValue(input));
  }
});

test('Cursor takes only what this API handed out', () => {
  const text = encodeCursor('live:trade:binance:{BTC}-USDT', { epoch: 'e1', sequence: 12n });
  const cursor = Cursor.parseValue(text);
  assert.deepEqual([cursor.epoch, cursor.sequence], ['e1', 12n]);
  for (const input of ['', 'abc', `${text}A`, text.slice(1), '12', 12, 'x'.repeat(10_000)]) {
    refused(() => Cursor.parseValue(input));
  }
});
