/**
 * The nouns of the market path: exchanges, canonical symbols, intervals, and the normalized events that every
 * exchange's frames become. Decimals are canonical strings (see `decimal`), times are epoch milliseconds (UTC).
 */

export const EXCHANGES = ['BINANCE', 'UPBIT', 'BITHUMB', 'KUCOIN'] as const;
export type Exchange = (typeof EXCHANGES)[number];

/** Candle intervals and their length in milliseconds. Buckets are aligned to the UTC epoch. */
export const INTERVALS = { M1: 60_000, M5: 300_000, H1: 3_600_000, H4: 14_400_000, D1: 86_400_000 } as const;
export type Interval = keyof typeof INTERVALS;
/** Spelling of an interval in live keys (`crypto:…:1m:latest`). */
export const INTERVAL_LABELS: Record<Interval, string> = { M1: '1m', M5: '5m', H1: '1h', H4: '4h', D1: '1d' };

export type Side = 'BUY' | 'SELL';
export type MarketStatus = 'TRADING' | 'HALTED' | 'DELISTED' | 'UNKNOWN';
/** How far a book can be trusted: by the exchange's own sequence, by its checksum, or only as whole snapshots. */
export type BookIntegrity = 'SEQUENCED' | 'CHECKSUMMED' | 'SNAPSHOT_ONLY';
/** What a feed carries for one market. */
export const FEED_CHANNELS = ['kline', 'trade', 'orderbook', 'ticker'] as const;
export type FeedChannel = (typeof FEED_CHANNELS)[number];

/** One market of one exchange; `symbol` is canonical, e.g. BTC-USDT. */
export interface MarketRef {
  exchange: Exchange;
  symbol: string;
}

/** What an exchange's own list says of a market. `takerFeePercent` is the connector's default, e.g. "0.1". */
export interface MarketInfo extends MarketRef {
  nativeSymbol: string;
  base: string;
  quote: string;
  status: MarketStatus;
  tickSize: string | null;
  lotSize: string | null;
  takerFeePercent: string;
}

/** What every normalized event carries. `eventTime` is the exchange's clock, `receivedAt` is ours; both epoch ms. */
export interface MarketEvent extends MarketRef {
  eventTime: number;
  receivedAt: number;
}

export interface KlineEvent extends MarketEvent {
  interval: Interval;
  /** First millisecond of the candle. */
  openTime: number;
  open: string;
  high: string;
  low: string;
  close: string;
  /** Base asset. */
  volume: string;
  quoteVolume: string;
  tradeCount: number | null;
  isClosed: boolean;
  /** Fraction 0..1 of the interval's minutes that are known. */
  coverage: number;
}

export interface TradeEvent extends MarketEvent {
  /** The exchange's id, as text: some are beyond 2^53. */
  tradeId: string;
  price: string;
  /** Base asset. */
  quantity: string;
  /** Side of the taker. */
  side: Side;
  /** True on the first trade after a loss that the feed could not make good: trades before it are missing. */
  gap?: boolean;
}

/** [price, absolute quantity in base asset]; in a delta a quantity of "0" removes the level. */
export type BookLevel = [price: string, quantity: string];

export interface BookEvent extends MarketEvent {
  type: 'snapshot' | 'delta';
  /** Best first in a snapshot; any order in a delta. */
  bids: BookLevel[];
  asks: BookLevel[];
  /** The exchange's update id after this event, as text; where it has none, our own count for the connection. */
  sequence: string;
  /** The `sequence` this delta applies to; null for a snapshot. */
  previousSequence: string | null;
  integrity: BookIntegrity;
  /** True on the snapshot that follows a loss: events before it are missing. */
  gap?: boolean;
}

/**
 * The figures of the 24 hours before `eventTime`, of the minutes that are known; made by the worker `tickers`, and as an
 * exchange tells them (of its own day, wherever it begins) only on their way to bronze.
 */
export interface TickerEvent extends MarketEvent {
  /** Price of the newest trade. */
  last: string;
  /** First price of the window. */
  open: string;
  high: string;
  low: string;
  /** Base asset, 24 h. */
  volume24h: string;
  /** Quote asset, 24 h. */
  quoteVolume24h: string;
  changePercent24h: number;
  /** Fraction 0..1 of the window's minutes before the running one that are known; an exchange does not tell it. */
  coverage?: number;
}

/** State of one feed: exchange × channel × market. `symbol` null stands for the whole exchange. */
export interface FeedStatusEvent {
  exchange: Exchange;
  symbol: string | null;
  channel: FeedChannel;
  connected: boolean;
  /** Newest event received, our clock; null before the first. */
  lastEventAt: number | null;
  stale: boolean;
  gaps: number;
  reconnects: number;
  /** When this was said, our clock. */
  eventTime: number;
}

const SYMBOL = /^[A-Z0-9]{1,20}-[A-Z0-9]{1,20}$/;

/** True for a canonical BASE-QUOTE symbol. */
export function isSymbol(text: string): boolean {
  return SYMBOL.test(text);
}

/** The two assets of a canonical symbol. Throws RangeError when it is not one. */
export function splitSymbol(symbol: string): { base: string; quote: string } {
  if (!isSymbol(symbol)) throw new RangeError(`not a symbol of the form BASE-QUOTE: ${symbol}`);
  const dash = symbol.indexOf('-');
  return { base: symbol.slice(0, dash), quote: symbol.slice(dash + 1) };
}

const LOWER_CASE = new Map<string, string>(EXCHANGES.map((exchange) => [exchange, exchange.toLowerCase()]));

/** `binance:BTC-USDT`: stable id of a market in keys, streams and GraphQL ids. */
export function marketId(market: MarketRef): string {
  return `${LOWER_CASE.get(market.exchange)}:${market.symbol}`;
}

/** First millisecond of the interval that holds `time`. */
export function openTimeOf(interval: Interval, time: number): number {
  return time - (time % INTERVALS[interval]);
}
