/**
 * A stand-in's own endpoint, on a port apart from the exchange's, for tests that run it as a process:
 *   GET  /sim                       URLs, symbols, clock, counts
 *   GET  /sim/sent?symbol=BTCUSDT   everything that market produced
 *   POST /sim/faults/<name>         body: JSON array of the arguments, e.g. ["btcusdt@depth", 1]
 *   POST /sim/advance               body: [ms]
 *   POST /sim/inject                body: [text, stream?]
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a stand-in shows and offers there. */
export interface Controlled {
  wsUrl: string;
  restUrl: string;
  controlUrl: string | null;
  symbols: string[];
  /** By name; each takes JSON arguments. */
  faults: object;
  now(): number;
  stats(): unknown;
  /** Throws RangeError for an unknown symbol. */
  sent(symbol: string): unknown;
  advance(ms: number): void;
  inject(text: string, stream?: string): void;
}

const MAX_BODY = 1024 * 1024;

/** Serves it on loopback; `port` 0 takes a free one. */
export async function startControl(
  sim: Controlled,
  port: number,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    const reply = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    try {
      reply(200, await perform(sim, request));
    } catch (error) {
      reply(400, { error: error instanceof Error ? error.message : String(error) });
    }
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', done);
  });
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

async function perform(sim: Controlled, request: IncomingMessage): Promise<unknown> {
  const url = new URL(request.url ?? '/', 'http://sim.invalid');
  const [root, what, name] = url.pathname.slice(1).split('/');
  if (root !== 'sim') throw new Error(`no such path: ${url.pathname}`);
  if (request.method === 'GET') {
    if (what === undefined) {
      const { wsUrl, restUrl, controlUrl, symbols } = sim;
      return { wsUrl, restUrl, controlUrl, symbols, now: sim.now(), stats: sim.stats() };
    }
    if (what === 'sent') return sim.sent(url.searchParams.get('symbol') ?? '');
  } else if (request.method === 'POST') {
    const args = await readArguments(request);
    const actions: Record<string, () => void> = {
      faults: () => cause(sim, name ?? '', args),
      advance: () => sim.advance(Number(args[0])),
      inject: () => sim.inject(String(args[0]), args[1] as string | undefined),
    };
    const action = Object.hasOwn(actions, what ?? '') ? actions[what ?? ''] : undefined;
    if (action) {
      action();
      return null;
    }
  }
  throw new Error(`no such path: ${request.method} ${url.pathname}`);
}

function cause(sim: Controlled, name: string, args: unknown[]): void {
  if (!Object.hasOwn(sim.faults, name)) throw new Error(`no such fault: ${name}`);
  const fault = (sim.faults as Record<string, (...args: unknown[]) => unknown>)[name];
  // a fault that lasts goes on after the answer
  void fault?.(...args);
}

async function readArguments(request: IncomingMessage): Promise<unknown[]> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY) throw new Error('body too large');
  }
  const args: unknown = text === '' ? [] : JSON.parse(text);
  if (!Array.isArray(args)) throw new Error('the body is not a JSON array');
  return args;
}
