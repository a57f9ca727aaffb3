/**
 * What is held against the silver tables, set by set, in SQL. A check reads the rows of a span of time ($1 to $2, the
 * second exclusive) and says of each whether it fails, and why; nothing is changed or deleted. What a worker refused
 * before it reached a table is in ops.dead_letter and counted by the check `refused`.
 */
import { CDC_DATASET } from './cdc-checks.ts';
import type { DataCheck, Dataset } from './data-check.ts';

const HOUR = 3_600_000;
/** A price this far from the middle of the other venues' is a jump of its own. */
const JUMP_PERCENT = 5;
/** An exchange's clock may be ahead of ours by this. */
const AHEAD = "interval '5 seconds'";

/** The span's rows of every market by its index: (exchange, symbol, time) leads all the keys. */
const rowsOf = (table: string, time: string): string => `
  FROM gold.market m CROSS JOIN LATERAL (
    SELECT * FROM ${table} WHERE exchange = m.exchange AND symbol = m.symbol AND ${time} >= $1 AND ${time} < $2) r`;

/** A check of each row by itself: the first condition that holds is the reason. */
function rowCheck(name: string, table: string, time: string, seen: readonly string[], ...rules: [string, string][]) {
  const cases = rules.map(([condition, reason]) => `WHEN ${condition} THEN '${reason}'`).join(' ');
  const fields = seen.map((column) => `'${column}', r.${column}::text`).join(', ');
  return {
    name,
    judged: `SELECT r.exchange, r.symbol, r.${time} AS at, c.reason, CASE WHEN c.reason IS NOT NULL
        THEN jsonb_build_object(${fields}) END AS seen
      ${rowsOf(table, time)} CROSS JOIN LATERAL (SELECT CASE ${cases} END AS reason) c`,
  };
}

/** What a worker dead-lettered of the table's topic; the bytes are in ops.dead_letter. */
const refused = (topic: string): DataCheck => ({
  name: 'refused',
  judged: `SELECT NULL::text AS exchange, NULL::text AS symbol, at, reason,
      jsonb_build_object('topic', topic, 'partition', partition, 'offset', "offset"::text) AS seen
    FROM ops.dead_letter WHERE group_name = 'silver' AND topic = '${topic}' AND at >= $1 AND at < $2`,
});

const KLINE = 'silver.kline_1m';
const PRICES = ['open', 'high', 'low', 'close'];
const TRADE = 'silver.trade';
const TICKER = 'silver.ticker_24h';

/**
 * Every minute from a market's first one on has a closed candle; markets without one for a day are no longer followed. Of one
 * that is delisted nothing is known of the last hour before that was noticed, as it is looked for once an hour.
 */
const klineCoverage: DataCheck = {
  name: 'coverage',
  judged: `SELECT m.exchange, m.symbol, minute AS at,
      CASE WHEN k.open_time IS NULL THEN 'no closed candle of this minute' END AS reason, '{}'::jsonb AS seen
    FROM gold.market m CROSS JOIN LATERAL (
      SELECT open_time FROM ${KLINE} WHERE exchange = m.exchange AND symbol = m.symbol
        AND open_time >= $1::timestamptz - interval '1 day' AND open_time < $2 ORDER BY open_time LIMIT 1) first
    CROSS JOIN LATERAL generate_series(greatest(first.open_time, $1), least($2::timestamptz, CASE m.status
      WHEN 'DELISTED' THEN date_trunc('minute', m.updated_at) - interval '1 hour' END) - interval '1 minute',
      interval '1 minute') AS minute
    LEFT JOIN ${KLINE} k ON k.exchange = m.exchange AND k.symbol = m.symbol AND k.open_time = minute AND k.is_closed`,
};

/** Prices in USDT: KRW by the venue's own USDT-KRW candle of that minute, else by the middle of all of them. */
const priceJump: DataCheck = {
  name: 'price_jump',
  judged: `WITH k AS (SELECT m.base, m.quote, r.exchange, r.symbol, r.open_time, r.close::float8 AS close
      ${rowsOf(KLINE, 'open_time')} WHERE r.is_closed AND r.close > 0 AND (m.quote = 'USDT' OR m.quote = 'KRW')),
    rate AS (SELECT exchange, open_time, close FROM k WHERE base = 'USDT' AND quote = 'KRW'),
    any_rate AS (SELECT open_time, avg(close) AS close FROM rate GROUP BY open_time),
    priced AS (
      SELECT k.*, CASE WHEN quote = 'USDT' THEN k.close ELSE k.close / coalesce(own.close, any_rate.close) END AS price
      FROM k LEFT JOIN rate own USING (exchange, open_time) LEFT JOIN any_rate USING (open_time)
      WHERE base <> 'USDT' AND (quote = 'USDT' OR any_rate.close IS NOT NULL)),
    venues AS (
      SELECT base, open_time, array_agg(exchange) AS exchanges, array_agg(price) AS prices
      FROM priced GROUP BY base, open_time HAVING count(DISTINCT exchange) > 1)
    SELECT p.exchange, p.symbol, p.open_time AS at, c.reason, CASE WHEN c.reason IS NOT NULL
        THEN jsonb_build_object('usdt', round(p.price::numeric, 8)::text, 'others', round(o.middle::numeric, 8)::text) END AS seen
    FROM priced p JOIN venues v USING (base, open_time) CROSS JOIN LATERAL (
      SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS middle
      FROM unnest(v.exchanges, v.prices) AS o (exchange, price) WHERE o.exchange <> p.exchange) o
    CROSS JOIN LATERAL (SELECT CASE WHEN abs(p.price / o.middle - 1) * 100 > ${JUMP_PERCENT}
      THEN 'more than ${JUMP_PERCENT} % off the other venues' END AS reason) c`,
};

const klineTime: DataCheck = {
  name: 'monotone_time',
  judged: `SELECT exchange, symbol, at, reason,
      CASE WHEN reason IS NOT NULL THEN jsonb_build_object('event_time', event_time, 'before', before) END AS seen
    FROM (SELECT t.*, CASE WHEN at <> date_trunc('minute', at) THEN 'does not begin with a minute'
        WHEN event_time < at THEN 'said before it began'
        WHEN is_closed AND before > event_time THEN 'said before the minute in front of it' END AS reason
      FROM (SELECT r.exchange, r.symbol, r.open_time AS at, r.event_time, r.is_closed,
          lag(r.event_time) OVER (PARTITION BY r.exchange, r.symbol ORDER BY r.open_time) AS before
        ${rowsOf(KLINE, 'open_time')}) t) judged`,
};

/** Binance numbers trades one by one, so a hole shows, and so does a time that goes back. */
const dense = (name: string, reason: string, condition: string): DataCheck => ({
  name,
  judged: `SELECT exchange, symbol, at, CASE WHEN ${condition} THEN '${reason}' END AS reason,
      CASE WHEN ${condition} THEN jsonb_build_object('trade_id', id::text, 'after', before_id::text) END AS seen
    FROM (SELECT r.exchange, r.symbol, r.event_time AS at, r.trade_id::numeric AS id,
        lag(r.trade_id::numeric) OVER w AS before_id, lag(r.event_time) OVER w AS before_at
      ${rowsOf(TRADE, 'event_time')} WHERE r.exchange = 'BINANCE'
      WINDOW w AS (PARTITION BY r.symbol ORDER BY r.trade_id::numeric)) t`,
});

const tradeDuplicates: DataCheck = {
  name: 'duplicates',
  judged: `SELECT exchange, symbol, min(event_time) AS at,
      CASE WHEN count(*) > 1 THEN 'one id at several times' END AS reason,
      CASE WHEN count(*) > 1 THEN jsonb_build_object('trade_id', trade_id, 'rows', count(*)) END AS seen
    FROM (SELECT r.exchange, r.symbol, r.trade_id, r.event_time ${rowsOf(TRADE, 'event_time')}) t
    GROUP BY exchange, symbol, trade_id`,
};

export const DATASETS: readonly Dataset[] = [
  CDC_DATASET,
  {
    name: KLINE,
    chunkMs: HOUR,
    sweepMs: 24 * HOUR,
    checks: [
      rowCheck(
        ...(['ohlc_order', KLINE, 'open_time', PRICES] as const),
        ['high < low', 'high is below low'],
        ['open > high OR open < low', 'open is outside low and high'],
        ['close > high OR close < low', 'close is outside low and high'],
      ),
      rowCheck(
        ...(['non_negative', KLINE, 'open_time', ['low', 'volume', 'quote_volume']] as const),
        ['volume < 0 OR quote_volume < 0', 'a volume is negative'],
        ['low <= 0', 'a price is not above zero'],
      ),
      klineTime,
      klineCoverage,
      priceJump,
      refused('crypto_kline_1m'),
    ],
  },
  {
    name: TRADE,
    chunkMs: HOUR / 6,
    sweepMs: null,
    checks: [
      rowCheck(
        ...(['non_negative', TRADE, 'event_time', ['trade_id', 'price', 'quantity']] as const),
        ['price <= 0', 'price is not above zero'],
        ['quantity <= 0', 'quantity is not above zero'],
      ),
      rowCheck(...(['clock', TRADE, 'event_time', ['trade_id', 'received_at']] as const), [
        `r.event_time > r.received_at + ${AHEAD}`,
        'received before it was traded',
      ]),
      dense('monotone_time', 'before the trade in front of it', "before_at > at + interval '1 second'"),
      dense('coverage', 'the ids between are missing', 'id > before_id + 1'),
      tradeDuplicates,
      refused('crypto_trades'),
    ],
  },
  {
    name: TICKER,
    chunkMs: HOUR / 6,
    sweepMs: null,
    checks: [
      rowCheck(...(['ohlc_order', TICKER, 'event_time', ['high', 'low']] as const), [
        'high < low',
        'high is below low',
      ]),
      rowCheck(
        ...(['non_negative', TICKER, 'event_time', ['last', 'volume', 'quote_volume']] as const),
        ['last <= 0', 'last is not above zero'],
        ['volume < 0 OR quote_volume < 0', 'a volume is negative'],
      ),
      rowCheck(...(['clock', TICKER, 'event_time', ['received_at']] as const), [
        `r.event_time > r.received_at + ${AHEAD}`,
        'received before it was said',
      ]),
      refused('crypto_ticker'),
    ],
  },
];

/** The statement of a check: how many rows were looked at and failed, and the first $3 of those. */
export function statementOf({ judged }: DataCheck): string {
  return `WITH judged AS MATERIALIZED (${judged}), bad AS (SELECT * FROM judged WHERE reason IS NOT NULL)
    SELECT (SELECT count(*) FROM judged)::int AS checked, (SELECT count(*) FROM bad)::int AS failed,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('exchange', exchange, 'symbol', symbol, 'time', at, 'reason', reason)
        || coalesce(seen, '{}')), '[]') FROM (SELECT * FROM bad ORDER BY at, exchange, symbol LIMIT $3) b) AS sample`;
}
