/**
 * Time partitions of the big tables: made when a row needs one, dropped when their time has passed. Boundaries are UTC.
 */
import type { Sql } from './postgres.ts';

export type PartitionUnit = 'day' | 'month';

/** First millisecond of the unit that holds `time`, and of the next one. */
export function partitionBounds(unit: PartitionUnit, time: number): { from: number; to: number } {
  const at = new Date(time);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  return unit === 'day'
    ? { from: Date.UTC(year, month, day), to: Date.UTC(year, month, day + 1) }
    : { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
}

/** `silver.trade` of 2026-01-31 → `silver.trade_20260131`; by month `gold.kline_202601`. */
export function partitionName(table: string, unit: PartitionUnit, time: number): string {
  const stamp = new Date(partitionBounds(unit, time).from).toISOString().slice(0, 10).replaceAll('-', '');
  return `${table}_${unit === 'day' ? stamp : stamp.slice(0, 6)}`;
}

// Made apart and attached, because ATTACH does not block readers and writers of the table as PARTITION OF does.
// The advisory lock keeps two processes from making the same one at once.
function createStatement(table: string, unit: PartitionUnit, time: number): string {
  const name = partitionName(table, unit, time);
  const { from, to } = partitionBounds(unit, time);
  const bound = (ms: number) => `'${new Date(ms).toISOString()}'`;
  return `DO $$ BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('${name}'));
    IF to_regclass('${name}') IS NULL THEN
      CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL);
      ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${bound(from)}) TO (${bound(to)});
    END IF;
  END $$`;
}

/** What this process has seen to exist, per connection pool, so that a batch costs no look-up. */
const known = new WeakMap<Sql, Set<string>>();

function knownTo(sql: Sql): Set<string> {
  const names = known.get(sql) ?? new Set();
  known.set(sql, names);
  return names;
}

/**
 * Makes the partitions of `table` that rows at `times` (epoch ms) need. `table` and the name built from it go into the
 * statement as they are: they come from our own declarations. Call it outside the transaction that writes the rows.
 */
export async function ensurePartitions(
  sql: Sql,
  table: string,
  unit: PartitionUnit,
  times: Iterable<number>,
): Promise<void> {
  const seen = knownTo(sql);
  const wanted = new Map<string, number>();
  for (const time of times) wanted.set(partitionName(table, unit, time), time);
  for (const [name, time] of wanted) {
    if (seen.has(name)) continue;
    await sql.query(createStatement(table, unit, time));
    seen.add(name);
  }
}

/** Forgets what exists: after an insert found no partition because retention had dropped it. */
export function forgetPartitions(sql: Sql): void {
  known.delete(sql);
}

/** Drops the partitions of `table` whose every row is older than `before` (epoch ms). Resolves with their names. */
export async function dropPartitionsBefore(
  sql: Sql,
  table: string,
  unit: PartitionUnit,
  before: number,
): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1`,
    [table],
  );
  const limit = partitionName(table, unit, before);
  // names of one unit have one length, so text order is time order; a partition that holds `before` stays
  const old = rows.map((r) => r.name).filter((name) => name.length === limit.length && name < limit);
  for (const name of old) await sql.query(`DROP TABLE IF EXISTS ${name}`);
  if (old.length > 0) forgetPartitions(sql);
  return old;
}
