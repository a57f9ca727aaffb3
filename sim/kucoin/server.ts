/** The stand-in itself: streams and REST as KuCoin serves them. */
import { MarketClock } from '../market/clock.ts';
import { FrameFaults } from '../market/frame-faults.ts';
import { Market } from '../market/market.ts';
import { clockOptions, type StandIn, type StandInOptions, type StandInStats, startStandIn } from '../stand-in.ts';
import type { Faults, OwnFaults } from './faults.ts';
import { type Cadence, KUCOIN_CADENCE, MarketFeed } from './feed.ts';
import { CANDLE_TYPES } from './intervals.ts';
import { kucoinListings } from './listing.ts';
import { RequestPool, refusalBody } from './pool.ts';
import { answerRest } from './rest.ts';
import { type Sent, sentOf } from './sent.ts';
import { KUCOIN_LIMITS, type SessionLimits } from './session.ts';
import { type ConnectLimits, StreamServer } from './stream-server.ts';
import { Tokens } from './tokens.ts';

/** `symbols` defaults to all six. */
export interface KucoinSimOptions extends StandInOptions {
  cadence?: Partial<Cadence>;
  limits?: Partial<SessionLimits>;
  /** Default 30 attempts a minute and 50 connections. */
  connects?: Partial<ConnectLimits>;
  /** Request weight in 30 s; default 2,000. */
  weightLimit?: number;
}

/** The token's answer names `wsUrl` too. */
export type KucoinSim = StandIn<Faults, Sent, StandInStats & { usedWeight: number }>;

const TOPIC = /^\/market\/(?:(?:match|level2|ticker|snapshot):([^:_]+)|candles:([^:_]+)_([0-9a-z]+))$/;

/** Starts it on loopback. Throws when the port is taken or a symbol is not listed. */
export async function startKucoinSim(options: KucoinSimOptions = {}): Promise<KucoinSim> {
  const { seed = 1, rate = 1, recordLimit = 20_000, recordFrom } = options;
  const frameFaults = new FrameFaults();
  const limits = { ...KUCOIN_LIMITS, ...options.limits };
  const clock = new MarketClock(clockOptions(options));
  const tokens = new Tokens(seed, options.clock ?? Date.now);
  const isTopic = (topic: string) => {
    const [, symbol, candles, type] = TOPIC.exec(topic) ?? [];
    return feeds.has(symbol ?? candles ?? '') && (type === undefined || Object.hasOwn(CANDLE_TYPES, type));
  };
  const connects = { attempts: 30, connections: 50, ...options.connects };
  const streams = new StreamServer(tokens, limits, connects, frameFaults, isTopic);
  const publish = (topic: string, payload: () => string) => streams.publish(topic, payload);
  const cadence = { ...KUCOIN_CADENCE, ...options.cadence };
  const feeds = new Map(
    kucoinListings(options.symbols ?? 6).map((listing) => {
      const market = new Market(seed, listing, rate, clock.time);
      return [listing.symbol, new MarketFeed(market, publish, cadence, rate, { recordLimit, recordFrom })] as const;
    }),
  );
  clock.start([...feeds.values()]);

  const pool = new RequestPool(options.weightLimit ?? 2_000, options.clock ?? Date.now);
  const bullet = () => {
    const { pingInterval, pingTimeout } = limits;
    const server = { endpoint: `${sim.wsUrl}/`, encrypt: false, protocol: 'websocket', pingInterval, pingTimeout };
    return JSON.stringify({ token: tokens.issue(), instanceServers: [server] });
  };
  const own: OwnFaults = {
    refuseRest: (refusal) => pool.force(refusal),
    refuseSessions: (code = 509, data = 'service busy, please retry later') => {
      for (const session of streams.sessions) session.refuse(code, data);
    },
  };
  const sim = await startStandIn(
    {
      ...{ options, frameFaults, streams, path: '', goodbye: { code: 1000, reason: 'Bye' } },
      symbols: [...feeds.keys()],
      now: () => clock.now(),
      advance: (ms) => clock.advance(ms),
      setSkew(ms) {
        clock.skew = ms;
      },
      answer: (request, response) => answerRest(request, response, { feeds, now: () => clock.now(), bullet }, pool),
      banAnswer: (_status, leftMs) => ({
        body: refusalBody('429000'),
        headers: { ...pool.headers(), 'gw-ratelimit-remaining': '0', 'gw-ratelimit-reset': String(Math.ceil(leftMs)) },
      }),
      stop: () => clock.stop(),
    },
    {
      faults: own,
      sent(symbol) {
        const feed = feeds.get(symbol);
        if (!feed) throw new RangeError(`no such market: ${symbol}`);
        return sentOf(feed.record, feed.market.listing);
      },
      stats: () => ({ usedWeight: pool.used() }),
    },
  );
  return sim;
}
