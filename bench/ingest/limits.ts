/**
 * What the stores' clients can do with the same data by themselves: bare kafkajs consume, COPY and a bare ioredis pipeline, one
 * after the other, and then all that the path asks of them, together. Nothing is parsed, checked, retried or kept. A process of its own; says what it found as a line of JSON.
 *
 *     node --import tsx bench/ingest/limits.ts '{"frames":100000}'
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { binance } from '../../ingestion/exchanges/binance.ts';
import type { FeedEvent } from '../../ingestion/exchanges/connector.ts';
import { RAW_FRAMES, TOPICS, type Topic } from '../../schema/topics.ts';
import { kafkajs } from '../../src/platform/broker/kafka/mended/kafkajs.ts';
import { type BareTurn, prepareBare } from './bare.ts';
import { copyInto } from './copy.ts';
import { endOfTurn, type Frame, Frames } from './frames.ts';
import { cpuSecondsOf } from './processes.ts';

export interface LimitOptions {
  frames: number;
  /** Process id of each store. */
  others: Record<string, number>;
}

export interface Limit {
  name: string;
  wallSeconds: number;
  cpuSeconds: number;
  otherCpuSeconds: Record<string, number>;
}

const ROWS_PER_COPY = 2_000;
const COMMANDS_PER_PIPELINE = 200;
const PARTITIONS = 8;
const KEYS: Readonly<Record<string, string>> = {
  trade: 'exchange, symbol, event_time, trade_id',
  ticker: 'exchange, symbol, event_time',
};

const { frames: wanted, others } = JSON.parse(process.argv[2] ?? '{}') as LimitOptions;
const source = new Frames(16, Date.now());
const infos = new Map(
  source.markets.map(({ listing }) => [listing.symbol, binance.assume(`${listing.base}-${listing.quote}`)]),
);
const { frames } = source.next(wanted);
const receivedAt = Date.now();
const eventsOf = ({ bytes }: Frame): readonly FeedEvent[] =>
  binance.normalize(bytes, { receivedAt, market: (native) => infos.get(native) }).events;
const topicOf = { kline: TOPICS.kline1m, trade: TOPICS.trades, orderbook: TOPICS.orderbook, ticker: TOPICS.ticker };
function messageOf({ channel, event }: FeedEvent): { key: string; value: Buffer } {
  const topic = topicOf[channel] as Topic<typeof event>;
  return { key: topic.key(event), value: topic.encode(event) };
}
const events = frames.flatMap(eventsOf);
const messages = events.map(messageOf);

async function measure(name: string, work: () => Promise<void>): Promise<Limit> {
  const before = await cpuSecondsOf(others);
  const cpu = process.cpuUsage();
  const since = performance.now();
  await work();
  const wallSeconds = (performance.now() - since) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const after = await cpuSecondsOf(others);
  const otherCpuSeconds = Object.fromEntries(Object.keys(after).map((k) => [k, (after[k] ?? 0) - (before[k] ?? 0)]));
  return { name, wallSeconds, cpuSeconds: (user + system) / 1e6, otherCpuSeconds };
}

const brokers = (process.env.KAFKA_BROKERS ?? '').split(',');
const kafka = new kafkajs.Kafka({ clientId: 'limit', brokers, logLevel: kafkajs.logLevel.NOTHING });

async function consumeBare(): Promise<Limit> {
  const topic = `limit-${randomUUID()}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  for (let i = 0; i < messages.length; i += 2_000) {
    await producer.send({ topic, messages: messages.slice(i, i + 2_000) });
  }
  await producer.disconnect();

  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 250 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise<void>((done) => consumer.on(consumer.events.GROUP_JOIN, () => done()));
  let seen = 0;
  let finish = (): void => {};
  const all = new Promise<void>((done) => {
    finish = done;
  });
  const running = consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      seen += batch.messages.length;
      if (seen >= messages.length) finish();
    },
  });
  await joined;
  const limit = await measure('kafkajs consume', () => all);
  await running;
  await consumer.disconnect();
  return limit;
}

async function pipelineBare(): Promise<Limit> {
  const redis = new Redis(process.env.REDIS_URL ?? '');
  const limit = await measure('ioredis pipeline', async () => {
    for (let i = 0; i < messages.length; i += COMMANDS_PER_PIPELINE) {
      const pipeline = redis.pipeline();
      for (const { key, value } of messages.slice(i, i + COMMANDS_PER_PIPELINE)) {
        pipeline.xadd(`limit:${key}`, 'MAXLEN', 20_000, '*', 'p', value);
      }
      await pipeline.exec();
    }
  });
  await redis.quit();
  return limit;
}

const time = (ms: number): string => new Date(ms).toISOString();

/** A row in COPY's text format; decimals, symbols and ids need no escaping. */
function rowOf({ channel, event: e }: FeedEvent): string | null {
  const at = `${e.exchange}\t${e.symbol}\t`;
  const [eventTime, receivedAt] = [time(e.eventTime), time(e.receivedAt)];
  if (channel === 'trade') {
    return `${at}${e.tradeId}\t${e.price}\t${e.quantity}\t${e.side}\t${eventTime}\t${receivedAt}\n`;
  }
  if (channel === 'kline') {
    const prices = `${e.open}\t${e.high}\t${e.low}\t${e.close}\t${e.volume}\t${e.quoteVolume}\t${e.tradeCount}`;
    return `${at}${time(e.openTime)}\t${prices}\t${e.isClosed}\t${eventTime}\t${receivedAt}\n`;
  }
  if (channel === 'ticker') {
    const prices = `${e.last}\t${e.open}\t${e.high}\t${e.low}\t${e.volume24h}\t${e.quoteVolume24h}`;
    return `${at}${eventTime}\t${prices}\t${e.changePercent24h}\t${receivedAt}\ttrue\n`;
  }
  return null;
}

type RowChannel = keyof typeof TABLES;
const TABLES = { trade: 'silver.trade', kline: 'silver.kline_1m', ticker: 'silver.ticker_24h' };
const tableOf = (channel: string): string => `limit_${channel}`;

/** Tables like ours, empty. Resolves with how to get rid of them. */
async function makeTables(client: Client): Promise<() => Promise<void>> {
  // candles overwrite each other where we write them; what is only appended has no key to collide on
  for (const [channel, table] of Object.entries(TABLES)) {
    await client.query(`CREATE TABLE ${tableOf(channel)} (LIKE ${table} INCLUDING DEFAULTS)`);
    if (channel !== 'kline') await client.query(`ALTER TABLE ${tableOf(channel)} ADD PRIMARY KEY (${KEYS[channel]})`);
  }
  return async () => {
    for (const channel of Object.keys(TABLES)) await client.query(`DROP TABLE ${tableOf(channel)}`);
  };
}

async function copyBare(client: Client): Promise<Limit> {
  const dropTables = await makeTables(client);
  const limit = await measure('COPY', async () => {
    const waiting: Record<string, string[]> = { trade: [], kline: [], ticker: [] };
    const flush = async (channel: string): Promise<void> => {
      const rows = waiting[channel] ?? [];
      waiting[channel] = [];
      if (rows.length > 0) await copyInto(client, tableOf(channel), Buffer.from(rows.join('')));
    };
    for (const event of events) {
      const row = rowOf(event);
      const rows = waiting[event.channel];
      if (row === null || !rows) continue;
      rows.push(row);
      if (rows.length >= ROWS_PER_COPY) await flush(event.channel);
    }
    for (const channel of Object.keys(waiting)) await flush(channel);
  });
  await dropTables();
  return limit;
}

/** A raw frame's message, with as much in its headers as the feed knows. */
function rawOf({ bytes }: Frame, event: FeedEvent | undefined): ReturnType<typeof RAW_FRAMES.encode> {
  const { symbol = null, eventTime = null } = event?.event ?? {};
  const known = { symbol, eventTime, channel: event?.channel ?? null, endpoint: null, callId: null, callTs: null };
  return RAW_FRAMES.encode({ exchange: 'BINANCE', connection: 'limit-0', kind: 'frame', receivedAt, bytes, ...known });
}

async function sameCallsBare(postgres: Client): Promise<Limit> {
  const dropTables = await makeTables(postgres);
  const redis = new Redis(process.env.REDIS_URL ?? '');
  const turns: BareTurn[] = [];
  for (let from = 0; from < frames.length; ) {
    const end = endOfTurn(frames, from);
    const turn: BareTurn = { raw: [], events: {} };
    for (const frame of frames.slice(from, end)) {
      const given = eventsOf(frame);
      turn.raw.push(rawOf(frame, given[0]));
      for (const event of given) {
        turn.events[event.channel] ??= [];
        turn.events[event.channel]?.push(messageOf(event));
      }
    }
    turns.push(turn);
    from = end;
  }
  const rowsOf = (channel: RowChannel): string[] =>
    events.filter((event) => event.channel === channel).map((event) => rowOf(event) ?? '');
  const rows = { trade: rowsOf('trade'), kline: rowsOf('kline'), ticker: rowsOf('ticker') };
  const work = await prepareBare({ kafka, redis, postgres }, { turns, rows, tableOf });
  const limit = await measure('the same calls, bare', work);
  await redis.quit();
  await dropTables();
  return limit;
}

const client = new Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
const limits = [await consumeBare(), await pipelineBare(), await copyBare(client), await sameCallsBare(client)];
await client.end();
process.stdout.write(`${JSON.stringify({ messages: messages.length, limits })}\n`);
process.exit(0);
