/** Merchant orders: the table that change data capture watches, silver and gold of them, and how far each step came. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Columns of an order as Binance says them; what only newer payloads have is nullable. */
const ORDER = `
  order_number text COLLATE "C" PRIMARY KEY, adv_no text NOT NULL, trade_type text NOT NULL, asset text NOT NULL,
  fiat text NOT NULL, fiat_symbol text NOT NULL, amount numeric NOT NULL, total_price numeric NOT NULL,
  unit_price numeric NOT NULL, order_status text NOT NULL, create_time timestamptz NOT NULL, commission numeric NOT NULL,
  counter_part_nick_name text NOT NULL, advertisement_role text NOT NULL, pay_method_name text,
  additional_kyc_verify integer, taker_commission_rate numeric, taker_commission numeric, taker_amount numeric`;

export class C2c1735689600005 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    await run.query(`
      -- the newest known state of each order; an upsert that changes nothing writes nothing
      CREATE TABLE public.c2c_order (${ORDER}, updated_at timestamptz NOT NULL DEFAULT now());
      ALTER TABLE public.c2c_order REPLICA IDENTITY FULL;

      -- how far a step that reads one table and fills another has come, written in the transaction that fills it
      CREATE TABLE ops.watermark (
        step text PRIMARY KEY, position jsonb NOT NULL, updated_at timestamptz NOT NULL DEFAULT now()
      );
    `);
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query('DROP TABLE public.c2c_order, ops.watermark');
  }
}
