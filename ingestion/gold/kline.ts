/** gold.kline: candles of all intervals. Filled by the worker `klines`, which also reads back from it what it has to go on with. */
import { INTERVALS, type Interval, type KlineEvent, type MarketRef } from '../../schema/market.ts';
import type { BulkTable } from '../../src/platform/postgres/bulk.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

export const GOLD_KLINE: BulkTable<KlineEvent> = {
  table: 'gold.kline',
  columns: {
    exchange: ['text', (k) => k.exchange],
    symbol: ['text', (k) => k.symbol],
    interval: ['text', (k) => k.interval],
    open_time: ['timestamptz', (k) => k.openTime],
    open: ['numeric', (k) => k.open],
    high: ['numeric', (k) => k.high],
    low: ['numeric', (k) => k.low],
    close: ['numeric', (k) => k.close],
    volume: ['numeric', (k) => k.volume],
    quote_volume: ['numeric', (k) => k.quoteVolume],
    trade_count: ['integer', (k) => k.tradeCount],
    is_closed: ['boolean', (k) => k.isClosed],
    coverage: ['float8', (k) => k.coverage],
    event_time: ['timestamptz', (k) => k.eventTime],
  },
  key: ['exchange', 'symbol', 'interval', 'open_time'],
  version: ['is_closed', 'event_time'],
  partition: { unit: 'month', time: (k) => k.openTime },
};

type KlineRow = Omit<KlineEvent, 'openTime' | 'eventTime' | 'receivedAt'> & { openTime: Date; eventTime: Date };

const COLUMNS = `k.exchange, k.symbol, k.interval, k.open_time AS "openTime", k.open, k.high, k.low, k.close, k.volume,
  k.quote_volume AS "quoteVolume", k.trade_count AS "tradeCount", k.is_closed AS "isClosed", k.coverage,
  k.event_time AS "eventTime"`;

/** The time of receipt is not kept in gold; nothing is computed from it. */
function eventOf(row: KlineRow): KlineEvent {
  const eventTime = row.eventTime.getTime();
  return { ...row, openTime: row.openTime.getTime(), eventTime, receivedAt: eventTime };
}

/** All candles that begin on the given UTC days (first millisecond of each), of their markets. */
export async function loadCandles(sql: Sql, days: readonly (MarketRef & { day: number })[]): Promise<KlineEvent[]> {
  if (days.length === 0) return [];
  const rows = await sql.query<KlineRow>(
    `SELECT ${COLUMNS}
     FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS w (exchange, symbol, day)
     CROSS JOIN LATERAL (
       SELECT * FROM gold.kline WHERE exchange = w.exchange AND symbol = w.symbol AND interval = ANY ($4::text[])
         AND open_time >= w.day AND open_time < w.day + interval '1 day'
     ) k`,
    [
      days.map((d) => d.exchange),
      days.map((d) => d.symbol),
      days.map((d) => new Date(d.day).toISOString()),
      Object.keys(INTERVALS) as Interval[],
    ],
  );
  return rows.map(eventOf);
}

/** Open time of the newest minute of each market, in the order given; null where none is known. */
export async function loadNewestMinutes(sql: Sql, markets: readonly MarketRef[]): Promise<(number | null)[]> {
  if (markets.length === 0) return [];
  const rows = await sql.query<{ newest: Date | null }>(
    `SELECT (SELECT open_time FROM gold.kline k WHERE k.exchange = w.exchange AND k.symbol = w.symbol
               AND k.interval = 'M1' ORDER BY open_time DESC LIMIT 1) AS newest
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (exchange, symbol, n) ORDER BY w.n`,
    [markets.map((m) => m.exchange), markets.map((m) => m.symbol)],
  );
  return rows.map((row) => row.newest?.getTime() ?? null);
}

/** The minutes of each market from a time on (epoch ms), in no order. */
export async function loadMinutesSince(
  sql: Sql,
  markets: readonly (MarketRef & { since: number })[],
): Promise<KlineEvent[]> {
  if (markets.length === 0) return [];
  const rows = await sql.query<KlineRow>(
    `SELECT ${COLUMNS}
     FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS w (exchange, symbol, since)
     CROSS JOIN LATERAL (
       SELECT * FROM gold.kline WHERE exchange = w.exchange AND symbol = w.symbol AND interval = 'M1'
         AND open_time >= w.since
     ) k`,
    [markets.map((m) => m.exchange), markets.map((m) => m.symbol), markets.map((m) => new Date(m.since).toISOString())],
  );
  return rows.map(eventOf);
}

/** The newest candle of each interval of each market. */
export async function loadNewestCandles(sql: Sql, markets: readonly MarketRef[]): Promise<KlineEvent[]> {
  if (markets.length === 0) return [];
  const rows = await sql.query<KlineRow>(
    `SELECT ${COLUMNS}
     FROM unnest($1::text[], $2::text[]) AS w (exchange, symbol) CROSS JOIN unnest($3::text[]) AS i (name)
     CROSS JOIN LATERAL (
       SELECT * FROM gold.kline WHERE exchange = w.exchange AND symbol = w.symbol AND interval = i.name
       ORDER BY open_time DESC LIMIT 1
     ) k`,
    [markets.map((m) => m.exchange), markets.map((m) => m.symbol), Object.keys(INTERVALS) as Interval[]],
  );
  return rows.map(eventOf);
}
