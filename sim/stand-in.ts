/**
 * What the stand-ins of all exchanges have in common: one HTTP server on loopback for streams and REST, what can go wrong
 * with it on demand, and the control endpoint beside it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Controlled, startControl } from './control.ts';
import type { ClockOptions } from './market/clock.ts';
import type { FrameFaults } from './market/frame-faults.ts';
import { reset } from './reset.ts';

export interface StandInOptions {
  /** Default: a free one. */
  port?: number;
  /** Port of the control endpoint, 0 for a free one; none when left out. */
  controlPort?: number;
  /** Same seed, same markets. Default 1. */
  seed?: number;
  /** Native names, or how many markets; default is the exchange's. */
  symbols?: string[] | number;
  /** Scales trades and book changes; default 1: some trades a second a market. */
  rate?: number;
  /** Epoch ms; default Date.now. */
  clock?: () => number;
  /** Time stands at this moment (epoch ms) and moves only by `advance`. */
  startAt?: number;
  /** Ms between looks at the clock; default 25. */
  pumpMs?: number;
  /** Entries of each kind that `sent` keeps a market; default 20,000. */
  recordLimit?: number;
  /** Epoch ms from which `sent` knows trades and candles; default: the start. See RecordOptions. */
  recordFrom?: number;
}

/** The address is refused everything, over REST and when it connects, for `ms`; connections of now stay. */
export interface Ban {
  status: 418 | 429;
  ms: number;
}

/** Tries to listen again on a port that is taken, 100 ms apart. */
const MAX_LISTEN_TRIES = 100;

/** How an exchange words a ban that has `leftMs` to go. */
export type BanAnswer = (status: number, leftMs: number) => { body: string; headers: Record<string, string> };

/** What can go wrong on demand. A match is a part of a stream's name; '' is every stream. */
export interface CommonFaults
  extends Pick<FrameFaults, 'stall' | 'resume' | 'skip' | 'duplicate' | 'reorder' | 'malform'> {
  /** REST requests are taken but not answered for `ms`. */
  stallRest(ms: number): void;
  ban(ban: Ban): void;
  /** The connections of now neither read nor write any more, but stay open. */
  halfOpen(): void;
  /** The connections of now are reset (RST). */
  reset(): void;
  /** The connections of now are closed properly with `code`; default as the exchange does. */
  disconnect(code?: number): void;
  /** New connections are refused (nothing listens) for `ms`, or for the rest of a longer refusal; those of now stay. */
  refuseConnections(ms: number): Promise<void>;
  /** Event times and the server's clock are off by `ms`. */
  clockSkew(ms: number): void;
}

export interface StandInStats {
  connections: number;
  accepted: number;
  framesSent: number;
  restRequests: number;
  /** Requests and connection attempts that a ban refused. */
  banned: number;
  /** Faults of single frames that no frame has met yet. */
  faultsWaiting: number;
}

/** A running stand-in: `F` its faults, `S` what `sent` tells, `T` its counts. */
export interface StandIn<F extends object, S, T = StandInStats> extends Controlled {
  port: number;
  faults: F;
  /** The exchange's clock, epoch ms. */
  now(): number;
  /** Lets time pass, when started with `startAt`. */
  advance(ms: number): void;
  /** Everything a market has produced. Throws RangeError for an unknown one. */
  sent(symbol: string): S;
  /** Sends text, exactly as given, to the subscribers of a stream, or to every connection. */
  inject(text: string, stream?: string): void;
  stats(): T;
  close(): Promise<void>;
}

/** What an exchange brings along. */
export interface Parts {
  options: StandInOptions;
  frameFaults: FrameFaults;
  streams: {
    readonly sessions: ReadonlySet<{ freeze(): void; close(code: number, reason: string): void }>;
    readonly framesSent: number;
    readonly accepted: number;
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
    inject(text: string, stream?: string): void;
    close(): void;
  };
  /** Path of the streams, "" or "/…". */
  path: string;
  /** How it closes a connection. */
  goodbye: { code: number; reason: string };
  symbols: string[];
  now(): number;
  advance(ms: number): void;
  setSkew(ms: number): void;
  answer(request: IncomingMessage, response: ServerResponse): void;
  banAnswer: BanAnswer;
  /** Ends whatever it has running besides. */
  stop(): void;
}

/** Which clock the markets live by. */
export function clockOptions({ startAt, clock, pumpMs }: StandInOptions): ClockOptions {
  const stepped = startAt !== undefined;
  return { clock: stepped ? () => startAt : (clock ?? Date.now), stepped, pumpMs: pumpMs ?? 25 };
}

/**
 * Starts the server. `add` is what the exchange has of its own: `faults` besides the common ones, `sent` and `stats`.
 * Throws when a port is taken.
 */
export async function startStandIn<F extends object, S, T extends object>(
  parts: Parts,
  add: { faults: F; sent(symbol: string): S; stats(): T },
): Promise<StandIn<CommonFaults & F, S, StandInStats & T>> {
  const { options, streams, frameFaults } = parts;
  let restRequests = 0;
  let restStalledUntil = 0;
  let banned = 0;
  let ban: { status: number; until: number } | null = null;
  /** Until when nothing listens, and who waits for that. */
  let awayUntil = 0;
  let away: Promise<void> | null = null;
  let closed = false;

  /** The ban under way; it is counted as one more refusal. */
  function refusal(): { status: number; leftMs: number } | null {
    const leftMs = (ban?.until ?? 0) - performance.now();
    if (!ban || leftMs <= 0) return null;
    banned++;
    return { status: ban.status, leftMs };
  }

  const server = createServer((request, response) => {
    restRequests++;
    if (performance.now() < restStalledUntil) return;
    const refused = refusal();
    if (!refused) return parts.answer(request, response);
    const { body, headers } = parts.banAnswer(refused.status, refused.leftMs);
    response.writeHead(refused.status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  // a simulation that keeps the process busy for a while must not look like an exchange that hangs up
  server.keepAliveTimeout = 60_000;
  server.on('upgrade', (request, socket, head) => {
    const refused = refusal();
    if (!refused) return streams.upgrade(request, socket, head);
    const seconds = Math.ceil(refused.leftMs / 1_000);
    socket.end(
      `HTTP/1.1 ${refused.status} Refused\r\nretry-after: ${seconds}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    );
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listen(server, options.port ?? 0);

  async function stayAway(): Promise<void> {
    server.close();
    for (let left = awayUntil - performance.now(); left > 0; left = awayUntil - performance.now()) await sleep(left);
    for (let tries = 1; !closed; tries++) {
      try {
        await listen(server, port);
        return;
      } catch (error) {
        // an outgoing connection of somebody else may have been given the port meanwhile
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries > MAX_LISTEN_TRIES) throw error;
        await sleep(100);
      }
    }
  }

  const common: CommonFaults = {
    stall: (match, ms) => frameFaults.stall(match, ms),
    resume: () => frameFaults.resume(),
    skip: (match, count) => frameFaults.skip(match, count),
    duplicate: (match, count) => frameFaults.duplicate(match, count),
    reorder: (match, count) => frameFaults.reorder(match, count),
    malform: (match, text) => frameFaults.malform(match, text),
    stallRest: (ms) => {
      restStalledUntil = performance.now() + ms;
    },
    ban: ({ status, ms }) => {
      ban = { status, until: performance.now() + ms };
    },
    halfOpen: () => {
      for (const session of streams.sessions) session.freeze();
    },
    reset: () => {
      for (const socket of sockets) reset(socket);
    },
    disconnect: (code = parts.goodbye.code) => {
      for (const session of streams.sessions) session.close(code, parts.goodbye.reason);
    },
    refuseConnections: (ms) => {
      awayUntil = Math.max(awayUntil, performance.now() + ms);
      away ??= stayAway().finally(() => {
        away = null;
      });
      return away;
    },
    clockSkew: (ms) => parts.setSkew(ms),
  };

  const sim: StandIn<CommonFaults & F, S, StandInStats & T> = {
    wsUrl: `ws://127.0.0.1:${port}${parts.path}`,
    restUrl: `http://127.0.0.1:${port}`,
    controlUrl: null,
    port,
    symbols: parts.symbols,
    faults: { ...common, ...add.faults },
    now: () => parts.now(),
    advance: (ms) => parts.advance(ms),
    sent: (symbol) => add.sent(symbol),
    inject: (text, stream) => streams.inject(text, stream),
    stats: () => ({
      connections: streams.sessions.size,
      accepted: streams.accepted,
      framesSent: streams.framesSent,
      restRequests,
      banned,
      faultsWaiting: frameFaults.waiting,
      ...add.stats(),
    }),
    close: async () => {
      closed = true;
      parts.stop();
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
