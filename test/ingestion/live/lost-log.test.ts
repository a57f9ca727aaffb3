/** Events that the log let go of before the worker live had read them: every stream that may lack some says so, once. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { live as liveWorker } from '../../../ingestion/workers/live.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import { streamKey } from '../../../schema/channels.ts';
import type { MarketRef, TradeEvent } from '../../../schema/market.ts';
import { TOPICS, topicSpecs } from '../../../schema/topics.ts';
import type { Broker } from '../../../src/platform/broker/broker.ts';
import { createMemoryBroker } from '../../../src/platform/broker/memory/broker.ts';
import { LiveStoreUnavailable } from '../../../src/platform/live/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import { trade } from '../workers/market-events.ts';
import { drained, memoryPlatform, produce } from '../workers/worker-platform.ts';

const UNKNOWN = '{"missed":null,"reason":"FEED_GAP"}';
const binance = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;
const upbit = { exchange: 'UPBIT', symbol: 'BTC-KRW' } as const;
const now = Date.now();
/** Bytes that nothing of a test is let go of for. */
const LARGE = 16_000_000;

let running: Running;
let platform: Platform;
afterEach(async () => {
  await running.stop();
  await platform.broker.close();
});

async function smallLog(maxBytesPerPartition = 50_000, partitions?: number): Promise<Broker> {
  const broker = createMemoryBroker({ log: createLog('silent'), maxBytesPerPartition });
  await broker.ensureTopics(topicSpecs().map((spec) => ({ ...spec, partitions: partitions ?? spec.partitions })));
  return broker;
}
async function begin(): Promise<void> {
  running = await runWorker(liveWorker, platform, assert.fail);
}
async function send(from: number, count: number, market: MarketRef = binance): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => trade(String(from + i), now + from + i, market));
  await produce<TradeEvent>(platform.broker, TOPICS.trades, events);
}
const done = () => drained(platform.broker, 'live', [TOPICS.trades.name]);
async function told(market: MarketRef = binance): Promise<[id: number, gap: string | null][]> {
  const id = `${market.exchange.toLowerCase()}:${market.symbol}`;
  const entries = await platform.live.read(streamKey('trade', id), 0n, 10_000);
  return entries.map(({ payload, gap }) => [Number((JSON.parse(payload) as TradeEvent).tradeId), gap]);
}

/** Where numbers are left out, and where a stream says that some are. */
function holes(all: readonly [id: number, gap: string | null][]): { left: number[]; said: number[] } {
  const left = all.filter(([id], i) => i > 0 && id !== (all[i - 1]?.[0] ?? 0) + 1).map(([id]) => id);
  return { left, said: all.filter(([, gap]) => gap === UNKNOWN).map(([id]) => id) };
}

test('while it was away', async () => {
  platform = { ...(await memoryPlatform()), broker: await smallLog() };
  await begin();
  await send(1, 3);
  await send(1, 3, upbit);
  await done();
  await running.stop();
  await send(4, 1_000);
  await begin();
  await done();
  const { left, said } = holes(await told());
  assert.equal(left.length, 1);
  assert.deepEqual(said, left);
  // one that nothing came of yet, and over a restart
  await running.stop();
  await begin();
  await send(4, 3, upbit);
  await done();
  assert.deepEqual(holes(await told(upbit)), { left: [], said: [4] });
  await send(1_004, 2);
  await done();
  assert.deepEqual(holes(await told()).said, left);
});

test('while it could not write', async () => {
  platform = { ...(await memoryPlatform()), broker: await smallLog() };
  await begin();
  await send(1, 3);
  await done();
  const { live } = platform;
  const append = live.append.bind(live);
  live.append = () => Promise.reject(new LiveStoreUnavailable('away'));
  await send(4, 3);
  await send(7, 3_000);
  live.append = append;
  await done();
  const { left, said } = holes(await told());
  assert.ok(left.length > 0);
  assert.deepEqual(said, left);
});

test('with the log itself, while the store kept what it had', async () => {
  platform = { ...(await memoryPlatform()), broker: await smallLog() };
  await begin();
  await send(1, 3);
  await done();
  await running.stop();
  await platform.broker.close();
  platform = { ...platform, broker: await smallLog() };
  await begin();
  await send(9, 3);
  await done();
  assert.deepEqual(holes(await told()), { left: [9], said: [9] });
});

test('none, where only the number of partitions has changed: nothing is told twice and no gap is told', async () => {
  // one log that outlives the process
  const settings = { KAFKA_BROKERS: '127.0.0.1:1' };
  platform = { ...(await memoryPlatform(undefined, settings)), broker: await smallLog(LARGE, 1) };
  const { live } = platform;
  await begin();
  // more than are remembered one by one
  await send(1, 6_000);
  await done();
  await running.stop();
  const before = await live.sourcePosition(TOPICS.trades.name, 0);
  const grown = await smallLog(LARGE, 2);
  const old = platform.broker;
  platform = { ...platform, broker: grown };
  // the messages stay where they were
  const spec = { topic: TOPICS.trades.name };
  const kept: { key: string | null; value: Buffer | null }[] = [];
  const reader = await old.consume({
    group: 'copy',
    topics: [spec.topic],
    async onBatch({ messages, commit }) {
      kept.push(...messages);
      const last = messages.at(-1);
      if (last) await commit(last.offset);
    },
    onFatal: assert.fail,
  });
  await drained(old, 'copy', [spec.topic]);
  await reader.stop();
  await old.close();
  await grown.send(spec.topic, kept);
  const marks = await grown.watermarks(spec.topic);
  const home = marks.find(({ high }) => high > 0n)?.partition ?? -1;
  assert.ok(before);
  await live.rememberSource(spec.topic, home, before);
  await begin();
  await send(6_001, 3);
  await done();
  const all = await told();
  assert.equal(all.length, 6_003);
  assert.deepEqual(holes(all), { left: [], said: [] });
  assert.notEqual((await live.sourcePosition(spec.topic, home))?.epoch, before.epoch);
});
