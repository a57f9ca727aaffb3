/**
 * How far a worker's tables are true, written in the transaction that makes them so. It doubles as a fence: who comes with
 * an offset that is already behind the checkpoint has lost the partition to somebody else and must not write.
 */
import type { TopicPartition } from '../../src/platform/broker/broker.ts';
import type { Platform } from '../../src/platform/platform.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { logId } from './log-id.ts';
import { StaleBatch } from './stale.ts';

export interface Checkpoint {
  /** First offset that the tables do not have. */
  next: bigint;
  /**
   * Where to read from: the last message before `next`, where there is one. It is done, but having read it the group
   * learns how far we are, which it does not know after a crash between the tables and the commit.
   */
  from: bigint;
  /** What was saved with it; null where nothing was. */
  state: unknown;
}

/**
 * Where to go on; null where nothing is known of this log, or what is known can't be of it. A checkpoint behind the
 * log's start is moved to it, and `onLost` is told.
 */
export async function loadCheckpoint(
  platform: Platform,
  group: string,
  { topic, partition }: TopicPartition,
  onLost: (wanted: bigint, resumedAt: bigint) => void,
): Promise<Checkpoint | null> {
  const log = logId(platform);
  const [row] = await platform.postgres.query<{ next: string; state: unknown }>(
    `SELECT next_offset AS next, state FROM ops.checkpoint
     WHERE group_name = $1 AND topic = $2 AND partition = $3 AND log = $4`,
    [group, topic, partition, log],
  );
  if (!row) return null;
  const next = BigInt(row.next);
  const known = (await platform.broker.watermarks(topic)).find((w) => w.partition === partition);
  if (!known || (next >= known.low && next <= known.high))
    return { next, from: known && next > known.low ? next - 1n : next, state: row.state };
  onLost(next, known.low);
  if (next > known.high) {
    // the topic was made anew: its offsets say nothing about these messages
    await platform.postgres.query(
      'DELETE FROM ops.checkpoint WHERE group_name = $1 AND topic = $2 AND partition = $3',
      [group, topic, partition],
    );
  }
  return { next: known.low, from: known.low, state: row.state };
}

/** Advances the checkpoint; `state` is whatever JSON must be known to go on from there. Throws StaleBatch where another owner is already there: roll back then. */
export async function saveCheckpoint(
  sql: Sql,
  log: string,
  group: string,
  { topic, partition }: TopicPartition,
  next: bigint,
  state: unknown = null,
): Promise<void> {
  const rows = await sql.query(
    `INSERT INTO ops.checkpoint AS c (group_name, topic, partition, next_offset, log, state, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, now())
     ON CONFLICT (group_name, topic, partition)
       DO UPDATE SET next_offset = excluded.next_offset, log = excluded.log, state = excluded.state, updated_at = excluded.updated_at
       WHERE c.log <> excluded.log OR c.next_offset < excluded.next_offset
     RETURNING 1`,
    [group, topic, partition, String(next), log, state === null ? null : JSON.stringify(state)],
  );
  if (rows.length === 0) throw new StaleBatch('another member of the group is ahead');
}
