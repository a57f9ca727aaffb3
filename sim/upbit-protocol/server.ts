/** The stand-in itself: one HTTP server on loopback that serves streams and REST in a dialect of Upbit's protocol. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { startControl } from '../control.ts';
import { MarketClock } from '../market/clock.ts';
import { FrameFaults } from '../market/frame-faults.ts';
import { Market } from '../market/market.ts';
import type { Dialect } from './dialect.ts';
import { krwListings } from './listing.ts';
import { MarketFeed } from './market-feed.ts';
import { type ForcedRefusal, RateGroups } from './rate-groups.ts';
import { answerRest } from './rest.ts';
import type { Sent } from './sent.ts';
import { SESSION_LIMITS, type SessionLimits } from './session.ts';
import { StreamServer } from './stream-server.ts';

export interface UpbitProtocolSimOptions {
  /** Default: a free one. */
  port?: number;
  /** Port of the control endpoint, 0 for a free one; none when left out. */
  controlPort?: number;
  /** Same seed, same markets. Default 1. */
  seed?: number;
  /** Native names ("KRW-BTC"), or how many markets; default 7. */
  symbols?: string[] | number;
  /** Scales trades and book changes; default 1. */
  rate?: number;
  /** Epoch ms; default Date.now. */
  clock?: () => number;
  /** Time stands at this moment (epoch ms) and moves only by `advance`. */
  startAt?: number;
  /** Ms between looks at the clock; default 25. */
  pumpMs?: number;
  limits?: Partial<SessionLimits>;
  /** Connection attempts a second; default as the exchange allows. */
  connectsPerSecond?: number;
  /** REST requests a second and group; default as the exchange allows. */
  requestsPerSecond?: number;
  /** Entries of each kind that `sent` keeps a market; default 20,000. */
  recordLimit?: number;
}

/** What can go wrong on demand. Streams are named like "trade:KRW-BTC"; a match is a part of that, '' is every stream. */
export interface Faults extends Pick<FrameFaults, 'stall' | 'resume' | 'skip' | 'duplicate' | 'reorder' | 'malform'> {
  /** The next `count` REST requests (whose path contains `path`) are refused with `status` and Retry-After. */
  refuseRest(refusal: ForcedRefusal): void;
  /** REST requests are taken but not answered for `ms`. */
  stallRest(ms: number): void;
  /** The connections of now neither read nor write any more, but stay open. */
  halfOpen(): void;
  /** The connections of now are reset (RST). */
  reset(): void;
  /** The connections of now are closed properly with `code` (default 1001). */
  disconnect(code?: number): void;
  /** New connections are refused (nothing listens) for `ms`; those of now stay. */
  refuseConnections(ms: number): Promise<void>;
  /** Event times and the server's clock are off by `ms`. */
  clockSkew(ms: number): void;
}

export interface UpbitProtocolSim {
  /** ws://127.0.0.1:port/websocket/v1 */
  wsUrl: string;
  /** http://127.0.0.1:port */
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
  /** Sends text, exactly as given, to the subscribers of a stream, or to every connection. */
  inject(text: string, stream?: string): void;
  stats(): { connections: number; accepted: number; framesSent: number; restRequests: number };
  close(): Promise<void>;
}

/** Starts it on loopback. Throws when the port is taken or a symbol can't be. */
export async function startUpbitProtocolSim(
  dialect: Dialect,
  options: UpbitProtocolSimOptions = {},
): Promise<UpbitProtocolSim> {
  const frameFaults = new FrameFaults();
  const limits = { ...SESSION_LIMITS, ...options.limits };
  const connects = options.connectsPerSecond ?? dialect.connectsPerSecond;
  const streams = new StreamServer(dialect, limits, connects, frameFaults);
  const { startAt, seed = 1, rate = 1 } = options;
  const clock = new MarketClock({
    clock: startAt === undefined ? (options.clock ?? Date.now) : () => startAt,
    stepped: startAt !== undefined,
    pumpMs: options.pumpMs ?? 25,
  });
  const feeds = new Map(
    krwListings(dialect.name, options.symbols ?? 7).map((listing) => {
      const market = new Market(seed, listing, rate, clock.time);
      return [listing.symbol, new MarketFeed(dialect, market, streams, options.recordLimit ?? 20_000)] as const;
    }),
  );
  streams.snapshots = (type, code) => feeds.get(code)?.frame(type, clock.skew) ?? null;
  clock.start([...feeds.values()]);

  const rates = new RateGroups(options.requestsPerSecond ?? dialect.rest.perSecond);
  let restRequests = 0;
  let restStalledUntil = 0;
  const server = createServer((request, response) => {
    restRequests++;
    if (performance.now() < restStalledUntil) return;
    answerRest(request, response, { dialect, feeds, now: () => clock.now() }, rates);
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
    refuseRest: (refusal) => rates.force(refusal),
    stallRest: (ms) => {
      restStalledUntil = performance.now() + ms;
    },
    halfOpen: () => {
      for (const session of streams.sessions) session.freeze();
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    disconnect: (code = 1001) => {
      for (const session of streams.sessions) session.close(code, '');
    },
    refuseConnections: async (ms) => {
      server.close();
      await new Promise((done) => setTimeout(done, ms));
      if (!closed) await listen(server, port);
    },
    clockSkew: (ms) => {
      clock.skew = ms;
    },
  };

  const sim: UpbitProtocolSim = {
    wsUrl: `ws://127.0.0.1:${port}/websocket/v1`,
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
    inject: (text, stream) => streams.inject(text, stream),
    stats: () => ({
      connections: streams.sessions.size,
      accepted: streams.accepted,
      framesSent: streams.framesSent,
      restRequests,
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
