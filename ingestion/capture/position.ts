/**
 * How far our own reader has come, in ops.watermark: written before the server hears of it, so that a slot which is further
 * on was moved by somebody else, and what it went past was read by nobody.
 */
import { formatLsn, parseLsn } from '../../src/platform/postgres/lsn.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import type { ServerState } from '../../src/platform/postgres/slot.ts';

/** The row of ops.watermark of the reader, and the one that asks for a new snapshot. */
const STEP = 'capture';
const REQUEST = 'capture.request';

export interface Position {
  /** snapshot: the slot was made, or is about to be, and its snapshot is not all in the log; stream: it is. */
  phase: 'snapshot' | 'stream';
  /** Everything before it is in the log. */
  lsn: bigint;
}

interface Stored {
  slot: string;
  phase: Position['phase'];
  lsn: string;
}

/** Where the reader of this slot is; null where there never was one. Throws PostgresUnavailable. */
export async function readPosition(sql: Sql, slot: string): Promise<Position | null> {
  const [row] = await sql.query<{ position: Stored }>('SELECT position FROM ops.watermark WHERE step = $1', [STEP]);
  if (!row || row.position.slot !== slot) return null;
  return { phase: row.position.phase, lsn: parseLsn(row.position.lsn) };
}

/** The reader was superseded by another process. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** Keeps the position. `fence` is the lease's: throws Superseded where another process has, or had, the lease after that. */
export async function writePosition(sql: Sql, slot: string, fence: bigint, { phase, lsn }: Position): Promise<void> {
  const position = JSON.stringify({ slot, phase, lsn: formatLsn(lsn) });
  const rows = await sql.query(
    // held against the lease itself: whoever takes it waits for this to be written
    `INSERT INTO ops.watermark AS w (step, position)
     SELECT $1, $2::jsonb FROM ops.lease WHERE name = 'capture' AND fence = $3::bigint FOR SHARE
     ON CONFLICT (step) DO UPDATE SET position = excluded.position, updated_at = now() RETURNING step`,
    [STEP, position, String(fence)],
  );
  if (rows.length === 0) throw new Superseded('another process captures changes now');
}

/** Asks the reader, in whatever process it runs, for a new slot and a new snapshot. Throws PostgresUnavailable. */
export async function requestSnapshot(sql: Sql): Promise<void> {
  await sql.query(
    `INSERT INTO ops.watermark (step, position) VALUES ($1, '{}') ON CONFLICT (step) DO UPDATE SET updated_at = now()`,
    [REQUEST],
  );
}

/** True where a new snapshot was asked for and is not begun yet. Throws PostgresUnavailable. */
export async function snapshotRequested(sql: Sql): Promise<boolean> {
  return (await sql.query('SELECT 1 FROM ops.watermark WHERE step = $1', [REQUEST])).length > 0;
}

/** The snapshot that was asked for is under way. Throws PostgresUnavailable. */
export async function forgetRequest(sql: Sql): Promise<void> {
  await sql.query('DELETE FROM ops.watermark WHERE step = $1', [REQUEST]);
}

/** What keeps changes from being captured until somebody decides; the names are those of the metric's label. */
export const BROKEN = {
  slot_missing: 'the replication slot is gone, and with it every change since',
  slot_lost: 'the replication slot is invalid: the server has thrown away changes that were not read yet',
  slot_ahead: 'the replication slot was moved while it was not read, and may have passed changes that nobody read',
  slot_foreign: 'there is a replication slot of that name that nothing is known of, or that is for something else',
  log_behind: "the server's log ends before our position: it is another server, or an old copy of it",
  log_refuses: 'the log does not take them, however often they are sent: what it says is in the lines before',
} as const;
export type Broken = keyof typeof BROKEN;

/** What is to be done: a snapshot, reading on, or nothing before somebody has decided. */
export type Verdict = { kind: 'snapshot' } | { kind: 'stream'; from: bigint } | { kind: 'broken'; reason: Broken };

/** Judges the slot by the position that was kept. */
export function judge({ slot, end }: ServerState, position: Position | null): Verdict {
  if (!position) return slot ? { kind: 'broken', reason: 'slot_foreign' } : { kind: 'snapshot' };
  if (slot && !slot.ours) return { kind: 'broken', reason: 'slot_foreign' };
  if (position.phase === 'snapshot') return { kind: 'snapshot' };
  if (!slot) return { kind: 'broken', reason: 'slot_missing' };
  if (slot.lost) return { kind: 'broken', reason: 'slot_lost' };
  if (position.lsn > end) return { kind: 'broken', reason: 'log_behind' };
  if (slot.confirmed > position.lsn) return { kind: 'broken', reason: 'slot_ahead' };
  return { kind: 'stream', from: position.lsn };
}
