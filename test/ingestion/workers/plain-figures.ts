/** What the stores must hold, computed from the events alone, the plain way and with nothing of the workers. */
import { compareDecimals, Exact } from '../../../schema/decimal.ts';
import type { KlineEvent, MarketRef, TickerEvent, TradeEvent } from '../../../schema/market.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

export type PlainTrade = Pick<TradeEvent, 'tradeId' | 'price' | 'eventTime'>;

/** The newest version of each minute, in order of time: closed beats open, then the later one wins. */
export function newestVersions(minutes: readonly KlineEvent[]): KlineEvent[] {
  const best = new Map<number, KlineEvent>();
  const rank = (k: KlineEvent): number => k.eventTime + (k.isClosed ? 1e15 : 0);
  for (const k of minutes) {
    const known = best.get(k.openTime);
    if (!known || rank(k) > rank(known)) best.set(k.openTime, k);
  }
  return [...best.values()].sort((a, b) => a.openTime - b.openTime);
}

/** The 24 h figures of one market; null without a minute in them. */
export function plainTicker(
  { exchange, symbol }: MarketRef,
  minutes: readonly KlineEvent[],
  trades: readonly PlainTrade[],
): Omit<TickerEvent, 'receivedAt'> | null {
  const now = Math.max(...minutes.map((k) => k.eventTime), ...trades.map((t) => t.eventTime));
  const from = now - (now % MINUTE) - DAY + MINUTE;
  const inside = newestVersions(minutes).filter((k) => k.openTime >= from);
  const [first, newest] = [inside[0], inside.at(-1)];
  if (!first || !newest) return null;
  const trade = [...trades]
    .sort((a, b) => a.eventTime - b.eventTime || Number(BigInt(a.tradeId) - BigInt(b.tradeId)))
    .at(-1);
  const last = trade && trade.eventTime >= newest.openTime ? trade.price : newest.close;
  const prices = (field: 'high' | 'low') => [...inside.map((k) => k[field]), last].sort(compareDecimals);
  const sum = (field: 'volume' | 'quoteVolume') =>
    inside.reduce((total, k) => total.plus(k[field]), new Exact(0)).toFixed();
  const change = new Exact(first.open).isZero() ? new Exact(0) : new Exact(last).div(first.open).minus(1).times(100);
  return {
    ...{ exchange, symbol, last, open: first.open, high: prices('high').at(-1) ?? '', low: prices('low')[0] ?? '' },
    volume24h: sum('volume'),
    quoteVolume24h: sum('quoteVolume'),
    changePercent24h: change.toDecimalPlaces(4).toNumber(),
    coverage: Math.round((inside.filter((k) => k.openTime <= now - MINUTE).length / 1_439) * 1e4) / 1e4,
    eventTime: now,
  };
}

/**
 * gold.kline made from silver.kline_1m alone: every candle of every interval, columns but event_time. A candle is closed when
 * a later minute than its own is known or its last minute is closed; coverage counts the minutes known among those begun.
 */
export const GOLD_FROM_SILVER = `
  WITH minute AS (
    SELECT *, max(open_time) OVER (PARTITION BY exchange, symbol) AS newest FROM silver.kline_1m
  ), bucket AS (
    SELECT m.*, i.name AS interval, i.length, date_bin(i.length, m.open_time, timestamptz '1970-01-01 00:00:00Z') AS start
    FROM minute m CROSS JOIN (VALUES ('M1', interval '1 minute'), ('M5', '5 minutes'), ('H1', '1 hour'), ('H4', '4 hours'),
      ('D1', '1 day')) AS i (name, length)
  )
  SELECT exchange, symbol, interval, start AS open_time,
    trim_scale((array_agg(open ORDER BY open_time))[1]) AS open, trim_scale(max(high)) AS high, trim_scale(min(low)) AS low,
    trim_scale((array_agg(close ORDER BY open_time DESC))[1]) AS close,
    trim_scale(sum(volume)) AS volume, trim_scale(sum(quote_volume)) AS quote_volume,
    CASE WHEN bool_or(trade_count IS NULL) THEN NULL ELSE sum(trade_count)::int END AS trade_count,
    (interval <> 'M1' AND max(newest) >= start + length)
      OR (max(open_time) = start + length - interval '1 minute' AND (array_agg(is_closed ORDER BY open_time DESC))[1])
      AS is_closed,
    CASE WHEN interval = 'M1' THEN 1 ELSE
      count(*)::float8 / (extract(epoch FROM least(start + length, max(newest) + interval '1 minute') - start)::float8 / 60)
    END AS coverage
  FROM bucket GROUP BY exchange, symbol, interval, start, length`;

export const GOLD = `
  SELECT exchange, symbol, interval, open_time, trim_scale(open) AS open, trim_scale(high) AS high, trim_scale(low) AS low,
    trim_scale(close) AS close, trim_scale(volume) AS volume, trim_scale(quote_volume) AS quote_volume, trade_count,
    is_closed, coverage
  FROM gold.kline`;
