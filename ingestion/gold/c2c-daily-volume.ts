/** gold.c2c_daily_volume: orders by day, asset, fiat and side. Days in which an order changed are counted anew. */
import { metrics } from '../../src/platform/metrics.ts';
import { type C2cGold, CHANGED, c2cGoldTask } from './c2c-changes.ts';
import { quotient } from './exact.ts';

/** Days of one statement. */
const DAYS_AT_ONCE = 30;

const KEY = ['day', 'asset', 'fiat', 'trade_type'];
const FIGURES = [
  ...['orders', 'completed', 'cancelled', 'amount', 'total_price', 'average_unit_price', 'commission'],
  ...['counterparties', 'completion_percent'],
];
const COLUMNS = [...KEY, ...FIGURES];
const of = (table: string, names: readonly string[]): string => names.map((name) => `${table}.${name}`).join(', ');

// $1 days, $2 time zone. The bounds are for the index, wider than the day where a clock is set back or forward at midnight.
const FILL = `WITH wanted AS (SELECT day FROM unnest($1::date[]) AS day),
counted AS (
  SELECT w.day, o.asset, o.fiat, o.trade_type, count(*)::int AS orders,
    count(*) FILTER (WHERE o.order_status = 'COMPLETED')::int AS completed,
    count(*) FILTER (WHERE o.order_status IN ('CANCELLED', 'CANCELLED_BY_SYSTEM'))::int AS cancelled,
    trim_scale(coalesce(sum(o.amount) FILTER (WHERE o.order_status = 'COMPLETED'), 0)) AS amount,
    trim_scale(coalesce(sum(o.total_price) FILTER (WHERE o.order_status = 'COMPLETED'), 0)) AS total_price,
    trim_scale(coalesce(sum(o.commission) FILTER (WHERE o.order_status = 'COMPLETED'), 0)) AS commission,
    count(DISTINCT o.counter_part_nick_name) FILTER (WHERE o.counter_part_nick_name <> '')::int AS counterparties
  FROM wanted w JOIN silver.c2c_order o
    ON o.create_time >= (w.day::timestamp AT TIME ZONE $2) - interval '3 hours'
    AND o.create_time < ((w.day + 1)::timestamp AT TIME ZONE $2) + interval '3 hours'
    AND (o.create_time AT TIME ZONE $2)::date = w.day
  GROUP BY w.day, o.asset, o.fiat, o.trade_type
), made AS (
  SELECT *, CASE WHEN amount > 0 THEN ${quotient('total_price', 'amount')} END AS average_unit_price,
    completed * 100.0::float8 / orders AS completion_percent FROM counted
), gone AS (
  DELETE FROM gold.c2c_daily_volume g USING wanted w WHERE g.day = w.day
    AND NOT EXISTS (SELECT FROM made m WHERE (${of('m', KEY)}) = (${of('g', KEY)})) RETURNING 1
), filled AS (
  INSERT INTO gold.c2c_daily_volume AS t (${COLUMNS.join(', ')}) SELECT ${COLUMNS.join(', ')} FROM made
  ON CONFLICT (${KEY.join(', ')}) DO UPDATE SET ${FIGURES.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE (${of('t', FIGURES)}) IS DISTINCT FROM (${of('excluded', FIGURES)})
  RETURNING 1
)
SELECT (SELECT coalesce(sum(orders), 0) FROM counted)::int AS "in",
  ((SELECT count(*) FROM filled) + (SELECT count(*) FROM gone))::int AS "out"`;

const VOLUME: C2cGold = {
  name: 'gold_c2c_daily_volume',
  table: 'gold.c2c_daily_volume',
  async make(sql, since, timeZone, alive) {
    const days = await sql.query<{ day: string }>(
      `SELECT DISTINCT ((create_time AT TIME ZONE $2)::date)::text AS day FROM ${CHANGED} AS changed ORDER BY 1`,
      [since, timeZone],
    );
    const total = { rowsIn: 0, rowsOut: 0 };
    for (let at = 0; at < days.length; at += DAYS_AT_ONCE) {
      alive();
      const some = days.slice(at, at + DAYS_AT_ONCE).map(({ day }) => day);
      const [made] = await sql.query<{ in: number; out: number }>(FILL, [some, timeZone]);
      total.rowsIn += made?.in ?? 0;
      total.rowsOut += made?.out ?? 0;
    }
    metrics.rows.inc({ table: 'gold.c2c_daily_volume' }, total.rowsOut);
    return total;
  },
};

/**
 * Fills gold.c2c_daily_volume. Amount, total, average price and commission are of completed orders alone; counterparties are
 * told apart by the names that the exchange shows, of all orders. rowsIn counts the orders of the days made anew.
 */
export const goldC2cDailyVolume = c2cGoldTask(VOLUME);
