/** Runs of pipelines, from ops.pipeline_run. */
import type { PipelineRun } from '../schema/graphql/pipeline.ts';
import type { Sql } from '../src/platform/postgres/postgres.ts';
import type { Role } from '../src/platform/setting.ts';
import { required } from './availability.ts';

/** Greatest GraphQL Int. */
const MAX_INT = 2_147_483_647;
/** What those see in the place of a reason who may not run anything. */
const MASKED = 'failed; the reason is shown to admins';

const int = (column: string, name: string): string =>
  `CASE WHEN ${column} > ${MAX_INT} THEN ${MAX_INT} ELSE ${column} END::int AS "${name}"`;

const COLUMNS = `id::text, run_id AS "runId", pipeline, task, status, started_at AS "startedAt", finished_at AS "finishedAt",
  ${int('rows_in', 'rowsIn')}, ${int('rows_out', 'rowsOut')}, ${int('done', 'done')}, ${int('total', 'total')}, error, attempt`;

function shownTo(role: Role, run: PipelineRun): PipelineRun {
  const masked = run.status === 'FAILED' && run.error !== null && role !== 'admin';
  return masked ? { ...run, error: MASKED } : run;
}

/** The newest rows, newest first; only of `pipeline` where that is given. */
export async function newestRuns(
  sql: Sql,
  role: Role,
  { pipeline, first }: { pipeline: string | null; first: number },
): Promise<PipelineRun[]> {
  const where = pipeline === null ? '' : 'WHERE pipeline = $2';
  const rows = await required(
    sql.query<PipelineRun>(
      `SELECT ${COLUMNS} FROM ops.pipeline_run ${where} ORDER BY started_at DESC, id DESC LIMIT $1`,
      pipeline === null ? [first] : [first, pipeline],
    ),
  );
  return rows.map((run) => shownTo(role, run));
}

/** A run as a whole; null where there is none. */
export async function wholeRun(sql: Sql, role: Role, runId: string): Promise<PipelineRun | null> {
  const [run] = await required(
    sql.query<PipelineRun>(`SELECT ${COLUMNS} FROM ops.pipeline_run WHERE run_id = $1 AND task = ''`, [runId]),
  );
  return run ? shownTo(role, run) : null;
}
