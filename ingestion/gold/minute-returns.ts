/**
 * What the statistics of gold are made of. Realised volatility is the root of the realised variance, the sum of the squared
 * logarithmic returns: Andersen and Bollerslev, "Answering the Skeptics", International Economic Review 39 (1998), p. 885-905.
 */

/**
 * SQL of a market's closed minutes in [`from`, `to`), oldest first: `at` (days since `from`), `level`, the logarithm of the
 * closing price, and `previous`, the level that the minute's return begins at. The first minute's is that of its own opening
 * price; where minutes are missing, the return spans the hole. The parts are spliced in as they are: names of columns and
 * parameters of ours.
 */
export function minutesOf(market: string, from: string, to: string): string {
  return `SELECT at, level, coalesce(lag(level) OVER (ORDER BY at), ln(open::float8)) AS previous
    FROM (
      SELECT (extract(epoch FROM open_time - ${from}) / 86400)::float8 AS at, ln(close::float8) AS level, open
      FROM gold.kline
      WHERE exchange = ${market}.exchange AND symbol = ${market}.symbol AND interval = 'M1' AND is_closed
        AND open_time >= ${from} AND open_time < ${to}
        -- a logarithm needs a price above zero
        AND open > 0 AND close > 0
      -- the order of the index; it also keeps the planner from reading the whole table instead
      ORDER BY open_time OFFSET 0
    ) minutes`;
}

/** SQL of the volatility over such minutes; null for fewer than two. */
export const VOLATILITY = 'CASE WHEN count(*) > 1 THEN sqrt(sum((level - previous) * (level - previous))) END';

/** SQL of the slope of the least-squares line through the logarithm of the price, per day; null for fewer than two. */
export const TREND = 'regr_slope(level, at)';
