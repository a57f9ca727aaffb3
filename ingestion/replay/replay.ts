/**
 * A recorded span through the same code again: frames → connectors and flows → topics → workers, into stores of its own. The
 * span's time is that of the frames, so that two replays say the same, byte for byte, at any speed.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { Worker as Thread } from 'node:worker_threads';
import type { MarketInfo } from '../../schema/market.ts';
import { type RawFrame, TOPICS, type Topic, topicSpecs } from '../../schema/topics.ts';
import type { Broker } from '../../src/platform/broker/broker.ts';
import { createMemoryBroker } from '../../src/platform/broker/memory/broker.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { pause } from '../../src/platform/retry.ts';
import type { PublishedEvent } from '../exchanges/connector.ts';
import { upsertMarkets } from '../feed/markets.ts';
import { arbitrageOfEvents } from '../workers/arbitrage.ts';
import { arbitrageGold } from '../workers/arbitrage-gold.ts';
import { klines } from '../workers/klines.ts';
import { silver } from '../workers/silver.ts';
import { runWorker } from '../workers/worker.ts';
import { readRecording } from './recording.ts';
import type { ThreadData, ThreadReply } from './thread.ts';

export interface ReplayOptions {
  /** Where raw_frames is read from. */
  source: Broker;
  /** Epoch ms: what was received from `from` to `to`, both inclusive. */
  from: number;
  to: number;
  /** 1: as fast as it was received; 0: as fast as it goes. */
  speed: number;
  markets: readonly MarketInfo[];
  /** Settings, log, and an empty, migrated database. */
  target: Pick<Platform, 'config' | 'log' | 'postgres'>;
}

export interface ReplayReport {
  frames: number;
  events: number;
  /** SHA-256 over keys and values of what was sent to each topic, in order. */
  digests: Record<string, string>;
}

const GROUPS = [silver, klines, arbitrageOfEvents, arbitrageGold];
const READ: readonly [group: string, topics: readonly string[]][] = [
  ['silver', [TOPICS.kline1m.name, TOPICS.trades.name]],
  ['klines', [TOPICS.kline1m.name]],
  ['arbitrage', [TOPICS.orderbook.name]],
  ['arbitrage-gold', [TOPICS.arbitrage.name]],
];
/** Which of them is told how: candles worked out again carry the moment, and are left out. */
const TOLD = [TOPICS.kline1m, TOPICS.trades, TOPICS.orderbook, TOPICS.fx, TOPICS.arbitrage].map(({ name }) => name);
const EVENT_TOPICS = { kline: TOPICS.kline1m, trade: TOPICS.trades, orderbook: TOPICS.orderbook } as const;
const LOOK_MS = 5;

/** A log of its own, of one partition a topic: its order is that of the span. */
async function isolatedLog(digests: Map<string, Hash>): Promise<Broker> {
  const log = createMemoryBroker();
  await log.ensureTopics(topicSpecs().map((spec) => ({ ...spec, partitions: 1 })));
  const send: Broker['send'] = (topic, messages) => {
    for (const { key, value } of messages)
      digests
        .get(topic)
        ?.update(`${key}\n`)
        .update(value ?? '')
        .update('\n');
    return log.send(topic, messages);
  };
  return Object.assign(Object.create(log) as Broker, {
    send,
    consume: log.consume.bind(log),
    watermarks: log.watermarks.bind(log),
    lag: log.lag.bind(log),
    close: log.close.bind(log),
  });
}

/** Everything that was sent is worked through. */
async function caughtUp(broker: Broker): Promise<void> {
  for (const [group, topics] of READ) {
    while ((await broker.lag(group, topics)).some(({ lag }) => lag > 0n)) await pause(LOOK_MS);
  }
}

class FramesThread {
  readonly #thread: Thread;
  #answered = Promise.withResolvers<ThreadReply>();

  constructor(workerData: ThreadData) {
    this.#thread = new Thread(new URL('./thread.ts', import.meta.url), { workerData });
    this.#thread.on('message', (events: ThreadReply) => this.#answered.resolve(events));
    this.#thread.on('error', (error) => this.#answered.reject(error));
  }

  async events(frames: readonly RawFrame[]): Promise<ThreadReply> {
    this.#answered = Promise.withResolvers();
    this.#thread.postMessage(frames);
    return this.#answered.promise;
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}

async function publish(broker: Broker, events: readonly PublishedEvent[]): Promise<void> {
  for (const { channel, event } of events) {
    const topic = EVENT_TOPICS[channel] as Topic<typeof event>;
    await broker.send(topic.name, [{ key: topic.key(event), value: topic.encode(event) }]);
  }
}

/** Replays a span; resolves when everything is in the tables. Throws what a store or the code under replay throws. */
export async function replay({ source, from, to, speed, markets, target }: ReplayOptions): Promise<ReplayReport> {
  const hashes = new Map(TOLD.map((name) => [name, createHash('sha256')]));
  const broker = await isolatedLog(hashes);
  const live = createMemoryLiveStore();
  // nothing of the source: what says KAFKA_BROKERS would be taken for its log
  const config = { ...target.config, KAFKA_BROKERS: [] };
  const platform: Platform = { ...target, config, broker, live };
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  await upsertMarkets(target.postgres, markets);
  const workers = await Promise.all(GROUPS.map((worker) => runWorker(worker, platform, failed.reject)));
  let thread: FramesThread | null = null;
  const report = { frames: 0, events: 0 };
  const startedAt = performance.now();

  async function run(): Promise<void> {
    for await (const frames of readRecording(source, to, `replay-${randomUUID()}`, failed.reject)) {
      const [first] = frames;
      const last = frames.at(-1);
      if (!first || !last) continue;
      thread ??= new FramesThread({ markets, staleMs: config.FEED_STALE_MS, startAt: first.receivedAt });
      const events = (await thread.events(frames)).filter(({ event }) => event.receivedAt >= from);
      const due = speed > 0 ? (last.receivedAt - from) / speed - (performance.now() - startedAt) : 0;
      if (due > 0) await pause(due);
      await publish(broker, events);
      await caughtUp(broker);
      report.frames += frames.filter(({ receivedAt }) => receivedAt >= from).length;
      report.events += events.length;
    }
  }

  try {
    await Promise.race([run(), failed.promise]);
  } finally {
    await (thread as FramesThread | null)?.stop();
    await Promise.all(workers.map((worker) => worker.stop()));
    await broker.close();
    await live.close();
  }
  return { ...report, digests: Object.fromEntries([...hashes].map(([name, hash]) => [name, hash.digest('hex')])) };
}
