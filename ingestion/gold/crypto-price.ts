/**
 * gold.crypto_price: the closing price of every closed minute, in the market's quote and in USDT. The price of a quote asset
 * is that of the same minute in a market with USDT: of the venue itself, else of another; where it is quoted in the asset
 * (USDT-KRW), by division.
 */
import { EXCHANGES, type MarketRef } from '../../schema/market.ts';
import { ensurePartitions } from '../../src/platform/postgres/partitions.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

const FILL = `WITH markets AS (
  SELECT exchange, symbol, split_part(symbol, '-', 1) AS base, split_part(symbol, '-', 2) AS quote
  FROM unnest($1::text[], $2::text[]) AS m (exchange, symbol)
), tells AS (
  -- which markets tell a quote's price in USDT on a venue, best first
  SELECT q.exchange AS venue, q.quote, r.exchange, r.symbol, r.base = 'USDT' AS inverse,
    row_number() OVER (
      PARTITION BY q.exchange, q.quote
      ORDER BY r.exchange <> q.exchange, r.base = 'USDT', array_position($5::text[], r.exchange)
    ) AS place
  FROM (SELECT DISTINCT exchange, quote FROM markets WHERE quote <> 'USDT') q
  JOIN gold.market r ON (r.base = q.quote AND r.quote = 'USDT') OR (r.base = 'USDT' AND r.quote = q.quote)
), prices AS (
  SELECT m.base, k.open_time, m.exchange, m.symbol, m.quote, k.close, k.event_time
  FROM markets m CROSS JOIN LATERAL (
    SELECT open_time, close, event_time FROM gold.kline WHERE exchange = m.exchange AND symbol = m.symbol
      AND interval = 'M1' AND is_closed AND close > 0 AND open_time >= $3 AND open_time < $4
    -- OFFSET keeps the planner from anything but one walk through the index a market
    ORDER BY open_time OFFSET 0
  ) k
), filled AS (
  INSERT INTO gold.crypto_price AS t (base, minute, exchange, symbol, price, price_usdt, event_time)
  SELECT p.base, p.open_time, p.exchange, p.symbol, p.close,
    CASE WHEN p.quote = 'USDT' THEN p.close WHEN r.inverse THEN p.close / r.close ELSE p.close * r.close END,
    p.event_time
  FROM prices p LEFT JOIN LATERAL (
    -- one look into the index a price
    SELECT s.inverse, k.close FROM tells s CROSS JOIN LATERAL (
      SELECT close FROM gold.kline WHERE exchange = s.exchange AND symbol = s.symbol AND interval = 'M1'
        AND is_closed AND close > 0 AND open_time = p.open_time AND open_time >= $3 AND open_time < $4 OFFSET 0
    ) k
    WHERE s.venue = p.exchange AND s.quote = p.quote AND p.quote <> 'USDT' ORDER BY s.place LIMIT 1
  ) r ON true
  ON CONFLICT (base, minute, exchange, symbol) DO UPDATE
    SET price = excluded.price, price_usdt = excluded.price_usdt, event_time = excluded.event_time
  WHERE excluded.event_time >= t.event_time
    AND (t.price, t.price_usdt, t.event_time) IS DISTINCT FROM (excluded.price, excluded.price_usdt, excluded.event_time)
  RETURNING 1
) SELECT count(*)::int AS n FROM filled`;

/**
 * Makes the rows of the markets' closed minutes in [from, to) (epoch ms) anew. Doing it twice changes nothing. Resolves with
 * how many rows changed. Not for use inside a transaction.
 */
export async function fillCryptoPrice(
  sql: Sql,
  markets: readonly MarketRef[],
  from: number,
  to: number,
): Promise<number> {
  if (markets.length === 0) return 0;
  await ensurePartitions(sql, 'gold.crypto_price', 'month', [from, to - 1]);
  const [answer] = await sql.query<{ n: number }>(FILL, [
    markets.map((m) => m.exchange),
    markets.map((m) => m.symbol),
    new Date(from),
    new Date(to),
    EXCHANGES,
  ]);
  return answer?.n ?? 0;
}
