/**
 * How far each market was published before this process took it over: the newest rows of silver (they may lag: repeats
 * are dropped downstream) and what the feed itself must not forget (ops.checkpoint, group `ingest`).
 */
import { decimal } from '../../schema/decimal.ts';
import { type Exchange, INTERVALS, type KlineEvent, marketId } from '../../schema/market.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';

/** A trade as a place in the sequence. */
export interface TradeMark {
  id: string;
  eventTime: number;
}

/**
 * Ids from..to, or times from..to in epoch ms, both inclusive, that a back-fill could not get: open times of minutes, and
 * times of trades where ids do not grow by one.
 */
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
  /** The newest closed candles: whoever closed them may have had no time to hold them against the exchange's own. */
  lastKlines?: readonly KlineEvent[];
  readonly kept: Kept;
  /** Writes `kept`. Throws PostgresUnavailable. */
  save(): Promise<void>;
}

const GROUP = 'ingest';
/** Minutes that a check may be behind. */
const UNCHECKED = 5;

type KlineRow = Omit<KlineEvent, 'openTime' | 'eventTime'> & { openTime: Date; eventTime: Date };
const AMOUNTS = ['open', 'high', 'low', 'close', 'volume', 'quoteVolume'] as const;

function klineOf(row: KlineRow): KlineEvent {
  const eventTime = row.eventTime.getTime();
  const amounts = Object.fromEntries(AMOUNTS.map((name) => [name, decimal(row[name])])) as Pick<
    KlineEvent,
    (typeof AMOUNTS)[number]
  >;
  const known = { interval: 'M1', isClosed: true, coverage: 1 } as const;
  return { ...row, ...amounts, ...known, openTime: row.openTime.getTime(), eventTime, receivedAt: eventTime };
}

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
    postgres.query<KlineRow>(
      `SELECT k.exchange, k.symbol, k.open_time AS "openTime", k.open, k.high, k.low, k.close, k.volume,
         k.quote_volume AS "quoteVolume", k.trade_count AS "tradeCount", k.event_time AS "eventTime"
       FROM unnest($2::text[]) AS m (symbol) CROSS JOIN LATERAL (
         SELECT * FROM silver.kline_1m WHERE exchange = $1 AND symbol = m.symbol AND is_closed
         ORDER BY open_time DESC LIMIT ${UNCHECKED}) k
       ORDER BY k.open_time DESC`,
      [exchange, symbols],
    ),
    postgres.query<{ topic: string; state: Kept | null }>(
      'SELECT topic, state FROM ops.checkpoint WHERE group_name = $1 AND topic = ANY($2) AND partition = 0',
      [GROUP, topics],
    ),
  ]);

  const bySymbol = Map.groupBy(klines, (row) => row.symbol);
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
      const lastKlines = (bySymbol.get(symbol) ?? []).map(klineOf);
      const [kline] = lastKlines;
      const progress: MarketProgress = {
        lastTrade,
        knownUntil: kline ? kline.openTime + INTERVALS.M1 : null,
        lastClose: kline?.close ?? null,
        lastKlines,
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
