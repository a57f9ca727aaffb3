/** What a run looks like to whoever waits for it at a terminal or in a script. */
import type { RunStatus } from '../../schema/pipelines.ts';
import { PostgresUnavailable, type Sql } from '../../src/platform/postgres/postgres.ts';
import { pause } from '../../src/platform/retry.ts';

/** Between two looks at the record, ms. */
const LOOK_MS = 250;
/** The database may be away for so long, ms. */
const AWAY_MS = 30_000;
/** Signs of a bar. */
const BAR = 24;

/** A row of the record: the newest attempt at a task, or with an empty task the run. */
export interface Seen {
  task: string;
  status: RunStatus;
  attempt: number;
  startedAt: Date;
  finishedAt: Date | null;
  rowsIn: number | null;
  rowsOut: number | null;
  done: number | null;
  total: number | null;
  error: string | null;
}

/** The run and the newest attempt at each of its tasks, in the order they were begun. Throws PostgresUnavailable. */
function look(sql: Sql, runId: string): Promise<Seen[]> {
  return sql.query<Seen>(
    `SELECT * FROM (
       SELECT DISTINCT ON (task) id, task, status, attempt, started_at AS "startedAt", finished_at AS "finishedAt",
         rows_in::float8 AS "rowsIn", rows_out::float8 AS "rowsOut", done::float8, total::float8, error
       FROM ops.pipeline_run WHERE run_id = $1 ORDER BY task, id DESC) newest
     ORDER BY id`,
    [runId],
  );
}

/** Nobody takes the run up. It stays queued. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken';
}

/**
 * Shows the run to `show` until it is over. Resolves with what it came to. Throws PostgresUnavailable where that lasts, and
 * NotTaken where it is still queued after `queuedMs`.
 */
export async function followRun(
  sql: Sql,
  runId: string,
  show: (rows: readonly Seen[]) => void,
  queuedMs = Number.POSITIVE_INFINITY,
): Promise<RunStatus> {
  const from = performance.now();
  let seenAt = performance.now();
  for (;;) {
    try {
      const rows = await look(sql, runId);
      seenAt = performance.now();
      show(rows);
      const run = rows.find(({ task }) => task === '');
      if (run?.finishedAt) return run.status;
      if (run?.status === 'QUEUED' && performance.now() - from > queuedMs) {
        throw new NotTaken(`nobody took the run up within ${Math.round(queuedMs / 1_000)} s; it stays queued`);
      }
    } catch (error) {
      if (!(error instanceof PostgresUnavailable) || performance.now() - seenAt > AWAY_MS) throw error;
    }
    await pause(LOOK_MS);
  }
}

/** True where nobody has begun the run within `ms`. Throws PostgresUnavailable. */
export async function stillQueued(sql: Sql, runId: string, ms: number): Promise<boolean> {
  await pause(ms);
  const [run] = await look(sql, runId);
  return run?.status === 'QUEUED';
}

/** `[######..................] 25 %`, or what is known where the total is not; empty where nothing is. */
function bar({ status, done, total }: Seen): string {
  if (status !== 'RUNNING' || done === null) return '';
  if (!total) return `${done}`;
  const part = Math.min(1, done / total);
  const full = Math.floor(part * BAR);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${Math.floor(part * 100)} %`;
}

const SIGNS: Record<RunStatus, string> = { QUEUED: '·', RUNNING: '>', SUCCEEDED: '+', FAILED: 'x', SKIPPED: '-' };

/** One line about a task. */
export function lineOf(row: Seen, now: number): string {
  const { task, status, attempt, startedAt, finishedAt, rowsIn, rowsOut, error } = row;
  const seconds = ((finishedAt?.getTime() ?? now) - startedAt.getTime()) / 1_000;
  return [
    `${SIGNS[status]} ${(task || 'all of it').padEnd(28)} ${status.toLowerCase().padEnd(9)}`,
    status === 'QUEUED' || status === 'SKIPPED' ? '' : `${Math.max(0, seconds).toFixed(1)} s`,
    bar(row),
    rowsIn === null ? '' : `${rowsIn} in, ${rowsOut} out`,
    attempt > 1 ? `attempt ${attempt}` : '',
    error ?? '',
  ]
    .filter((part) => part !== '')
    .join('  ');
}

interface Terminal {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Where a run is shown: on a terminal lines that are painted over, elsewhere a line for each thing that happens. */
export function createScreen(out: Terminal): (rows: readonly Seen[]) => void {
  let painted = 0;
  const told = new Set<string>();
  const ordered = (rows: readonly Seen[]) => [
    ...rows.filter((r) => r.task !== ''),
    ...rows.filter((r) => r.task === ''),
  ];

  function paint(rows: readonly Seen[]): void {
    const width = (out.columns || 80) - 1;
    const lines = ordered(rows).map((row) => lineOf(row, Date.now()).slice(0, width));
    const up = painted > 0 ? `\x1b[${painted}A` : '';
    out.write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}`);
    painted = lines.length;
  }

  function tell(rows: readonly Seen[]): void {
    for (const row of ordered(rows)) {
      const key = `${row.task} ${row.attempt} ${row.status}`;
      if (told.has(key)) continue;
      told.add(key);
      out.write(`${lineOf(row, Date.now())}\n`);
    }
  }

  return out.isTTY ? paint : tell;
}

/**
 * Shows the run on `out` until it is over, or has been queued for longer than `queuedMs`. Resolves with the exit code that
 * says what became of it. Throws PostgresUnavailable.
 */
export async function followToEnd(sql: Sql, runId: string, out: Terminal, queuedMs?: number): Promise<number> {
  try {
    return (await followRun(sql, runId, createScreen(out), queuedMs)) === 'FAILED' ? 1 : 0;
  } catch (error) {
    if (!(error instanceof NotTaken)) throw error;
    out.write(`${error.message}. The process that has DATA_DIR runs other pipelines; "npm start" runs all of them.\n`);
    return 1;
  }
}
