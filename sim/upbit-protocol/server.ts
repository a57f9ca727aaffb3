/** The stand-in itself: streams and REST in a dialect of Upbit's protocol. */
import { MarketClock } from '../market/clock.ts';
import { FrameFaults } from '../market/frame-faults.ts';
import { Market } from '../market/market.ts';
import { type CommonFaults, clockOptions, type StandIn, type StandInOptions, startStandIn } from '../stand-in.ts';
import type { Dialect } from './dialect.ts';
import { krwListings } from './listing.ts';
import { MarketFeed } from './market-feed.ts';
import { type ForcedRefusal, RateGroups } from './rate-groups.ts';
import { answerRest, refusalBody } from './rest.ts';
import { type Sent, sentOf } from './sent.ts';
import { SESSION_LIMITS, type SessionLimits } from './session.ts';
import { StreamServer } from './stream-server.ts';

/** `symbols` defaults to 7. */
export interface UpbitProtocolSimOptions extends StandInOptions {
  limits?: Partial<SessionLimits>;
  /** Connection attempts a second; default as the exchange allows. */
  connectsPerSecond?: number;
  /** REST requests a second and group; default as the exchange allows. */
  requestsPerSecond?: number;
}

/** Streams are named like "trade:KRW-BTC". */
export interface Faults extends CommonFaults {
  /** The next `count` REST requests (whose path contains `path`) are refused with `status` and Retry-After. */
  refuseRest(refusal: ForcedRefusal): void;
}

/** `wsUrl` ends with /websocket/v1. */
export type UpbitProtocolSim = StandIn<Faults, Sent>;

/** Starts it on loopback. Throws when the port is taken or a symbol can't be. */
export async function startUpbitProtocolSim(
  dialect: Dialect,
  options: UpbitProtocolSimOptions = {},
): Promise<UpbitProtocolSim> {
  const { seed = 1, rate = 1, recordLimit = 20_000, recordFrom } = options;
  const frameFaults = new FrameFaults();
  const limits = { ...SESSION_LIMITS, ...options.limits };
  const connects = options.connectsPerSecond ?? dialect.connectsPerSecond;
  const streams = new StreamServer(dialect, limits, connects, frameFaults);
  const clock = new MarketClock(clockOptions(options));
  const feeds = new Map(
    krwListings(dialect.name, options.symbols ?? 7).map((listing) => {
      const market = new Market(seed, listing, rate, clock.time);
      return [listing.symbol, new MarketFeed(dialect, market, streams, { recordLimit, recordFrom })] as const;
    }),
  );
  streams.snapshots = (type, code) => feeds.get(code)?.frame(type, clock.skew) ?? null;
  clock.start([...feeds.values()]);
  const rates = new RateGroups(options.requestsPerSecond ?? dialect.rest.perSecond);

  return startStandIn(
    {
      ...{ options, frameFaults, streams, path: '/websocket/v1', goodbye: { code: 1001, reason: '' } },
      symbols: [...feeds.keys()],
      now: () => clock.now(),
      advance: (ms) => clock.advance(ms),
      setSkew(ms) {
        clock.skew = ms;
      },
      answer: (request, response) => answerRest(request, response, { dialect, feeds, now: () => clock.now() }, rates),
      banAnswer: (status, leftMs) => ({
        body: refusalBody(status),
        headers: { 'retry-after': String(Math.ceil(leftMs / 1_000)) },
      }),
      stop: () => clock.stop(),
    },
    {
      faults: { refuseRest: (refusal: ForcedRefusal) => rates.force(refusal) },
      sent(symbol) {
        const feed = feeds.get(symbol);
        if (!feed) throw new RangeError(`no such market: ${symbol}`);
        return sentOf(feed.record, dialect, feed.market.listing);
      },
      stats: () => ({}),
    },
  );
}
