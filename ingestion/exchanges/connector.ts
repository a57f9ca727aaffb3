/**
 * The contract of one exchange: data and pure functions. Everything that waits, retries, buffers or remembers is the
 * feed loop's (feed.ts and the flows); a connector is one file that says how its exchange spells things.
 */
import type {
  BookEvent,
  Exchange,
  FeedChannel,
  KlineEvent,
  MarketInfo,
  TickerEvent,
  TradeEvent,
} from '../../schema/market.ts';
import type { SettingName } from '../../src/platform/config.ts';
import type { RestReply, RestRequest } from '../../src/platform/exchange/rest.ts';

/** A frame or body can't be used. The message is the reason that goes with its bytes to the dead-letter topic. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame';
}

/**
 * A book event as the exchange sends it. `previousSequence` of a delta is what the exchange says it applies to; the loop
 * makes the published chain continuous. Where single levels carry sequences, the loop skips those a snapshot covers.
 */
export interface BookUpdate extends BookEvent {
  bidSequences?: readonly string[];
  askSequences?: readonly string[];
}

export type FeedEvent =
  | { channel: 'kline'; event: KlineEvent }
  | { channel: 'trade'; event: TradeEvent }
  | { channel: 'orderbook'; event: BookUpdate }
  | { channel: 'ticker'; event: TickerEvent };

/** An exchange's figures of its own day are kept raw and count as a sign of life; ours are made of the minutes. */
export type PublishedEvent = Exclude<FeedEvent, { channel: 'ticker' }>;

/** What a frame that carries no event says about its connection. */
export type Control =
  /** A subscribe message was accepted. */
  | { kind: 'ack' }
  /** The server is ready for subscribe messages. */
  | { kind: 'welcome' }
  /**
   * A subscribe message was refused (`id` says which, where the exchange does), or the server reports an error. The connection
   * is of no use unless its plan knows what to ask instead.
   */
  | { kind: 'refused'; reason: string; id?: string }
  /** The server will close soon: open a new connection first. */
  | { kind: 'closing' }
  /** An answer to a ping and the like. */
  | { kind: 'alive' };

/** What is known of a frame without doubt; kept in the headers of the raw frame. */
export interface Known {
  channel: FeedChannel | null;
  /** Canonical. */
  symbol: string | null;
  eventTime: number | null;
}

export interface Normalized {
  events: FeedEvent[];
  known: Known;
  control: Control | null;
}

export interface FrameContext {
  /** Our clock, epoch ms. */
  receivedAt: number;
  /** The market of an exchange's own spelling; undefined when it is not followed. */
  market(nativeSymbol: string): MarketInfo | undefined;
}

/** Where to connect now. `url` may be known only after a REST call (a token, a server list). */
export interface Session {
  url: string;
  /** The server's own wish of a ping interval, ms. */
  pingMs?: number;
}

/** One connection: what to open, what to send, what to wait for before it counts as subscribed. */
export interface ConnectionPlan {
  url: string;
  /** True when the server speaks first (`welcome`) and messages must wait for that. */
  awaitWelcome: boolean;
  /** Sent in this order, spaced by the exchange's message rate. */
  messages: readonly string[];
  /** Number of `ack` frames that mean everything is subscribed; 0 where the exchange doesn't acknowledge. */
  acks: number;
  /**
   * What to send instead of a message that was refused, by its id, so that one market that is gone does not cost all the
   * others: `without` are the native symbols that are given up. Null where nothing helps. Each message takes one `ack`.
   */
  narrow?(id: string): { messages: readonly string[]; without: readonly string[] } | null;
  /** What keeps the connection alive from our side; null where the server pings. A null message is a protocol ping. */
  ping: { everyMs: number; message(n: number): string | null } | null;
}

/** How a channel behaves. */
export interface ChannelRule {
  /** False for candles of an exchange without a stream of them: the loop makes them of the trades and asks REST. */
  streamed: boolean;
  /**
   * `steady`: silence is suspicious by itself. `on-trade`: an illiquid market may be silent for hours. `on-change`: so may
   * it, but a subscription begins with a frame; where none comes, the market is not one. Where no channel is steady, pings
   * show that the exchange is there.
   */
  cadence: 'steady' | 'on-trade' | 'on-change';
}

/** REST candles of a range of minutes; every candle returned is treated by the loop as closed when its minute is over. */
export interface KlineHistory {
  /** Candles in one reply at the most. */
  limit: number;
  /** Minutes from `from` (first open time) up to and without `to`, epoch ms; at most `limit` of them. */
  request(market: MarketInfo, from: number, to: number): RestRequest;
  /** In any order. Throws BadFrame. */
  parse(body: Buffer, market: MarketInfo, receivedAt: number): KlineEvent[];
}

interface TradeParse {
  /** In any order. Throws BadFrame. */
  parse(body: Buffer, market: MarketInfo, receivedAt: number): TradeEvent[];
}
/** How far a read backwards has come: it must reach `since`; times are epoch ms. */
export interface Reach {
  since: number;
  now: number;
  /** How many pages in a row brought nothing new. */
  empty: number;
}
/** REST trades, by id forwards or from the newest backwards. */
export type TradeHistory =
  | (TradeParse & {
      direction: 'forward';
      /** Trades in one reply at the most: a shorter one means "that is all until now". */
      limit: number;
      /** Trades with ids from `id` on, oldest first. */
      request(market: MarketInfo, id: bigint): RestRequest;
    })
  | (TradeParse & {
      direction: 'backward';
      /** The newest trades, or those before `oldest`; null where the exchange serves no older ones. */
      request(market: MarketInfo, oldest: TradeEvent | null, reach: Reach): RestRequest | null;
    });

/** `sequenced`: deltas join a REST snapshot (a delta applies when previousSequence <= book < sequence). */
export type BookRule =
  | {
      kind: 'sequenced';
      snapshot(market: MarketInfo): RestRequest;
      /** Throws BadFrame. */
      parse(body: Buffer, market: MarketInfo, receivedAt: number): BookUpdate;
      /** Levels a side in a snapshot at the most: a full side has an unknown part behind its last level. */
      depth: number;
    }
  /** Every frame is a whole book without a sequence; the loop counts. */
  | { kind: 'snapshots' };

export interface Limits {
  marketsPerConnection: number;
  /** Messages we may send on one connection, a second. */
  messagesPerSecond: number;
  /** How long a connection is good; the loop changes over before that. */
  lifetimeMs: number;
  /** Connection attempts of one address. */
  connects: { count: number; perMs: number };
  /** Request weight of one address. */
  rest: { weight: number; perMs: number };
}

export interface Connector {
  readonly exchange: Exchange;
  readonly endpoints: { readonly ws: string; readonly rest: string };
  /** Settings that replace `endpoints`. */
  readonly settings: { readonly ws: SettingName; readonly rest: SettingName };
  /** What a market offers; null where the exchange has nothing of the kind. */
  readonly channels: Readonly<Record<FeedChannel, ChannelRule | null>>;
  readonly limits: Limits;
  /** `flag`: frames say that a candle is closed (or the loop makes them). `next`: it is closed when a later one appears. */
  readonly klineCloses: 'flag' | 'next';
  /** `dense`: ids grow by 1, so a hole shows. `unordered`: an id only tells two trades apart. */
  readonly tradeIds: 'dense' | 'unordered';
  readonly book: BookRule;
  readonly klineHistory: KlineHistory | null;
  readonly tradeHistory: TradeHistory | null;
  /** The exchange's own list. Markets that have no canonical spelling are left out. `parse` throws BadFrame. */
  readonly markets: { request: RestRequest; parse(body: Buffer): MarketInfo[] };
  /** Where that list has no price steps: the steps at the present prices, by native symbol. `parse` throws BadFrame. */
  readonly steps?: {
    request(markets: readonly MarketInfo[]): RestRequest;
    parse(body: Buffer): ReadonlyMap<string, string>;
  };
  /** What is known of its markets when the list can't be had. */
  readonly knownMarkets: readonly MarketInfo[];
  /** A market nothing is known of but its canonical symbol. */
  assume(symbol: string): MarketInfo;
  /** Finds out where to connect. `call` throws RestFailed. */
  session(ws: string, call: (request: RestRequest) => Promise<RestReply>): Promise<Session>;
  /** How to follow these markets (at most `limits.marketsPerConnection`) on one connection. */
  connect(session: Session, markets: readonly MarketInfo[]): ConnectionPlan;
  /** Throws BadFrame and nothing else. */
  normalize(frame: Buffer, context: FrameContext): Normalized;
  /** A refusal that arrives with HTTP 200; null for a good body. Left out where refusals have their own status. */
  refusal?(body: Buffer): { reason: string; retryAfterMs: number | null } | null;
}
