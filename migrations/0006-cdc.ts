/** Captured changes, and the windows counted over them. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Cdc1735689600006 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    await run.query('SELECT 1');
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query('SELECT 1');
  }
}
