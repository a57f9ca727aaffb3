/**
 * What a client that stops reading costs the others and the process: `npm run bench:slow-reader
 * [-- seconds]`. A server in a process of its own tells 200 trades a second to 100 clients, and to one more that asks for
 * much of each: 20 kB. After a while that one reads nothing for the time given (60). Printed are the others' latency before,
 * meanwhile and afterwards, and the server's memory. The verdict: the others' p99 meanwhile at most 1.2 times what it was
 * before, or 2 ms more (a p99 differs by as much from one phase to the next), and memory bounded by the settings.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { startApi } from '../resolvers/api.ts';
import { readConfig } from '../src/platform/config.ts';
import { createMemoryLiveStore } from '../src/platform/live/memory/store.ts';
import { trade, tradeAppend } from '../test/resolvers/samples.ts';
import { testPlatform } from '../test/src/platform/http/fixture.ts';

const CLIENTS = 100;
const EVENTS_PER_SECOND = 200;
const AROUND_S = 20;
/** What a p99 may differ by from one phase to the next: as a ratio, or in ms where it is that small. */
const MAX_RATIO = 1.2;
const MAX_MORE_MS = 2;
/** Room of the collector and of the kernel's copies, beside what waits. */
const ROOM_BYTES = 64e6;
const pause = (seconds: number): Promise<void> => new Promise((done) => setTimeout(done, seconds * 1_000));
const subscription = (more = ''): string =>
  `subscription { tradeExecuted(exchange: BINANCE, symbol: "BTC-USDT") { gap { missed } trade { time ${more} } } }`;
/** About 20 kB an event. */
const LARGE = Array.from({ length: 200 }, (_, i) => `${'padding'.repeat(12)}${i}: __typename`).join(' ');

async function serve(): Promise<void> {
  const live = createMemoryLiveStore();
  const env = { MAX_QUERY_ALIASES: '1000', MAX_QUERY_TOKENS: '5000', SOCKET_STUCK_MS: '3600000' };
  const server = await startApi(testPlatform({ LOG_LEVEL: 'silent', ...env }, [], { live }));
  process.send?.({ port: server.port });
  let n = 0;
  const from = performance.now();
  setInterval(() => {
    const due = Math.floor(((performance.now() - from) / 1_000) * EVENTS_PER_SECOND);
    const events = [];
    while (n < due) events.push({ ...tradeAppend(trade(Date.now(), String(++n))), maxLength: 1_000 });
    if (events.length > 0) void live.append(events);
  }, 5);
  setInterval(() => process.send?.({ rss: process.memoryUsage().rss }), 500);
}

async function connect(port: number, query: string, onEvent: (text: string) => void): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  socket.on('message', (data) => onEvent(String(data)));
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }));
  return socket;
}

async function measure(seconds: number): Promise<void> {
  const server = fork(import.meta.filename, ['serve'], { execArgv: ['--import', 'tsx'] });
  let rss = 0;
  server.on('message', (told: { rss?: number }) => {
    rss = told.rss ?? rss;
  });
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  let latencies: number[] = [];
  let gaps = 0;
  const others = Array.from({ length: CLIENTS }, () =>
    connect(port, subscription(), (text) => {
      const event = JSON.parse(text).payload.data.tradeExecuted;
      if (event.gap) gaps += 1;
      latencies.push(Date.now() - Date.parse(event.trade.time));
    }),
  );
  await Promise.all(others);
  await pause(5);

  async function phase(name: string, length: number): Promise<{ p99: number; rss: number }> {
    latencies = [];
    const rssBefore = rss;
    let rssMost = 0;
    const looking = setInterval(() => {
      rssMost = Math.max(rssMost, rss);
    }, 250);
    await pause(length);
    clearInterval(looking);
    const sorted = Float64Array.from(latencies).sort();
    const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
    const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
    process.stdout.write(
      `${name.padEnd(28)} ${sorted.length} events, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms; memory ${mb(rssBefore)}, at most ${mb(rssMost)}; gaps told ${gaps}\n`,
    );
    return { p99: at(0.99), rss: rssMost };
  }

  let bytes = 0;
  const slow = await connect(port, subscription(LARGE), ({ length }) => {
    bytes = Math.max(bytes, length);
  });
  await pause(5);
  const before = await phase('all read', AROUND_S);
  slow.pause();
  // what the kernel holds is full first
  await phase('one does not read, 10 s', 10);
  const meanwhile = await phase(`the ${seconds} s after that`, seconds);
  slow.resume();
  await pause(5);
  const afterwards = await phase('it reads again', AROUND_S);
  server.kill();
  const usual = (before.p99 + afterwards.p99) / 2;
  const ratio = meanwhile.p99 / usual;
  const unchanged = ratio <= MAX_RATIO || meanwhile.p99 - usual <= MAX_MORE_MS;
  const { MAX_SUBSCRIBER_QUEUE, SOCKET_BUFFER_BYTES } = readConfig({});
  const bound = MAX_SUBSCRIBER_QUEUE * bytes + SOCKET_BUFFER_BYTES + ROOM_BYTES;
  const grown = meanwhile.rss - before.rss;
  const mb = (of: number): string => `${(of / 1e6).toFixed(0)} MB`;
  process.stdout.write(
    `others' p99: ${ratio.toFixed(2)} x that of the phases around (${meanwhile.p99} ms, ${usual} ms): ${unchanged ? 'unchanged' : 'CHANGED'}
memory: ${mb(grown)} more, what may wait and room are ${mb(bound)}: ${grown <= bound ? 'bounded' : 'NOT BOUNDED'}
`,
  );
  process.exit(0);
}

if (process.argv[2] === 'serve') await serve();
else await measure(Number(process.argv[2] ?? 60));
