/** Candles from the stores: the newest one from the live store, the others from gold.kline. */
import { klineStreamId, streamKey } from '../schema/channels.ts';
import { encodeCursor } from '../schema/cursor.ts';
import type { Kline } from '../schema/gold/kline.ts';
import type { KlineConnection } from '../schema/graphql/kline.ts';
import { latestKlineKey } from '../schema/live/keys.ts';
import { INTERVALS, type Interval, type KlineEvent, type MarketRef, marketId } from '../schema/market.ts';
import { type Latest, type LiveStore, LiveStoreUnavailable } from '../src/platform/live/store.ts';
import type { Platform } from '../src/platform/platform.ts';
import { optional, required, unavailable } from './availability.ts';
import { type Joined, joinLiveKlines, type KlineRange } from './kline-join.ts';
import { byMarket, cutPage, marketColumns, perQuestion } from './page.ts';

type Row = Omit<Kline, 'id' | 'closeTime' | 'openTime' | 'eventTime'> & { openTime: Date; eventTime: Date };

export interface LatestKlineKey {
  market: MarketRef;
  interval: Interval;
}

export interface KlinePageKey extends LatestKlineKey, KlineRange {
  first: number;
}

const COLUMNS = `exchange, symbol, interval, open_time AS "openTime", open, high, low, close, volume,
  quote_volume AS "quoteVolume", trade_count AS "tradeCount", is_closed AS "isClosed", coverage, event_time AS "eventTime"`;

/** Which list of candles a page position belongs to. */
export function klineQuestion({
  market,
  interval,
  order,
}: Pick<KlinePageKey, 'market' | 'interval' | 'order'>): string {
  return `kline:${marketId(market)}:${interval}:${order}`;
}

/** The candle of an event. */
export function klineOf(event: KlineEvent): Kline {
  const { openTime, interval } = event;
  const id = `${marketId(event)}:${interval}:${openTime}`;
  return { ...event, id, closeTime: openTime + INTERVALS[interval] - 1 };
}

/** The row as an event, in place: thousands of them a page. */
function eventOf(row: Row): KlineEvent {
  const event = row as unknown as KlineEvent;
  event.openTime = row.openTime.getTime();
  event.eventTime = row.eventTime.getTime();
  event.receivedAt = event.eventTime;
  return event;
}

/** Newest candles. Where the live store has none, or does not answer, the newest row of the table. */
export async function latestKlines(
  { live, postgres }: Pick<Platform, 'live' | 'postgres'>,
  keys: readonly LatestKlineKey[],
): Promise<(Kline | null)[]> {
  const found = await optional(live.latest(keys.map((key) => latestKlineKey(key.market, key.interval))));
  const fromLive = keys.map((_, i) => {
    const latest = found instanceof LiveStoreUnavailable ? null : found[i];
    return latest ? klineOf(JSON.parse(latest.value) as KlineEvent) : null;
  });
  const missing = keys.filter((_, i) => fromLive[i] === null);
  if (missing.length === 0) return fromLive;
  const [exchanges, symbols] = marketColumns(missing.map((key) => key.market));
  const rows = await required(
    postgres.query<Row & { n: number }>(
      `SELECT m.n::int AS n, k.* FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS m(e, s, i, n)
       CROSS JOIN LATERAL (SELECT ${COLUMNS} FROM gold.kline WHERE exchange = m.e AND symbol = m.s AND interval = m.i
         ORDER BY open_time DESC LIMIT 1) k`,
      [exchanges, symbols, missing.map((key) => key.interval)],
    ),
  );
  const stored = new Map(rows.map(({ n, ...row }) => [missing[n - 1], klineOf(eventOf(row))]));
  return keys.map((key, i) => fromLive[i] ?? stored.get(key) ?? null);
}

async function rowsOf(postgres: Platform['postgres'], keys: readonly KlinePageKey[]): Promise<Row[]> {
  const { interval, order, first, from, to, afterTime } = keys[0] as KlinePageKey;
  const params: unknown[] = [...marketColumns(keys.map((key) => key.market)), interval, first + 1];
  const bound = (operator: string, time: number | null): string =>
    time === null ? '' : ` AND open_time ${operator} $${params.push(new Date(time))}`;
  // bounds are constants of the statement, so that the planner leaves out partitions
  const range = bound('>=', from) + bound('<', to) + bound(order === 'ASC' ? '>' : '<', afterTime);
  return required(
    postgres.query<Row>(
      `SELECT k.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS m(e, s, n)
       CROSS JOIN LATERAL (SELECT ${COLUMNS} FROM gold.kline
         WHERE exchange = m.e AND symbol = m.s AND interval = $3${range}
         ORDER BY open_time ${order} LIMIT $4) k
       ORDER BY m.n, k."openTime" ${order}`,
      params,
    ),
  );
}

/** Pages of candles; those that ask the same of different markets cost one call of each store together. */
export function klinePages(
  platform: Pick<Platform, 'live' | 'postgres'>,
  keys: readonly KlinePageKey[],
): Promise<KlineConnection[]> {
  const questionOf = ({ market: _, ...question }: KlinePageKey): string => JSON.stringify(question);
  return perQuestion(keys, questionOf, async (group) => {
    // the position is read before the rows: what happens in between is in both, never in neither
    const latest = await optional(platform.live.latest(group.map((key) => latestKlineKey(key.market, key.interval))));
    const rowsFor = byMarket(await rowsOf(platform.postgres, group));
    return Promise.all(
      group.map((key, i) => {
        const newest = latest instanceof LiveStoreUnavailable ? latest : (latest[i] ?? null);
        return pageOf(platform.live, key, rowsFor(key.market).map(eventOf), newest);
      }),
    );
  });
}

async function pageOf(
  live: LiveStore,
  key: KlinePageKey,
  rows: KlineEvent[],
  latest: Latest | null | LiveStoreUnavailable,
): Promise<KlineConnection> {
  const stream = streamKey('kline', klineStreamId(key.market, key.interval));
  let page: Joined = { candles: rows, at: latest ?? { epoch: '', sequence: 0n } };
  if (latest && !(latest instanceof LiveStoreUnavailable)) {
    // a page that ends in the past has nothing to gain from the live store
    const reachesHead = key.order === 'ASC' ? rows.length <= key.first : key.afterTime === null;
    if (reachesHead) page = await joinLiveKlines(live, stream, key, rows, latest);
  }
  const { at } = page;
  const { nodes, pageInfo } = cutPage(page.candles, key.first, klineQuestion(key), (k) => [String(k.openTime)]);
  return {
    nodes: nodes.map(klineOf),
    pageInfo,
    liveCursor: () => {
      if (at instanceof LiveStoreUnavailable) throw unavailable(at);
      return encodeCursor(stream, at);
    },
  };
}
