/**
 * How far each market was published before this process took it over: the newest rows of silver (they may lag: repeats
 * are dropped downstream) and what the feed itself must not forget (ops.checkpoint, group `ingest`).
 */
import { type Exchange, INTERVALS, marketId } from '../../schema/market.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';

/** A trade as a place in the sequence. */
export interface TradeMark {
  id: string;
  eventTime: number;
}

/** Ids from..to, or open times from..to in epoch ms, both inclusive, that a back-fill could not get. */
export interface Hole {
  from: string;
  to: string;
  /** Of minutes: the price before them, which is theirs too where the exchange has no candle of them. */
  close?: string;
}

/** True where somebody published this market before: what came between is unknown to those who followed its book. */
export function hasHistory({ lastTrade, knownUntil, kept }: MarketProgress): boolean {
  return lastTrade !== null || knownUntil !== null || kept.firstTrade !== null;
}

/** What outlives the process. */
export interface Kept {
  /** The first trade ever received: from here on nothing may be missing. */
  firstTrade: TradeMark | null;
  tradeHoles: Hole[];
  klineHoles: Hole[];
}

export interface MarketProgress {
  /** Newest trade published for certain; null where there is none yet. */
  lastTrade: TradeMark | null;
  /** Open time of the first minute whose closed candle is not in silver; null where silver has none. */
  knownUntil: number | null;
  /** Closing price of the minute before `knownUntil`. */
  lastClose?: string | null;
  readonly kept: Kept;
  /** Writes `kept`. Throws PostgresUnavailable. */
  save(): Promise<void>;
}

const GROUP = 'ingest';

/** Ids compare as numbers where both are digits, else as text. */
function newer(a: TradeMark, b: TradeMark): TradeMark {
  const digits = /^[0-9]+$/;
  if (digits.test(a.id) && digits.test(b.id)) return BigInt(a.id) >= BigInt(b.id) ? a : b;
  return a.eventTime >= b.eventTime ? a : b;
}

/** Reads the progress of some markets of one exchange, by symbol. Throws PostgresUnavailable. */
export async function readProgress(
  postgres: Postgres,
  exchange: Exchange,
  symbols: readonly string[],
): Promise<Map<string, MarketProgress>> {
  const topics = symbols.map((symbol) => marketId({ exchange, symbol }));
  const [trades, klines, states] = await Promise.all([
    // a handful: the newest by time need not have the greatest id
    postgres.query<{ symbol: string; trade_id: string; event_time: Date }>(
      `SELECT m.symbol, t.trade_id, t.event_time FROM unnest($2::text[]) AS m (symbol) CROSS JOIN LATERAL (
         SELECT trade_id, event_time FROM silver.trade WHERE exchange = $1 AND symbol = m.symbol
         ORDER BY event_time DESC LIMIT 20) t`,
      [exchange, symbols],
    ),
    postgres.query<{ symbol: string; open_time: Date; close: string }>(
      `SELECT m.symbol, k.open_time, k.close FROM unnest($2::text[]) AS m (symbol) CROSS JOIN LATERAL (
         SELECT open_time, close FROM silver.kline_1m WHERE exchange = $1 AND symbol = m.symbol AND is_closed
         ORDER BY open_time DESC LIMIT 1) k`,
      [exchange, symbols],
    ),
    postgres.query<{ topic: string; state: Kept | null }>(
      'SELECT topic, state FROM ops.checkpoint WHERE group_name = $1 AND topic = ANY($2) AND partition = 0',
      [GROUP, topics],
    ),
  ]);

  return new Map(
    symbols.map((symbol) => {
      const topic = marketId({ exchange, symbol });
      const kept: Kept = {
        firstTrade: null,
        tradeHoles: [],
        klineHoles: [],
        ...states.find((row) => row.topic === topic)?.state,
      };
      const lastTrade = trades
        .filter((row) => row.symbol === symbol)
        .map((row) => ({ id: row.trade_id, eventTime: row.event_time.getTime() }))
        .reduce<TradeMark | null>((best, mark) => (best ? newer(best, mark) : mark), null);
      const kline = klines.find((row) => row.symbol === symbol);
      const progress: MarketProgress = {
        lastTrade,
        knownUntil: kline ? kline.open_time.getTime() + INTERVALS.M1 : null,
        lastClose: kline?.close ?? null,
        kept,
        async save() {
          await postgres.query(
            // tied to no log: it counts what the exchange sent
            `INSERT INTO ops.checkpoint (group_name, topic, partition, next_offset, log, state)
             VALUES ($1, $2, 0, 0, 'exchange', $3)
             ON CONFLICT (group_name, topic, partition) DO UPDATE SET state = excluded.state, updated_at = now()`,
            [GROUP, topic, JSON.stringify(kept)],
          );
        },
      };
      return [symbol, progress];
    }),
  );
}
