/** Captured changes whose time has passed. The newest of each row stays: what comes next is held against it. */
import { CDC_TABLES } from '../../schema/cdc.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

const DAY = 86_400_000;
/** Records looked at by one statement: short enough for its bound on time, and for those who write meanwhile. */
const BATCH = 5_000;

interface Step {
  looked: number;
  dropped: number;
  /** Where the next one goes on: the last one looked at. */
  time: string | null;
  seq: string | null;
}

/**
 * Deletes the records that were committed and captured more than `days` before `now` (epoch ms) and that a newer one of the
 * same row follows. What has no key (TRUNCATE) stays. Resolves with how many. Throws PostgresUnavailable; what was deleted
 * by then stays so.
 */
export async function dropOldRecords(postgres: Sql, days: number, now: number): Promise<number> {
  const before = new Date(now - days * DAY);
  let dropped = 0;
  for (const table of Object.keys(CDC_TABLES)) {
    let from: [time: string, seq: string] = ['-infinity', '0'];
    for (;;) {
      const [step] = await postgres.query<Step>(
        `WITH old AS (
           SELECT ctid AS place, seq, source_time, received_at < $2 AND EXISTS (SELECT FROM silver.cdc_record n
             WHERE n.table_name = r.table_name AND n.key_text = r.key_text AND n.seq > r.seq) AS is_followed
           FROM silver.cdc_record r WHERE table_name = $1 AND source_time < $2
             AND source_time >= $3::timestamptz AND (source_time, seq) > ($3::timestamptz, $4::bigint)
           ORDER BY source_time, seq LIMIT ${BATCH}),
         gone AS (
           DELETE FROM silver.cdc_record WHERE ctid = ANY(ARRAY(SELECT place FROM old WHERE is_followed)) RETURNING 1),
         last AS (SELECT source_time, seq FROM old ORDER BY source_time DESC, seq DESC LIMIT 1)
         SELECT (SELECT count(*)::int FROM old) AS looked, (SELECT count(*)::int FROM gone) AS dropped,
           (SELECT source_time::text FROM last) AS time, (SELECT seq::text FROM last) AS seq`,
        [table, before, ...from],
      );
      dropped += step?.dropped ?? 0;
      if (!step?.time || !step.seq || step.looked < BATCH) break;
      from = [step.time, step.seq];
    }
  }
  return dropped;
}
