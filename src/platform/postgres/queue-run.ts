/** Asks for a run of a pipeline: whoever runs pipelines on this database does it. */
import { pause } from '../retry.ts';
import type { Jobs } from './jobs.ts';
import type { Postgres } from './postgres.ts';

/** A run that has just ended keeps its job for a moment: the next one is asked for again, so often and with these pauses. */
const TRIES = 20;
const PAUSE_MS = 100;

/**
 * Queues a run unless one is queued or under way. Resolves with the id of that one; from then on it has a row in
 * ops.pipeline_run. Throws what the database says.
 */
export async function queueRun(jobs: Jobs, postgres: Postgres, pipeline: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const id = await jobs.enqueue(pipeline);
    const [run] = await postgres.query<{ ended: boolean }>(
      `INSERT INTO ops.pipeline_run AS r (run_id, pipeline, task, attempt, status, started_at)
       VALUES ($1, $2, '', 1, 'QUEUED', clock_timestamp())
       ON CONFLICT (run_id) WHERE task = '' DO UPDATE SET status = r.status RETURNING finished_at IS NOT NULL AS ended`,
      [id, pipeline],
    );
    if (!run?.ended || attempt >= TRIES) return id;
    await pause(PAUSE_MS);
  }
}
