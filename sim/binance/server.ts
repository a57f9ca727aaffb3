/** The stand-in itself: one HTTP server on loopback that serves streams and REST as Binance does. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { startControl } from '../control.ts';
import { FrameFaults } from '../market/frame-faults.ts';
import type { Faults } from './faults.ts';
import { BINANCE_CADENCE, type Cadence } from './feed.ts';
import { Recording, type RecordingOptions } from './recording.ts';
import { answerRest } from './rest.ts';
import type { Sent } from './sent.ts';
import { BINANCE_LIMITS, type SessionLimits } from './session.ts';
import { SimulatedMarkets } from './simulated.ts';
import type { MarketSource } from './source.ts';
import { StreamServer } from './stream-server.ts';
import { RequestWeights } from './weights.ts';

export interface BinanceSimOptions {
  /** Default: a free one. */
  port?: number;
  /** Port of the control endpoint, 0 for a free one; none when left out. */
  controlPort?: number;
  /** Same seed, same markets. Default 1. */
  seed?: number;
  /** Native names, or how many markets; default 12. */
  symbols?: string[] | number;
  /** Scales trades and book changes; default 1: a few trades a second a market. */
  rate?: number;
  /** Epoch ms; default Date.now. */
  clock?: () => number;
  /** Time stands at this moment (epoch ms) and moves only by `advance`. */
  startAt?: number;
  /** Ms between looks at the clock; default 25. */
  pumpMs?: number;
  cadence?: Partial<Cadence>;
  limits?: Partial<SessionLimits>;
  /** Connection attempts in 5 minutes; default 300. */
  connectionAttempts?: number;
  /** Request weight a minute; default 6,000. */
  weightLimit?: number;
  /** Trades, candles and depth ids that `sent` keeps a market; default 20,000 of each. */
  recordLimit?: number;
  /** Replays captured frames instead of simulating. */
  recording?: RecordingOptions;
}

export interface SimStats {
  connections: number;
  accepted: number;
  framesSent: number;
  restRequests: number;
  usedWeight: number;
}

export interface BinanceSim {
  /** ws://127.0.0.1:port, as BINANCE_WS_URL takes it. */
  wsUrl: string;
  /** http://127.0.0.1:port, as BINANCE_REST_URL takes it. */
  restUrl: string;
  controlUrl: string | null;
  port: number;
  symbols: string[];
  faults: Faults;
  /** The replay, when it is one. */
  recording: Recording | null;
  /** The exchange's clock, epoch ms. */
  now(): number;
  /** Lets time pass, when started with `startAt`. */
  advance(ms: number): void;
  /** Everything a simulated market has produced. Throws RangeError for an unknown symbol or a recording. */
  sent(symbol: string): Sent;
  /** Sends text, exactly as given, to the subscribers of a stream, or to every connection. */
  inject(text: string, stream?: string): void;
  stats(): SimStats;
  close(): Promise<void>;
}

/** Starts it on loopback. Throws when the port is taken, a symbol can't be, or a recording is none. */
export async function startBinanceSim(options: BinanceSimOptions = {}): Promise<BinanceSim> {
  const frameFaults = new FrameFaults((stream, cut) => `{"stream":"${stream}","data":${cut}`);
  const limits = { ...BINANCE_LIMITS, ...options.limits };
  const streams = new StreamServer(limits, options.connectionAttempts ?? 300, frameFaults);
  const publish = (stream: string, payload: () => string) => streams.publish(stream, payload);
  const weightLimit = options.weightLimit ?? 6_000;
  const startAt = options.startAt;
  const recording = options.recording ? new Recording(options.recording, publish, (s) => streams.hasListener(s)) : null;
  const markets = recording
    ? null
    : new SimulatedMarkets(
        {
          seed: options.seed ?? 1,
          symbols: options.symbols ?? 12,
          rate: options.rate ?? 1,
          clock: startAt === undefined ? (options.clock ?? Date.now) : () => startAt,
          stepped: startAt !== undefined,
          pumpMs: options.pumpMs ?? 25,
          cadence: { ...BINANCE_CADENCE, ...options.cadence },
          recordLimit: options.recordLimit ?? 20_000,
          weightLimit,
        },
        publish,
      );
  const source = (recording ?? markets) as MarketSource;
  if (recording) streams.onSubscribe = () => recording.subscribed();

  const weights = new RequestWeights(weightLimit, options.clock ?? Date.now);
  let restRequests = 0;
  let restStalledUntil = 0;
  const server = createServer((request, response) => {
    restRequests++;
    if (performance.now() < restStalledUntil) return;
    answerRest(request, response, source, weights);
  });
  server.on('upgrade', (request, socket, head) => streams.upgrade(request, socket, head));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listen(server, options.port ?? 0);

  const faults: Faults = {
    stall: (match, ms) => frameFaults.stall(match, ms),
    resume: () => frameFaults.resume(),
    skip: (match, count) => frameFaults.skip(match, count),
    duplicate: (match, count) => frameFaults.duplicate(match, count),
    reorder: (match, count) => frameFaults.reorder(match, count),
    malform: (match, text) => frameFaults.malform(match, text),
    refuseRest: (refusal) => weights.force(refusal),
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
    plannedDisconnect: (noticeMs = 1_000) => streams.shutDown(noticeMs, source.now()),
    clockSkew: (ms) => {
      if (markets) markets.clock.skew = ms;
    },
  };

  let closed = false;
  const sim: BinanceSim = {
    wsUrl: `ws://127.0.0.1:${port}`,
    restUrl: `http://127.0.0.1:${port}`,
    controlUrl: null,
    port,
    symbols: source.symbols,
    faults,
    recording,
    now: () => source.now(),
    advance: (ms) => markets?.clock.advance(ms),
    sent: (symbol) => {
      if (!markets) throw new RangeError('a recording has no record but itself');
      return markets.sent(symbol);
    },
    inject: (text, stream) => streams.inject(text, stream),
    stats: () => ({
      connections: streams.sessions.size,
      accepted: streams.accepted,
      framesSent: streams.framesSent,
      restRequests,
      usedWeight: weights.used(),
    }),
    close: async () => {
      closed = true;
      source.close();
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
