import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedHealthOf, feedsOf } from '../../resolvers/feed-store.ts';
import { feedKey, heardKey } from '../../schema/live/keys.ts';
import type { FeedStatusEvent } from '../../schema/market.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';

const STALE_MS = 15_000;
const NOW = Date.UTC(2026, 2, 1);
const status = (fields: Partial<FeedStatusEvent> = {}): FeedStatusEvent => ({
  ...{
    exchange: 'BINANCE',
    symbol: 'BTC-USDT',
    channel: 'trade',
    connected: true,
    stale: false,
    gaps: 0,
    reconnects: 0,
  },
  ...{ lastEventAt: NOW - 9_000, eventTime: NOW - 8_000, ...fields },
});

test('freshness is that of the newest event known, be it of the status or of the store', () => {
  assert.equal(feedHealthOf(status(), NOW, STALE_MS).freshnessMs, 9_000);
  assert.equal(feedHealthOf(status(), NOW, STALE_MS, NOW - 300).freshnessMs, 300);
  assert.equal(feedHealthOf(status(), NOW, STALE_MS, NOW - 20_000).freshnessMs, 9_000);
  assert.equal(feedHealthOf(status({ lastEventAt: null }), NOW, STALE_MS).freshnessMs, null);
  assert.equal(feedHealthOf(status({ lastEventAt: null }), NOW, STALE_MS, NOW - 1).freshnessMs, 1);
});

test('a feed of which nobody speaks any more is stale, whatever it said last', () => {
  const spoke = (ms: number) => feedHealthOf(status({ eventTime: NOW - ms }), NOW, STALE_MS, NOW).stale;
  assert.deepEqual([spoke(STALE_MS), spoke(STALE_MS + 1)], [false, true]);
  assert.equal(feedHealthOf(status({ connected: false }), NOW, STALE_MS).stale, true);
});

test('the store’s own knowledge is used; markets that were given up long ago are left out', async () => {
  const live = createMemoryLiveStore();
  const now = Date.now();
  const field = (symbol: string, eventTime: number) => ({
    ...{ kind: 'field' as const, key: feedKey('BINANCE'), field: `${symbol}:trade` },
    value: JSON.stringify(status({ symbol, eventTime, lastEventAt: eventTime })),
  });
  await live.put('live:feed:{binance}', [
    field('BTC-USDT', now - 5_000),
    field('OLD-USDT', now - 30 * 86_400_000),
    { kind: 'field', key: heardKey('BINANCE'), field: 'BTC-USDT:trade', value: String(now - 200) },
  ]);
  const [feed, ...more] = await feedsOf(live, 'BINANCE', STALE_MS);
  assert.deepEqual([feed?.symbol, more.length], ['BTC-USDT', 0]);
  assert.ok(feed?.freshnessMs !== null && (feed?.freshnessMs ?? 0) < 3_000, String(feed?.freshnessMs));
  await live.close();
});
