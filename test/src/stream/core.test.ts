import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIVE_BOOK_DEPTH } from '../../../schema/live/book.ts';
import type { BookLevel } from '../../../schema/market.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import type { LiveStore, TailHandlers } from '../../../src/platform/live/store.ts';
import { until } from '../../support/until.ts';
import { bookAppend, coreOn, type SeenBook, tick } from './fixture.ts';

test('whenever somebody joins, state and events meet without a seam', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('append', 'append', 'join', 'leave', 'turn'), { minLength: 1, maxLength: 60 }),
      fc.constantFrom('ticker' as const, 'trade' as const),
      async (steps, channel) => {
        const live = createMemoryLiveStore();
        const { core, follow } = coreOn(live);
        const members: { from: number; followed: Awaited<ReturnType<typeof follow>> }[] = [];
        let produced = 0;
        for (const step of steps) {
          if (step === 'append') {
            produced += 1;
            await live.append([tick(channel, produced)]);
          } else if (step === 'join') {
            members.push({ from: produced, followed: await follow(channel === 'ticker' ? 'state' : 'happenings') });
          } else if (step === 'leave') {
            await members.pop()?.followed.stop();
          } else {
            await new Promise((next) => setImmediate(next));
          }
        }
        produced += 1;
        await live.append([tick(channel, produced)]);
        for (const { followed, from } of members) {
          const seen: number[] = [];
          while (seen.at(-1) !== produced) {
            const one = await followed.next();
            assert.equal(one.sequence, String(one.n));
            assert.equal(one.gap, null);
            assert.equal(one.start, seen.length === 0 ? 'LIVE' : null);
            if (seen.length > 0) assert.equal(one.n, (seen.at(-1) as number) + 1);
            seen.push(one.n);
          }
          // nothing that happened after the subscription was asked for is missing
          assert.ok((seen[0] as number) <= from + 1, `${seen[0]} after ${from}`);
        }
        await core.stop();
        assert.deepEqual([core.cohorts, core.hub.followed], [0, 0]);
        await live.close();
      },
    ),
    { numRuns: 200 },
  );
});

test('two that watch the same share the frame where their ids are the same', async () => {
  const live = createMemoryLiveStore();
  const { core, follow } = coreOn(live);
  const [a, b] = await Promise.all([follow('happenings'), follow('happenings')]);
  assert.equal(core.cohorts, 1);
  await live.append([tick('trade', 1), tick('trade', 2)]);
  for (const one of [a, b, a, b]) await one.next();
  assert.equal(a.outlet.frames[1], b.outlet.frames[1]);
  await core.stop();
});

test('a store that is away is told while it lasts, once, and its end; the stream goes on', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const live = createMemoryLiveStore();
  let handlers: TailHandlers | undefined;
  const store = Object.create(live, {
    tail: {
      value: (given: TailHandlers) => {
        handlers = given;
        return live.tail(given);
      },
    },
  }) as LiveStore;
  const { core, follow } = coreOn(store);
  const followed = await follow('happenings');
  const result = async (of: typeof followed) =>
    (await of.raw()).value as { data: unknown; extensions?: { stale: object } };
  handlers?.interrupted(new Error('gone'));
  t.mock.timers.tick(100);
  handlers?.resumed();
  t.mock.timers.tick(5_000);
  assert.equal(followed.outlet.frames.length, 0, 'a short one is not told');
  handlers?.interrupted(new Error('gone'));
  handlers?.interrupted(new Error('still gone'));
  t.mock.timers.tick(1_000);
  const told = await result(followed);
  assert.equal(told.data, null);
  assert.deepEqual({ ...told.extensions?.stale, since: '' }, { reason: 'STORE', since: '' });
  const late = await follow('happenings');
  assert.deepEqual(await result(late), told);
  handlers?.resumed();
  for (const one of [followed, late]) {
    assert.deepEqual(await result(one), { data: null, extensions: { stale: null } });
  }
  await live.append([tick('trade', 1)]);
  assert.equal((await followed.next()).n, 1);
  await core.stop();
});

test('a state that is lost and can not be loaded is loaded when the store is back, and told as a reset', async () => {
  const live = createMemoryLiveStore();
  let fails = 0;
  const store = Object.create(live, {
    latest: {
      value: (keys: readonly string[]) => {
        if (fails-- > 0) return Promise.reject(new Error('not now'));
        return live.latest(keys);
      },
    },
  }) as LiveStore;
  await live.append([tick('ticker', 1)]);
  const { core, follow } = coreOn(store);
  const followed = await follow('state');
  assert.equal((await followed.next()).n, 1);
  fails = 1;
  await live.append([2, 3, 4].map((n) => ({ ...tick('ticker', n), maxLength: 1 })));
  const reset = await followed.next();
  assert.deepEqual([reset.start, reset.n, reset.gap], ['RESET', 4, { missed: 2, reason: 'RETENTION' }]);
  await until('the failure to be used up', () => fails < 0);
  await core.stop();
});

test('a book that has lost its deep levels takes them from the newest value when it gets there', async () => {
  const live = createMemoryLiveStore();
  const { core, follow } = coreOn(live);
  const level = (price: number): BookLevel => [String(price), '1'];
  const bids = Array.from({ length: LIVE_BOOK_DEPTH + 50 }, (_, i) => level(10_000 - i));
  let sequence = 0;
  const push = (changed: BookLevel[]) => {
    sequence += 1;
    const latest = { bids: bids.slice(0, LIVE_BOOK_DEPTH), asks: [] };
    return live.append([bookAppend(sequence, { bids: changed, asks: [] }, latest)]);
  };
  await push([]);
  const depth = LIVE_BOOK_DEPTH;
  const followed = await follow('book', { depth });
  const known = new Map<string, string>();
  const take = async (): Promise<void> => {
    const event = await followed.next<SeenBook>();
    assert.equal(event.gap, null);
    for (const [price, quantity] of event.bids) {
      if (quantity === '0') known.delete(price);
      else known.set(price, quantity);
    }
  };
  await take();
  assert.equal(known.size, depth);
  const [best] = bids.splice(0, 1);
  await push([[best?.[0] ?? '', '0']]);
  await take();
  assert.equal(known.size, depth - 1);
  await new Promise((next) => setImmediate(next));
  await push([level(10_001)]);
  await take();
  bids.unshift(level(10_001));
  await push([]);
  await take();
  await until('the window to be full again', async () => {
    await push([]);
    await take();
    return known.size === depth;
  });
  await core.stop();
});

test('a book joined between its first events and its first newest value is shown once that is there', {
  timeout: 10_000,
}, async () => {
  const live = createMemoryLiveStore();
  const { core, follow } = coreOn(live);
  let sequence = 0;
  const push = (bid: string, written: boolean) => {
    sequence += 1;
    const event = bookAppend(sequence, { bids: [[bid, '1']], asks: [] }, { bids: [[bid, '1']], asks: [] });
    return live.append([written ? event : { ...event, writes: [] }]);
  };
  await push('1', false);
  const followed = await follow('book', { depth: 5 });
  const first = followed.next<SeenBook>();
  await push('2', true);
  await new Promise((next) => setImmediate(next));
  const pushing = setInterval(() => void push('2', true), 20);
  const event = await first;
  clearInterval(pushing);
  assert.deepEqual([event.snapshot, event.bids], [true, [['2', '1']]]);
  await core.stop();
});
