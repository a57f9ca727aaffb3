/**
 * gold.c2c_summary: what an asset was bought and sold for in a currency, by day, and what the sales earned by FIFO. A pair of
 * asset and fiat in which an order changed is made anew from its first order on: a late one moves the lots of all later ones.
 *
 * FIFO over completed orders by (create_time, order_number): a sale consumes the earliest lots bought before it and not
 * consumed yet. What it sells beyond them has no known cost: it counts neither as revenue nor as cost and is told in
 * `uncosted_amount`. Commission is in the asset and touches neither side: amounts are those of the orders.
 *
 * As sets: lots lie one behind the other on a line of amounts, and so do sales. The inventory is the running sum of what was
 * bought less what was sold; whenever that reaches a new minimum below zero, so much was sold without a lot. Taking this
 * running minimum off the sales puts them on the line exactly where their lots are, and the pieces between neighbouring ends
 * of either kind belong to one lot and one sale each. A lot's cost up to a point is rounded, and a piece is the difference
 * of two points: the pieces of a lot add up to what it cost, to the last digit.
 */
import { metrics } from '../../src/platform/metrics.ts';
import { type C2cGold, CHANGED, c2cGoldTask } from './c2c-changes.ts';
import { quotient } from './exact.ts';

const FIGURES = [
  ...['orders', 'buy_amount', 'buy_total', 'sell_amount', 'sell_total', 'commission', 'realised_margin'],
  'uncosted_amount',
];
const COLUMNS = ['asset', 'fiat', 'day', ...FIGURES];
const of = (table: string): string => FIGURES.map((name) => `${table}.${name}`).join(', ');
const sum = (what: string, where: string): string => `trim_scale(coalesce(sum(${what}) FILTER (WHERE ${where}), 0))`;

// $1 asset, $2 fiat, $3 time zone
const FILL = `WITH all_orders AS MATERIALIZED (
  SELECT order_number, trade_type, order_status = 'COMPLETED' AS done, amount, total_price AS total, commission,
    create_time, (create_time AT TIME ZONE $3)::date AS day
  FROM silver.c2c_order WHERE asset = $1 AND fiat = $2
), lined AS (
  SELECT *, coalesce(sum(amount) FILTER (WHERE trade_type = 'BUY') OVER line, 0) AS bought,
    coalesce(sum(amount) FILTER (WHERE trade_type = 'SELL') OVER line, 0) AS sold
  FROM all_orders WHERE done WINDOW line AS (ORDER BY create_time, order_number ROWS UNBOUNDED PRECEDING)
), placed AS MATERIALIZED (
  SELECT *, sold - greatest(0, -min(bought - sold) OVER (ORDER BY create_time, order_number ROWS UNBOUNDED PRECEDING)) AS costed
  FROM lined
), lots AS (
  SELECT row_number() OVER (ORDER BY create_time, order_number) AS n, bought - amount AS since, bought AS upto, amount, total
  FROM placed WHERE trade_type = 'BUY'
), sales AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY create_time, order_number) AS n, day, amount, total,
    costed - lag(costed, 1, 0) OVER (ORDER BY create_time, order_number) AS matched, costed AS upto
  FROM placed WHERE trade_type = 'SELL'
), ends AS (
  SELECT upto, min(lot) AS lot, min(sale) AS sale FROM (
    SELECT upto, n AS lot, NULL::bigint AS sale FROM lots UNION ALL SELECT upto, NULL, n FROM sales WHERE matched > 0) e
  GROUP BY upto
), pieces AS (
  SELECT lag(upto, 1, 0) OVER (ORDER BY upto) AS since, upto, min(lot) OVER (ORDER BY upto DESC) AS lot,
    min(sale) OVER (ORDER BY upto DESC) AS sale FROM ends
), costs AS (
  SELECT p.sale, sum(${quotient('l.total * (p.upto - l.since)', 'l.amount')}
    - ${quotient('l.total * (p.since - l.since)', 'l.amount')}) AS cost
  FROM pieces p JOIN lots l ON l.n = p.lot WHERE p.sale IS NOT NULL GROUP BY p.sale
), margins AS (
  SELECT s.day, sum(${quotient('s.total * s.matched', 's.amount')} - coalesce(c.cost, 0)) AS margin,
    sum(s.amount - s.matched) AS uncosted
  FROM sales s LEFT JOIN costs c ON c.sale = s.n GROUP BY s.day
), days AS (
  SELECT day, count(*)::int AS orders, ${sum('amount', "done AND trade_type = 'BUY'")} AS buy_amount,
    ${sum('total', "done AND trade_type = 'BUY'")} AS buy_total, ${sum('amount', "done AND trade_type = 'SELL'")} AS sell_amount,
    ${sum('total', "done AND trade_type = 'SELL'")} AS sell_total, ${sum('commission', 'done')} AS commission
  FROM all_orders GROUP BY day
), made AS MATERIALIZED (
  SELECT $1::text AS asset, $2::text AS fiat, d.*, trim_scale(coalesce(m.margin, 0)) AS realised_margin,
    trim_scale(coalesce(m.uncosted, 0)) AS uncosted_amount
  FROM days d LEFT JOIN margins m USING (day)
), gone AS (
  DELETE FROM gold.c2c_summary g WHERE asset = $1 AND fiat = $2 AND NOT EXISTS (SELECT FROM made m WHERE m.day = g.day) RETURNING 1
), filled AS (
  INSERT INTO gold.c2c_summary AS t (${COLUMNS.join(', ')}) SELECT ${COLUMNS.join(', ')} FROM made
  ON CONFLICT (asset, fiat, day) DO UPDATE SET ${FIGURES.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE (${of('t')}) IS DISTINCT FROM (${of('excluded')})
  RETURNING 1
)
SELECT (SELECT count(*) FROM all_orders)::int AS "in",
  ((SELECT count(*) FROM filled) + (SELECT count(*) FROM gone))::int AS "out"`;

const SUMMARY: C2cGold = {
  name: 'gold_c2c_summary',
  table: 'gold.c2c_summary',
  async make(sql, since, timeZone, alive) {
    const pairs = await sql.query<{ asset: string; fiat: string }>(
      `SELECT DISTINCT asset, fiat FROM ${CHANGED} AS changed ORDER BY 1, 2`,
      [since],
    );
    const total = { rowsIn: 0, rowsOut: 0 };
    // of pieces and lots the planner knows nothing and takes them for a few; looked up one by one they are n x n
    await sql.query('SET LOCAL enable_nestloop = off');
    await sql.query('SET LOCAL jit = off');
    for (const { asset, fiat } of pairs) {
      alive();
      const [made] = await sql.query<{ in: number; out: number }>(FILL, [asset, fiat, timeZone]);
      total.rowsIn += made?.in ?? 0;
      total.rowsOut += made?.out ?? 0;
    }
    metrics.rows.inc({ table: 'gold.c2c_summary' }, total.rowsOut);
    return total;
  },
};

/** Fills gold.c2c_summary. rowsIn counts the orders of the pairs made anew. */
export const goldC2cSummary = c2cGoldTask(SUMMARY);
