/** How exchanges' servers are spoken to: what is sent along, and what is made of a refusal. */
import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { openConnection } from '../../../../ingestion/feed/connection.ts';
import { createExchangeRest, type RestFailed } from '../../../../src/platform/exchange/rest.ts';
import { openExchangeSocket, type SocketEnd } from '../../../../src/platform/exchange/socket.ts';
import { until } from '../../../support/until.ts';

let server: Server;
/** What the server answers with; 101 takes a connection. */
let answer: { status: number; retryAfter?: number } = { status: 200 };
let asked: IncomingHttpHeaders[] = [];
let pongs: string[] = [];
const streams = new WebSocketServer({ noServer: true });

before(async () => {
  server = createServer((request, response) => {
    asked.push(request.headers);
    if (answer.retryAfter !== undefined) response.setHeader('retry-after', answer.retryAfter);
    response.writeHead(answer.status).end('{}');
  });
  server.on('upgrade', (request, socket, head) => {
    asked.push(request.headers);
    if (answer.status !== 101) {
      const header = answer.retryAfter === undefined ? '' : `retry-after: ${answer.retryAfter}\r\n`;
      return socket.end(`HTTP/1.1 ${answer.status} Refused\r\n${header}content-length: 0\r\n\r\n`);
    }
    streams.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('pong', (payload) => pongs.push(payload.toString()));
      webSocket.ping('1732147200000');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
after(() => {
  for (const client of streams.clients) client.terminate();
  server.closeAllConnections();
  server.close();
});

const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

function connect(url: string) {
  const ends: SocketEnd[] = [];
  const handlers = { open() {}, frame() {}, pong() {}, end: (why: SocketEnd) => void ends.push(why) };
  const socket = openExchangeSocket({ url, handshakeTimeoutMs: 2_000, maxFrameBytes: 1_000 }, handlers);
  return { socket, ends };
}

test('trap: no Origin is sent, as Upbit throttles browsers by it; a ping is answered with its own payload', async () => {
  asked = [];
  pongs = [];
  answer = { status: 101 };
  const { socket } = connect(`ws://${host()}`);
  // Binance: "the pong must copy the ping payload"
  await until('the pong', () => pongs.length > 0);
  assert.deepEqual(pongs, ['1732147200000']);
  assert.equal(asked[0]?.origin, undefined);
  socket.close();
});

test('a handshake that is refused for asking too much asks for silence, also where it does not say how long', async () => {
  for (const [given, wanted] of [
    [{ status: 429 }, 10_000],
    [{ status: 418 }, 10_000],
    [{ status: 403 }, 10_000],
    [{ status: 429, retryAfter: 3 }, 3_000],
    [{ status: 503 }, null],
  ] as const) {
    answer = given;
    const { ends } = connect(`ws://${host()}`);
    await until('the end', () => ends.length > 0);
    assert.deepEqual(ends, [{ code: 1006, reason: `HTTP ${given.status}`, retryAfterMs: wanted }]);
  }
});

test('an address that is none ends like any attempt that failed', async () => {
  for (const url of ['ftp://127.0.0.1/', 'ws://127.0.0.1/#part', 'nothing']) {
    const { socket, ends } = connect(url);
    await until('the end', () => ends.length > 0);
    assert.equal(ends[0]?.code, 1006);
    socket.terminate('again');
    assert.equal(ends.length, 1);
    const plan = { url, awaitWelcome: false, messages: [], acks: 0, ping: null };
    const options = { id: 'x', plan, messagesPerSecond: 1, lifetimeMs: 1_000, readyMs: 10, frame: () => null };
    await assert.rejects(openConnection(options).ready, { name: 'ConnectFailed' });
  }
});

test('REST: a firewall’s 403 is a limit as 429 and 418 are: silence, and another try', async () => {
  for (const status of [403, 429, 418]) {
    answer = { status };
    const rest = createExchangeRest({ base: `http://${host()}`, timeoutMs: 2_000, weight: 10, perMs: 1_000 });
    const call = rest.call({ method: 'GET', path: '/', weight: 1 }, AbortSignal.timeout(5_000));
    await assert.rejects(call, (error: RestFailed) => error.status === status && error.retryable);
    assert.ok(rest.silentFor() > 9_000, String(status));
  }
  answer = { status: 404 };
  const rest = createExchangeRest({ base: `http://${host()}`, timeoutMs: 2_000, weight: 10, perMs: 1_000 });
  const call = rest.call({ method: 'GET', path: '/', weight: 1 }, AbortSignal.timeout(5_000));
  await assert.rejects(call, (error: RestFailed) => !error.retryable);
  assert.equal(rest.silentFor(), 0);
});
