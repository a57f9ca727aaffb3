/**
 * History meets live: the newest rows of silver.trade and what the stream has beyond them. Both are written in the order of
 * one log by workers of their own, and either may be ahead.
 */
import type { Trade } from '../schema/graphql/trade.ts';
import { marketId, type TradeEvent } from '../schema/market.ts';
import {
  type LiveStore,
  LiveStoreUnavailable,
  type StreamEntry,
  type StreamPosition,
} from '../src/platform/live/store.ts';
import { optional } from './availability.ts';
import { beforeOldest, LAG_MS } from './kline-join.ts';

/** A trade of the table, and when it was received, epoch ms. */
export interface StoredTrade {
  trade: Trade;
  receivedAt: number;
}

/** Trades of a page and the stream position that they hold for. */
export interface JoinedTrades {
  trades: Trade[];
  at: StreamPosition | LiveStoreUnavailable;
}

/** Newest entries of a stream that are looked at for trades that are not in the table yet, at first and at most. */
const WINDOWS = [200n, 2_000n, 8_000n];
/** Entries that may have come while the rows were read. */
const MEANWHILE = 2_000;
/** A trade that is this much older than the newest on its stream may still be on its way there. */
const DISORDER_MS = 1_000;
/** A stream that has not told a trade for this long since it was received is out of order: the page shows it. */
const AHEAD_MS = 5_000;

/** Times in epoch ms, `from` inclusive and `to` exclusive; `first` trades at the most. */
export interface TradePageBounds {
  from: number | null;
  to: number | null;
  first: number;
}

/** The trade of an event. */
export function tradeOf(event: TradeEvent): Trade {
  const { exchange, symbol, tradeId, price, quantity, side, eventTime } = event;
  return { id: `${marketId(event)}:${tradeId}`, exchange, symbol, tradeId, price, quantity, side, time: eventTime };
}

/** Exchange's clock, epoch ms. */
export const timeOf = (trade: Trade): number => Number(trade.time);

/** Newest first; trades of one millisecond by their id, as the table's key sorts them. */
function newestFirst(a: Trade, b: Trade): number {
  return timeOf(b) - timeOf(a) || (a.tradeId < b.tradeId ? 1 : -1);
}

/** What the newest entries of a stream say about the rows of a page. */
class Window {
  readonly events: readonly TradeEvent[];
  private readonly ids: ReadonlySet<string>;
  /** Time of the newest, and from when on every trade that was told is among these. */
  private readonly newest: number;
  private readonly whole: number;

  constructor(readonly entries: readonly StreamEntry[]) {
    this.events = entries.map((entry) => JSON.parse(entry.payload) as TradeEvent);
    this.ids = new Set(this.events.map(({ tradeId }) => tradeId));
    this.newest = this.events.reduce((max, { eventTime }) => Math.max(max, eventTime), 0);
    const [first] = this.events;
    this.whole = !first || entries[0]?.sequence === 1n ? 0 : first.eventTime + DISORDER_MS + 1;
  }

  /** True where one entry is among the rows, or a row comes after them all: then what came before is in the table. */
  meets(rows: readonly StoredTrade[]): boolean {
    if (this.entries[0]?.sequence === 1n || this.untold(rows).some((row) => this.isToCome(row))) return true;
    return rows.some(({ trade }) => this.ids.has(trade.tradeId));
  }

  /** True where a page is made of these entries alone: what is between them and the table is older than all of it. */
  covers({ from, to, first }: TradePageBounds): boolean {
    if (from !== null && from >= this.whole) return true;
    const within = this.events.filter(({ eventTime }) => eventTime >= this.whole && (to === null || eventTime < to));
    return within.length >= first;
  }

  /** The rows that the stream may not have told yet. */
  untold(rows: readonly StoredTrade[]): StoredTrade[] {
    return rows.filter(({ trade }) => timeOf(trade) >= this.newest - DISORDER_MS && !this.ids.has(trade.tradeId));
  }

  /** True for one of them that it surely has not. */
  isToCome({ trade }: StoredTrade): boolean {
    return timeOf(trade) >= this.whole;
  }
}

/** True for a row that a stream in order may still be about to tell. */
export function isFresh({ receivedAt }: StoredTrade, now: number): boolean {
  return now - receivedAt < AHEAD_MS;
}

/**
 * The newest rows with the trades of the stream that are not in the table yet, up to the newest that the stream had after
 * the rows were read. A row that the stream is about to tell is left to it, so that what follows the position repeats
 * nothing. Where stream and table do not meet and the page reaches across, the position goes back to the oldest event kept:
 * a trade told twice is better than one never told. `position` was read before the rows; sequence 0 where nothing was told yet.
 */
export async function joinLiveTrades(
  live: LiveStore,
  stream: string,
  key: TradePageBounds,
  rows: readonly StoredTrade[],
  position: StreamPosition,
): Promise<JoinedTrades> {
  const all = rows.map(({ trade }) => trade);
  if (key.to !== null && position.sequence > 0n) {
    // by the stream's own clock: replayed data is as old as it is
    const newest = await optional(live.read(stream, position.sequence - 1n, 1));
    if (newest instanceof LiveStoreUnavailable) return { trades: all, at: newest };
    const time = newest[0] ? (JSON.parse(newest[0].payload) as TradeEvent).eventTime : 0;
    if (key.to <= time - LAG_MS) return { trades: all, at: position };
  }
  const stored = new Set(all.map((trade) => trade.tradeId));
  let window = new Window([]);
  let joined = position.sequence === 0n;
  for (const size of WINDOWS) {
    const from = position.sequence > size ? position.sequence - size : 0n;
    const entries = await optional(live.read(stream, from, Number(position.sequence - from) + MEANWHILE));
    if (entries instanceof LiveStoreUnavailable) return { trades: all, at: entries };
    window = new Window(entries);
    joined = window.meets(rows) || window.covers(key);
    if ((joined && window.untold(rows).every((row) => window.isToCome(row))) || from === 0n) break;
  }
  const { epoch, sequence } = window.entries.at(-1) ?? position;
  const now = Date.now();
  const left = new Set(
    window
      .untold(rows)
      .filter((row) => window.isToCome(row) && isFresh(row, now))
      .map(({ trade }) => trade),
  );
  const extra = window.events
    .filter(({ tradeId }) => !stored.has(tradeId))
    .filter(({ eventTime: time }) => (key.from === null || time >= key.from) && (key.to === null || time < key.to));
  return {
    trades: [...all.filter((trade) => !left.has(trade)), ...extra.map(tradeOf)].sort(newestFirst),
    at: joined ? { epoch, sequence } : await beforeOldest(live, stream, { epoch, sequence }),
  };
}
