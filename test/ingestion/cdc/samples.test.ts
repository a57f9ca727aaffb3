/** Envelopes of many versions: those of other projects' suites and documentation, and their like on our own table. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readEnvelope } from '../../../ingestion/cdc/envelope.ts';
import type { CdcChange } from '../../../schema/cdc.ts';
import { readCapture } from '../../support/fixtures.ts';

interface Sample {
  name: string;
  kind: string;
  key: string | null;
  value: string | null;
}

const samples = ['debezium.alltypes.transferia', 'debezium.examples.docs', 'debezium.products.flink']
  .flatMap(readCapture)
  .map(({ line }) => JSON.parse(line) as Sample);

const given = ({ key, value }: Pick<Sample, 'key' | 'value'>) => ({
  key,
  value: value === null ? null : Buffer.from(value),
  headers: {},
});

function sample(name: string): Sample {
  return samples.find((one) => one.name === name) ?? assert.fail(name);
}

function change(name: string): CdcChange {
  return readEnvelope(given(sample(name))) ?? assert.fail(`${name} tells nothing`);
}

const OPS: Record<string, string> = {
  create: 'CREATE',
  update: 'UPDATE',
  delete: 'DELETE',
  snapshot: 'READ',
  truncate: 'TRUNCATE',
};
/** Those whose effect is another than their kind says: a create with the flag of a snapshot, a delete of nobody knows what. */
const OTHERS = ['docs-3.7-create', 'flink-1.2.1-delete-no-before'];

describe('every sample has its effect', () => {
  for (const one of samples.filter(({ name }) => !OTHERS.includes(name))) {
    test(one.name, () => {
      const read = readEnvelope(given(one));
      assert.equal(read?.op ?? null, OPS[one.kind] ?? null, one.kind);
      if (!read) return;
      const { payload = null } = JSON.parse(one.value ?? '') as { payload?: Record<string, never> };
      const { source } = (payload ?? JSON.parse(one.value ?? '')) as { source: Record<string, unknown> };
      assert.deepEqual(
        [read.table, read.lsn, read.txId, read.eventTime],
        [`${source.schema}.${source.table}`, String(source.lsn), String(source.txId), source.ts_ms],
      );
      assert.equal(read.after === null, ['DELETE', 'TRUNCATE'].includes(read.op));
      // a large value that was not sent, as it did not change
      const isThin = (one.value ?? '').includes('__debezium_unavailable_value');
      assert.deepEqual(
        [read.unchanged, read.after && 't' in read.after && isThin],
        [isThin ? ['t'] : [], read.after && false],
      );
      assert.ok(!JSON.stringify(read).includes('unavailable'));
    });
  }

  test('the documentation shows a snapshot as a create: it is a state, and no change', () => {
    const { op, snapshot, changed } = change('docs-3.7-create');
    assert.deepEqual([op, snapshot, changed], ['READ', 'true', []]);
  });

  test('a delete without the old row is known by its key, and without one by nothing', () => {
    const one = sample('flink-1.2.1-delete-no-before');
    assert.throws(() => readEnvelope(given(one)), { name: 'BadMessage', message: 'before: missing, and no key' });
    const read = readEnvelope(given({ ...one, key: '{"id":111}' }));
    assert.deepEqual([read?.op, read?.key, read?.before, read?.changed], ['DELETE', { id: 111 }, null, []]);
  });
});

test('a topic from insert to delete, with a change of the key and its tombstones', () => {
  const names = samples.map(({ name }) => name).filter((name) => name.startsWith('sequence-'));
  const read = names.map((name) => readEnvelope(given(sample(name))));
  assert.deepEqual(
    read.map((one) => one && [one.op, one.key, one.before && Object.keys(one.before), one.after?.i]),
    [
      ['CREATE', { i: 1 }, null, 1],
      ['UPDATE', { i: 1 }, null, 1],
      ['UPDATE', { i: 1 }, null, 1],
      // what is not logged of an old row is made up, and told of none
      ['DELETE', { i: 1 }, ['i'], undefined],
      null,
      ['CREATE', { i: 2 }, null, 2],
      ['DELETE', { i: 2 }, ['i'], undefined],
      null,
    ],
  );
  // a delete and a create of one LSN: the key tells them apart
  assert.equal(read[3]?.lsn, read[5]?.lsn);
  assert.equal(new Set(read.flatMap((one) => one?.id ?? [])).size, 6);
});

test('seventy types, by their schema', () => {
  const { after } = change('alltypes-1.1.2-crud_insert');
  const found = (...names: string[]): unknown[] => names.map((name) => after?.[name]);
  assert.deepEqual(found('bl', 'si', 'int', 'bid', 'oid_', 'str'), [
    true,
    -32_768,
    -8_388_605,
    3_372_036_854_775_807,
    null,
    'varchar_example',
  ]);
  assert.deepEqual(found('real_', 'numeric_', 'numeric_5', 'numeric_5_2', 'decimal_'), [
    ...['0.000000000145', '1267650600228229401496703205376', '12345', '123.67', '123456'],
  ]);
  assert.deepEqual(found('timestamptz_', 'timestamp', 'timestamp1', 'timestamp6', 'date_'), [
    '2004-10-19T08:23:54.000Z',
    '2004-10-19T10:23:54.000Z',
    '2004-10-19T10:23:54.900Z',
    '2004-10-19T10:23:54.987654Z',
    '1999-01-08',
  ]);
  assert.deepEqual(found('time_', 'time1', 'time6', 'timetz__'), [
    '04:05:06',
    '04:05:06.100',
    '04:05:06.123456',
    '17:30:25Z',
  ]);
  assert.deepEqual(found('j', 'uid', 'ba', 'hstore_', 'int4range_'), [
    ...['{"k1": "v1"}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'yv66vg==', '{"a":"1","b":"2"}', '[3,7)'],
  ]);
});

test('REPLICA IDENTITY FULL: the columns that changed, and no others', () => {
  const { before, after, changed } = change('alltypes-1.1.2-replica_identity_update_val');
  assert.deepEqual([before?.val, after?.val, changed], ['blablabla', 'ururu', ['val']]);
  const gone = change('alltypes-1.1.2-replica_identity_delete_val');
  assert.deepEqual([gone.before, gone.after, gone.changed], [{ id: 1, val: 'ururu' }, null, ['id', 'val']]);
});

test('where only the key of the old row is known, any other column may have changed', () => {
  const { before, changed } = change('docs-3.7-update');
  assert.deepEqual([before, changed], [{ id: 1 }, ['first_name', 'last_name', 'email']]);
});
