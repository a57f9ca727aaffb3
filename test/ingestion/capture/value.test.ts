import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changeMessages, type Place } from '../../../ingestion/capture/envelope.ts';
import type { TableShape } from '../../../ingestion/capture/shape.ts';
import { emptyJson, UNAVAILABLE, valueJson } from '../../../ingestion/capture/value.ts';
import type { ChangeMessage } from '../../../src/platform/postgres/replication.ts';
import { anyText } from '../../support/texts.ts';

const TEXT = 25;

test('values as Debezium spells them', () => {
  const cases: [number, string | null | undefined, string][] = [
    [1700, '12.340', '"12.340"'],
    [1700, 'NaN', '"NAN"'],
    [1700, '-Infinity', '"NEGATIVE_INFINITY"'],
    [20, '9223372036854775807', '9223372036854775807'],
    [23, '-1', '-1'],
    [16, 't', 'true'],
    [16, 'f', 'false'],
    [701, '1.5e+300', '1.5e+300'],
    [701, 'NaN', '"NaN"'],
    [1184, '2026-01-01 20:04:05.12+00', '"2026-01-01T20:04:05.120000Z"'],
    [1184, '2026-01-01 20:04:05+00', '"2026-01-01T20:04:05.000000Z"'],
    [1184, 'infinity', '"infinity"'],
    [1114, '2026-02-03 04:05:06.7', '"2026-02-03T04:05:06.7Z"'],
    [1082, '2026-02-03', '"2026-02-03Z"'],
    [TEXT, 'a "b" \\ ☃', '"a \\"b\\" \\\\ ☃"'],
    [TEXT, null, 'null'],
    [TEXT, undefined, `"${UNAVAILABLE}"`],
  ];
  for (const [type, text, json] of cases) assert.equal(valueJson(type, text), json);
  assert.deepEqual([emptyJson(TEXT, false), emptyJson(1700, false), emptyJson(23, false)], ['""', '"0"', '0']);
});

const shape: TableShape = {
  ...{ schema: 'public', table: 't', key: ['k'] },
  columns: ['k', 'v'].map((name) => ({ name, typeOid: TEXT, nullable: name === 'v', hasDefault: false })),
};
const place: Place = {
  database: 'd"b',
  lsn: 10n,
  lastCommit: 9n,
  txId: 1,
  time: 1_700_000_000_000_001n,
  snapshot: 'false',
};
const change = (given: object): ChangeMessage => given as ChangeMessage;

test('any text survives the way into an envelope', () => {
  const row = fc.record({ k: anyText(), v: fc.option(anyText()) });
  fc.assert(
    fc.property(row, row, (old, is) => {
      const messages = changeMessages(shape, change({ tag: 'update', old, key: null, new: is }), place);
      const said = messages.map(({ key, value }) => [JSON.parse(key ?? ''), value && JSON.parse(value.toString())]);
      if (old.k === is.k) {
        assert.equal(said.length, 1);
        assert.deepEqual([said[0]?.[1].before, said[0]?.[1].after], [{ ...old }, { ...is }]);
      } else {
        assert.deepEqual(
          said.map(([key]) => key.k),
          [old.k, old.k, is.k],
        );
        assert.deepEqual(
          said.map(([, value]) => value?.op),
          ['d', undefined, 'c'],
        );
      }
      assert.ok(said.every(([, value]) => !value || value.source.db === 'd"b'));
    }),
  );
});

test('a table without a primary key has neither keys nor tombstones', () => {
  const messages = changeMessages(
    { ...shape, key: [] },
    change({ tag: 'delete', old: { k: 'a', v: 'b' }, key: null }),
    place,
  );
  assert.deepEqual(
    messages.map(({ key }) => key),
    [null],
  );
});
