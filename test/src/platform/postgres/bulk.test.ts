import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BulkTable, collapse, upsertStatement } from '../../../../src/platform/postgres/bulk.ts';

interface Row {
  id: string;
  closed: boolean;
  at: number;
}

const table: BulkTable<Row> = {
  table: 'a.b',
  columns: {
    id: ['text', (r) => r.id],
    closed: ['boolean', (r) => r.closed],
    at: ['timestamptz', (r) => r.at],
  },
  key: ['id'],
  version: ['closed', 'at'],
};
const flat = (sql: string): string => sql.replace(/\s+/g, ' ');

describe('bulk upsert', () => {
  test('is one statement of arrays, whose higher version wins', () => {
    assert.match(
      flat(upsertStatement(table)),
      /INSERT INTO a\.b AS t \(id, closed, at\) SELECT \* FROM unnest\(\$1::text\[\], \$2::boolean\[\], \$3::timestamptz\[\]\) ON CONFLICT \(id\) DO UPDATE SET closed = excluded\.closed, at = excluded\.at WHERE \(excluded\.closed, excluded\.at\) > \(t\.closed, t\.at\)/,
    );
    assert.match(flat(upsertStatement({ ...table, version: null })), /ON CONFLICT \(id\) DO NOTHING/);
  });

  test('keeps the highest version of each key, the first of equals, keys in one order', () => {
    const rows: Row[] = [
      { id: 'b', closed: false, at: 9 },
      { id: 'a', closed: false, at: 1 },
      { id: 'b', closed: true, at: 2 },
      { id: 'b', closed: true, at: 2 },
      { id: 'b', closed: false, at: 99 },
    ];
    assert.deepEqual(collapse(table, rows), [rows[1], rows[2]]);
    assert.equal(collapse(table, rows)[1], rows[2]);
  });
});
