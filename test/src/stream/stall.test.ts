/** A stall is told while it lasts: by whom the feed is silent, to everybody who follows, in one encoding. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedKey } from '../../../schema/live/keys.ts';
import type { FeedStatusEvent } from '../../../schema/market.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import type { LiveStore } from '../../../src/platform/live/store.ts';
import { captureStall, feedStall } from '../../../src/stream/stall.ts';
import { until } from '../../support/until.ts';
import { coreOn, tick } from './fixture.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const iso = (time: number): string => new Date(time).toISOString();
const well: FeedStatusEvent = {
  exchange: 'BINANCE',
  symbol: 'BTC-USDT',
  channel: 'trade',
  connected: true,
  lastEventAt: NOW - 500,
  stale: false,
  gaps: 0,
  reconnects: 0,
  eventTime: NOW - 1_000,
};

test('what a status means for a stream', () => {
  for (const [status, heardAt, expected] of [
    [{}, NOW - 500, null],
    [{}, null, null],
    // the last status is long ago: whatever it said
    [{ eventTime: NOW - 16_000 }, NOW, { reason: 'UNKNOWN', since: iso(NOW - 16_000) }],
    [{ stale: true, lastEventAt: NOW - 20_000 }, NOW, { reason: 'FEED', since: iso(NOW - 20_000) }],
    [{ connected: false, lastEventAt: null }, NOW, { reason: 'FEED', since: iso(NOW - 1_000) }],
    [{}, NOW - 40_000, { reason: 'WORKER', since: iso(NOW - 40_000) }],
    [{ lastEventAt: NOW - 50_000 }, NOW - 50_000, null],
  ] as const) {
    assert.deepEqual(feedStall({ ...well, ...status }, heardAt, NOW, 15_000), expected, JSON.stringify(status));
  }
});

test('what is said of a capture means for a stream', () => {
  for (const [status, expected] of [
    [{ at: NOW - 14_000, brokenSince: null }, null],
    [
      { at: NOW - 14_000, brokenSince: NOW - 60_000 },
      { reason: 'FEED', since: iso(NOW - 60_000) },
    ],
    [
      { at: NOW - 16_000, brokenSince: null },
      { reason: 'UNKNOWN', since: iso(NOW - 16_000) },
    ],
  ] as const) {
    assert.deepEqual(captureStall(status, NOW, 15_000), expected);
  }
});

test('subscribers hear when the feed stalls, with each event meanwhile, and when it is over', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const passSecond = (): void => t.mock.timers.tick(1_000);
  const live = createMemoryLiveStore();
  let looks = 0;
  const store = Object.create(live, {
    fields: {
      value: (key: string) => {
        if (key === feedKey('BINANCE')) looks += 1;
        return live.fields(key);
      },
    },
  }) as LiveStore;
  const { core, follow } = coreOn(store);
  const say = (status: Partial<FeedStatusEvent>) => {
    const now = Date.now();
    const value = JSON.stringify({ ...well, lastEventAt: now, eventTime: now, ...status });
    return live.put('live:feed:{binance}', [
      { kind: 'field', key: feedKey('BINANCE'), field: 'BTC-USDT:trade', value },
    ]);
  };
  await say({});
  const many = await Promise.all(Array.from({ length: 20 }, () => follow('happenings')));
  const some = await follow('some', { rest: '1' });
  const ticker = await follow('state');
  const since = Date.now();
  await say({ stale: true, lastEventAt: since });
  passSecond();
  const told = { data: null, extensions: { stale: { reason: 'FEED', since: iso(since) } } };
  for (const one of [...many, some]) assert.deepEqual((await one.raw()).value, told);
  // one encoding, the same frame for the same operation id
  assert.equal(new Set(many.map(({ outlet }) => outlet.frames[0])).size, 1);
  const late = await follow('happenings');
  passSecond();
  assert.deepEqual((await late.raw()).value, told);

  await live.append([tick('trade', 1)]);
  const { value } = await many[0]!.raw();
  assert.deepEqual(value?.extensions, told.extensions);
  await say({});
  passSecond();
  for (const one of [many[1]!, late]) {
    await one.raw();
    assert.deepEqual((await one.raw()).value, { data: null, extensions: { stale: null } });
  }
  await live.append([tick('trade', 2)]);
  await many[1]!.raw().then(({ value: next }) => assert.equal(next?.extensions, undefined));
  assert.equal(ticker.outlet.frames.length, 0, 'another feed is another matter');
  // once a second for all of them
  const from = looks;
  for (const n of [1, 2]) {
    passSecond();
    await until('one look more', () => looks === from + n);
    // it ends
    await new Promise(setImmediate);
  }
  await core.stop();
});
