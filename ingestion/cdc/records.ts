/** silver.cdc_record: every change once, in the order of the log. */
import type { CdcChange, CdcRow } from '../../schema/cdc.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

/** A key as text; null where there is none. */
export function keyText(key: CdcRow | null): string | null {
  return json(key);
}

const COLUMNS: Readonly<Record<string, readonly [type: string, of: (change: CdcChange) => unknown]>> = {
  id: ['text', (c) => c.id],
  table_name: ['text', (c) => c.table],
  op: ['text', (c) => c.op],
  key_text: ['text', (c) => keyText(c.key)],
  key: ['jsonb', (c) => json(c.key)],
  related_key: ['jsonb', (c) => json(c.relatedKey)],
  before: ['jsonb', (c) => json(c.before)],
  after: ['jsonb', (c) => json(c.after)],
  changed: ['jsonb', (c) => json(c.changed)],
  unchanged: ['jsonb', (c) => json(c.unchanged)],
  lsn: ['bigint', (c) => c.lsn],
  tx_id: ['bigint', (c) => c.txId],
  position: ['bigint', (c) => c.position],
  snapshot: ['text', (c) => c.snapshot],
  source_time: ['timestamptz', (c) => new Date(c.eventTime).toISOString()],
};
const NAMES = Object.keys(COLUMNS).join(', ');
const ARRAYS = Object.values(COLUMNS).map(([type], i) => `$${i + 1}::${type}[]`);

// identities are given out in the order of the select
const INSERT = `INSERT INTO silver.cdc_record (${NAMES}, received_at)
  SELECT ${NAMES}, now() FROM unnest(${ARRAYS.join(', ')}) WITH ORDINALITY AS g (${NAMES}, n) ORDER BY n
  ON CONFLICT (id) DO NOTHING RETURNING id`;

/** Writes the changes that are not there yet, in their order. Resolves with those; each once. */
export async function addRecords(sql: Sql, changes: readonly CdcChange[]): Promise<CdcChange[]> {
  const unique = new Map<string, CdcChange>();
  for (const change of changes) if (!unique.has(change.id)) unique.set(change.id, change);
  if (unique.size === 0) return [];
  const all = [...unique.values()];
  const rows = await sql.query<{ id: string }>(
    INSERT,
    Object.values(COLUMNS).map(([, of]) => all.map(of)),
  );
  const added = new Set(rows.map(({ id }) => id));
  return all.filter(({ id }) => added.has(id));
}

/** A row in one text, as whatever it was named when. */
const idOf = (table: string, key: string | null): string => `${table} ${key}`;

/** Newest image of each of the rows, by their ids. Those never captured are left out. */
async function newestImages(
  sql: Sql,
  rows: readonly (readonly [table: string, key: CdcRow])[],
): Promise<Map<string, CdcRow>> {
  const found = await sql.query<{ table: string; key: string; after: CdcRow }>(
    `SELECT w.table_name AS table, w.key_text AS key, r.after
     FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS w (table_name, key_text)) w
     CROSS JOIN LATERAL (SELECT after FROM silver.cdc_record r
       WHERE r.table_name = w.table_name AND r.key_text = w.key_text AND after IS NOT NULL ORDER BY seq DESC LIMIT 1) r`,
    [rows.map(([table]) => table), rows.map(([, key]) => keyText(key))],
  );
  return new Map(found.map(({ table, key, after }) => [idOf(table, key), after]));
}

/** The change with what `image` knows of the values that were not sent. */
function filled(change: CdcChange, image: CdcRow | undefined): CdcChange {
  const { after, unchanged } = change;
  const known = after && image ? unchanged.filter((column) => Object.hasOwn(image, column)) : [];
  if (known.length === 0) return change;
  return {
    ...change,
    after: { ...after, ...Object.fromEntries(known.map((column) => [column, image?.[column]])) },
    unchanged: unchanged.filter((column) => !known.includes(column)),
  };
}

/**
 * The changes with the values that were not sent (TOAST) taken from what was captured of their rows before, under this key
 * or the one they had. What was never captured stays left out and named in `unchanged`.
 */
export async function withKnownValues(sql: Sql, changes: readonly CdcChange[]): Promise<readonly CdcChange[]> {
  const thin = changes.filter(({ unchanged }) => unchanged.length > 0);
  const keysOf = ({ key, relatedKey }: CdcChange): CdcRow[] => [key, relatedKey].filter((one) => one !== null);
  if (thin.length === 0) return changes;
  const images = await newestImages(
    sql,
    thin.flatMap((change) => keysOf(change).map((key) => [change.table, key] as const)),
  );
  return changes.map((change) => {
    const [own, other] = keysOf(change).map((key) => idOf(change.table, keyText(key)));
    const whole = filled(filled(change, images.get(own ?? '')), images.get(other ?? ''));
    if (whole.after && own) images.set(own, whole.after);
    return whole;
  });
}
