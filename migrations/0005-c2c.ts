/** Merchant orders: the table that change data capture watches, silver and gold of them, and how far each step came. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Columns of an order as Binance says them; what only newer payloads have is nullable. */
const ORDER = `
  order_number text COLLATE "C" PRIMARY KEY, adv_no text NOT NULL, trade_type text NOT NULL, asset text NOT NULL,
  fiat text NOT NULL, fiat_symbol text NOT NULL, amount numeric NOT NULL, total_price numeric NOT NULL,
  unit_price numeric NOT NULL, order_status text NOT NULL, create_time timestamptz NOT NULL, commission numeric NOT NULL,
  counter_part_nick_name text NOT NULL, advertisement_role text NOT NULL, pay_method_name text,
  additional_kyc_verify integer, taker_commission_rate numeric, taker_commission numeric, taker_amount numeric`;

/** Market rows of bronze go by retention, a day at a time; a merchant's own stay for good, apart from them. */
const BRONZE_TABLES: readonly (readonly [table: string, key: string])[] = [
  ['raw_landing', 'call_id'],
  ['raw_event', 'event_id'],
];

// what was the table becomes its partition for every other source, its days with it: no row is moved
const splitBySource = ([table, key]: readonly [string, string]): string => `
  ALTER TABLE bronze.${table} RENAME TO ${table}_market;
  ALTER INDEX bronze.${table}_pkey RENAME TO ${table}_market_pkey;
  DO $$ DECLARE day text; BEGIN
    FOR day IN SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
      WHERE inhparent = 'bronze.${table}_market'::regclass
    LOOP EXECUTE format('ALTER TABLE bronze.%I RENAME TO %I', day, replace(day, '${table}_', '${table}_market_'));
    END LOOP;
  END $$;
  CREATE TABLE bronze.${table} (LIKE bronze.${table}_market INCLUDING DEFAULTS) PARTITION BY LIST (source);
  CREATE TABLE bronze.${table}_c2c PARTITION OF bronze.${table} (PRIMARY KEY (${key})) FOR VALUES IN ('binance_c2c');
  ALTER TABLE bronze.${table} ATTACH PARTITION bronze.${table}_market DEFAULT;`;

const joinSources = ([table]: readonly [string, string]): string => `
  ALTER TABLE bronze.${table} DETACH PARTITION bronze.${table}_market;
  DROP TABLE bronze.${table};
  ALTER TABLE bronze.${table}_market RENAME TO ${table};
  ALTER INDEX bronze.${table}_market_pkey RENAME TO ${table}_pkey;
  DO $$ DECLARE day text; BEGIN
    FOR day IN SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
      WHERE inhparent = 'bronze.${table}'::regclass
    LOOP EXECUTE format('ALTER TABLE bronze.%I RENAME TO %I', day, replace(day, '${table}_market_', '${table}_'));
    END LOOP;
  END $$;`;

export class C2c1735689600005 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    for (const table of BRONZE_TABLES) await run.query(splitBySource(table));
    await run.query(`
      -- the newest known state of each order; an upsert that changes nothing writes nothing
      CREATE TABLE public.c2c_order (${ORDER}, updated_at timestamptz NOT NULL DEFAULT now());
      ALTER TABLE public.c2c_order REPLICA IDENTITY FULL;

      -- how far a step that reads one table and fills another has come, written in the transaction that fills it
      CREATE TABLE ops.watermark (
        step text PRIMARY KEY, position jsonb NOT NULL, updated_at timestamptz NOT NULL DEFAULT now()
      );

      -- which transaction wrote a row, so that the next step finds what is new in the order of commits and not of clocks
      ALTER TABLE bronze.raw_event ADD COLUMN tx xid8 NOT NULL DEFAULT pg_current_xact_id();
      CREATE INDEX raw_event_called ON bronze.raw_event (source, tx, event_id) WHERE call_id IS NOT NULL;
      CREATE INDEX raw_event_c2c_call ON bronze.raw_event_c2c (call_id);

      -- the winning answer about each order. order_status is as it was said, status_rank its place among the known ones.
      -- answered_at and event_id are of that answer, tx is the transaction that last changed what it says
      CREATE TABLE silver.c2c_order (${ORDER},
        status_rank smallint NOT NULL, payload_generation smallint NOT NULL,
        answered_at timestamptz NOT NULL, event_id text COLLATE "C" NOT NULL, tx xid8 NOT NULL DEFAULT pg_current_xact_id()
      );
      CREATE INDEX c2c_order_newest ON silver.c2c_order (create_time, order_number);
      CREATE INDEX c2c_order_pair ON silver.c2c_order (asset, fiat, create_time, order_number);
      CREATE INDEX c2c_order_changed ON silver.c2c_order (tx);
      -- where an order was counted before an answer changed its asset, fiat or time
      CREATE TABLE silver.c2c_order_moved (
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(), order_number text COLLATE "C" NOT NULL, asset text NOT NULL,
        fiat text NOT NULL, create_time timestamptz NOT NULL
      );
      CREATE INDEX c2c_order_moved_tx ON silver.c2c_order_moved (tx);
      -- answers that could not be taken for an order, and why
      -- one row for each content, with the first answer that said it
      CREATE TABLE silver.c2c_order_reject (
        content text PRIMARY KEY, order_number text, reasons text[] NOT NULL, payload jsonb NOT NULL,
        event_id text COLLATE "C" NOT NULL, received_at timestamptz NOT NULL
      );

      -- false: what the exchange's REST API tells, whose prices are of its own day; the volumes are of 24 hours in either case
      ALTER TABLE silver.ticker_24h ADD COLUMN is_window boolean NOT NULL DEFAULT true;
      CREATE INDEX ticker_24h_told ON silver.ticker_24h (received_at) WHERE NOT is_window;

      CREATE TABLE gold.c2c_daily_volume (
        day date NOT NULL, asset text NOT NULL, fiat text NOT NULL, trade_type text NOT NULL,
        orders integer NOT NULL, completed integer NOT NULL, cancelled integer NOT NULL, amount numeric NOT NULL,
        total_price numeric NOT NULL, average_unit_price numeric, commission numeric NOT NULL,
        counterparties integer NOT NULL, completion_percent double precision NOT NULL,
        PRIMARY KEY (day, asset, fiat, trade_type)
      );
      CREATE TABLE gold.c2c_summary (
        asset text NOT NULL, fiat text NOT NULL, day date NOT NULL, orders integer NOT NULL,
        buy_amount numeric NOT NULL, buy_total numeric NOT NULL, sell_amount numeric NOT NULL, sell_total numeric NOT NULL,
        commission numeric NOT NULL, realised_margin numeric NOT NULL, uncosted_amount numeric NOT NULL,
        PRIMARY KEY (asset, fiat, day)
      );
    `);
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query(`
      DROP TABLE public.c2c_order, ops.watermark, silver.c2c_order, silver.c2c_order_moved, silver.c2c_order_reject,
        gold.c2c_daily_volume, gold.c2c_summary;
      ALTER TABLE bronze.raw_event DROP COLUMN tx;
      ALTER TABLE silver.ticker_24h DROP COLUMN is_window;
    `);
    for (const table of BRONZE_TABLES) await run.query(joinSources(table));
  }
}
