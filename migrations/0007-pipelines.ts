/** Runs of the pipelines. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Pipelines1735689600007 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    await run.query(`
      -- one row a task and attempt of a run; the row of task '' is the run itself, its attempt how often it was taken up
      CREATE TABLE ops.pipeline_run (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run_id text NOT NULL, pipeline text NOT NULL,
        task text NOT NULL, attempt integer NOT NULL, status text NOT NULL,
        started_at timestamptz NOT NULL, finished_at timestamptz, rows_in bigint, rows_out bigint, error text,
        -- how far a running task is; total is null where it is not known
        done bigint, total bigint
      );
      CREATE UNIQUE INDEX pipeline_run_task ON ops.pipeline_run (run_id, task, attempt) WHERE task <> '';
      CREATE UNIQUE INDEX pipeline_run_run ON ops.pipeline_run (run_id) WHERE task = '';
      CREATE INDEX pipeline_run_newest ON ops.pipeline_run (pipeline, started_at, id);
      CREATE INDEX pipeline_run_time ON ops.pipeline_run (started_at, id);
    `);
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query('DROP TABLE ops.pipeline_run');
  }
}
