/** Dead letters whose time has passed. Their bytes may be in `<topic>.dlq` for longer: that is the topic's own retention. */
import type { Sql } from '../../src/platform/postgres/postgres.ts';

const DAY = 86_400_000;
/** Rows of one statement: short enough for its bound on time, and for those who write meanwhile. */
const BATCH = 5_000;

/**
 * Deletes the rows of ops.dead_letter that were written more than `days` before `now` (epoch ms), the oldest first. Resolves
 * with how many. Throws PostgresUnavailable; what was deleted by then stays so.
 */
export async function dropOldDeadLetters(postgres: Sql, days: number, now: number): Promise<number> {
  const before = new Date(now - days * DAY);
  for (let dropped = 0; ; ) {
    const [gone] = await postgres.query<{ count: number }>(
      `WITH gone AS (
         DELETE FROM ops.dead_letter WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM ops.dead_letter WHERE at < $1 ORDER BY at LIMIT ${BATCH})) RETURNING 1)
       SELECT count(*)::int AS count FROM gone`,
      [before],
    );
    const count = gone?.count ?? 0;
    dropped += count;
    if (count < BATCH) return dropped;
  }
}
