/** A flow is one channel of one market: what turns the frames of changing connections into one unbroken sequence. */
import type { MarketInfo } from '../../schema/market.ts';
import type { RestRequest } from '../../src/platform/exchange/rest.ts';
import type { Log } from '../../src/platform/log.ts';
import type { Connector, FeedEvent, PublishedEvent } from '../exchanges/connector.ts';
import type { MarketProgress } from './progress.ts';

export interface Flow<Event> {
  /** An event of the live stream; events come in the stream's order. */
  push(event: Event): void;
  /** The stream begins, or begins anew: what lies between the last event and now may be missing. */
  resume(): void;
  /** The stream ended. */
  interrupt(): void;
  /** Called about once a second. */
  tick(): void;
  /** True while live events wait for something that belongs before them. */
  isHolding(): boolean;
}

/** How long flows wait, all in ms; tests shorten them. */
export interface FlowTimes {
  /** FEED_STALE_MS. */
  staleMs: number;
  /** How far back candles are fetched for a market that has none. */
  backfillMs: number;
  /** How long live events are held back while a back-fill makes no progress; then they go out and the hole is kept. */
  patienceMs: number;
  /** Between two tries to fill a hole that was left, or to refresh a book. */
  repairMs: number;
  /** A full book is published at least this often. */
  snapshotMs: number;
}

export interface FeedTimes extends FlowTimes {
  /** Both connections run this long before the older one is closed. */
  overlapMs: number;
  /** Bound on a handshake, and on being subscribed. */
  readyMs: number;
}

export const FLOW_TIMES: Omit<FlowTimes, 'staleMs' | 'backfillMs'> = {
  patienceMs: 30_000,
  repairMs: 30_000,
  // a minute is promised; a timer may be late
  snapshotMs: 50_000,
};

/** What a flow is given of the feed it belongs to. */
export interface FlowTools {
  readonly connector: Connector;
  readonly market: MarketInfo;
  readonly times: FlowTimes;
  readonly log: Log;
  /** Aborted when the market is given up. */
  readonly signal: AbortSignal;
  /** Where the market stood when it was taken over; flows keep what must outlive the process in it. */
  readonly progress: MarketProgress;
  /** Sends an event on its way. `late` for one that was fetched over REST. */
  publish(event: PublishedEvent, late: boolean): void;
  /** One REST call, its body kept raw. Throws RestFailed, BadFrame, or the signal's reason. */
  fetch<T>(
    request: RestRequest,
    channel: FeedEvent['channel'],
    parse: (body: Buffer, market: MarketInfo, receivedAt: number) => T,
    signal: AbortSignal,
  ): Promise<T>;
  /** Newest event time the exchange has told us on this feed; null before the first. */
  exchangeNow(): number | null;
  /** What time it is there at the least, also where nothing is told; null before the first event. */
  exchangeTime(): number | null;
  /** A loss was noticed (it may still be healed). */
  gap(): void;
}

/** Pauses between tries of a back-fill. */
export const FILL_BACKOFF = { baseMs: 100, capMs: 2_000 } as const;
/** Events of one flow that wait at the most; beyond that they are dropped and fetched again. */
export const MAX_HELD = 20_000;
