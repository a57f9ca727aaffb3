/**
 * gold.ticker_daily of days of which no minute is known: what the exchange's REST API told last on such a day. Coverage is 0,
 * as it is of minutes; volatility and trend, which are made of minutes, are not known; the volume is that of the 24 hours
 * before. As soon as one minute of the day comes the row goes, and the one made of minutes takes its place.
 */
import { metrics } from '../../src/platform/metrics.ts';
import { lockProgress, saveProgress } from '../../src/platform/postgres/progress.ts';
import type { Task, TaskContext, TaskResult } from '../task.ts';
import { fault } from '../workers/fault.ts';

const STEP = 'gold.ticker_daily';

interface Position {
  /** Answers received before this are in, epoch ms. */
  received: number;
}

const DAY = 86_400_000;

/** The day's candle is made of minutes, be they few. */
const CANDLE = `SELECT FROM gold.kline k WHERE k.exchange = t.exchange AND k.symbol = t.symbol AND k.interval = 'D1'
  AND k.open_time = t.day::timestamp AT TIME ZONE 'UTC'`;

// event_time is the day's beginning, so that whatever is made of minutes counts as newer
const FILL = `WITH days AS (
  SELECT DISTINCT exchange, symbol, (event_time AT TIME ZONE 'UTC')::date AS day FROM silver.ticker_24h
  WHERE NOT is_window AND received_at >= $1
), told AS (
  SELECT d.day, s.* FROM days d CROSS JOIN LATERAL (
    SELECT * FROM silver.ticker_24h WHERE exchange = d.exchange AND symbol = d.symbol AND NOT is_window
      AND event_time >= d.day::timestamp AT TIME ZONE 'UTC' AND event_time < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY event_time DESC LIMIT 1) s
), filled AS (
  INSERT INTO gold.ticker_daily AS d
    (exchange, symbol, day, open, high, low, close, quote_volume, change_percent, coverage, is_closed, event_time)
  SELECT exchange, symbol, day, open, high, low, last, quote_volume, CASE WHEN open = 0 THEN 0 ELSE (last - open) / open * 100 END, 0,
    day < ($2::timestamptz AT TIME ZONE 'UTC')::date, day::timestamp AT TIME ZONE 'UTC'
  FROM told t WHERE NOT EXISTS (${CANDLE})
  ON CONFLICT (exchange, symbol, day) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low,
    close = excluded.close, quote_volume = excluded.quote_volume, change_percent = excluded.change_percent, is_closed = excluded.is_closed
  WHERE d.coverage = 0 AND (d.*) IS DISTINCT FROM (excluded.*)
  RETURNING 1
), gone AS (
  DELETE FROM gold.ticker_daily t WHERE t.coverage = 0 AND EXISTS (${CANDLE}) RETURNING 1
)
SELECT (SELECT count(*) FROM told)::int AS "in", ((SELECT count(*) FROM filled) + (SELECT count(*) FROM gone))::int AS "out"`;

/** A day before today: so long an answer may take from its receipt to the table, and yesterday is to be closed. */
function settledBefore(now: number): number {
  return Math.floor(now / DAY) * DAY - DAY;
}

async function run({ platform }: TaskContext): Promise<TaskResult> {
  const now = Date.now();
  const made = await platform.postgres.transaction(async (sql) => {
    const known = await lockProgress<Position>(sql, STEP);
    const [row] = await sql.query<{ in: number; out: number }>(FILL, [new Date(known?.received ?? 0), new Date(now)]);
    fault('after_write');
    await saveProgress(sql, STEP, { received: settledBefore(now) } satisfies Position);
    return row;
  });
  fault('after_commit');
  metrics.rows.inc({ table: 'gold.ticker_daily' }, made?.out ?? 0);
  return { rowsIn: made?.in ?? 0, rowsOut: made?.out ?? 0 };
}

/** Fills days of gold.ticker_daily that no minute covers, and takes back those that one covers by now. */
export const goldTickerDaily: Task = { name: 'gold_ticker_daily', run };
