/**
 * The same calls, bare: what the path asks of its clients for the same messages, and no more. kafkajs takes the raw frames and
 * the events, as many at a time as a turn of the path brings; as many consumers as there are groups are given them, and look
 * at nothing; what `live` would append goes to Redis, what `silver` would write goes to PostgreSQL.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Batch, Consumer, Kafka, Message } from 'kafkajs';
import type { Client } from 'pg';
import { copyInto } from './copy.ts';

/** What comes of the frames of one turn. */
export interface BareTurn {
  raw: Message[];
  /** By channel. */
  events: Partial<Record<BareChannel, Message[]>>;
}
export type BareChannel = 'trade' | 'kline' | 'ticker' | 'orderbook';

export interface BareLoad {
  turns: readonly BareTurn[];
  /** Rows in COPY's text format, of a channel in the order of its events. */
  rows: Readonly<Partial<Record<BareChannel, readonly string[]>>>;
  /** The table that a channel's rows go to. */
  tableOf(channel: BareChannel): string;
}

interface Clients {
  kafka: Kafka;
  redis: Redis;
  postgres: Client;
}

/** The path's groups of these messages, and what each reads. */
const GROUPS: Readonly<Record<string, readonly (BareChannel | 'raw')[]>> = {
  bronze: ['raw'],
  silver: ['trade', 'kline', 'ticker'],
  klines: ['kline'],
  tickers: ['trade', 'kline'],
  live: ['trade', 'kline', 'ticker', 'orderbook'],
  arbitrage: ['orderbook'],
};
const PARTITIONS = 8;
/** `silver` gathers this long for a statement, ms. */
const GATHER_MS = 100;
const COMMIT_MS = 100;
/** Messages that the groups together have still to read, at the most. */
const MAX_BEHIND = 20_000;

/** Connects, and resolves with what is to be measured. It resolves when all is read and written. */
export async function prepareBare({ kafka, redis, postgres }: Clients, load: BareLoad): Promise<() => Promise<void>> {
  const run = randomUUID();
  const topicOf = (name: string): string => `bare-${name}-${run}`;
  const counts = new Map<string, number>();
  for (const { raw, events } of load.turns) {
    for (const [name, { length }] of Object.entries({ raw, ...events })) {
      counts.set(name, (counts.get(name) ?? 0) + length);
    }
  }
  const admin = kafka.admin();
  await admin.connect();
  const names = ['raw', 'trade', 'kline', 'ticker', 'orderbook'];
  const topics = names.map((name) => ({ topic: topicOf(name), numPartitions: PARTITIONS }));
  await admin.createTopics({ topics, waitForLeaders: true });
  await admin.disconnect();
  const producer = kafka.producer({ maxInFlightRequests: 1 });
  await producer.connect();

  /** Messages that all groups have still to read of what was sent. */
  let behind = 0;
  const rest = new Map<string, number>();
  const waiting: Record<string, number> = {};
  const handlers: Record<string, (batch: Batch) => Promise<unknown>> = {
    async live({ topic, messages }) {
      const pipeline = redis.pipeline();
      for (const { key, value } of messages) {
        pipeline.xadd(`${topic}:${String(key)}`, 'MAXLEN', 20_000, '*', 'p', value ?? '');
      }
      await pipeline.exec();
    },
    async silver({ topic, messages }) {
      waiting[topic] = (waiting[topic] ?? 0) + messages.length;
    },
  };
  const consumers: Consumer[] = [];
  for (const [group, channels] of Object.entries(GROUPS)) {
    rest.set(
      group,
      channels.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0),
    );
    const consumer = kafka.consumer({ groupId: `${group}-${run}`, maxWaitTimeInMs: 250 });
    await consumer.connect();
    await consumer.subscribe({ topics: channels.map(topicOf), fromBeginning: true });
    const joined = new Promise<void>((done) => consumer.on(consumer.events.GROUP_JOIN, () => done()));
    await consumer.run({
      autoCommitInterval: COMMIT_MS,
      eachBatch: async ({ batch }) => {
        await handlers[group]?.(batch);
        rest.set(group, (rest.get(group) ?? 0) - batch.messages.length);
        behind -= batch.messages.length;
      },
    });
    await joined;
    consumers.push(consumer);
  }

  const copied = new Map<string, number>();
  async function copy(): Promise<void> {
    for (const channel of ['trade', 'kline', 'ticker'] as const) {
      const count = waiting[topicOf(channel)] ?? 0;
      if (count === 0) continue;
      waiting[topicOf(channel)] = 0;
      const from = copied.get(channel) ?? 0;
      copied.set(channel, from + count);
      const rows = load.rows[channel]?.slice(from, from + count) ?? [];
      await copyInto(postgres, load.tableOf(channel), Buffer.from(rows.join('')));
    }
  }
  const isRead = (): boolean => [...rest.values()].every((left) => left <= 0);

  return async () => {
    const copying = (async () => {
      while (!isRead()) {
        await new Promise((done) => setTimeout(done, GATHER_MS));
        await copy();
      }
      await copy();
    })();
    for (const { raw, events } of load.turns) {
      const sent = Object.entries({ raw, ...events });
      for (const [name, { length }] of sent) {
        behind += length * Object.values(GROUPS).filter((all) => (all as readonly string[]).includes(name)).length;
      }
      const topicMessages = sent.map(([name, messages]) => ({ topic: topicOf(name), messages }));
      await producer.sendBatch({ acks: -1, topicMessages });
      while (behind > MAX_BEHIND) await new Promise((done) => setTimeout(done, 1));
    }
    await copying;
    await Promise.all([...consumers.map((consumer) => consumer.disconnect()), producer.disconnect()]);
  };
}
