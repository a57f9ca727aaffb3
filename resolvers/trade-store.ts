/** Trades from the stores: silver.trade, and from the live stream those that are not in it yet. */
import { streamKey } from '../schema/channels.ts';
import { encodeCursor } from '../schema/cursor.ts';
import type { Trade, TradeConnection } from '../schema/graphql/trade.ts';
import { type MarketRef, marketId, type Side, type TradeEvent } from '../schema/market.ts';
import {
  type LiveStore,
  LiveStoreUnavailable,
  type StreamEntry,
  type StreamPosition,
} from '../src/platform/live/store.ts';
import type { Platform } from '../src/platform/platform.ts';
import { optional, required, unavailable } from './availability.ts';
import { beforeOldest, LAG_MS } from './kline-join.ts';
import { byMarket, cutPage, marketColumns, perQuestion } from './page.ts';

interface Row extends MarketRef {
  tradeId: string;
  price: string;
  quantity: string;
  side: Side;
  time: Date;
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

/** Newest entries of a stream that are looked at for trades that are not in the table yet, at first and at most. */
const WINDOWS = [200n, 2_000n];

/** Which list of trades a page position belongs to. */
export function tradeQuestion(market: MarketRef): string {
  return `trade:${marketId(market)}`;
}

/** The trade of an event. */
export function tradeOf(event: TradeEvent): Trade {
  const { exchange, symbol, tradeId, price, quantity, side, eventTime } = event;
  return { id: `${marketId(event)}:${tradeId}`, exchange, symbol, tradeId, price, quantity, side, time: eventTime };
}

const timeOf = (trade: Trade): number => Number(trade.time);

/** Newest first; trades of one millisecond by their id, as the table's key sorts them. */
function newestFirst(a: Trade, b: Trade): number {
  return timeOf(b) - timeOf(a) || (a.tradeId < b.tradeId ? 1 : -1);
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
       CROSS JOIN LATERAL (SELECT exchange, symbol, trade_id AS "tradeId", price, quantity, side, event_time AS time
         FROM silver.trade WHERE ${conditions.join(' AND ')} ORDER BY event_time DESC, trade_id DESC LIMIT $3) t
       ORDER BY m.n, t.time DESC, t."tradeId" DESC`,
      params,
    ),
  );
}

/** Pages of trades; those that ask the same of different markets cost one call of Postgres together. */
export function tradePages(
  platform: Pick<Platform, 'live' | 'postgres'>,
  keys: readonly TradePageKey[],
): Promise<TradeConnection[]> {
  const questionOf = ({ market: _, ...question }: TradePageKey): string => JSON.stringify(question);
  return perQuestion(keys, questionOf, async (group) => {
    const streams = group.map((key) => streamKey('trade', marketId(key.market)));
    // the position is read before the rows: what happens in between is in both, never in neither
    const positions = await optional(platform.live.positions(streams));
    const rowsFor = byMarket(await rowsOf(platform.postgres, group));
    return Promise.all(
      group.map((key, i) => {
        const at = positions instanceof LiveStoreUnavailable ? positions : (positions[i] ?? null);
        const rows = rowsFor(key.market).map((row) =>
          tradeOf({ ...row, eventTime: row.time.getTime(), receivedAt: 0 }),
        );
        return pageOf(platform.live, streams[i] as string, key, rows, at);
      }),
    );
  });
}

async function pageOf(
  live: LiveStore,
  stream: string,
  key: TradePageKey,
  rows: Trade[],
  position: StreamPosition | null | LiveStoreUnavailable,
): Promise<TradeConnection> {
  let at = position ?? { epoch: '', sequence: 0n };
  let trades = rows;
  if (position && !(position instanceof LiveStoreUnavailable)) {
    // a later page is history
    if (key.after === null) ({ trades, at } = await joinLiveTrades(live, stream, key, rows, position));
  }
  const { nodes, pageInfo } = cutPage(trades, key.first, tradeQuestion(key.market), (t) => [
    String(timeOf(t)),
    t.tradeId,
  ]);
  return {
    nodes,
    pageInfo,
    liveCursor: () => {
      if (at instanceof LiveStoreUnavailable) throw unavailable(at);
      return encodeCursor(stream, at);
    },
  };
}

/**
 * The newest rows with the trades of the stream that are not in the table yet. Both are written in the order of one log, so
 * one entry that is in the table says the same of all before it. Where none is found, the position goes back to the oldest
 * event kept: a trade told twice is better than one never told.
 */
async function joinLiveTrades(
  live: LiveStore,
  stream: string,
  key: TradePageKey,
  rows: readonly Trade[],
  position: StreamPosition,
): Promise<{ trades: Trade[]; at: StreamPosition | LiveStoreUnavailable }> {
  if (key.to !== null) {
    // by the stream's own clock: replayed data is as old as it is
    const newest = await optional(live.read(stream, position.sequence - 1n, 1));
    if (newest instanceof LiveStoreUnavailable) return { trades: [...rows], at: newest };
    const time = newest[0] ? (JSON.parse(newest[0].payload) as TradeEvent).eventTime : 0;
    if (key.to <= time - LAG_MS) return { trades: [...rows], at: position };
  }
  const stored = new Set(rows.map((row) => row.tradeId));
  let entries: StreamEntry[] = [];
  let joined = position.sequence === 0n;
  for (const window of WINDOWS) {
    const from = position.sequence > window ? position.sequence - window : 0n;
    const read = await optional(live.read(stream, from, Number(position.sequence - from)));
    if (read instanceof LiveStoreUnavailable) return { trades: [...rows], at: read };
    entries = read;
    const events = entries.map((entry) => JSON.parse(entry.payload) as TradeEvent);
    joined = entries[0]?.sequence === 1n || events.some(({ tradeId }) => stored.has(tradeId));
    if (joined || from === 0n) break;
  }
  const extra = entries
    .map((entry) => tradeOf(JSON.parse(entry.payload) as TradeEvent))
    .filter((trade) => !stored.has(trade.tradeId))
    .filter((trade) => (key.from === null || timeOf(trade) >= key.from) && (key.to === null || timeOf(trade) < key.to));
  return {
    trades: [...rows, ...extra].sort(newestFirst),
    at: joined ? position : await beforeOldest(live, stream, position),
  };
}
