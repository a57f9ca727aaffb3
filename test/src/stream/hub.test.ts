import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIVE_BOOK_DEPTH } from '../../../schema/live/book.ts';
import type { BookEvent, BookLevel } from '../../../schema/market.ts';
import { readConfig } from '../../../src/platform/config.ts';
import type { LiveStore, TailHandlers } from '../../../src/platform/live-store.ts';
import { createMemoryLiveStore } from '../../../src/platform/live-store-memory.ts';
import { createLog } from '../../../src/platform/log.ts';
import { BookModel, bookWindow } from '../../../src/stream/book-view.ts';
import type { Delivered, Delivery } from '../../../src/stream/delivery.ts';
import { type Hub, startHub } from '../../../src/stream/hub.ts';
import { NewestEvent, NoState, nextEvents, type Question, wholeEvents } from '../../../src/stream/view.ts';
import { append } from '../../resolvers/samples.ts';
import { until } from '../../support/until.ts';

interface Tick {
  n: number;
  eventTime: number;
}

const ID = 'binance:BTC-USDT';
const KEY = 'ticker:{BTC}';
const state: Question<Tick, NewestEvent<Tick>, Tick> = {
  field: 'test',
  channel: 'ticker',
  id: ID,
  latestKey: KEY,
  view: 'all',
  createModel: () => new NewestEvent<Tick>(),
  createView: wholeEvents,
};
const happenings: Question<Tick, NoState<Tick>, Tick> = {
  ...state,
  channel: 'trade',
  latestKey: null,
  createModel: () => new NoState<Tick>(),
  createView: nextEvents,
};
const tick = (channel: 'ticker' | 'trade', n: number) =>
  append(channel, ID, { n, eventTime: n } satisfies Tick, channel === 'ticker' ? { key: KEY } : {});

function hubOn(live: LiveStore): Hub {
  return startHub({ live, log: createLog('silent'), config: readConfig({}) });
}

function event(delivered: Delivered<Tick> | undefined): Delivery<Tick> {
  assert.ok(delivered && !('fault' in delivered));
  return delivered;
}

test('whenever somebody joins, state and events meet without a seam', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('append', 'append', 'join', 'leave', 'turn'), { minLength: 1, maxLength: 60 }),
      fc.constantFrom('ticker' as const, 'trade' as const),
      async (steps, channel) => {
        const live = createMemoryLiveStore();
        const hub = hubOn(live);
        const members: { from: number; queue: AsyncIterableIterator<Delivered<Tick>> }[] = [];
        let produced = 0;
        for (const step of steps) {
          if (step === 'append') {
            produced += 1;
            await live.append([tick(channel, produced)]);
          } else if (step === 'join') {
            const queue = await (channel === 'ticker' ? hub.subscribe(state) : hub.subscribe(happenings));
            members.push({ from: produced, queue });
          } else if (step === 'leave') {
            await members.pop()?.queue.return?.();
          } else {
            await new Promise((next) => setImmediate(next));
          }
        }
        produced += 1;
        await live.append([tick(channel, produced)]);
        for (const { queue, from } of members) {
          const seen: number[] = [];
          while (seen.at(-1) !== produced) {
            const { value } = await queue.next();
            const one = event(value);
            assert.equal(one.sequence, String(one.body.n));
            assert.equal(one.gap, null);
            assert.equal(one.start, seen.length === 0 ? 'LIVE' : null);
            if (seen.length > 0) assert.equal(one.body.n, (seen.at(-1) as number) + 1);
            seen.push(one.body.n);
          }
          // nothing that happened after the subscription was asked for is missing
          assert.ok((seen[0] as number) <= from + 1, `${seen[0]} after ${from}`);
        }
        await hub.stop();
        await live.close();
      },
    ),
    { numRuns: 200 },
  );
});

test('two that watch the same share the event', async () => {
  const live = createMemoryLiveStore();
  const hub = hubOn(live);
  const [a, b] = await Promise.all([hub.subscribe(happenings), hub.subscribe(happenings)]);
  await live.append([tick('trade', 1), tick('trade', 2)]);
  await a.next();
  await b.next();
  assert.equal((await a.next()).value, (await b.next()).value);
  await hub.stop();
});

test('an interruption is told while it lasts, once, and the stream goes on', async (t) => {
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
  const hub = hubOn(store);
  const queue = await hub.subscribe(happenings);
  handlers?.interrupted(new Error('gone'));
  t.mock.timers.tick(500);
  handlers?.resumed();
  t.mock.timers.tick(5_000);
  assert.equal(hub.interruptedSince, null);
  handlers?.interrupted(new Error('gone'));
  handlers?.interrupted(new Error('still gone'));
  t.mock.timers.tick(1_000);
  const { value } = await queue.next();
  assert.ok(value && 'fault' in value);
  assert.equal(value.fault.extensions.code, 'STORE_UNAVAILABLE');
  assert.equal(value.fault.extensions.stale, true);
  const late = await hub.subscribe(happenings);
  assert.ok('fault' in ((await late.next()).value ?? {}));
  handlers?.resumed();
  await live.append([tick('trade', 1)]);
  assert.equal(event((await queue.next()).value).body.n, 1);
  await hub.stop();
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
  const hub = hubOn(store);
  const queue = await hub.subscribe(state);
  assert.equal(event((await queue.next()).value).body.n, 1);
  fails = 1;
  await live.append([2, 3, 4].map((n) => ({ ...tick('ticker', n), maxLength: 1 })));
  const reset = event((await queue.next()).value);
  assert.deepEqual([reset.start, reset.body.n, reset.gap?.reason], ['RESET', 4, 'RETENTION']);
  await until('the failure to be used up', () => fails < 0);
  await hub.stop();
});

test('a book that has lost its deep levels takes them from the newest value when it gets there', async () => {
  const live = createMemoryLiveStore();
  const hub = hubOn(live);
  const level = (price: number): BookLevel => [String(price), '1'];
  const bids = Array.from({ length: LIVE_BOOK_DEPTH + 50 }, (_, i) => level(10_000 - i));
  let sequence = 0;
  const push = (changed: BookLevel[]) => {
    sequence += 1;
    const common = { exchange: 'BINANCE', symbol: 'BTC-USDT', integrity: 'SEQUENCED', receivedAt: 0 } as const;
    const stamps = { ...common, sequence: String(sequence), eventTime: sequence };
    const event: BookEvent = { ...stamps, type: 'delta', bids: changed, asks: [], previousSequence: null };
    const latest = { ...stamps, bids: bids.slice(0, LIVE_BOOK_DEPTH), asks: [] };
    return live.append([append('orderbook', ID, event, { key: KEY, latest })]);
  };
  await push([]);
  const depth = LIVE_BOOK_DEPTH;
  const queue = await hub.subscribe({
    field: 'test',
    channel: 'orderbook',
    id: ID,
    latestKey: KEY,
    view: `depth ${depth}`,
    createModel: () => new BookModel(),
    createView: (model: BookModel) => bookWindow(model, depth),
  });
  const known = new Map<string, string>();
  const take = async (): Promise<void> => {
    const { value } = await queue.next();
    assert.ok(value && !('fault' in value));
    assert.equal(value.gap, null);
    for (const [price, quantity] of value.body.bids) {
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
  await hub.stop();
});
