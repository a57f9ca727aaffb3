/**
 * What it costs to keep a thousand clients' copies of one order book: changes beside whole books, throttled, compressed.
 * `npm run bench:book [subscribers] [updates]`. The book is a recorded one: BTC-USDT of Binance, a change every 100 ms. What
 * changes save in bytes depends on how much a book changes with each update: so that is told of other recorded books too.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Context, createContext } from '../resolvers/context.ts';
import { buildTickgraphSchema } from '../resolvers/index.ts';
import { CHANNELS, streamKey } from '../schema/channels.ts';
import { latestBookKey } from '../schema/live/keys.ts';
import { type BookEvent, type BookLevel, marketId } from '../schema/market.ts';
import type { Broker } from '../src/platform/broker/broker.ts';
import { readConfig } from '../src/platform/config.ts';
import { startApiServer } from '../src/platform/http/api.ts';
import { createMemoryLiveStore } from '../src/platform/live/memory/store.ts';
import { createLog } from '../src/platform/log.ts';
import { metrics } from '../src/platform/metrics.ts';
import type { Postgres } from '../src/platform/postgres/postgres.ts';
import { type BookChange, BookModel, bookWindow } from '../src/stream/book-view.ts';
import { startLiveCore } from '../src/stream/core.ts';
import type { AnyQuestion, LiveSource } from '../src/stream/source.ts';
import type { View } from '../src/stream/view.ts';
import type { Asked, Report } from './book-clients.ts';
import { type BookRecording, bookRecordings, type Sides } from './book-recordings.ts';

const DEPTH = 20;
/** Every event a whole book. */
function wholeBooks(model: BookModel): View<BookEvent, BookChange> {
  const view = bookWindow(model, DEPTH);
  return { ...view, next: () => view.snapshot()?.body ?? null };
}

interface Variant {
  name: string;
  whole?: boolean;
  throttleMs?: number;
  compressed?: boolean;
  /** Updates a second; without it as fast as they are taken. */
  pace?: number;
}

/** One book on a server of its own; `whole` answers with whole books. */
async function start(recording: BookRecording, compressed: boolean, whole: boolean) {
  const { market, bids, asks, changes } = recording;
  const live = createMemoryLiveStore();
  const answers = { query: async () => [], ping: async () => {} };
  const settings = { PORT: '0', WEBSOCKET_COMPRESSION: compressed ? 'on' : 'off', MAX_SOCKETS_PER_ADDRESS: '100000' };
  const platform = {
    config: readConfig({ ...settings, MAX_ACCEPTS_PER_SECOND: '100000' }),
    log: createLog('silent'),
    live,
    postgres: answers as unknown as Postgres,
    broker: answers as unknown as Broker,
  };
  const schema = buildTickgraphSchema();
  const field = schema.getSubscriptionType()?.getFields().orderBookUpdated;
  const { subscribe } = field ?? {};
  if (whole && field && subscribe) {
    field.subscribe = async (...args) => {
      const source = (await subscribe(...args)) as LiveSource;
      const question = { ...source.question, view: 'whole', createView: wholeBooks } as unknown as AnyQuestion;
      return Object.assign(source, { question, questions: [question] });
    };
  }
  const contextFor = (caller: Context['caller']) => createContext(platform, caller);
  const core = startLiveCore({ platform, contextOf: contextFor });
  const server = await startApiServer({ platform, schema, subscribe: core.subscribe, contextFor });
  const model = new BookModel();
  let produced = 0;

  function append(type: BookEvent['type'], change: Sides) {
    produced += 1;
    const stamps = { ...market, integrity: 'SEQUENCED' as const, sequence: String(produced) };
    const event = { ...stamps, ...change, type, previousSequence: null, eventTime: Date.now(), receivedAt: Date.now() };
    model.apply(event);
    const { retentionMs, maxLength } = CHANNELS.orderbook;
    const value = JSON.stringify({ ...event, bids: model.bids.levels, asks: model.asks.levels });
    return {
      stream: streamKey('orderbook', marketId(market)),
      epoch: 'e1',
      offset: BigInt(produced),
      version: { kind: 'restart' as const, rank: '0' },
      payload: JSON.stringify(event),
      time: Date.now(),
      retentionMs,
      maxLength,
      // the newest value is read by those who join, before the first change
      writes: type === 'snapshot' ? [{ kind: 'latest' as const, key: latestBookKey(market), value }] : [],
    };
  }

  await live.append([append('snapshot', { bids, asks })]);
  return {
    url: `ws://127.0.0.1:${server.port}/graphql`,
    /** The recording over and over: the book goes on from where it is. */
    async update() {
      await live.append([append('delta', changes[(produced - 1) % changes.length] as Sides)]);
    },
    /** The book now, as the text of its window. */
    text: () => bookText(model),
    async stop() {
      await server.stop();
      await core.stop();
      await live.close();
    },
  };
}

function bookText({ bids, asks }: BookModel): string {
  const side = (levels: BookLevel[]) =>
    levels
      .slice(0, DEPTH)
      .map((level) => level.join(':'))
      .join();
  return `${side(bids.levels)}|${side(asks.levels)}`;
}

function ask(clients: ChildProcess, question: Asked): Promise<Report> {
  const answered = once(clients, 'message');
  clients.send(question);
  return answered.then(([report]) => report as Report);
}

async function delivered(): Promise<number> {
  const { values } = await metrics.deliveries.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}

/** Runs one variant; the figures are the server's own work, not the clients'. */
async function measure(
  recording: BookRecording,
  { name, whole = false, throttleMs = 0, compressed = false, pace }: Variant,
  subscribers: number,
  updates: number,
) {
  const book = await start(recording, compressed, whole);
  const clients = fork(fileURLToPath(new URL('./book-clients.ts', import.meta.url)), { execArgv: process.execArgv });
  await ask(clients, {
    ...recording.market,
    kind: 'start',
    url: book.url,
    subscribers,
    depth: DEPTH,
    throttleMs,
    compressed,
  });
  const before = await ask(clients, { kind: 'report' });
  const [cpu, from, at] = [process.cpuUsage(), await delivered(), performance.now()];
  for (let i = 0; i < updates; i++) {
    await book.update();
    const due = pace ? at + ((i + 1) * 1_000) / pace : 0;
    const wait = due - performance.now();
    await new Promise((done) => (wait > 1 ? setTimeout(done, wait) : setImmediate(done)));
  }
  // the last beat, and what is on its way
  let last = await ask(clients, { kind: 'report' });
  const text = book.text();
  for (let i = 0; i < 600 && !last.texts.every((one) => one === text); i++) {
    await new Promise((done) => setTimeout(done, 50));
    last = await ask(clients, { kind: 'report' });
  }
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (user + system) / 1e6;
  const frames = (await delivered()) - from;
  const bytes = last.bytes - before.bytes;
  clients.kill();
  await once(clients, 'exit');
  await book.stop();
  return {
    name,
    bytes: bytes / subscribers / updates,
    frames: frames / subscribers,
    cpuMicros: (seconds * 1e6) / frames,
    perSecond: (updates * subscribers) / seconds,
    right: last.texts.every((one) => one === text),
  };
}

const [subscribers = 1_000, updates = 2_000] = process.argv.slice(2).map(Number);
const [recorded, ...others] = bookRecordings();
const few = Math.max(1, Math.round(subscribers / 10));
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
print(
  `| variant | subscribers | updates | bytes an update and subscriber | events each | server CPU an event | updates x subscribers a CPU second | final book right |`,
);
print('|---|---|---|---|---|---|---|---|');
for (const [variant, count, total] of [
  [{ name: 'whole books', whole: true }, subscribers, updates],
  [{ name: 'changes' }, subscribers, updates],
  [{ name: 'whole books, compressed', whole: true, compressed: true }, subscribers, updates],
  [{ name: 'changes, compressed', compressed: true }, subscribers, updates],
  [{ name: 'changes, 10 updates a second', pace: 10 }, few, 150],
  [{ name: 'throttled at 1 s, 10 updates a second', throttleMs: 1_000, pace: 10 }, few, 150],
  [{ name: 'changes, 100 updates a second', pace: 100 }, few, 1_500],
  [{ name: 'throttled at 100 ms, 100 updates a second', throttleMs: 100, pace: 100 }, few, 1_500],
  [{ name: 'throttled at 1 s, 100 updates a second', throttleMs: 1_000, pace: 100 }, few, 1_500],
] as [Variant, number, number][]) {
  const { name, bytes, frames, cpuMicros, perSecond, right } = await measure(recorded, variant, count, total);
  print(
    `| ${name} | ${count} | ${total} | ${bytes.toFixed(0)} | ${frames.toFixed(0)} | ${cpuMicros.toFixed(1)} µs | ${Math.round(perSecond / 1_000)}k | ${right ? 'yes' : 'NO'} |`,
  );
}

print(
  '\n| recorded book | updates | levels an update | whole books, bytes an update | changes, bytes an update | times fewer |',
);
print('|---|---|---|---|---|---|');
for (const recording of [recorded, ...others]) {
  const total = Math.min(updates, recording.changes.length);
  const levels = recording.changes.slice(0, total).reduce((sum, { bids, asks }) => sum + bids.length + asks.length, 0);
  const whole = await measure(recording, { name: 'whole', whole: true }, 10, total);
  const changes = await measure(recording, { name: 'changes' }, 10, total);
  if (!whole.right || !changes.right) throw new Error(`a copy of ${recording.name} is not right`);
  const figures = [total, (levels / total).toFixed(1), whole.bytes.toFixed(0), changes.bytes.toFixed(0)];
  print(`| ${recording.name} | ${figures.join(' | ')} | ${(whole.bytes / changes.bytes).toFixed(1)} |`);
}
