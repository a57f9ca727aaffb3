/** What the record of runs needs beside the runs themselves. */
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { interruptTasks } from './record.ts';

/** A run without a job is given this long before it is called lost: it may just have been queued. */
const SETTLE = '1 minute';

const DAY = 86_400_000;

/** Those of the pipelines that have no run in the record. Throws PostgresUnavailable. */
export async function neverRun(sql: Sql, pipelines: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) name
     WHERE NOT EXISTS (SELECT FROM ops.pipeline_run r WHERE r.pipeline = name AND r.task = '')`,
    [pipelines],
  );
  return rows.map(({ name }) => name);
}

/**
 * Ends the runs that nobody will end: their jobs are gone. `open` tells the ids of the jobs there are. Resolves with the ids
 * of those that were ended here, and by no other process. Throws PostgresUnavailable.
 */
export async function loseRuns(sql: Sql, pipeline: string, open: () => Promise<string[]>): Promise<string[]> {
  const runs = await sql.query<{ run_id: string; attempt: number }>(
    `SELECT run_id, attempt FROM ops.pipeline_run WHERE pipeline = $1 AND task = '' AND status IN ('QUEUED', 'RUNNING')
       AND started_at < clock_timestamp() - interval '${SETTLE}'`,
    [pipeline],
  );
  const lost: string[] = [];
  if (runs.length === 0) return lost;
  const alive = new Set(await open());
  for (const { run_id: id, attempt } of runs.filter((run) => !alive.has(run.run_id))) {
    await interruptTasks(sql, id, attempt);
    const ended = await sql.query(
      `UPDATE ops.pipeline_run SET status = 'FAILED', finished_at = clock_timestamp(), error = 'lost: taken up too often'
       WHERE run_id = $1 AND task = '' AND status IN ('QUEUED', 'RUNNING') RETURNING 1`,
      [id],
    );
    if (ended.length > 0) lost.push(id);
  }
  return lost;
}

/** When each pipeline last succeeded (epoch s), and how long that took (s). Throws PostgresUnavailable. */
export function successes(
  sql: Sql,
  pipelines: readonly string[],
): Promise<{ pipeline: string; at: number; seconds: number }[]> {
  return sql.query(
    `SELECT name AS pipeline, extract(epoch FROM r.finished_at)::float8 AS at,
       extract(epoch FROM r.finished_at - r.started_at)::float8 AS seconds
     FROM unnest($1::text[]) name CROSS JOIN LATERAL (
       SELECT started_at, finished_at FROM ops.pipeline_run
       WHERE pipeline = name AND task = '' AND status = 'SUCCEEDED' ORDER BY started_at DESC, id DESC LIMIT 1) r`,
    [pipelines],
  );
}

/** Drops runs that ended more than `days` before `now` (epoch ms); the newest one of each pipeline stays. Resolves with how many rows. */
export async function dropOldRuns(sql: Sql, days: number, now: number): Promise<number> {
  const rows = await sql.query(
    `DELETE FROM ops.pipeline_run r USING ops.pipeline_run run
     WHERE run.run_id = r.run_id AND run.task = '' AND run.finished_at < $1
       AND EXISTS (SELECT FROM ops.pipeline_run n
         WHERE n.pipeline = run.pipeline AND n.task = '' AND (n.started_at, n.id) > (run.started_at, run.id))
     RETURNING 1`,
    [new Date(now - days * DAY)],
  );
  return rows.length;
}
