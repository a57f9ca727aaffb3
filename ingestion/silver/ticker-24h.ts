/**
 * bronze.raw_event → silver.ticker_24h: what Upbit's REST API told of its markets. The table's own figures, which the worker
 * `silver` writes of our windows, have `is_window`; these do not, and where both are of one moment ours stay. Prices and
 * change here are those of Upbit's day, which begins at 0h UTC, the volumes those of 24 hours.
 */
import { metrics } from '../../src/platform/metrics.ts';
import { ensurePartitions } from '../../src/platform/postgres/partitions.ts';
import type { Task } from '../task.ts';
import { PART, type Part, type Walk, walk } from './raw-events.ts';

/** As the frames of its streams are named in bronze; an answer's rows have a `call_id` besides. */
const SOURCE = 'UPBIT';
const NUMBER = '^[0-9]{1,20}(\\.[0-9]{1,18})?$';
const NUMBERS = {
  ...{ last: 'trade_price', open: 'opening_price', high: 'high_price', low: 'low_price' },
  ...{ volume: 'acc_trade_volume_24h', quote_volume: 'acc_trade_price_24h' },
};
const RATE = '^-?[0-9]{1,9}(\\.[0-9]{1,18})?$';
/** Rows kept with a result. */
const SAMPLE = 20;

const REASON = `CASE
  WHEN symbol IS NULL THEN 'of no market'
  ${Object.values(NUMBERS)
    .map((name) => `WHEN coalesce(payload->>'${name}' !~ '${NUMBER}', true) THEN '${name}: not a decimal'`)
    .join('\n  ')}
  WHEN coalesce(payload->>'signed_change_rate' !~ '${RATE}', true) THEN 'signed_change_rate: not a decimal'
  WHEN payload->>'trade_price' ~ '^[0.]+$' THEN 'trade_price: not above zero'
  WHEN ts_event > received_at + interval '5 seconds' THEN 'received before it was said' END`;

const TICKERS = `WITH part AS MATERIALIZED (${PART}),
judged AS MATERIALIZED (SELECT *, ${REASON} AS reason FROM part),
typed AS (
  SELECT symbol, ts_event, received_at, event_id,
    ${Object.entries(NUMBERS)
      .map(
        ([column, name]) => `CASE WHEN reason IS NULL THEN trim_scale((payload->>'${name}')::numeric) END AS ${column}`,
      )
      .join(', ')},
    CASE WHEN reason IS NULL THEN round((payload->>'signed_change_rate')::numeric * 100, 10)::float8 END AS change_percent
  FROM judged WHERE reason IS NULL
), written AS (
  INSERT INTO silver.ticker_24h AS t (exchange, symbol, event_time, ${Object.keys(NUMBERS).join(', ')}, change_percent, received_at, is_window)
  SELECT DISTINCT ON (symbol, ts_event) '${SOURCE}', symbol, ts_event, ${Object.keys(NUMBERS).join(', ')}, change_percent, received_at, false
  FROM typed ORDER BY symbol, ts_event, received_at DESC, event_id DESC
  ON CONFLICT (exchange, symbol, event_time) DO UPDATE SET
    ${[...Object.keys(NUMBERS), 'change_percent', 'received_at'].map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE NOT t.is_window AND excluded.received_at > t.received_at
  RETURNING 1
), told AS (
  INSERT INTO ops.data_quality_result (dataset, check_name, run_at, from_time, to_time, passed, checked, failed, sample)
  SELECT 'upbit_24h_ticker', 'form', clock_timestamp(), min(ts_event), max(ts_event), count(reason) = 0, count(*), count(reason),
    coalesce((jsonb_agg(jsonb_build_object('event', event_id, 'symbol', symbol, 'reason', reason) ORDER BY event_id)
      FILTER (WHERE reason IS NOT NULL AND n <= ${SAMPLE})), '[]')
  FROM (SELECT *, count(reason) OVER (ORDER BY event_id) AS n FROM judged) j HAVING count(*) > 0
  ON CONFLICT DO NOTHING
)
SELECT (SELECT count(*) FROM part)::int AS rows, (SELECT count(*) FROM written)::int AS written, last.tx::text AS tx, last.event_id AS id
FROM (VALUES (1)) AS one LEFT JOIN (SELECT tx, event_id FROM part ORDER BY tx DESC, event_id DESC LIMIT 1) last ON true`;

interface Answer {
  rows: number;
  written: number;
  tx: string | null;
  id: string | null;
}

const WALK: Walk = {
  step: 'silver.ticker_24h',
  partRows: 2_500,
  async prepare(sql, { tx, id }, limit) {
    const days = await sql.query<{ day: Date }>(
      `SELECT DISTINCT date_trunc('day', ts_event) AS day FROM (${PART}) part`,
      [SOURCE, tx, id, limit],
    );
    await ensurePartitions(
      sql,
      'silver.ticker_24h',
      'day',
      days.map(({ day }) => day.getTime()),
    );
  },
  async make(sql, from, limit): Promise<Part> {
    const [made] = await sql.query<Answer>(TICKERS, [SOURCE, from.tx, from.id, limit]);
    if (!made) throw new Error('no answer');
    metrics.rows.inc({ table: 'silver.ticker_24h' }, made.written);
    const next = made.tx === null || made.id === null ? null : { tx: made.tx, id: made.id };
    return { rowsIn: made.rows, rowsOut: made.written, next };
  },
};

/** Fills silver.ticker_24h from what is new in bronze; what is no ticker is told in ops.data_quality_result. */
export const silverTicker24h: Task = { name: 'silver_ticker_24h', run: (context) => walk(WALK, context) };
