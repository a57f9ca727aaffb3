/** The clients of the benchmark of books, in a process of their own: a few keep a copy, the others count bytes. */
import { WebSocket } from 'ws';
import type { MarketRef } from '../schema/market.ts';

interface StartClients {
  kind: 'start';
  url: string;
  subscribers: number;
  depth: number;
  throttleMs: number;
  compressed: boolean;
}

export type Asked = (MarketRef & StartClients) | { kind: 'report' };

export interface Report {
  /** Received over all sockets. */
  bytes: number;
  /** The copies as texts: levels `price:quantity`, best first. */
  texts: string[];
}

interface Level {
  price: string;
  quantity: string;
}

/** Clients that keep a copy. */
const COPIES = 3;
const sockets: WebSocket[] = [];
const copies: { bids: Map<string, string>; asks: Map<string, string> }[] = [];

function keep(copy: (typeof copies)[number], event: { snapshot: boolean; bids: Level[]; asks: Level[] }): void {
  for (const [side, levels] of [
    [copy.bids, event.bids],
    [copy.asks, event.asks],
  ] as const) {
    if (event.snapshot) side.clear();
    for (const { price, quantity } of levels) {
      if (quantity === '0') side.delete(price);
      else side.set(price, quantity);
    }
  }
}

function subscribe(
  { url, exchange, symbol, depth, throttleMs, compressed }: Extract<Asked, { kind: 'start' }>,
  i: number,
): Promise<void> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: compressed });
  sockets.push(socket);
  const copy = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  if (i < COPIES) copies.push(copy);
  const query = `subscription { orderBookUpdated(exchange: ${exchange}, symbol: "${symbol}", depth: ${depth}, throttleMs: ${throttleMs}) {
    cursor sequence gap { missed reason } snapshot checksum bids { price quantity } asks { price quantity } } }`;
  return new Promise((done, fail) => {
    socket.on('error', fail);
    socket.on('close', (code) => fail(new Error(`closed with ${code}`)));
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    let began = false;
    socket.on('message', (data) => {
      if (began && i >= COPIES) return;
      const { type, payload } = JSON.parse(String(data));
      // names as graphql-ws makes them
      if (type === 'connection_ack') {
        socket.send(JSON.stringify({ id: crypto.randomUUID(), type: 'subscribe', payload: { query } }));
      }
      if (type !== 'next') return;
      keep(copy, payload.data.orderBookUpdated);
      began = true;
      done();
    });
  });
}

function text({ bids, asks }: (typeof copies)[number]): string {
  const side = (levels: Map<string, string>, sign: number): string =>
    [...levels]
      .sort(([a], [b]) => sign * (Number(a) - Number(b)))
      .map((level) => level.join(':'))
      .join();
  return `${side(bids, -1)}|${side(asks, 1)}`;
}

function report(): Report {
  const bytesOf = (socket: WebSocket) => (socket as unknown as { _socket: { bytesRead: number } })._socket.bytesRead;
  return { bytes: sockets.reduce((sum, socket) => sum + bytesOf(socket), 0), texts: copies.map(text) };
}

process.on('message', async (asked: Asked) => {
  if (asked.kind === 'start') {
    for (let i = 0; i < asked.subscribers; i += 50) {
      const some = Array.from({ length: Math.min(50, asked.subscribers - i) }, (_, j) => subscribe(asked, i + j));
      await Promise.all(some);
    }
  }
  process.send?.(report());
});
