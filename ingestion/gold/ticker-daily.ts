/**
 * gold.ticker_daily: prices, volume and coverage are those of the daily candle, volatility and trend are made of its minutes.
 * A day is due while its candle is another than the row was made for, and the candle is said anew with a later event time
 * whenever one of its minutes comes late. So whatever stops the filling, the next look finds what is missing.
 */
import type { MarketRef } from '../../schema/market.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { minutesOf, TREND, VOLATILITY } from './minute-returns.ts';

/** A market's day, UTC, and the version of its candle. */
export interface DueDay extends MarketRef {
  day: Date;
  isClosed: boolean;
  /** As PostgreSQL spells it: to the microsecond. */
  eventTime: string;
}

export interface DueRange {
  /** Days that begin before this are left alone, epoch ms. */
  since: number;
  /** Days that begin at or after this are due whatever their version, epoch ms; null for none. */
  anyway: number | null;
  /** Leaves out days that are not over. */
  closedOnly: boolean;
}

/** Days of the markets whose rows are missing or out of date, at most `limit`, oldest first. */
export async function dueDays(
  sql: Sql,
  markets: readonly MarketRef[],
  { since, anyway, closedOnly }: DueRange,
  limit: number,
): Promise<DueDay[]> {
  return sql.query<DueDay>(
    `SELECT d.exchange, d.symbol, d.open_time AS day, d.is_closed AS "isClosed", d.event_time::text AS "eventTime"
     FROM unnest($1::text[], $2::text[]) AS m (exchange, symbol)
     CROSS JOIN LATERAL (
       SELECT * FROM gold.kline k WHERE k.exchange = m.exchange AND k.symbol = m.symbol AND k.interval = 'D1'
         AND k.open_time >= $3 AND (k.is_closed OR NOT $5)
     ) d
     LEFT JOIN gold.ticker_daily t
       ON t.exchange = d.exchange AND t.symbol = d.symbol AND t.day = (d.open_time AT TIME ZONE 'UTC')::date
     WHERE t.day IS NULL OR d.open_time >= $4 OR (d.is_closed, d.event_time) <> (t.is_closed, t.event_time)
     ORDER BY d.open_time, d.exchange, d.symbol LIMIT $6`,
    [
      markets.map((m) => m.exchange),
      markets.map((m) => m.symbol),
      new Date(since),
      anyway === null ? 'infinity' : new Date(anyway),
      closedOnly,
      limit,
    ],
  );
}

// The row is marked with the version that was found due, not with the one that is there now: what changes in between makes
// the day due again.
const FILL = `WITH filled AS (
  INSERT INTO gold.ticker_daily AS t
    (exchange, symbol, day, open, high, low, close, quote_volume, change_percent, volatility, trend, coverage, is_closed, event_time)
  SELECT d.exchange, d.symbol, (w.day AT TIME ZONE 'UTC')::date, d.open, d.high, d.low, d.close, d.quote_volume,
    CASE WHEN d.open = 0 THEN 0 ELSE (d.close - d.open) / d.open * 100 END, m.volatility, m.trend, d.coverage,
    w.is_closed, w.event_time
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::boolean[], $5::timestamptz[])
    AS w (exchange, symbol, day, is_closed, event_time)
  JOIN gold.kline d ON d.exchange = w.exchange AND d.symbol = w.symbol AND d.interval = 'D1' AND d.open_time = w.day
  CROSS JOIN LATERAL (
    SELECT ${VOLATILITY} AS volatility, ${TREND} AS trend
    FROM (${minutesOf('w', 'w.day', "w.day + interval '1 day'")}) minutes
  ) m
  ON CONFLICT (exchange, symbol, day) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    quote_volume = excluded.quote_volume, change_percent = excluded.change_percent, volatility = excluded.volatility,
    trend = excluded.trend, coverage = excluded.coverage, is_closed = excluded.is_closed, event_time = excluded.event_time
  -- what an earlier holder of the lease still had in hand is older
  WHERE (excluded.is_closed, excluded.event_time) >= (t.is_closed, t.event_time)
    AND (t.*) IS DISTINCT FROM (excluded.*)
  RETURNING 1
) SELECT count(*)::int AS n FROM filled`;

/** Makes the rows of these days anew. Doing it twice changes nothing. Resolves with how many rows changed. */
export async function fillTickerDaily(sql: Sql, days: readonly DueDay[]): Promise<number> {
  if (days.length === 0) return 0;
  const [answer] = await sql.query<{ n: number }>(FILL, [
    days.map((d) => d.exchange),
    days.map((d) => d.symbol),
    days.map((d) => d.day.toISOString()),
    days.map((d) => d.isClosed),
    days.map((d) => d.eventTime),
  ]);
  return answer?.n ?? 0;
}
