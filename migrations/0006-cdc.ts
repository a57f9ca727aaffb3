/** Captured changes, and the windows counted over them. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Cdc1735689600006 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    await run.query(`
      -- every change of a captured table once, whatever is delivered again. seq is the order of the log; key_text is the key
      -- as text, null for what has none; unchanged are columns that "after" lacks because their value was not sent
      CREATE TABLE silver.cdc_record (
        id text COLLATE "C" PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY, table_name text NOT NULL, op text NOT NULL,
        key_text text COLLATE "C", key jsonb, related_key jsonb, before jsonb, after jsonb, changed jsonb NOT NULL,
        unchanged jsonb NOT NULL, lsn bigint, tx_id bigint, position bigint, snapshot text,
        source_time timestamptz NOT NULL, received_at timestamptz NOT NULL
      );
      CREATE UNIQUE INDEX cdc_record_newest ON silver.cdc_record (table_name, op, seq);
      CREATE INDEX cdc_record_key ON silver.cdc_record (table_name, key_text, seq);
      CREATE INDEX cdc_record_time ON silver.cdc_record (table_name, source_time);
      -- rows are held against what was captured by when they changed
      CREATE INDEX c2c_order_updated ON public.c2c_order (updated_at);

      -- a minute of commit times; revision grows with every change of the row
      CREATE TABLE gold.c2c_window (
        start timestamptz NOT NULL, fiat text NOT NULL, trade_type text NOT NULL, orders integer NOT NULL,
        total_price numeric NOT NULL, completed integer NOT NULL, completed_total_price numeric NOT NULL,
        revision integer NOT NULL,
        PRIMARY KEY (start, fiat, trade_type)
      );
    `);
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query('DROP TABLE silver.cdc_record, gold.c2c_window; DROP INDEX public.c2c_order_updated');
  }
}
