/** What is known of a slot that somebody else reads, in ops.watermark: for all processes that watch it, and after a restart. */
import { C2C_ORDER_TABLE } from '../../schema/cdc.ts';
import { formatLsn, parseLsn } from '../../src/platform/postgres/lsn.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

const STEP = 'capture.watch';

export interface Watched {
  /** Where it was when nobody read it any more; null while somebody does. */
  left: bigint | null;
  /** It was moved while nobody read it, and no operator has said that this was seen. */
  ahead: boolean;
}

/** Null where this slot was never watched. Throws PostgresUnavailable. */
export async function readWatched(sql: Sql, slot: string): Promise<Watched | null> {
  const [row] = await sql.query<{ left: string | null; ahead: boolean }>(
    `SELECT position->>'left' AS left, (position->>'ahead')::boolean AS ahead
     FROM ops.watermark WHERE step = $1 AND position->>'slot' = $2`,
    [STEP, slot],
  );
  return row ? { left: row.left === null ? null : parseLsn(row.left), ahead: row.ahead } : null;
}

/**
 * Keeps what was seen. `ahead` null: as it is, for another process may have found it, or an operator called it off. Throws
 * PostgresUnavailable.
 */
export async function keepWatched(sql: Sql, slot: string, left: bigint | null, ahead: boolean | null): Promise<void> {
  const position = JSON.stringify({ slot, left: left === null ? null : formatLsn(left), ahead: ahead ?? false });
  await sql.query(
    `INSERT INTO ops.watermark AS w (step, position) VALUES ($1, $2::jsonb)
     ON CONFLICT (step) DO UPDATE SET updated_at = now(), position = excluded.position
       || CASE WHEN $3::boolean OR w.position->>'slot' <> excluded.position->>'slot' THEN '{}'
          ELSE jsonb_build_object('ahead', w.position->'ahead') END`,
    [STEP, position, ahead !== null],
  );
}

/** An operator has seen that a slot was moved: the alarm ends. Throws PostgresUnavailable. */
export async function callOff(sql: Sql): Promise<void> {
  await sql.query(
    `UPDATE ops.watermark SET position = position || '{"ahead": false}', updated_at = now() WHERE step = $1`,
    [STEP],
  );
}

/** True where changes were captured, or the slot was watched, by whatever process. Throws PostgresUnavailable. */
export async function wasCaptured(sql: Sql, slot: string): Promise<boolean> {
  const [row] = await sql.query<{ was: boolean }>(
    `SELECT EXISTS (SELECT FROM ops.watermark WHERE step = $1 AND position->>'slot' = $2)
       OR EXISTS (SELECT FROM silver.cdc_record WHERE table_name = $3) AS was`,
    [STEP, slot, C2C_ORDER_TABLE],
  );
  return row?.was ?? false;
}
