/** The stand-in of Binance's signed API for a merchant's C2C orders. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ApiError } from '../binance/query.ts';
import { type ForcedRefusal, RequestWeights } from '../binance/weights.ts';
import { reset } from '../reset.ts';
import { type Asked, body, type Generation, read, SIM_KEY, SIM_SECRET } from './answer.ts';
import { Merchant, type Sorting } from './merchant.ts';
import type { SimOrder } from './order.ts';

const ORDERS = '/sapi/v1/c2c/orderMatch/listUserOrderHistory';

export interface C2cSimOptions {
  port?: number;
  /** Same seed, same orders. Default 1. */
  seed?: number;
  /** Where time stands, epoch ms, until `setNow` moves it; left out, it is the real one. The history ends here. */
  startAt?: number;
  /** Orders of the 18 months before; default 50,000. */
  orders?: number;
  /** Request weight a minute. */
  weight?: number;
  sorting?: Sorting;
}

/** What goes wrong with the next requests for orders; one fault a request, in the order in which they were asked for. */
export interface C2cFaults {
  /** 429 or 418 with Retry-After. */
  refuse(refusal: ForcedRefusal): void;
  /** The connection is reset. */
  reset(count: number): void;
  /** No answer ever. */
  stall(count: number): void;
  /** A body that breaks off in its middle, or this one. */
  malform(count: number, text?: string): void;
  /** The page before is sent once more. */
  duplicatePage(count: number): void;
  /** Any status and body, e.g. an error in either shape. */
  fail(count: number, status: number, body: string): void;
  /** The exchange's clock is off by `ms`. */
  clockSkew(ms: number): void;
  generation(which: Generation): void;
  /** Called before each page is made, with what it asks for. */
  onPage(hook: ((asked: Asked) => void) | null): void;
}

export interface C2cSim {
  url: string;
  /** Public dummies. */
  key: string;
  secret: string;
  faults: C2cFaults;
  /** The merchant's clock, epoch ms. */
  now(): number;
  /** The exchange's own clock, which signatures go by, but for a skew: it goes on where the merchant's stands. */
  clock(): number;
  /** Moves the merchant's clock there, also back. */
  setNow(time: number): void;
  /** Every order made up to now, oldest first, as it is now, also those no longer shown. */
  orders(): SimOrder[];
  add(fields?: Partial<SimOrder>): SimOrder;
  change(orderNumber: string, fields: Partial<SimOrder>): void;
  /** Requests for orders that were answered with a page, refused with an error, and all. */
  stats(): { pages: number; refused: number; requests: number };
  close(): Promise<void>;
}

type Fault = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts it on loopback. Throws when the port is taken. */
export async function startC2cSim(options: C2cSimOptions = {}): Promise<C2cSim> {
  const { seed = 1, startAt, orders, weight = 6_000, sorting } = options;
  let stands = startAt ?? null;
  let stoodAt = Date.now();
  let skew = 0;
  let generation: Generation = 'newer';
  let hook: ((asked: Asked) => void) | null = null;
  const pending: Fault[] = [];
  const stats = { pages: 0, refused: 0, requests: 0 };
  const now = (): number => stands ?? Date.now();
  const goesOn = (): number => (stands === null ? Date.now() : stands + Date.now() - stoodAt);
  const clock = (): number => goesOn() + skew;
  const merchant = new Merchant({ seed, startAt: now(), orders, sorting });
  const weights = new RequestWeights(weight, goesOn);

  const send = (response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void => {
    const used = { 'x-sapi-used-ip-weight-1m': String(weights.used()) };
    response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', ...used, ...headers }).end(text);
  };

  function page(request: IncomingMessage, back = 0): string {
    const search = new URL(request.url ?? '/', 'http://binance.invalid').search.slice(1);
    const key = request.headers['x-mbx-apikey'];
    const asked = read(search, Array.isArray(key) ? key[0] : key, clock(), now());
    if ('refused' in asked) return asked.refused;
    hook?.(asked);
    stats.pages++;
    const newer = generation === 'mixed' ? stats.pages % 2 === 0 : generation === 'newer';
    return body(merchant, { ...asked, page: Math.max(1, asked.page - back) }, now(), newer);
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', 'http://binance.invalid');
    const isOrders = pathname === ORDERS;
    const known = request.method === 'GET' && (isOrders || pathname === '/api/v3/time');
    if (isOrders) stats.requests++;
    const refused = known ? weights.spend(pathname, 1) : null;
    if (refused) {
      stats.refused++;
      send(response, refused.status, refused.body, { 'retry-after': String(refused.retryAfter) });
    } else if (!known) {
      send(response, 404, '{}');
    } else if (isOrders) {
      answerOrders(request, response);
    } else {
      send(response, 200, `{"serverTime":${clock()}}`);
    }
  }

  function answerOrders(request: IncomingMessage, response: ServerResponse): void {
    try {
      const fault = pending.shift();
      if (fault) fault(request, response);
      else send(response, 200, page(request));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      stats.refused++;
      send(response, error.status, JSON.stringify({ code: error.code, msg: error.message }));
    }
  }

  const later = (count: number, fault: Fault): void => {
    for (let i = 0; i < count; i++) pending.push(fault);
  };
  const server = createServer(answer);
  const sockets = new Set<Socket>();
  // whoever is kept busy for a while must not find its connection closed under its next call
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await new Promise<number>((done, fail) => {
    server.once('error', fail);
    server.listen(options.port ?? 0, '127.0.0.1', () => done((server.address() as AddressInfo).port));
  });

  return {
    url: `http://127.0.0.1:${port}`,
    ...{ key: SIM_KEY, secret: SIM_SECRET, now, clock: goesOn },
    faults: {
      refuse: (refusal) => weights.force({ path: ORDERS, ...refusal }),
      reset: (count) => later(count, (request) => reset(request.socket)),
      stall: (count) => later(count, () => {}),
      malform: (count, text) =>
        later(count, (request, response) => {
          const whole = page(request);
          send(response, 200, text ?? whole.slice(0, Math.floor(whole.length / 2)));
        }),
      duplicatePage: (count) => later(count, (request, response) => send(response, 200, page(request, 1))),
      fail: (count, status, text) => later(count, (_, response) => send(response, status, text)),
      clockSkew: (ms) => {
        skew = ms;
      },
      generation: (which) => {
        generation = which;
      },
      onPage: (called) => {
        hook = called;
      },
    },
    setNow: (time) => {
      stands = time;
      stoodAt = Date.now();
    },
    orders: () => merchant.orders(now()),
    add: (fields = {}) => merchant.add(fields, now()),
    change: (orderNumber, fields) => merchant.change(orderNumber, fields, now()),
    stats: () => ({ ...stats }),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
