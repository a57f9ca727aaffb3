/** Daily statistics and prices by the minute. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** gold.ticker_daily is small (a row a market and day); gold.crypto_price grows as candles do and is partitioned as they are. */
export class MarketStatistics1735689600002 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    await run.query(`
      -- event_time and is_closed are those of the daily candle that a row was made for: it is due again when they differ
      CREATE TABLE gold.ticker_daily (
        exchange text NOT NULL, symbol text NOT NULL, day date NOT NULL,
        open numeric NOT NULL, high numeric NOT NULL, low numeric NOT NULL, close numeric NOT NULL,
        quote_volume numeric NOT NULL, change_percent double precision NOT NULL, volatility double precision,
        trend double precision, coverage double precision NOT NULL, is_closed boolean NOT NULL,
        event_time timestamptz NOT NULL,
        PRIMARY KEY (exchange, symbol, day)
      );
      -- keyed in the order it is read in: one base, newest minute first
      CREATE TABLE gold.crypto_price (
        base text NOT NULL, minute timestamptz NOT NULL, exchange text NOT NULL, symbol text NOT NULL,
        price numeric NOT NULL, price_usdt numeric, event_time timestamptz NOT NULL,
        PRIMARY KEY (base, minute, exchange, symbol)
      ) PARTITION BY RANGE (minute);
    `);
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query('DROP TABLE gold.ticker_daily, gold.crypto_price');
  }
}
