import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Spreads between two exchanges: what they were when they changed, and what they were on average. */
export class Arbitrage1735689600004 implements MigrationInterface {
  async up(run: QueryRunner): Promise<void> {
    await run.query(`
      CREATE TABLE gold.arbitrage_value (
        base text NOT NULL, buy_exchange text NOT NULL, buy_symbol text NOT NULL, sell_exchange text NOT NULL,
        sell_symbol text NOT NULL, second timestamptz NOT NULL, notional numeric NOT NULL, quantity numeric NOT NULL,
        buy_price numeric NOT NULL, sell_price numeric NOT NULL, buy_sequence text NOT NULL, sell_sequence text NOT NULL,
        gross_percent numeric NOT NULL, fee_percent numeric NOT NULL, net_percent numeric NOT NULL,
        net_profit numeric NOT NULL, fx_rate numeric, not_executable jsonb NOT NULL, event_time timestamptz NOT NULL,
        PRIMARY KEY (base, second, buy_exchange, buy_symbol, sell_exchange, sell_symbol)
      ) PARTITION BY RANGE (second);
      -- of the samples of a minute, one a second; last_sample: those up to here are in
      CREATE TABLE gold.arbitrage_average (
        base text NOT NULL, notional numeric NOT NULL, buy_exchange text NOT NULL, buy_symbol text NOT NULL,
        sell_exchange text NOT NULL, sell_symbol text NOT NULL, minute timestamptz NOT NULL,
        samples integer NOT NULL, sum numeric NOT NULL, sum_of_squares numeric NOT NULL,
        min numeric NOT NULL, max numeric NOT NULL, last_sample timestamptz NOT NULL,
        PRIMARY KEY (base, notional, minute, buy_exchange, buy_symbol, sell_exchange, sell_symbol)
      ) PARTITION BY RANGE (minute);
    `);
  }

  async down(run: QueryRunner): Promise<void> {
    await run.query('DROP TABLE gold.arbitrage_value, gold.arbitrage_average');
  }
}
