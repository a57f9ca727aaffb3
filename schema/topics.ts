/**
 * The Kafka topics: name → payload, key, partitions, parse. Every producer and consumer goes through this list, so that
 * a payload is described once and checked on the way in.
 */
import { z } from 'zod';
import { type ArbitrageEvent, type FxEvent, NOT_EXECUTABLE } from './arbitrage.ts';
import { C2C_ORDER_TABLE, PERSONAL_FIELDS } from './cdc.ts';
import { isDecimal } from './decimal.ts';
import { BadMessage, jsonValues, type Values } from './json-values.ts';
import {
  type BookEvent,
  EXCHANGES,
  type Exchange,
  FEED_CHANNELS,
  type FeedChannel,
  type FeedStatusEvent,
  INTERVALS,
  type Interval,
  isSymbol,
  type KlineEvent,
  splitSymbol,
  type TickerEvent,
  type TradeEvent,
} from './market.ts';
import { isPlainBook, isPlainKline, isPlainTrade } from './plain-events.ts';
import { RANKING_METRICS, type RankingEvent } from './ranking.ts';

export { BadMessage };

const Dec = z.string().refine(isDecimal, 'not a decimal');
/** Epoch ms between 2009 (Bitcoin) and 2100: a stamp in s, µs or ns is refused here. */
const Time = z.number().int().min(1_230_768_000_000).max(4_102_444_800_000);
const Count = z.string().regex(/^[0-9]{1,30}$/);
const Market = { exchange: z.enum(EXCHANGES), symbol: z.string().refine(isSymbol, 'not a BASE-QUOTE symbol') };
const Event = { ...Market, eventTime: Time, receivedAt: Time };
const Level = z.tuple([Dec, Dec]);

export const Kline: z.ZodType<KlineEvent> = z.object({
  ...Event,
  interval: z.enum(Object.keys(INTERVALS) as [Interval, ...Interval[]]),
  openTime: Time,
  open: Dec,
  high: Dec,
  low: Dec,
  close: Dec,
  volume: Dec,
  quoteVolume: Dec,
  tradeCount: z.number().int().nonnegative().nullable(),
  isClosed: z.boolean(),
  coverage: z.number().min(0).max(1),
});
export const Trade: z.ZodType<TradeEvent> = z.object({
  ...Event,
  tradeId: z.string().min(1).max(100),
  price: Dec,
  quantity: Dec,
  side: z.enum(['BUY', 'SELL']),
  gap: z.boolean().optional(),
});
export const Book: z.ZodType<BookEvent> = z.object({
  ...Event,
  type: z.enum(['snapshot', 'delta']),
  bids: z.array(Level).max(10_000),
  asks: z.array(Level).max(10_000),
  sequence: Count,
  previousSequence: Count.nullable(),
  integrity: z.enum(['SEQUENCED', 'CHECKSUMMED', 'SNAPSHOT_ONLY']),
  gap: z.boolean().optional(),
});
const Ticker: z.ZodType<TickerEvent> = z.object({
  ...Event,
  last: Dec,
  open: Dec,
  high: Dec,
  low: Dec,
  volume24h: Dec,
  quoteVolume24h: Dec,
  changePercent24h: z.number(),
  coverage: z.number().min(0).max(1).optional(),
});
const FeedStatus: z.ZodType<FeedStatusEvent> = z.object({
  exchange: z.enum(EXCHANGES),
  symbol: z.string().refine(isSymbol, 'not a BASE-QUOTE symbol').nullable(),
  channel: z.enum(FEED_CHANNELS),
  connected: z.boolean(),
  lastEventAt: Time.nullable(),
  stale: z.boolean(),
  gaps: z.number().int().nonnegative(),
  reconnects: z.number().int().nonnegative(),
  eventTime: Time,
});

const Fx: z.ZodType<FxEvent> = z.object({
  exchange: z.enum(EXCHANGES),
  bid: Dec,
  ask: Dec,
  mid: Dec,
  bookSequence: Count,
  eventTime: Time,
  receivedAt: Time,
});
const Leg = z.object({
  ...Market,
  price: Dec,
  levels: z.array(Level).max(10_000),
  bookSequence: Count,
  takerFeePercent: Dec,
  ageMs: z.number().int().nonnegative(),
});
const Reasons = z.array(z.enum(NOT_EXECUTABLE)).max(NOT_EXECUTABLE.length);
const Arbitrage: z.ZodType<ArbitrageEvent> = z.object({
  base: z.string().regex(/^[A-Z0-9]{1,20}$/),
  buy: Leg,
  sell: Leg,
  notional: Dec,
  quantity: Dec,
  grossPercent: Dec,
  feePercent: Dec,
  netPercent: Dec,
  netProfit: Dec,
  fxRate: Dec.nullable(),
  fxExchange: z.enum(EXCHANGES).nullable(),
  coinPremiumPercent: Dec.nullable(),
  usdtPremiumPercent: Dec.nullable(),
  notExecutable: Reasons,
  previous: z.object({ netPercent: Dec, notExecutable: Reasons }).nullable(),
  eventTime: Time,
  changed: z.boolean(),
  sampled: z.boolean(),
});
const Ranking: z.ZodType<RankingEvent> = z.object({
  metric: z.enum(RANKING_METRICS),
  computedAt: Time,
  eventTime: Time,
  leftOut: z.number().int().nonnegative(),
  rows: z.array(z.tuple([z.enum(EXCHANGES), Market.symbol, Dec, Dec, z.number(), Dec, Dec.nullable(), Time])),
});

export interface Topic<Payload> extends Values<Payload> {
  readonly name: string;
  readonly partitions: number;
  /** How long the log keeps a message. */
  readonly retentionMs: number;
  /** True where only the newest value of a key is kept. */
  readonly compacted: boolean;
  /** The message key of a payload: what must stay in order together. */
  key(payload: Payload): string;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Market topics: enough for every worker of a mid-sized deployment; changing it starts new stream epochs. */
const MARKET_PARTITIONS = 8;

function jsonTopic<P>(
  name: string,
  shape: z.ZodType<P>,
  key: (payload: P) => string,
  options: Partial<Pick<Topic<P>, 'partitions' | 'retentionMs' | 'compacted'>> & {
    /** True for a value that `shape` would take as it is. */
    isPlain?: (value: unknown) => boolean;
  } = {},
): Topic<P> {
  return {
    name,
    key,
    partitions: options.partitions ?? MARKET_PARTITIONS,
    retentionMs: options.retentionMs ?? DAY,
    compacted: options.compacted ?? false,
    ...jsonValues(shape, options.isPlain),
  };
}

const byBase = (payload: { symbol: string }): string => splitSymbol(payload.symbol).base;

export const TOPICS = {
  kline1m: jsonTopic('crypto_kline_1m', Kline, byBase, { isPlain: isPlainKline }),
  trades: jsonTopic('crypto_trades', Trade, byBase, { isPlain: isPlainTrade }),
  orderbook: jsonTopic('crypto_orderbook', Book, byBase, { isPlain: isPlainBook }),
  ticker: jsonTopic('crypto_ticker', Ticker, byBase),
  kline: jsonTopic('crypto_kline', Kline, byBase, { isPlain: isPlainKline }),
  fx: jsonTopic('crypto_fx', Fx, (rate) => rate.exchange, { partitions: 1, compacted: true }),
  arbitrage: jsonTopic('crypto_arbitrage', Arbitrage, (spread) => spread.base, { partitions: 1 }),
  ranking: jsonTopic('crypto_ranking', Ranking, (r) => r.metric, { partitions: 1, retentionMs: 2 * MINUTE }),
  feedStatus: jsonTopic('crypto_feed_status', FeedStatus, (s) => s.exchange, { partitions: 1 }),
  /** Debezium's envelopes of the table's changes, keyed by its primary key; ingestion/cdc/envelope.ts reads them. */
  cdc: { name: `cdc.${C2C_ORDER_TABLE}`, partitions: 1, retentionMs: 7 * DAY, compacted: false },
} as const;

/** Fields of a topic's messages that are about people: dead letters hold them masked. */
export function personalFields(topic: string): readonly string[] {
  return topic === TOPICS.cdc.name ? PERSONAL_FIELDS : [];
}

/** One frame or REST body exactly as received. What is known of it travels in the headers, its bytes are the value. */
export interface RawFrame {
  exchange: Exchange;
  /** Which connection of ours it came over; frames of one connection keep their order. */
  connection: string;
  kind: 'frame' | 'response';
  /** What it carries, where that is known without doubt; null for a control or unreadable frame. */
  channel: FeedChannel | 'markets' | null;
  /** Canonical symbol, where known. */
  symbol: string | null;
  /** Exchange's clock, epoch ms, where known. */
  eventTime: number | null;
  receivedAt: number;
  /** Of a response: path and query, our id of the call, when it was sent (epoch ms). */
  endpoint: string | null;
  callId: string | null;
  callTs: number | null;
  bytes: Buffer;
}

const RawHeaders = z.object({
  exchange: z.enum(EXCHANGES),
  connection: z.string(),
  kind: z.enum(['frame', 'response']),
  channel: z.enum([...FEED_CHANNELS, 'markets']).optional(),
  symbol: z.string().optional(),
  eventTime: z.coerce.number().pipe(Time).optional(),
  receivedAt: z.coerce.number().pipe(Time),
  endpoint: z.string().optional(),
  callId: z.string().optional(),
  callTs: z.coerce.number().pipe(Time).optional(),
});

/** Frames exactly as received, for replay; bounded by the topic's own retention. */
export const RAW_FRAMES = {
  name: 'raw_frames',
  partitions: 4,
  retentionMs: 60 * MINUTE,
  compacted: false,
  /** The message of a frame: its bytes untouched, everything else in key and headers. */
  encode({ bytes, ...known }: RawFrame): { key: string; value: Buffer; headers: Record<string, string> } {
    const headers: Record<string, string> = {};
    for (const name in known) {
      const value = known[name as keyof typeof known];
      if (value !== null) headers[name] = String(value);
    }
    return { key: `${known.exchange}:${known.connection}`, value: bytes, headers };
  },
  /** The inverse of `encode`. Throws BadMessage. */
  parse(message: { value: Buffer | null; headers: Record<string, string> }): RawFrame {
    const parsed = RawHeaders.safeParse(message.headers);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new BadMessage(`header ${issue?.path.join('.')}: ${issue?.message}`);
    }
    const none = { channel: null, symbol: null, eventTime: null, endpoint: null, callId: null, callTs: null };
    return { ...none, ...parsed.data, bytes: message.value ?? Buffer.alloc(0) };
  },
} as const;

/** Where a consumer group puts what it could not process: `<topic>.dlq`. */
export function deadLetterTopic(topic: string): string {
  return `${topic}.dlq`;
}

/** A topic as the broker needs to know it. */
export interface TopicSpec {
  name: string;
  partitions: number;
  retentionMs: number;
  compacted: boolean;
}

/** Every topic the project uses, dead letters included. */
export function topicSpecs(): TopicSpec[] {
  const live: TopicSpec[] = [...Object.values(TOPICS), RAW_FRAMES].map(
    ({ name, partitions, retentionMs, compacted }) => ({ name, partitions, retentionMs, compacted }),
  );
  const dead = live.map((t) => ({
    name: deadLetterTopic(t.name),
    partitions: 1,
    retentionMs: 7 * DAY,
    compacted: false,
  }));
  return [...live, ...dead];
}
