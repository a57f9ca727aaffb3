/**
 * One measured configuration, as a process of its own: frames go in where a connection would hand them over, and a round is
 * over when every worker is done with everything that came of them. Says what it found as one line of JSON.
 *
 *     node --import tsx bench/ingest/path.ts '{"markets":10,"rounds":3,"frames":100000}'
 *
 * Stores as DATABASE_URL, REDIS_URL and KAFKA_BROKERS say; what is not set is embedded in the process.
 */
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { binance } from '../../ingestion/exchanges/binance.ts';
import { createConnectRate } from '../../ingestion/feed/connect-rate.ts';
import type { Connection, ConnectionOptions } from '../../ingestion/feed/connection.ts';
import { startFeed } from '../../ingestion/feed/feed.ts';
import { FLOW_TIMES } from '../../ingestion/feed/flow.ts';
import { readProgress } from '../../ingestion/feed/progress.ts';
import { createPublisher } from '../../ingestion/feed/publish.ts';
import { startWorkers } from '../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { streamKey } from '../../schema/channels.ts';
import { type MarketInfo, marketId } from '../../schema/market.ts';
import { readConfig } from '../../src/platform/config.ts';
import type { ExchangeRest } from '../../src/platform/exchange/rest.ts';
import { createLog } from '../../src/platform/log.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { openPlatform } from '../../src/platform/open.ts';
import { pause } from '../../src/platform/retry.ts';
import { until } from '../../test/support/until.ts';
import { countTraffic, type Traffic } from './counting.ts';
import { endOfTurn, type FrameCounts, Frames } from './frames.ts';
import { cpuSecondsOf } from './processes.ts';

export interface PathOptions {
  markets: number;
  rounds: number;
  /** Frames of one round. */
  frames: number;
  /** Process ids whose CPU is told apart, with those of their children. */
  others?: Record<string, number>;
  /** File for a CPU profile of one more round. */
  profile?: string;
}

export interface PathRound {
  frames: number;
  wallSeconds: number;
  /** CPU of this process, all its threads. */
  cpuSeconds: number;
  /** CPU of the others. */
  otherCpuSeconds: Record<string, number>;
  counts: FrameCounts;
}

export interface PathReport {
  markets: number;
  rounds: PathRound[];
  rssBytes: number;
  bytesPerFrame: number;
}

const MINUTE = 60_000;

const options = JSON.parse(process.argv[2] ?? '{}') as PathOptions;
const real = Boolean(process.env.KAFKA_BROKERS);
/** Messages under way at the most, in any topic. */
const WINDOW = real ? 20_000 : 4_000;

const log = createLog(process.env.LOG_LEVEL ?? 'error', process.stderr);
const config = readConfig({
  ...process.env,
  // a saturated machine is slow, not down
  ...{ STORE_TIMEOUT_MS: '60000', KAFKA_SESSION_TIMEOUT_MS: '60000' },
});
const fail = (error: Error): never => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
};
const opened = await openPlatform({ config, log, fatal: fail }, MIGRATIONS);
const traffic: Traffic = countTraffic(opened.broker);
const platform = { ...opened, broker: traffic.broker };
const workers = await startWorkers(platform, { onFatal: fail });
const publisher = createPublisher(platform.broker, config.SEND_BUFFER_BYTES, log);

// half a minute into a minute that is over: REST has nothing more to say of the ones before
const startedAt = Date.now() - (Date.now() % MINUTE) - MINUTE / 2;
const source = new Frames(options.markets, startedAt);
const infos = source.markets.map(({ listing }): MarketInfo => binance.assume(`${listing.base}-${listing.quote}`));
const bySymbol = new Map(infos.map((info, i) => [info.nativeSymbol, i]));
let turn = Promise.resolve();
const rest: ExchangeRest = {
  async call({ path }) {
    // an exchange answers a few calls a second; here the log sets the pace, as it holds every body
    turn = turn.then(async () => {
      await publisher.flush(60_000);
      while (traffic.pending() > 64) await pause(1);
    });
    await turn;
    const symbol = /symbol=([A-Z0-9]+)/.exec(path)?.[1] ?? '';
    const market = source.markets[bySymbol.get(symbol) ?? -1];
    const body = path.startsWith('/api/v3/depth') && market ? market.snapshot() : '[]';
    const now = Date.now();
    return { body: Buffer.from(body), callId: `${now}-${Math.random()}`, callTs: now, receivedAt: now };
  },
  pause() {},
  silentFor: () => 0,
  divide() {},
};

/** A connection that is up at once and brings what `receivers` are given. */
const receivers: ConnectionOptions['frame'][] = [];
function connect({ id, frame }: ConnectionOptions): Connection {
  receivers.push(frame);
  const never = new Promise<never>(() => {});
  return {
    id,
    ready: Promise.resolve(),
    ended: never,
    due: never,
    lastFrameAt: () => performance.now(),
    lastAliveAt: () => performance.now(),
    probe() {},
    refused: () => new Set(),
    close() {},
    terminate(reason) {
      fail(new Error(`the feed gave its connection up: ${reason}`));
    },
  };
}

const perFeed = binance.limits.marketsPerConnection;
const progress = await readProgress(
  platform.postgres,
  binance.exchange,
  infos.map(({ symbol }) => symbol),
);
for (let i = 0; i < infos.length; i += perFeed) {
  startFeed({
    ...{ connector: binance, markets: infos.slice(i, i + perFeed), progress, publisher, log, rest },
    ...{
      ws: 'ws://127.0.0.1',
      connectRate: createConnectRate({ count: 1_000, perMs: 1 }),
      held: () => true,
      name: `bench-${i}`,
    },
    // silence between rounds is no news
    times: { ...FLOW_TIMES, staleMs: 3_600_000, backfillMs: 0, overlapMs: 1_000, readyMs: 10_000 },
    openConnection: connect,
  });
  await until('the connection', () => receivers.length > i / perFeed);
}
// a slow machine says some books again before it has joined the last
const bookStreams = infos.map((info) => streamKey('orderbook', marketId(info)));
const joined = async () => (await platform.live.positions(bookStreams)).every((position) => position !== null);
await until('every book to be joined', joined, { timeoutMs: 240_000, everyMs: 500 });

async function total(text: string): Promise<number> {
  const [row] = await platform.postgres.query<{ n: string }>(text);
  return Number(row?.n ?? 0);
}

/** Rows and stream events so far, to see that nothing of a round is missing. */
async function written(): Promise<Record<string, number>> {
  const ofStreams = async (channel: 'trade' | 'orderbook'): Promise<number> => {
    const positions = await platform.live.positions(infos.map((info) => streamKey(channel, marketId(info))));
    return positions.reduce((sum, position) => sum + Number(position?.sequence ?? 0n), 0);
  };
  return {
    tradeRows: await total('SELECT count(*) AS n FROM silver.trade'),
    tradeEvents: await ofStreams('trade'),
    bookEvents: await ofStreams('orderbook'),
    deadLetters: await total('SELECT count(*) AS n FROM ops.dead_letter'),
  };
}

async function idle(): Promise<void> {
  await publisher.flush(60_000);
  const done = (): boolean => traffic.pending() === 0 || traffic.lost() > 0;
  await until('the workers to be done', done, { timeoutMs: 120_000, everyMs: 1 });
  if (traffic.lost() > 0) throw new Error('messages were gone before they were read');
}

async function inject(frames: ReturnType<Frames['next']>['frames']): Promise<void> {
  for (let i = 0; i < frames.length; ) {
    const now = Date.now();
    for (const end = endOfTurn(frames, i); i < end; i++) {
      const frame = frames[i];
      if (frame) receivers[Math.floor(frame.market / perFeed)]?.(frame.bytes, now);
      // received is received: the benchmark holds on to it no longer than a socket does
      frames[i] = undefined as never;
    }
    do await new Promise(setImmediate);
    while (traffic.pending() > WINDOW || publisher.isFull());
  }
  await idle();
}

let bytes = 0;
async function round(n: number): Promise<PathRound> {
  const { frames, counts } = source.next(n);
  bytes = frames.reduce((sum, frame) => sum + frame.bytes.length, 0) / frames.length;
  const given = frames.length;
  await idle();
  const before = await written();
  const othersBefore = await cpuSecondsOf(options.others ?? {});
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const since = performance.now();
  await inject(frames);
  const wallSeconds = (performance.now() - since) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const othersAfter = await cpuSecondsOf(options.others ?? {});
  const after = await written();
  const grown = Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
  const expected = { tradeRows: counts.trade, tradeEvents: counts.trade, deadLetters: 0 };
  for (const [name, wanted] of Object.entries(expected))
    if (grown[name] !== wanted) throw new Error(`${name}: ${grown[name]} of ${wanted}`);
  // besides the changes, each book is published whole once a minute
  if ((grown.bookEvents ?? 0) < counts.depth) throw new Error(`bookEvents: ${grown.bookEvents} of ${counts.depth}`);
  return {
    frames: given,
    wallSeconds,
    cpuSeconds: (user + system) / 1e6,
    otherCpuSeconds: Object.fromEntries(
      Object.entries(othersAfter).map(([name, value]) => [name, value - (othersBefore[name] ?? 0)]),
    ),
    counts,
  };
}

/** One more round, which is not counted, under the profiler. */
async function profile(file: string): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 500 });
  await session.post('Profiler.start');
  await round(options.frames);
  const profiled = await session.post('Profiler.stop');
  await writeFile(file, JSON.stringify(profiled.profile));
  session.disconnect();
}

await round(Math.max(20_000, options.markets * 20));
await round(Math.ceil(options.frames / 4));
const rounds: PathRound[] = [];
for (let i = 0; i < options.rounds; i++) rounds.push(await round(options.frames));
if (options.profile) await profile(options.profile);
const failed = (await metrics.retries.get()).values.reduce((sum, { value }) => sum + value, 0);
if (failed > 0) process.stderr.write(`${failed} batches were tried again\n`);
const report: PathReport = {
  markets: options.markets,
  rounds,
  rssBytes: process.memoryUsage.rss(),
  bytesPerFrame: bytes,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
await workers.stop();
await opened.stop();
process.exit(0);
