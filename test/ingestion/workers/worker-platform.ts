/** A platform for the workers' tests: log and live state in memory, PostgreSQL as given. */
import { TOPICS, type Topic, topicSpecs } from '../../../schema/topics.ts';
import type { Broker, Message } from '../../../src/platform/broker/broker.ts';
import { createMemoryBroker } from '../../../src/platform/broker/memory/broker.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { until } from '../../support/until.ts';

export interface Query {
  text: string;
  params: readonly unknown[];
}

/** A database that takes everything and holds nothing; `asked` is what it was told. */
export function blankPostgres(): Postgres & { asked: Query[] } {
  const asked: Query[] = [];
  const query = async <Row>(text: string, params: readonly unknown[] = []): Promise<Row[]> => {
    asked.push({ text, params });
    return [];
  };
  return {
    asked,
    url: '',
    query,
    transaction: (work) => work({ query }),
    migrate: async () => [],
    ping: async () => {},
    close: async () => {},
  };
}

/** `env` overrides settings, e.g. KAFKA_BROKERS to have the log counted as one that outlives the process. */
export async function memoryPlatform(
  postgres: Postgres = blankPostgres(),
  env: Record<string, string> = {},
): Promise<Platform> {
  const broker = createMemoryBroker({ log: createLog('silent') });
  await broker.ensureTopics(topicSpecs());
  const config = readConfig(env);
  return { config, log: createLog(process.env.TEST_LOG ?? 'silent'), postgres, broker, live: createMemoryLiveStore() };
}

/** Sends payloads to their topic, as the feeds do. */
export async function produce<P>(broker: Broker, topic: Topic<P>, payloads: readonly P[]): Promise<void> {
  await broker.send(
    topic.name,
    payloads.map((payload) => ({ key: topic.key(payload), value: topic.encode(payload) })),
  );
}

/** Resolves when the group has committed everything of the topics. */
export async function drained(broker: Broker, group: string, topics: readonly string[]): Promise<void> {
  await until(
    `${group} to be done with ${topics.join(', ')}`,
    async () => (await broker.lag(group, topics)).every(({ lag }) => lag === 0n),
    { timeoutMs: 60_000, everyMs: 5 },
  );
}

export const MARKET_TOPICS: readonly string[] = [
  TOPICS.kline1m,
  TOPICS.trades,
  TOPICS.orderbook,
  TOPICS.ticker,
  TOPICS.kline,
  TOPICS.feedStatus,
].map((topic) => topic.name);

/** Everything in a topic, read by a group of its own. */
export async function readAll(broker: Broker, topic: string): Promise<Message[]> {
  const wanted = (await broker.watermarks(topic)).reduce((sum, { low, high }) => sum + (high - low), 0n);
  const messages: Message[] = [];
  const consumer = await broker.consume({
    group: `reader-${Math.random()}`,
    topics: [topic],
    async onBatch(batch) {
      messages.push(...batch.messages);
      const last = batch.messages.at(-1);
      if (last) await batch.commit(last.offset);
    },
    onFatal(error) {
      throw error;
    },
  });
  await until(`all of ${topic}`, () => BigInt(messages.length) >= wanted, { everyMs: 5 });
  await consumer.stop();
  return messages;
}

/** Mulberry32: small and repeatable. */
export function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
