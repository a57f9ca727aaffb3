import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { live as liveWorker } from '../../../ingestion/workers/live.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import { streamKey } from '../../../schema/channels.ts';
import type { TradeEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import type { LiveStore } from '../../../src/platform/live/store.ts';
import { until } from '../../support/until.ts';
import { publishThroughFailures } from './live-failures.ts';
import { trade } from './market-events.ts';
import { memoryPlatform, produce } from './worker-platform.ts';

describe('the worker live on a live store that fails', () => {
  for (const seed of [1, 2, 3]) {
    test(`nothing is published twice and nothing is missing (seed ${seed})`, () =>
      publishThroughFailures(createMemoryLiveStore(), seed));
  }
});

/** Emptied once by another, after the first appends of a batch and before those that are left of it. */
function emptiedInBetween(store: LiveStore): LiveStore {
  let calls = 0;
  return new Proxy(store, {
    get(target, name) {
      if (name === 'append') {
        const append: LiveStore['append'] = async (...args) => {
          const results = await target.append(...args);
          if (++calls === 1) await target.clear();
          return results;
        };
        return append;
      }
      const member = Reflect.get(target, name) as unknown;
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

test('emptied in the middle of a batch: what is left of it begins no stream in the old epoch, and all comes again in order', {
  timeout: 60_000,
}, async () => {
  const platform = { ...(await memoryPlatform()), live: emptiedInBetween(createMemoryLiveStore()) };
  const now = Date.now();
  const events = Array.from({ length: 450 }, (_, i) => trade(String(i + 1), now + i));
  await produce(platform.broker, TOPICS.trades, events);
  const running = await runWorker(liveWorker, platform, assert.fail);
  try {
    const read = () => platform.live.read(streamKey('trade', 'binance:BTC-USDT'), 0n, 1_000);
    await until('all of them', async () => (await read()).at(-1)?.payload.includes('"450"'));
    const entries = await read();
    assert.deepEqual(
      entries.map(({ payload }) => (JSON.parse(payload) as TradeEvent).tradeId),
      events.map(({ tradeId }) => tradeId),
    );
    assert.equal(new Set(entries.map(({ epoch }) => epoch)).size, 1);
  } finally {
    await running.stop();
  }
});
