/** Trades from the stores: silver.trade, and from the live stream those that are not in it yet. */
import { streamKey } from '../schema/channels.ts';
import { encodeCursor } from '../schema/cursor.ts';
import type { TradeConnection } from '../schema/graphql/trade.ts';
import { type MarketRef, marketId, type Side } from '../schema/market.ts';
import { type LiveStore, LiveStoreUnavailable, type StreamPosition } from '../src/platform/live/store.ts';
import type { Platform } from '../src/platform/platform.ts';
import { optional, required, unavailable } from './availability.ts';
import { byMarket, cutPage, marketColumns, perQuestion } from './page.ts';
import { isFresh, joinLiveTrades, type StoredTrade, timeOf, tradeOf } from './trade-join.ts';

interface Row extends MarketRef {
  tradeId: string;
  price: string;
  quantity: string;
  side: Side;
  time: Date;
  receivedAt: Date;
}

export interface TradePageKey {
  market: MarketRef;
  first: number;
  /** Epoch ms; `from` inclusive, `to` exclusive. */
  from: number | null;
  to: number | null;
  /** The last row of the page before. */
  after: { time: number; tradeId: string } | null;
}

/** Which list of trades a page position belongs to. */
export function tradeQuestion(market: MarketRef): string {
  return `trade:${marketId(market)}`;
}

async function rowsOf(postgres: Platform['postgres'], keys: readonly TradePageKey[]): Promise<Row[]> {
  const { first, from, to, after } = keys[0] as TradePageKey;
  const params: unknown[] = [...marketColumns(keys.map((key) => key.market)), first + 1];
  const given = (value: unknown): string => `$${params.push(value)}`;
  const conditions = ['exchange = m.e', 'symbol = m.s'];
  if (from !== null) conditions.push(`event_time >= ${given(new Date(from))}`);
  if (to !== null) conditions.push(`event_time < ${given(new Date(to))}`);
  if (after !== null) {
    const time = given(new Date(after.time));
    // the comparison of rows alone does not tell the planner which partitions to leave out
    conditions.push(`event_time <= ${time}`, `(event_time, trade_id) < (${time}, ${given(after.tradeId)})`);
  }
  return required(
    postgres.query<Row>(
      `SELECT t.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS m(e, s, n)
       CROSS JOIN LATERAL (SELECT exchange, symbol, trade_id AS "tradeId", price, quantity, side, event_time AS time, received_at AS "receivedAt"
         FROM silver.trade WHERE ${conditions.join(' AND ')} ORDER BY event_time DESC, trade_id DESC LIMIT $3) t
       ORDER BY m.n, t.time DESC, t."tradeId" DESC`,
      params,
    ),
  );
}

function storedOf(row: Row): StoredTrade {
  const receivedAt = row.receivedAt.getTime();
  return { trade: tradeOf({ ...row, eventTime: row.time.getTime(), receivedAt }), receivedAt };
}

/** Pages of trades; those that ask the same of different markets cost one call of Postgres together. */
export function tradePages(
  platform: Pick<Platform, 'live' | 'postgres'>,
  keys: readonly TradePageKey[],
): Promise<TradeConnection[]> {
  const questionOf = ({ market: _, ...question }: TradePageKey): string => JSON.stringify(question);
  return perQuestion(keys, questionOf, async (group) => {
    const streams = group.map((key) => streamKey('trade', marketId(key.market)));
    // the position is read before the rows, so that what the rows lack is found after it
    const positions = await optional(platform.live.positions(streams));
    const rowsFor = byMarket(await rowsOf(platform.postgres, group));
    return Promise.all(
      group.map((key, i) => {
        const at = positions instanceof LiveStoreUnavailable ? positions : (positions[i] ?? null);
        const rows = rowsFor(key.market).map(storedOf);
        return pageOf(platform.live, streams[i] as string, key, rows, at);
      }),
    );
  });
}

async function pageOf(
  live: LiveStore,
  stream: string,
  key: TradePageKey,
  rows: readonly StoredTrade[],
  position: StreamPosition | null | LiveStoreUnavailable,
): Promise<TradeConnection> {
  let at = position ?? { epoch: '', sequence: 0n };
  let trades = rows.map(({ trade }) => trade);
  const now = Date.now();
  const isTold = position !== null || rows.some((row) => isFresh(row, now));
  // a later page is history
  if (isTold && key.after === null && !(at instanceof LiveStoreUnavailable)) {
    ({ trades, at } = await joinLiveTrades(live, stream, key, rows, at));
  }
  const { nodes, pageInfo } = cutPage(trades, key.first, tradeQuestion(key.market), (t) => [
    String(timeOf(t)),
    t.tradeId,
  ]);
  return {
    nodes,
    // where rows were left to the stream, the page is shorter than what there is
    pageInfo: { ...pageInfo, hasNextPage: pageInfo.hasNextPage || rows.length > key.first },
    liveCursor: () => {
      if (at instanceof LiveStoreUnavailable) throw unavailable(at);
      return encodeCursor(stream, at);
    },
  };
}
