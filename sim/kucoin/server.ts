/** The stand-in itself: one HTTP server on loopback that serves streams and REST as KuCoin does. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { startControl } from '../control.ts';
import { MarketClock } from '../market/clock.ts';
import { FrameFaults } from '../market/frame-faults.ts';
import { Market } from '../market/market.ts';
import type { Faults } from './faults.ts';
import { type Cadence, KUCOIN_CADENCE, MarketFeed } from './feed.ts';
import { CANDLE_TYPES } from './intervals.ts';
import { kucoinListings } from './listing.ts';
import { RequestPool } from './pool.ts';
import { answerRest } from './rest.ts';
import type { Sent } from './sent.ts';
import { KUCOIN_LIMITS, type SessionLimits } from './session.ts';
import { type ConnectLimits, StreamServer } from './stream-server.ts';
import { Tokens } from './tokens.ts';

export interface KucoinSimOptions {
  /** Default: a free one. */
  port?: number;
  /** Port of the control endpoint, 0 for a free one; none when left out. */
  controlPort?: number;
  /** Same seed, same markets. Default 1. */
  seed?: number;
  /** Native names ("BTC-USDT"), or how many markets; default all six. */
  symbols?: string[] | number;
  /** Scales trades and book changes; default 1: some trades a second a market. */
  rate?: number;
  /** Epoch ms; default Date.now. */
  clock?: () => number;
  /** Time stands at this moment (epoch ms) and moves only by `advance`. */
  startAt?: number;
  /** Ms between looks at the clock; default 25. */
  pumpMs?: number;
  cadence?: Partial<Cadence>;
  limits?: Partial<SessionLimits>;
  /** Default 30 attempts a minute and 50 connections. */
  connects?: Partial<ConnectLimits>;
  /** Request weight in 30 s; default 2,000. */
  weightLimit?: number;
  /** Trades, candles and book frames that `sent` keeps a market; default 20,000 of each. */
  recordLimit?: number;
}

export interface KucoinSim {
  /** ws://127.0.0.1:port, as KUCOIN_WS_URL takes it; the token's answer names it too. */
  wsUrl: string;
  /** http://127.0.0.1:port, as KUCOIN_REST_URL takes it. */
  restUrl: string;
  controlUrl: string | null;
  port: number;
  symbols: string[];
  faults: Faults;
  /** The exchange's clock, epoch ms. */
  now(): number;
  /** Lets time pass, when started with `startAt`. */
  advance(ms: number): void;
  /** Everything a market has produced. Throws RangeError for an unknown symbol. */
  sent(symbol: string): Sent;
  /** Sends text, exactly as given, to the subscribers of a topic, or to every connection. */
  inject(text: string, topic?: string): void;
  stats(): { connections: number; accepted: number; framesSent: number; restRequests: number; usedWeight: number };
  close(): Promise<void>;
}

const TOPIC = /^\/market\/(?:(?:match|level2|ticker|snapshot):([^:_]+)|candles:([^:_]+)_([0-9a-z]+))$/;

/** Starts it on loopback. Throws when the port is taken or a symbol is not listed. */
export async function startKucoinSim(options: KucoinSimOptions = {}): Promise<KucoinSim> {
  const { startAt, seed = 1, rate = 1 } = options;
  const frameFaults = new FrameFaults();
  const limits = { ...KUCOIN_LIMITS, ...options.limits };
  const clock = new MarketClock({
    clock: startAt === undefined ? (options.clock ?? Date.now) : () => startAt,
    stepped: startAt !== undefined,
    pumpMs: options.pumpMs ?? 25,
  });
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
      return [listing.symbol, new MarketFeed(market, publish, cadence, rate, options.recordLimit ?? 20_000)] as const;
    }),
  );
  clock.start([...feeds.values()]);

  const pool = new RequestPool(options.weightLimit ?? 2_000, options.clock ?? Date.now);
  const bullet = () => {
    const { pingInterval, pingTimeout } = limits;
    const endpoint = `ws://127.0.0.1:${port}/`;
    const server = { endpoint, encrypt: false, protocol: 'websocket', pingInterval, pingTimeout };
    return JSON.stringify({ token: tokens.issue(), instanceServers: [server] });
  };
  let restRequests = 0;
  let restStalledUntil = 0;
  const server = createServer((request, response) => {
    restRequests++;
    if (performance.now() < restStalledUntil) return;
    answerRest(request, response, { feeds, now: () => clock.now(), bullet }, pool);
  });
  server.on('upgrade', (request, socket, head) => streams.upgrade(request, socket, head));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listen(server, options.port ?? 0);
  let closed = false;

  const faults: Faults = {
    stall: (match, ms) => frameFaults.stall(match, ms),
    resume: () => frameFaults.resume(),
    skip: (match, count) => frameFaults.skip(match, count),
    duplicate: (match, count) => frameFaults.duplicate(match, count),
    reorder: (match, count) => frameFaults.reorder(match, count),
    malform: (match, text) => frameFaults.malform(match, text),
    refuseRest: (refusal) => pool.force(refusal),
    stallRest: (ms) => {
      restStalledUntil = performance.now() + ms;
    },
    halfOpen: () => {
      for (const session of streams.sessions) session.freeze();
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    disconnect: (code = 1000) => {
      for (const session of streams.sessions) session.close(code, 'Bye');
    },
    refuseConnections: async (ms) => {
      server.close();
      await new Promise((done) => setTimeout(done, ms));
      if (!closed) await listen(server, port);
    },
    refuseSessions: (code = 509, data = 'service busy, please retry later') => {
      for (const session of streams.sessions) session.refuse(code, data);
    },
    clockSkew: (ms) => {
      clock.skew = ms;
    },
  };

  const sim: KucoinSim = {
    wsUrl: `ws://127.0.0.1:${port}`,
    restUrl: `http://127.0.0.1:${port}`,
    controlUrl: null,
    port,
    symbols: [...feeds.keys()],
    faults,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    sent: (symbol) => {
      const feed = feeds.get(symbol);
      if (!feed) throw new RangeError(`no such market: ${symbol}`);
      return feed.record.sent(feed.market.now);
    },
    inject: (text, topic) => streams.inject(text, topic),
    stats: () => ({
      connections: streams.sessions.size,
      accepted: streams.accepted,
      framesSent: streams.framesSent,
      restRequests,
      usedWeight: pool.used(),
    }),
    close: async () => {
      closed = true;
      clock.stop();
      streams.close();
      for (const socket of sockets) socket.destroy();
      await Promise.all([control?.close(), new Promise<void>((done) => server.close(() => done()))]);
    },
  };
  const control = options.controlPort === undefined ? null : await startControl(sim, options.controlPort);
  sim.controlUrl = control?.url ?? null;
  return sim;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', fail);
      done((server.address() as AddressInfo).port);
    });
  });
}
