/** gold.arbitrage_value and gold.arbitrage_average, filled by the worker `arbitrage-gold` from what was said. */
import type { ArbitrageEvent } from '../../schema/arbitrage.ts';
import { openTimeOf } from '../../schema/market.ts';
import type { BulkTable } from '../../src/platform/postgres/bulk.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

const secondOf = ({ eventTime }: ArbitrageEvent): number => eventTime - (eventTime % 1_000);

/** What spreads were when they changed: the last of a second stays. */
export const ARBITRAGE_VALUE: BulkTable<ArbitrageEvent> = {
  table: 'gold.arbitrage_value',
  columns: {
    base: ['text', (a) => a.base],
    buy_exchange: ['text', (a) => a.buy.exchange],
    buy_symbol: ['text', (a) => a.buy.symbol],
    sell_exchange: ['text', (a) => a.sell.exchange],
    sell_symbol: ['text', (a) => a.sell.symbol],
    second: ['timestamptz', secondOf],
    notional: ['numeric', (a) => a.notional],
    quantity: ['numeric', (a) => a.quantity],
    buy_price: ['numeric', (a) => a.buy.price],
    sell_price: ['numeric', (a) => a.sell.price],
    buy_sequence: ['text', (a) => a.buy.bookSequence],
    sell_sequence: ['text', (a) => a.sell.bookSequence],
    gross_percent: ['numeric', (a) => a.grossPercent],
    fee_percent: ['numeric', (a) => a.feePercent],
    net_percent: ['numeric', (a) => a.netPercent],
    net_profit: ['numeric', (a) => a.netProfit],
    fx_rate: ['numeric', (a) => a.fxRate],
    not_executable: ['jsonb', (a) => JSON.stringify(a.notExecutable)],
    event_time: ['timestamptz', (a) => a.eventTime],
  },
  key: ['base', 'second', 'buy_exchange', 'buy_symbol', 'sell_exchange', 'sell_symbol'],
  version: ['event_time'],
  partition: { unit: 'day', time: secondOf },
};

/** Where the minutes' partitions lie. */
export const ARBITRAGE_AVERAGE = {
  table: 'gold.arbitrage_average',
  unit: 'month',
  time: ({ eventTime }: ArbitrageEvent): number => openTimeOf('M1', eventTime),
} as const;

/**
 * True for a result that the averages count: one a second, of books that were there. A thin book counts, for its numbers
 * hold for what it has; a stale or torn one says nothing of its second.
 */
export function isSample({ sampled, notExecutable }: ArbitrageEvent): boolean {
  return sampled && notExecutable.every((reason) => reason === 'THIN_BOOK');
}

const ADD = `
  WITH given AS (
    SELECT * FROM unnest($1::text[], $2::numeric[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
      $8::numeric[]) AS g (base, notional, buy_exchange, buy_symbol, sell_exchange, sell_symbol, at, net)
  ), fresh AS (
    -- a sample said twice has one time; one that is in already is not later than the last that is
    SELECT DISTINCT ON (g.base, g.notional, g.buy_exchange, g.buy_symbol, g.sell_exchange, g.sell_symbol,
        date_trunc('second', g.at)) g.*, date_trunc('minute', g.at, 'UTC') AS minute
    FROM given g
    LEFT JOIN gold.arbitrage_average a ON a.base = g.base AND a.notional = g.notional
      AND a.buy_exchange = g.buy_exchange AND a.buy_symbol = g.buy_symbol AND a.sell_exchange = g.sell_exchange
      AND a.sell_symbol = g.sell_symbol AND a.minute = date_trunc('minute', g.at, 'UTC')
    WHERE a.last_sample IS NULL OR date_trunc('second', g.at) > date_trunc('second', a.last_sample)
    ORDER BY g.base, g.notional, g.buy_exchange, g.buy_symbol, g.sell_exchange, g.sell_symbol, date_trunc('second', g.at), g.at
  )
  INSERT INTO gold.arbitrage_average AS a (base, notional, buy_exchange, buy_symbol, sell_exchange, sell_symbol, minute,
    samples, sum, sum_of_squares, min, max, last_sample)
  SELECT base, notional, buy_exchange, buy_symbol, sell_exchange, sell_symbol, minute,
    count(*), sum(net), sum(net * net), min(net), max(net), max(at)
  FROM fresh GROUP BY base, notional, buy_exchange, buy_symbol, sell_exchange, sell_symbol, minute
  ORDER BY base, notional, buy_exchange, buy_symbol, sell_exchange, sell_symbol, minute
  ON CONFLICT (base, notional, minute, buy_exchange, buy_symbol, sell_exchange, sell_symbol) DO UPDATE SET
    samples = a.samples + excluded.samples, sum = a.sum + excluded.sum,
    sum_of_squares = a.sum_of_squares + excluded.sum_of_squares, min = least(a.min, excluded.min),
    max = greatest(a.max, excluded.max), last_sample = greatest(a.last_sample, excluded.last_sample)`;

/** Adds samples to their minutes; each second of a spread counts once, however often it is given. Partitions must exist. */
export async function addSamples(sql: Sql, samples: readonly ArbitrageEvent[]): Promise<void> {
  if (samples.length === 0) return;
  await sql.query(ADD, [
    samples.map((s) => s.base),
    samples.map((s) => s.notional),
    samples.map((s) => s.buy.exchange),
    samples.map((s) => s.buy.symbol),
    samples.map((s) => s.sell.exchange),
    samples.map((s) => s.sell.symbol),
    samples.map((s) => new Date(s.eventTime).toISOString()),
    samples.map((s) => s.netPercent),
  ]);
}
