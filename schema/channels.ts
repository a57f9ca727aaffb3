/**
 * The live channels: one capped stream per `live:<channel>:<id>`. Here is everything that makes one channel differ from
 * another; the worker `live` and the live core act on these declarations and know no channel by name.
 */
import { type ArbitrageEvent, arbitrageId } from './arbitrage.ts';
import type { CdcChange } from './cdc.ts';
import {
  type BookEvent,
  EXCHANGES,
  type Exchange,
  type FeedChannel,
  type FeedStatusEvent,
  INTERVAL_LABELS,
  type Interval,
  type KlineEvent,
  type MarketRef,
  marketId,
  type TickerEvent,
  type TradeEvent,
} from './market.ts';
import type { RankingEvent } from './ranking.ts';
import { TOPICS, type TopicSpec } from './topics.ts';

export type SlowConsumerPolicy = 'CONFLATE' | 'DROP_WITH_GAP' | 'DISCONNECT';
export type GapReason = 'SLOW' | 'THROTTLED' | 'FEED_GAP' | 'RETENTION';
export type StreamStart = 'LIVE' | 'RESUMED' | 'RESET';

/**
 * When the live store drops an event as a repeat.
 * - `recent`: its id is among the last `keep` ids of the stream (ids need not be ordered);
 * - `advance`: its `rank` is not greater than the newest one's. Ranks compare as text: fixed-width parts.
 */
export type VersionRule<P> =
  | { kind: 'recent'; keep: number; id(payload: P): string }
  | { kind: 'advance'; rank(payload: P): string };

/** One feed of one market. */
export interface FeedRef extends MarketRef {
  channel: FeedChannel;
}

/** What captures the changes of a table. */
export interface CaptureRef {
  table: string;
}

export interface Channel<P> {
  readonly name: string;
  /** Where its events come from; a stream's events all come from one partition of it. */
  readonly topic: Pick<TopicSpec, 'name' | 'partitions'>;
  /** The rest of the stream's name: what one subscription follows. */
  id(payload: P): string;
  readonly version: VersionRule<P>;
  /** What the stream is filled by, whose silence is its own, by its id; left out for what is computed from many. */
  feedOf?(id: string): FeedRef | CaptureRef | null;
  /** Events with the same merge key may be conflated, newest wins; null where conflating would lose something. */
  mergeKey(payload: P): string | null;
  /** True where a newest state exists that a subscriber can be reset to. */
  readonly hasSnapshot: boolean;
  /** Who may see it: everybody with a role, or one owner. */
  readonly scope: 'role' | 'owner';
  /** How long a cursor stays good. */
  readonly retentionMs: number;
  /** Upper bound of a stream's length, whatever the retention says. */
  readonly maxLength: number;
  readonly onSlow: SlowConsumerPolicy;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Fixed-width spelling of a non-negative integer (number or digits), so that text order is numeric order. */
export function rankPart(value: number | string): string {
  return String(value).padStart(30, '0');
}

/** The feed of `channel` behind the stream of a market, whose id begins with `marketId`. */
const feedOfMarket =
  (channel: FeedChannel) =>
  (id: string): FeedRef | null => {
    const [name, symbol] = id.split(':');
    const exchange = EXCHANGES.find((one) => one.toLowerCase() === name);
    return exchange && symbol ? { exchange, symbol, channel } : null;
  };

const kline: Channel<KlineEvent> = {
  name: 'kline',
  topic: TOPICS.kline,
  id: (k) => klineStreamId(k, k.interval),
  version: {
    kind: 'advance',
    rank: (k) => rankPart(k.openTime) + (k.isClosed ? '1' : '0') + rankPart(k.eventTime),
  },
  feedOf: feedOfMarket('kline'),
  mergeKey: (k) => (k.isClosed ? null : String(k.openTime)),
  hasSnapshot: true,
  scope: 'role',
  retentionMs: HOUR,
  maxLength: 20_000,
  onSlow: 'CONFLATE',
};

const trade: Channel<TradeEvent> = {
  name: 'trade',
  topic: TOPICS.trades,
  id: marketId,
  version: { kind: 'recent', keep: 5_000, id: (t) => t.tradeId },
  feedOf: feedOfMarket('trade'),
  mergeKey: () => null,
  hasSnapshot: false,
  scope: 'role',
  retentionMs: 10 * MINUTE,
  maxLength: 100_000,
  onSlow: 'DROP_WITH_GAP',
};

const orderbook: Channel<BookEvent> = {
  name: 'orderbook',
  topic: TOPICS.orderbook,
  id: marketId,
  version: { kind: 'advance', rank: (b) => rankPart(b.sequence) },
  feedOf: feedOfMarket('orderbook'),
  mergeKey: () => 'book',
  hasSnapshot: true,
  scope: 'role',
  retentionMs: 5 * MINUTE,
  maxLength: 20_000,
  onSlow: 'CONFLATE',
};

const ticker: Channel<TickerEvent> = {
  name: 'ticker',
  topic: TOPICS.ticker,
  id: marketId,
  // a minute that comes late changes the figures without making them newer
  version: { kind: 'advance', rank: (t) => rankPart(t.eventTime) + rankPart(t.receivedAt) },
  feedOf: feedOfMarket('ticker'),
  mergeKey: () => 'ticker',
  hasSnapshot: true,
  scope: 'role',
  retentionMs: 10 * MINUTE,
  maxLength: 5_000,
  onSlow: 'CONFLATE',
};

const feed: Channel<FeedStatusEvent> = {
  name: 'feed',
  topic: TOPICS.feedStatus,
  id: (s) => feedStreamId(s.exchange),
  version: { kind: 'recent', keep: 5_000, id: (s) => `${s.symbol ?? '*'}:${s.channel}:${s.eventTime}` },
  mergeKey: (s) => `${s.symbol ?? '*'}:${s.channel}`,
  hasSnapshot: false,
  scope: 'role',
  retentionMs: HOUR,
  maxLength: 20_000,
  onSlow: 'CONFLATE',
};

const ranking: Channel<RankingEvent> = {
  name: 'ranking',
  topic: TOPICS.ranking,
  id: rankingStreamId,
  version: { kind: 'advance', rank: (r) => rankPart(r.computedAt) },
  mergeKey: () => 'ranking',
  hasSnapshot: true,
  scope: 'role',
  // each event is a whole ranking, of thousands of markets: who was away for longer wants the newest
  retentionMs: MINUTE,
  maxLength: 60,
  onSlow: 'CONFLATE',
};

/** All spreads are one stream: who follows some of them filters. */
export const ARBITRAGE_STREAM = 'all';

const arbitrage: Channel<ArbitrageEvent> = {
  name: 'arbitrage',
  topic: TOPICS.arbitrage,
  id: () => ARBITRAGE_STREAM,
  version: { kind: 'recent', keep: 20_000, id: (a) => `${arbitrageId(a)}:${a.eventTime}` },
  mergeKey: arbitrageId,
  hasSnapshot: false,
  scope: 'role',
  // hundreds a second for each base: who was away longer asks what stands
  retentionMs: MINUTE,
  maxLength: 100_000,
  onSlow: 'CONFLATE',
};

const cdc: Channel<CdcChange> = {
  name: 'cdc',
  topic: TOPICS.cdc,
  id: (change) => change.table,
  // A fence by LSN would lose changes: rows of one statement share it, a snapshot's all have the same one or none, and
  // transactions that overlapped are told one after the other. What is delivered again after a fault is everything since
  // the last position kept, so at most a transaction and its neighbours: twice the largest that is reckoned with.
  version: { kind: 'recent', keep: 200_000, id: (change) => change.id },
  feedOf: (table) => ({ table }),
  mergeKey: () => null,
  hasSnapshot: false,
  scope: 'role',
  retentionMs: 24 * HOUR,
  maxLength: 300_000,
  onSlow: 'DISCONNECT',
};

export const CHANNELS = { kline, trade, orderbook, ticker, feed, ranking, arbitrage, cdc } as const;
export type ChannelName = keyof typeof CHANNELS;

/** Stream id of a market's candles of one interval. */
export function klineStreamId(market: MarketRef, interval: Interval): string {
  return `${marketId(market)}:${INTERVAL_LABELS[interval]}`;
}

/** Stream id of a ranking. */
export function rankingStreamId({ metric }: Pick<RankingEvent, 'metric'>): string {
  return metric.toLowerCase();
}

/** Stream id of an exchange's feed status. */
export function feedStreamId(exchange: Exchange): string {
  return exchange.toLowerCase();
}

/**
 * The Redis key of a stream, e.g. `live:trade:binance:{BTC}-USDT`. The base asset is the cluster hash tag, so that one
 * base's keys share a slot and one atomic call may touch them; a stream without a base is its own tag.
 */
export function streamKey(channel: ChannelName, id: string): string {
  return `live:${channel}:${hashTag(id)}`;
}

/** Puts the base asset of the first `BASE-QUOTE` in braces, or the whole text where there is none. */
export function hashTag(id: string): string {
  let tagged = tags.get(id);
  if (tagged === undefined) {
    // asked for several times with every event, of as many ids as there are markets
    if (tags.size >= MAX_TAGS) tags.clear();
    tagged = tag(id);
    tags.set(id, tagged);
  }
  return tagged;
}

const tags = new Map<string, string>();
const MAX_TAGS = 50_000;

function tag(id: string): string {
  return /[A-Z0-9]+-[A-Z0-9]+/.test(id) ? id.replace(/([A-Z0-9]+)(-[A-Z0-9]+)/, '{$1}$2') : `{${id}}`;
}
