/**
 * How far a step that reads one table and fills another has come: ops.watermark. Rows are read in the order of the
 * transactions that wrote them (a column xid8 of theirs), not of a clock: a transaction that began earlier may commit later,
 * and a row of it must not be passed by. What a step may leave behind for good is what was written before the horizon, the
 * oldest transaction that was still under way when the step began to read; everything from there on it reads again next
 * time, which changes nothing.
 */
import type { Sql } from './postgres.ts';

export interface Horizon {
  /** Of the database cluster: numbers of transactions mean nothing in another one, into which a backup was restored. */
  readonly system: string;
  /** Everything written by a transaction with a smaller number is there to be read, or never will be. */
  readonly tx: string;
}

/** The horizon now. Take it before reading. */
export async function horizonOf(sql: Sql): Promise<Horizon> {
  const [row] = await sql.query<Horizon>(
    'SELECT system_identifier::text AS system, pg_snapshot_xmin(pg_current_snapshot())::text AS tx FROM pg_control_system()',
  );
  if (!row) throw new Error('no horizon');
  return row;
}

/**
 * What the step wrote down last, null where it begins anew. Until the transaction ends, no other process gets past here
 * with the same step.
 */
export async function lockProgress<Position extends object>(sql: Sql, step: string): Promise<Position | null> {
  await sql.query("INSERT INTO ops.watermark (step, position) VALUES ($1, '{}') ON CONFLICT (step) DO NOTHING", [step]);
  const [row] = await sql.query<{ position: Position }>(
    'SELECT position FROM ops.watermark WHERE step = $1 FOR UPDATE',
    [step],
  );
  return row && Object.keys(row.position).length > 0 ? row.position : null;
}

/** Writes down how far the step has come, in the transaction that got it there. */
export async function saveProgress(sql: Sql, step: string, position: object): Promise<void> {
  await sql.query('UPDATE ops.watermark SET position = $2, updated_at = now() WHERE step = $1', [
    step,
    JSON.stringify(position),
  ]);
}
