/** What is kept of runs: ops.pipeline_run. Every write may be repeated. */
import { type RunStatus, WHOLE_RUN } from '../../schema/pipelines.ts';
import type { Postgres, Sql } from '../../src/platform/postgres/postgres.ts';
import type { TaskResult } from '../task.ts';
import { INTERRUPTED } from './reason.ts';

export type Outcome = Extract<RunStatus, 'SUCCEEDED' | 'FAILED' | 'SKIPPED'>;

/** What is known of a task from attempts before. */
export interface Past {
  /** Attempts begun. */
  attempts: number;
  /** Those of them that failed by themselves. */
  failed: number;
  succeeded: boolean;
}

interface Known {
  /** Null while the run is to be gone on with. */
  outcome: Outcome | null;
  /** How often it was taken up: the fence of what its owner writes about it. */
  attempt: number;
  past: Map<string, Past>;
}

/** Begins a run or takes it up again; what was running ended with its process. */
export function beginRun(postgres: Postgres, runId: string, pipeline: string): Promise<Known> {
  return postgres.transaction(async (sql) => {
    const [run] = await sql.query<{ status: RunStatus; attempt: number }>(
      `INSERT INTO ops.pipeline_run AS r (run_id, pipeline, task, attempt, status, started_at)
       VALUES ($1, $2, '', 1, 'RUNNING', clock_timestamp())
       ON CONFLICT (run_id) WHERE task = '' DO UPDATE SET
         status = CASE WHEN r.status IN ('QUEUED', 'RUNNING') THEN 'RUNNING' ELSE r.status END,
         attempt = r.attempt + (r.status = 'RUNNING')::int,
         started_at = CASE r.status WHEN 'QUEUED' THEN excluded.started_at ELSE r.started_at END
       RETURNING status, attempt`,
      [runId, pipeline],
    );
    const outcome = run && run.status !== 'RUNNING' && run.status !== 'QUEUED' ? run.status : null;
    const attempt = run?.attempt ?? 1;
    if (outcome === null) await interruptTasks(sql, runId, attempt);
    const rows = await sql.query<{ task: string } & Past>(
      `SELECT task, coalesce(max(attempt) FILTER (WHERE status <> 'SKIPPED'), 0) AS attempts, count(*) FILTER (WHERE status = 'FAILED' AND error <> $3)::int AS failed,
         bool_or(status = 'SUCCEEDED') AS succeeded
       FROM ops.pipeline_run WHERE run_id = $1 AND task <> $2 GROUP BY task`,
      [runId, WHOLE_RUN, INTERRUPTED],
    );
    return { outcome, attempt, past: new Map(rows.map(({ task, ...past }) => [task, past])) };
  });
}

/** Says of the run's tasks under way that they were cut off, unless the run was taken up once more than `attempt` times. */
export async function interruptTasks(sql: Sql, runId: string, attempt: number): Promise<void> {
  await sql.query(
    `UPDATE ops.pipeline_run SET status = 'FAILED', error = $3, finished_at = clock_timestamp()
     WHERE run_id = $1 AND task <> $2 AND status = 'RUNNING'
       AND EXISTS (SELECT FROM ops.pipeline_run r WHERE r.run_id = $1 AND r.task = $2 AND r.attempt = $4)`,
    [runId, WHOLE_RUN, INTERRUPTED, attempt],
  );
}

export interface Attempt {
  runId: string;
  pipeline: string;
  task: string;
  attempt: number;
}

export async function beginTask(sql: Sql, { runId, pipeline, task, attempt }: Attempt): Promise<void> {
  await sql.query(
    `INSERT INTO ops.pipeline_run (run_id, pipeline, task, attempt, status, started_at)
     VALUES ($1, $2, $3, $4, 'RUNNING', clock_timestamp()) ON CONFLICT DO NOTHING`,
    [runId, pipeline, task, attempt],
  );
}

/** How far it is. */
export async function tellProgress(
  sql: Sql,
  { runId, task, attempt }: Attempt,
  done: number,
  total: number | null,
): Promise<void> {
  await sql.query(
    `UPDATE ops.pipeline_run SET done = $4, total = $5
     WHERE run_id = $1 AND task = $2 AND attempt = $3 AND status = 'RUNNING'`,
    [runId, task, attempt, Math.round(done), total === null ? null : Math.round(total)],
  );
}

/** Null result: it failed, for `error`. An attempt that was called interrupted meanwhile stays that. */
export async function endTask(
  sql: Sql,
  { runId, task, attempt }: Attempt,
  result: TaskResult | null,
  error: string | null,
): Promise<void> {
  await sql.query(
    `UPDATE ops.pipeline_run SET status = $4, finished_at = clock_timestamp(), rows_in = $5, rows_out = $6, error = $7
     WHERE run_id = $1 AND task = $2 AND attempt = $3 AND status = 'RUNNING'`,
    [runId, task, attempt, result ? 'SUCCEEDED' : 'FAILED', result?.rowsIn ?? null, result?.rowsOut ?? null, error],
  );
}

/** A task that is left out, as what it needs failed. */
export async function skipTask(sql: Sql, { runId, pipeline, task, attempt }: Attempt, error: string): Promise<void> {
  await sql.query(
    `INSERT INTO ops.pipeline_run (run_id, pipeline, task, attempt, status, started_at, finished_at, error)
     VALUES ($1, $2, $3, $4, 'SKIPPED', clock_timestamp(), clock_timestamp(), $5) ON CONFLICT DO NOTHING`,
    [runId, pipeline, task, attempt, error],
  );
}

/** The end of the run; rows are what its tasks moved in all. */
export async function endRun(sql: Sql, runId: string, outcome: Outcome, error: string | null): Promise<void> {
  await sql.query(
    `UPDATE ops.pipeline_run r SET status = $3, error = $4, finished_at = clock_timestamp(), rows_in = t.rows_in, rows_out = t.rows_out
     FROM (SELECT sum(rows_in)::bigint AS rows_in, sum(rows_out)::bigint AS rows_out FROM ops.pipeline_run
       WHERE run_id = $1 AND task <> $2 AND status = 'SUCCEEDED') t
     WHERE r.run_id = $1 AND r.task = $2 AND r.status IN ('QUEUED', 'RUNNING')`,
    [runId, WHOLE_RUN, outcome, error],
  );
}
