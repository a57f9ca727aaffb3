/** Compressed events, on request of the settings and of the client, are the same events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { BTC } from '../resolvers/samples.ts';
import { until } from '../support/until.ts';
import { BookMarket, seeded } from './book-market.ts';
import { type Served, serve } from './served.ts';

const QUERY = `subscription { orderBookUpdated(exchange: BINANCE, symbol: "BTC-USDT", depth: 20) {
  sequence snapshot checksum bids { price quantity } asks { price quantity } } }`;

/** What a client of one kind receives of `updates`, and how many bytes that was. */
async function receive(served: Served, market: BookMarket, updates: number, options: WebSocket.ClientOptions) {
  const sockets: WebSocket[] = [];
  class Client extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols, options);
      sockets.push(this);
    }
  }
  const events: unknown[] = [];
  const client = createClient({ url: served.ws, webSocketImpl: Client, retryAttempts: 0 });
  client.subscribe({ query: QUERY }, { next: ({ data }) => events.push(data), error: assert.fail, complete() {} });
  await until('the book', () => events.length === 1);
  for (let i = 0; i < updates; i++) await served.live.append([market.change()]);
  await until('every change', () => events.length === updates + 1);
  const [socket] = sockets;
  const bytes = (socket as unknown as { _socket: { bytesRead: number } })._socket.bytesRead;
  const { extensions = '' } = socket ?? {};
  await client.dispose();
  return { events, bytes, extensions };
}

test('compressed where both sides want it, plain where one does not', async () => {
  const results = [];
  for (const [setting, options] of [
    ['on', {}],
    ['on', { perMessageDeflate: { serverMaxWindowBits: 10 } }],
    ['on', { perMessageDeflate: false }],
    ['off', {}],
  ] as const) {
    const served = await serve({ WEBSOCKET_COMPRESSION: setting });
    const market = new BookMarket(BTC, seeded(3));
    await served.live.append([market.snapshot()]);
    results.push(await receive(served, market, 50, options));
    await served.stop();
  }
  const [compressed, small, refused, off] = results;
  for (const { events } of results) assert.deepEqual(events, off?.events);
  assert.match(compressed?.extensions ?? '', /permessage-deflate/);
  assert.match(small?.extensions ?? '', /permessage-deflate/);
  assert.deepEqual([refused?.extensions, off?.extensions], ['', '']);
  assert.ok((compressed?.bytes ?? 0) < (off?.bytes ?? 0) * 0.9, `${compressed?.bytes} of ${off?.bytes}`);
});
