import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The schemas, the market tables of each layer, and what operations need. Partitions are made on demand by the writers. */
export class Foundation1735689600001 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    await run.query(`
      CREATE SCHEMA bronze; CREATE SCHEMA silver; CREATE SCHEMA gold; CREATE SCHEMA ops;

      -- REST responses as received
      CREATE TABLE bronze.raw_landing (
        call_id text NOT NULL, source text NOT NULL, endpoint text NOT NULL, payload jsonb NOT NULL,
        call_ts timestamptz NOT NULL, received_at timestamptz NOT NULL,
        PRIMARY KEY (call_ts, call_id)
      ) PARTITION BY RANGE (call_ts);
      -- low-rate events as received: candles and tickers. event_id = [log:]topic:partition:offset of the raw frame
      CREATE TABLE bronze.raw_event (
        event_id text NOT NULL, source text NOT NULL, symbol text, ts_event timestamptz NOT NULL, payload jsonb NOT NULL,
        call_id text, received_at timestamptz NOT NULL,
        PRIMARY KEY (ts_event, event_id)
      ) PARTITION BY RANGE (ts_event);

      CREATE TABLE silver.kline_1m (
        exchange text NOT NULL, symbol text NOT NULL, open_time timestamptz NOT NULL,
        open numeric NOT NULL, high numeric NOT NULL, low numeric NOT NULL, close numeric NOT NULL,
        volume numeric NOT NULL, quote_volume numeric NOT NULL, trade_count integer, is_closed boolean NOT NULL,
        event_time timestamptz NOT NULL, received_at timestamptz NOT NULL,
        PRIMARY KEY (exchange, symbol, open_time)
      ) PARTITION BY RANGE (open_time);
      CREATE TABLE silver.trade (
        exchange text NOT NULL, symbol text NOT NULL, trade_id text COLLATE "C" NOT NULL, price numeric NOT NULL,
        quantity numeric NOT NULL, side text NOT NULL, event_time timestamptz NOT NULL, received_at timestamptz NOT NULL,
        PRIMARY KEY (exchange, symbol, event_time, trade_id)
      ) PARTITION BY RANGE (event_time);
      CREATE TABLE silver.ticker_24h (
        exchange text NOT NULL, symbol text NOT NULL, event_time timestamptz NOT NULL, last numeric NOT NULL,
        open numeric NOT NULL, high numeric NOT NULL, low numeric NOT NULL, volume numeric NOT NULL,
        quote_volume numeric NOT NULL, change_percent double precision NOT NULL, received_at timestamptz NOT NULL,
        PRIMARY KEY (exchange, symbol, event_time)
      ) PARTITION BY RANGE (event_time);

      CREATE TABLE gold.market (
        exchange text NOT NULL, symbol text NOT NULL, native_symbol text NOT NULL, base text NOT NULL, quote text NOT NULL,
        status text NOT NULL, tick_size numeric, lot_size numeric, taker_fee_percent numeric NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (exchange, symbol)
      );
      CREATE TABLE gold.kline (
        exchange text NOT NULL, symbol text NOT NULL, interval text NOT NULL, open_time timestamptz NOT NULL,
        open numeric NOT NULL, high numeric NOT NULL, low numeric NOT NULL, close numeric NOT NULL,
        volume numeric NOT NULL, quote_volume numeric NOT NULL, trade_count integer, is_closed boolean NOT NULL,
        coverage double precision NOT NULL, event_time timestamptz NOT NULL,
        PRIMARY KEY (exchange, symbol, interval, open_time)
      ) PARTITION BY RANGE (open_time);

      -- who may do a thing that must be done once; fence grows with every new holder
      CREATE TABLE ops.lease (
        name text PRIMARY KEY, holder text NOT NULL, fence bigint NOT NULL, expires_at timestamptz NOT NULL
      );
      -- how far a worker's own tables are true, written in the transaction that makes them so
      CREATE TABLE ops.checkpoint (
        group_name text NOT NULL, topic text NOT NULL, partition integer NOT NULL, next_offset bigint NOT NULL,
        log text NOT NULL, state jsonb, updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (group_name, topic, partition)
      );
      -- log tells offsets of different logs apart: those of an in-memory log begin at 0 with every start
      CREATE TABLE ops.dead_letter (
        group_name text NOT NULL, log text NOT NULL, topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL,
        reason text NOT NULL, key text, value bytea, headers jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (group_name, log, topic, partition, "offset")
      );
      CREATE INDEX dead_letter_at ON ops.dead_letter (at);
    `);
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query('DROP SCHEMA bronze, silver, gold, ops CASCADE');
  }
}
