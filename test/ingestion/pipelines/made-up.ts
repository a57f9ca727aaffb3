/** Pipelines of made-up tasks, and the record of their runs. */
import type { Pipeline } from '../../../ingestion/pipelines/pipeline.ts';
import type { Task, TaskContext } from '../../../ingestion/task.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';

export function madeUp(name: string, steps: Pipeline['steps'], more: Partial<Pipeline> = {}): Pipeline {
  return { name, schedule: null, steps, tries: 3, backoff: { baseMs: 5, capMs: 20 }, timeoutMs: 10_000, ...more };
}

/** A task that moves `rows` rows, or does `work`. */
export function task(name: string, work: (context: TaskContext) => Promise<void> = async () => {}, rows = 1): Task {
  return {
    name,
    async run(context) {
      await work(context);
      return { rowsIn: rows, rowsOut: rows };
    },
  };
}

export function pipelinePlatform(postgres: Postgres, settings: Record<string, string> = {}): Platform {
  const config = readConfig({ LOG_LEVEL: 'silent', ...settings });
  return { config, log: createLog(config.LOG_LEVEL), postgres } as Platform;
}

export interface Row {
  run: string;
  task: string;
  attempt: number;
  status: string;
  error: string | null;
  ended: boolean;
}

/** The rows of a run, or of all runs of a pipeline, in the order they were begun. */
export function rowsOf(postgres: Postgres, of: string): Promise<Row[]> {
  return postgres.query<Row>(
    `SELECT run_id AS run, task, attempt, status, error, finished_at IS NOT NULL AS ended
     FROM ops.pipeline_run WHERE run_id = $1 OR pipeline = $1 ORDER BY id`,
    [of],
  );
}

export const brief = ({ task: name, attempt, status }: Row): string => `${name || 'run'} ${attempt} ${status}`;
