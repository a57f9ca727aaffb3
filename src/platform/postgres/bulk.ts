/**
 * Bulk upserts: a table is declared once, rows go in as one array per column (`unnest`), so that a batch is one statement
 * of fixed text whatever its size, far from the limit on parameters.
 */
import { ensurePartitions, forgetPartitions, type PartitionUnit } from './partitions.ts';
import type { Sql } from './postgres.ts';

type ColumnType = 'text' | 'numeric' | 'integer' | 'bigint' | 'boolean' | 'timestamptz' | 'jsonb' | 'bytea' | 'float8';

export interface BulkTable<Row> {
  readonly table: string;
  /** Column → its type and value. Times are epoch ms, decimals text, jsonb is JSON text. */
  readonly columns: Readonly<Record<string, readonly [ColumnType, (row: Row) => unknown]>>;
  readonly key: readonly string[];
  /**
   * Columns that rank versions of one key: a row replaces the stored one only when it ranks higher, compared in this
   * order. Null where rows of one key are the same for good.
   */
  readonly version: readonly string[] | null;
  readonly partition?: { readonly unit: PartitionUnit; time(row: Row): number };
}

/** The statement of a table: one array parameter per column, in the order of the declaration; answers `{ n }`. */
export function upsertStatement<Row>({ table, columns, key, version }: BulkTable<Row>): string {
  const names = Object.keys(columns);
  const list = names.join(', ');
  const arrays = names.map((name, i) => `$${i + 1}::${columns[name]?.[0]}[]`).join(', ');
  const rank = (of: string) => `(${(version ?? []).map((name) => `${of}.${name}`).join(', ')})`;
  const conflict = version
    ? `DO UPDATE SET ${names
        .filter((name) => !key.includes(name))
        .map((name) => `${name} = excluded.${name}`)
        .join(', ')} WHERE ${rank('excluded')} > ${rank('t')}`
    : 'DO NOTHING';
  return `WITH written AS (
    INSERT INTO ${table} AS t (${list}) SELECT * FROM unnest(${arrays}) ON CONFLICT (${key.join(', ')}) ${conflict} RETURNING 1
  ) SELECT count(*)::int AS n FROM written`;
}

function cell(type: ColumnType, value: unknown): unknown {
  return type === 'timestamptz' && typeof value === 'number' ? new Date(value).toISOString() : value;
}

/** One row per key: the one that ranks highest, the first of equals. Postgres refuses to update a row twice at once. */
export function collapse<Row>({ columns, key, version }: BulkTable<Row>, rows: readonly Row[]): Row[] {
  const value = (row: Row, name: string) => columns[name]?.[1](row);
  const newer = (a: Row, b: Row): boolean => {
    for (const name of version ?? []) {
      const [x, y] = [value(a, name), value(b, name)] as [number | boolean, number | boolean];
      if (x !== y) return x > y;
    }
    return false;
  };
  const best = new Map<string, Row>();
  for (const row of rows) {
    const id = JSON.stringify(key.map((name) => value(row, name)));
    const other = best.get(id);
    if (other === undefined || newer(row, other)) best.set(id, row);
  }
  // one order for everybody: two writers that lock the same rows do not deadlock
  return [...best.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/**
 * Writes the rows in one statement; of several versions of one key the highest stays. Resolves with how many rows changed.
 * Partitions must exist, see `writeRows`. Throws what the database says.
 */
export async function bulkUpsert<Row>(sql: Sql, table: BulkTable<Row>, rows: readonly Row[]): Promise<number> {
  if (rows.length === 0) return 0;
  const unique = collapse(table, rows);
  const arrays = Object.values(table.columns).map(([type, of]) => unique.map((row) => cell(type, of(row))));
  const [answer] = await sql.query<{ n: number }>(upsertStatement(table), arrays);
  return answer?.n ?? 0;
}

/** SQLSTATE check_violation: what an insert without a partition for its row says. */
const NO_PARTITION = '23514';

/** `bulkUpsert` that makes the partitions it needs. Not for use inside a transaction. */
export async function writeRows<Row>(sql: Sql, table: BulkTable<Row>, rows: readonly Row[]): Promise<number> {
  await ensureRowPartitions(sql, table, rows);
  try {
    return await bulkUpsert(sql, table, rows);
  } catch (error) {
    if ((error as { code?: string }).code !== NO_PARTITION || !table.partition) throw error;
    // retention dropped it since we saw it
    forgetPartitions(sql);
    await ensureRowPartitions(sql, table, rows);
    return bulkUpsert(sql, table, rows);
  }
}

/** Makes the partitions that the rows need; call before a transaction that uses `bulkUpsert`. */
export async function ensureRowPartitions<Row>(sql: Sql, table: BulkTable<Row>, rows: readonly Row[]): Promise<void> {
  const { partition } = table;
  if (partition) await ensurePartitions(sql, table.table, partition.unit, rows.map(partition.time));
}
