import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { getMetadataArgsStorage } from 'typeorm';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { openTestDatabase } from '../../support/postgres.ts';

interface Column {
  name: string;
  type: string;
  nullable: boolean;
  default: string | null;
  /** Place in the primary key, from 1. */
  key: number | null;
}

const folder = new URL('../../../schema/gold/', import.meta.url);
const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'));

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

/** The columns that a class declares. */
function declared(target: unknown): Column[] {
  let key = 0;
  return getMetadataArgsStorage()
    .columns.filter((column) => column.target === target)
    .map(({ options }) => {
      const value = options.default as (() => string) | undefined;
      return {
        name: String(options.name),
        type: options.type === 'timestamptz' ? 'timestamp with time zone' : String(options.type),
        nullable: options.nullable ?? false,
        default: value?.() ?? null,
        key: options.primary ? ++key : null,
      };
    });
}

for (const file of files) {
  const exported = (await import(new URL(file, folder).href)) as Record<string, unknown>;
  for (const [name, target] of Object.entries(exported)) {
    const table = getMetadataArgsStorage().tables.find((one) => one.target === target);
    test(`the class ${name} (schema/gold/${file}) is the table of the migrations, column by column`, async () => {
      assert.ok(table, 'every export of schema/gold is a table');
      assert.equal(table.schema, 'gold');
      const rows = await database.postgres.query<Column>(
        `SELECT c.column_name AS name, c.data_type AS type, c.is_nullable = 'YES' AS nullable, c.column_default AS default,
                k.ordinal_position AS key
         FROM information_schema.columns c
         LEFT JOIN information_schema.table_constraints t
           ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY'
         LEFT JOIN information_schema.key_column_usage k
           ON k.constraint_name = t.constraint_name AND k.table_schema = c.table_schema AND k.table_name = c.table_name
             AND k.column_name = c.column_name
         WHERE c.table_schema = $1 AND c.table_name = $2 ORDER BY c.ordinal_position`,
        [table.schema, table.name],
      );
      assert.ok(rows.length > 0, `gold.${table.name} is not in the database`);
      assert.deepEqual(declared(target), rows);
    });
  }
}
