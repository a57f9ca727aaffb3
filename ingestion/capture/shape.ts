/** What a captured table looks like: its columns in order, and which of them are its key. */
import type { Sql } from '../../src/platform/postgres/postgres.ts';

export interface TableShape {
  schema: string;
  table: string;
  columns: readonly { name: string; typeOid: number; nullable: boolean; hasDefault: boolean }[];
  /** Columns of the primary key; empty where the table has none. */
  key: readonly string[];
}

interface Described {
  name: string;
  nullable: boolean;
  has_default: boolean;
  in_key: boolean;
}

/**
 * The shape of a table whose columns (in the log's order) are given: the log has no primary key and does not say what may be
 * null. A column that is gone meanwhile may be null. Throws PostgresUnavailable.
 */
export async function readShape(
  sql: Sql,
  { schema, name }: { schema: string; name: string },
  columns: readonly { name: string; typeOid: number }[],
): Promise<TableShape> {
  const described = await sql.query<Described>(
    `SELECT a.attname AS name, NOT a.attnotnull AS nullable, a.atthasdef AS has_default,
       coalesce(a.attnum = ANY (i.indkey), false) AS in_key
     FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
     WHERE a.attrelid = to_regclass(format('%I.%I', $1::text, $2::text)) AND a.attnum > 0 AND NOT a.attisdropped`,
    [schema, name],
  );
  const known = new Map(described.map((one) => [one.name, one]));
  return {
    ...{ schema, table: name },
    columns: columns.map(({ name: column, typeOid }) => {
      const one = known.get(column);
      return { name: column, typeOid, nullable: one?.nullable ?? true, hasDefault: one?.has_default ?? false };
    }),
    key: columns.map((one) => one.name).filter((column) => known.get(column)?.in_key),
  };
}
