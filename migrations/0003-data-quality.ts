/** What the checks of the silver tables found: ops.data_quality_result. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class DataQuality1735689600003 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    await run.query(`
      -- one row a check and run; from_time and to_time bound the rows that were looked at, by their own time
      CREATE TABLE ops.data_quality_result (
        dataset text NOT NULL, check_name text NOT NULL, run_at timestamptz NOT NULL,
        from_time timestamptz NOT NULL, to_time timestamptz NOT NULL,
        passed boolean NOT NULL, checked bigint NOT NULL, failed bigint NOT NULL,
        -- some of the failing rows, each with its reason
        sample jsonb NOT NULL,
        PRIMARY KEY (dataset, check_name, run_at)
      );
      CREATE INDEX data_quality_failed ON ops.data_quality_result (run_at) WHERE NOT passed;
    `);
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query('DROP TABLE ops.data_quality_result');
  }
}
