import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readEnvelope } from '../../../ingestion/cdc/envelope.ts';
import type { CdcChange } from '../../../schema/cdc.ts';
import { created, deleted, envelope, type Given, message, order, type Row, T, updated } from './envelopes.ts';

const read = (given: Given): CdcChange => readEnvelope(given) ?? assert.fail('tells nothing');
const refused = (given: Given, reason: string): void =>
  assert.throws(() => readEnvelope(given), { name: 'BadMessage', message: reason });
/** The envelope in the converter's other form. */
const withSchema = (value: Row, schema: object | null): Row => ({ schema, payload: value });
const field = (name: string, rest: object): object => ({ field: name, optional: true, ...rest });

describe('what is told of a change', () => {
  test('insert, update, delete', () => {
    const insert = read(created('1'));
    assert.deepEqual(
      [insert.op, insert.key, insert.before, insert.after?.amount],
      ['CREATE', { order_number: '1' }, null, '100.5'],
    );
    assert.deepEqual([insert.table, insert.lsn, insert.txId, insert.eventTime], ['public.c2c_order', '1000', '700', T]);
    assert.equal(insert.changed.length, Object.keys(order('1')).length);
    const update = read(updated('1', {}, { order_status: 'COMPLETED', amount: '100.500' }));
    assert.deepEqual([update.op, update.changed, update.before?.order_status], ['UPDATE', ['order_status'], 'TRADING']);
    const gone = read(deleted('1'));
    assert.deepEqual([gone.op, gone.after, gone.before?.fiat, gone.changed.length], ['DELETE', null, 'VND', 20]);
  });

  test('a truncation has no row and no key', () => {
    const { op, key, before, after, changed } = read(message(envelope('t', null, null)));
    assert.deepEqual([op, key, before, after, changed], ['TRUNCATE', null, null, null, []]);
    refused(message(envelope('t', null, order('1'))), 'op: a truncation with a row');
  });

  test('with a schema or without, the same', () => {
    const bare = envelope('c', null, order('1'));
    for (const schema of [null, { type: 'struct', fields: [] }]) {
      const { id, ...rest } = read(message(withSchema(bare, schema), { order_number: '1' }));
      assert.deepEqual({ id, ...rest }, read(created('1')));
    }
    const key = JSON.stringify({ schema: null, payload: { order_number: '1' } });
    assert.deepEqual(read({ ...created('1'), key }), read(created('1')));
  });

  test('every spelling of a snapshot', () => {
    const all = ['true', 'first', 'first_in_data_collection', 'last_in_data_collection', 'last', true];
    for (const snapshot of all) {
      const { op, snapshot: told, changed } = read(message(envelope('r', null, order('1'), { snapshot })));
      assert.deepEqual([op, told, changed], ['READ', String(snapshot), []]);
    }
    for (const snapshot of ['false', false, null]) {
      assert.equal(read(created('1', { snapshot })).snapshot, null);
    }
    refused(created('1', { snapshot: 'maybe' }), 'source.snapshot: not a known one');
    refused(created('1', { snapshot: { string: 'first' } }), 'source.snapshot: not a known one');
  });

  test('an incremental snapshot has neither LSN nor transaction, and gets through', () => {
    const options = { snapshot: 'incremental', lsn: null, txId: null, source: { sequence: null } };
    const { op, lsn, txId, snapshot } = read(message(envelope('r', null, order('1'), options)));
    assert.deepEqual([op, lsn, txId, snapshot], ['READ', null, null, 'incremental']);
    refused(created('1', { lsn: null }), 'source.lsn: missing');
  });

  test('before 1.0 the time was in microseconds', () => {
    const old = envelope('c', null, order('1'), { snapshot: false });
    const { ts_ms: _, ts_us: __, ...source } = old.source as Row;
    assert.equal(read(message({ ...old, source: { ...source, ts_usec: T * 1_000 + 7 } })).eventTime, T);
  });

  test('a change of the key is a delete of the old and a create of the new, each with the other', () => {
    const options = { lsn: 5_000, txId: 9 };
    const gone = read({ ...deleted('1', options), headers: { '__debezium.newkey': '{"order_number":"2"}' } });
    const come = read({
      ...created('2', options),
      headers: { '__debezium.oldkey': '{"schema":null,"payload":{"order_number":"1"}}' },
    });
    assert.deepEqual([gone.relatedKey, come.relatedKey], [{ order_number: '2' }, { order_number: '1' }]);
    assert.notEqual(gone.id, come.id);
    assert.equal(readEnvelope(message(null, { order_number: '1' })), null);
  });
});

test('what is no change is read and passed over', () => {
  const none: (Row | string | null)[] = [
    null,
    'null',
    { schema: null, payload: null },
    { ts_ms: T },
    { schema: { type: 'struct', fields: [] }, payload: { ts_ms: T, ts_us: T * 1_000 } },
    { status: 'BEGIN', id: '571:53195829', ts_ms: T, event_count: null, data_collections: null },
    { status: 'END', id: '571:53195832', ts_ms: T, event_count: 1, data_collections: [] },
    { ...envelope('m', null, null, { source: { table: '', schema: '' } }), message: { prefix: 'x', content: 'Ymfy' } },
  ];
  for (const value of none) assert.equal(readEnvelope(message(value, { id: 1 })), null, JSON.stringify(value));
});

describe('the id of a change', () => {
  const ids = (all: readonly Given[]): number => new Set(all.map((one) => read(one).id)).size;

  test('is the same however often it is delivered', () => {
    const again = { ...envelope('c', null, order('1')), ts_ms: T + 99_999 };
    assert.equal(ids([created('1'), created('1'), message(again)]), 1);
    const spaced = JSON.stringify(envelope('c', null, order('1')), null, 2);
    assert.equal(ids([created('1'), message(spaced, { order_number: '1' })]), 1);
  });

  test('differs where rows share an LSN, as those of one statement do', () => {
    assert.equal(ids([created('1'), created('2'), deleted('1'), updated('1', {}, {})]), 4);
    assert.equal(ids([created('1', { lsn: 1 }), created('1', { lsn: 2 })]), 2);
    // a server restored to an earlier point numbers its log again
    assert.equal(ids([created('1'), created('1', { txId: 701 }), created('1', { time: T + 1 })]), 3);
  });

  test('tells no name: of a row that a snapshot found, it is made of what everybody may see', () => {
    const row = (name: string, status: string): Given =>
      message(
        envelope('r', null, order('1', { counter_part_nick_name: name, order_status: status }), { snapshot: 'true' }),
        { order_number: '1' },
      );
    assert.equal(ids([row('Anna', 'TRADING'), row('Alice', 'TRADING')]), 1);
    assert.equal(ids([row('Anna', 'TRADING'), row('Anna', 'COMPLETED')]), 2);
  });

  test('knows the place in the transaction by its number, and not by the id that is another with every event', () => {
    const at = (order: number, id: string): Given => created('1', { transaction: { id, total_order: order } });
    assert.equal(ids([at(1, '700:1000'), at(1, '700:9999')]), 1);
    assert.equal(ids([at(1, '700:1000'), at(2, '700:1000')]), 2);
    assert.equal(read(at(3, '11115:937926432')).position, '3');
    assert.equal(read(at(3, '11115:937926432')).txId, '700');
  });

  test('of a snapshot is that of the row and the run', () => {
    const row = (number: string, options: object): Given =>
      message(envelope('r', null, order(number), { snapshot: 'true', ...options }));
    assert.equal(ids([row('1', {}), row('2', {}), row('1', { time: T + 1 })]), 2);
    assert.equal(ids([row('1', {}), row('1', { lsn: 2_000 })]), 2);
    // taken anew from the same place, it may find another row
    const [found] = [message(envelope('r', null, order('1', { amount: '7' }), { snapshot: 'true' }))];
    assert.equal(ids([row('1', {}), found]), 2);
    const late = { lsn: null, txId: null, snapshot: 'incremental' };
    assert.equal(ids([row('1', late), row('1', late), row('2', late), row('1', { ...late, time: T + 1 })]), 3);
  });
});

describe('a value that was not sent (TOAST)', () => {
  const PLACEHOLDER = '__debezium_unavailable_value';
  const spellings: unknown[] = [
    PLACEHOLDER,
    Buffer.from(PLACEHOLDER).toString('base64'),
    [PLACEHOLDER],
    [...Buffer.from(PLACEHOLDER)],
    { [PLACEHOLDER]: PLACEHOLDER },
  ];
  for (const value of spellings) {
    test(`is never shown: ${JSON.stringify(value).slice(0, 40)}`, () => {
      const known = read(
        updated('1', { pay_method_name: 'BANK' }, { pay_method_name: value, order_status: 'COMPLETED' }),
      );
      assert.deepEqual([known.after?.pay_method_name, known.unchanged, known.changed], ['BANK', [], ['order_status']]);
      const both = read(updated('1', { pay_method_name: value }, { pay_method_name: value }));
      assert.deepEqual([both.unchanged, both.changed], [['pay_method_name'], []]);
      const alone = read(message(envelope('u', null, order('1', { pay_method_name: value }))));
      assert.deepEqual([alone.unchanged, alone.changed.includes('pay_method_name')], [['pay_method_name'], false]);
      for (const one of [known, both, alone]) assert.ok(!/unavailable|X19kZWJ|95,95/.test(JSON.stringify(one)));
    });
  }
});

describe('REPLICA IDENTITY DEFAULT', () => {
  test('the old row of a delete is its key: what stands for the rest was made up', () => {
    const defaults: Row = {
      order_number: '1',
      amount: '',
      create_time: '',
      fiat: '',
      pay_method_name: null,
      additional_kyc_verify: 0,
    };
    const { before, changed, key } = read(message(envelope('d', defaults, null)));
    assert.deepEqual([before, changed, key], [{ order_number: '1' }, ['order_number'], { order_number: '1' }]);
  });

  test('one value that is a value shows that the row was logged', () => {
    const { before } = read(message(envelope('d', order('1', { amount: '0', fiat: '' }), null)));
    assert.deepEqual([before?.amount, before?.fiat, before?.asset], ['0', '', 'USDT']);
  });

  test('an update without the old row may have changed every column but the key', () => {
    const { changed } = read(message(envelope('u', null, order('1'))));
    assert.deepEqual(
      changed,
      Object.keys(order('1')).filter((column) => column !== 'order_number'),
    );
  });
});

describe('numbers and times', () => {
  const column = (fields: Row): CdcChange['after'] => read(created('1', { row: fields })).after;
  const typed = (name: string, value: unknown, schema: object): unknown => {
    const row = { ...order('1'), [name]: value };
    const image = { type: 'struct', fields: [field(name, schema)] };
    const fields = [field('before', image), field('after', image)];
    return read(message(withSchema(envelope('c', null, row), { type: 'struct', fields }), { order_number: '1' }))
      .after?.[name];
  };

  test('decimals in each of the handling modes', () => {
    const scale = { type: 'bytes', name: 'org.apache.kafka.connect.data.Decimal', parameters: { scale: '2' } };
    assert.equal(typed('amount', 'A5lh', scale), '2358.73');
    assert.equal(typed('amount', '/w==', scale), '-0.01');
    assert.equal(typed('amount', 'AA==', scale), '0');
    assert.equal(
      typed('amount', { scale: 0, value: 'ZA==' }, { type: 'struct', name: 'io.debezium.data.VariableScaleDecimal' }),
      '100',
    );
    assert.equal(column({ amount: { scale: 3, value: 'ZA==' } })?.amount, '0.1');
    assert.equal(column({ amount: 1.06 })?.amount, '1.06');
    assert.equal(column({ amount: '0E-18' })?.amount, '0');
    assert.equal(
      column({ amount: '12345678901234567890.123456789012345678' })?.amount,
      '12345678901234567890.123456789012345678',
    );
    refused(created('1', { row: { amount: 'NaN' } }), 'after.amount: not a decimal');
    refused(created('1', { row: { amount: 'A5lh' } }), 'after.amount: not a decimal');
  });

  test('a number past 2^53 keeps its digits, a fraction its exact value', () => {
    const text = JSON.stringify(envelope('c', null, order('1', { more: 'BIG', less: 'SMALL', fine: 7 })));
    const value = text.replace('"BIG"', '9007199254740993').replace('"SMALL"', '0.1000000000000000055511151231257827');
    const { after } = read(message(value, { order_number: '1' }));
    assert.deepEqual(
      [after?.more, after?.less, after?.fine],
      ['9007199254740993', '0.1000000000000000055511151231257827', 7],
    );
    const big = read(message(text.replace('"lsn":1000', '"lsn":9007199254740993'), { order_number: '1' }));
    assert.equal(big.lsn, '9007199254740993');
  });

  test('instants in each encoding', () => {
    const micro = { type: 'int64', name: 'io.debezium.time.MicroTimestamp' };
    assert.equal(typed('updated_at', 1_767_806_283_683_652, micro), '2026-01-07T17:18:03.683652Z');
    assert.equal(
      typed('updated_at', 1_767_806_283_683, { type: 'int64', name: 'io.debezium.time.Timestamp' }),
      '2026-01-07T17:18:03.683Z',
    );
    assert.equal(
      typed('updated_at', '2026-01-07T18:18:03.683652+01:00', { name: 'io.debezium.time.ZonedTimestamp' }),
      '2026-01-07T17:18:03.683652Z',
    );
    assert.equal(column({ updated_at: 1_767_806_283_683_652 })?.updated_at, '2026-01-07T17:18:03.683652Z');
    assert.equal(column({ updated_at: 1_767_806_283_683 })?.updated_at, '2026-01-07T17:18:03.683Z');
    assert.equal(column({ updated_at: '2026-01-07 17:18:03+00' })?.updated_at, '2026-01-07T17:18:03.000Z');
    assert.equal(column({ updated_at: '2026-01-07T00:18:03.5+07:00' })?.updated_at, '2026-01-06T17:18:03.500Z');
    for (const none of ['2026-02-30T00:00:00Z', 'infinity', '', 17, '12026-01-01T00:00:00Z']) {
      refused(created('1', { row: { updated_at: none } }), 'after.updated_at: not an instant');
    }
  });

  test('days and times of day', () => {
    assert.equal(typed('more', 10_599, { type: 'int32', name: 'io.debezium.time.Date' }), '1999-01-08');
    assert.equal(typed('more', -1, { type: 'int32', name: 'org.apache.kafka.connect.data.Date' }), '1969-12-31');
    assert.equal(
      typed('more', 14_706_123_456, { type: 'int64', name: 'io.debezium.time.MicroTime' }),
      '04:05:06.123456',
    );
    // past the calendar, as infinity is: as it was said
    assert.equal(typed('more', 2_147_483_647, { type: 'int32', name: 'io.debezium.time.Date' }), '2147483647');
  });
});

describe('what is refused, with the reason', () => {
  const cases: [string, Given, string][] = [
    ['no JSON', message('{"op":', null), 'value: not JSON'],
    ['no UTF-8', { ...created('1'), value: Buffer.from([0x22, 0xff, 0x22]) }, 'value: not JSON'],
    ['no envelope', message('[1]', null), 'value: not an envelope'],
    ['a row without its envelope', message(order('1')), 'op: missing'],
    ['an unknown operation', message(envelope('x', null, order('1'))), 'op: not a known one'],
    ['the name of something inherited', message(envelope('constructor', null, order('1'))), 'op: not a known one'],
    ['another database', created('1', { source: { connector: 'mysql' } }), 'source.connector: not postgresql'],
    ['Avro spelled as JSON', created('1', { source: { lsn: { long: 5 } } }), 'source.lsn: not a number'],
    [
      'a time in seconds',
      created('1', { source: { ts_ms: 1_767_806_283 } }),
      'source.ts_ms: not milliseconds of 2009 to 2100',
    ],
    ['an insert without a row', message(envelope('c', null, null), { order_number: '1' }), 'after: missing'],
    ['an insert with an old row', message(envelope('c', order('1'), order('1'))), 'before: of a new row'],
    ['a delete with a new row', message(envelope('d', order('1'), order('1'))), 'after: of a deleted row'],
    ['a row of text', message({ ...envelope('c', null, null), after: 'x' }, { order_number: '1' }), 'after: not a row'],
    [
      'a key of another row',
      message(envelope('c', null, order('1')), { order_number: '2' }),
      'key: not that of the row',
    ],
    ['no key at all', created('1', { row: { order_number: null } }), 'key.order_number: missing'],
    ['a row that lacks a column', created('1', { row: { fiat: undefined } }), 'after.fiat: missing'],
    ['a number for a text', created('1', { row: { fiat: 7 } }), 'after.fiat: not text'],
    ['text that PostgreSQL can not hold', created('1', { row: { fiat: 'V\u0000' } }), 'after.fiat: text that is none'],
    ['half a surrogate pair', created('1', { row: { more: '\ud83d' } }), 'after: a column: text that is none'],
    [
      'a transaction that goes nowhere',
      message({ status: 'MIDDLE', id: '1:1' }, null),
      'status: neither BEGIN nor END',
    ],
  ];
  for (const [name, given, reason] of cases) test(name, () => refused(given, reason));

  test('a value nested without end', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 40; i++) deep = [deep];
    refused(created('1', { row: { more: deep } }), 'after: a column: nested too deep');
    const deeper = `{"op":"c","after":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    assert.throws(() => readEnvelope(message(deeper, null)), { name: 'BadMessage' });
  });
});
