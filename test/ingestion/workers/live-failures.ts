/** The worker live on a store whose calls fail at random, with restarts: whatever the store, the streams are as if nothing had. */
import assert from 'node:assert/strict';
import { live as liveWorker } from '../../../ingestion/workers/live.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import { streamKey } from '../../../schema/channels.ts';
import type { LiveBook } from '../../../schema/live/book.ts';
import { latestBookKey } from '../../../schema/live/keys.ts';
import { type BookEvent, marketId, type TradeEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { type Latest, type LiveStore, LiveStoreUnavailable } from '../../../src/platform/live/store.ts';
import { until } from '../../support/until.ts';
import { delta, snapshot, trade } from './market-events.ts';
import { drained, MARKET_TOPICS, memoryPlatform, produce, seeded } from './worker-platform.ts';

/** Fails calls at random, before or after they take effect, as a connection that breaks does. */
function flaky(store: LiveStore, random: () => number): LiveStore {
  const broken = async <T>(call: () => Promise<T>): Promise<T> => {
    const fate = random();
    if (fate < 0.15) throw new LiveStoreUnavailable('before');
    const result = await call();
    if (fate < 0.3) throw new LiveStoreUnavailable('after');
    return result;
  };
  return new Proxy(store, {
    get(target, name) {
      const member = target[name as keyof LiveStore] as unknown;
      if (typeof member !== 'function') return member;
      const bound = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (name === 'tail' || name === 'close') return bound;
      return (...args: unknown[]) => broken(() => bound(...args));
    },
  });
}

/** Throws AssertionError when an event is on a stream twice, out of order or not at all. Uses a market of its own. */
export async function publishThroughFailures(store: LiveStore, seed: number): Promise<void> {
  const market = {
    exchange: 'BINANCE',
    symbol: `T${Math.random().toString(36).slice(2, 10).toUpperCase()}-USDT`,
  } as const;
  const ID = marketId(market);
  const now = Date.now();
  const random = seeded(seed);
  const platform = await memoryPlatform();
  const shaky = { ...platform, live: flaky(store, random) };
  let running = await runWorker(liveWorker, shaky, assert.fail);
  const count = 60;
  for (let i = 0; i < count; i++) {
    const at = now + i * 100;
    const event = i % 20 === 0 ? snapshot(100 + i, at, market) : delta(100 + i, at, market);
    await produce(platform.broker, TOPICS.orderbook, [event, event]);
    await produce(platform.broker, TOPICS.trades, [
      trade(String(i), at, market),
      trade(String(Math.max(0, i - 3)), at - 300, market),
    ]);
    if (random() < 0.1) {
      await running.stop();
      running = await runWorker(liveWorker, shaky, assert.fail);
    }
  }
  await drained(platform.broker, 'live', MARKET_TOPICS);
  // the newest state follows the stream at a distance
  const newest = async (): Promise<Latest | null> => (await store.latest([latestBookKey(market)]))[0] ?? null;
  const latest = await until('the newest book', async () => {
    const found = await newest();
    return found?.sequence === BigInt(count) && found;
  });
  await running.stop();
  const trades = await store.read(streamKey('trade', ID), 0n, 1_000);
  assert.deepEqual(
    trades.map((e) => (JSON.parse(e.payload) as TradeEvent).tradeId),
    Array.from({ length: count }, (_, i) => String(i)),
  );
  assert.ok(trades.every((e, i) => e.gap === null && e.sequence === BigInt(i + 1)));
  const entries = await store.read(streamKey('orderbook', ID), 0n, 1_000);
  assert.deepEqual(
    entries.map((e) => (JSON.parse(e.payload) as BookEvent).sequence),
    Array.from({ length: count }, (_, i) => String(100 + i)),
  );
  assert.ok(entries.every((e) => e.gap === null));
  assert.equal((JSON.parse(latest.value) as LiveBook).sequence, String(100 + count - 1));
  await platform.broker.close();
}
