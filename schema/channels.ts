/**
 * The live channels: one capped stream per `live:<channel>:<id>`. Here is everything that makes one channel differ from
 * another; the worker `live` and the live core act on these declarations and know no channel by name.
 */
import {
  type BookEvent,
  type Exchange,
  type FeedStatusEvent,
  INTERVAL_LABELS,
  type Interval,
  type KlineEvent,
  type MarketRef,
  marketId,
  type TickerEvent,
  type TradeEvent,
} from './market.ts';
import { TOPICS, type Topic } from './topics.ts';

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

export interface Channel<P> {
  readonly name: string;
  /** Where its events come from; a stream's events all come from one partition of it. */
  readonly topic: Topic<P>;
  /** The rest of the stream's name: what one subscription follows. */
  id(payload: P): string;
  readonly version: VersionRule<P>;
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

const kline: Channel<KlineEvent> = {
  name: 'kline',
  topic: TOPICS.kline,
  id: (k) => klineStreamId(k, k.interval),
  version: {
    kind: 'advance',
    rank: (k) => rankPart(k.openTime) + (k.isClosed ? '1' : '0') + rankPart(k.eventTime),
  },
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
  version: { kind: 'advance', rank: (t) => rankPart(t.eventTime) },
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

export const CHANNELS = { kline, trade, orderbook, ticker, feed } as const;
export type ChannelName = keyof typeof CHANNELS;

/** Stream id of a market's candles of one interval. */
export function klineStreamId(market: MarketRef, interval: Interval): string {
  return `${marketId(market)}:${INTERVAL_LABELS[interval]}`;
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
