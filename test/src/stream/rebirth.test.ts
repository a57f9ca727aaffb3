/** A store that lost its data is filled again from the log: what was told before is not told twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import type { LiveAppend, LiveStore, TailHandlers } from '../../../src/platform/live/store.ts';
import { coreOn, tick } from './fixture.ts';

/** A store that can be emptied: its successor takes its place. */
function losing() {
  let now = createMemoryLiveStore();
  let handlers: TailHandlers | undefined;
  const follows = new Map<string, bigint>();
  let tail: ReturnType<LiveStore['tail']> | undefined;
  const store = new Proxy({} as LiveStore, {
    get(_, name: keyof LiveStore) {
      if (name !== 'tail') return (now[name] as (...args: unknown[]) => unknown).bind(now);
      return (given: TailHandlers) => {
        handlers = given;
        tail = now.tail(given);
        return {
          follow(stream: string, after: bigint) {
            follows.set(stream, after);
            tail?.follow(stream, after);
          },
          unfollow(stream: string) {
            follows.delete(stream);
            tail?.unfollow(stream);
          },
          close: async () => tail?.close(),
        };
      };
    },
  });
  return {
    store,
    /** Everything is gone; `appends` is what the log still has. */
    async lose(appends: readonly LiveAppend[]) {
      await tail?.close();
      now = createMemoryLiveStore();
      if (!handlers) return;
      tail = now.tail(handlers);
      for (const stream of [...follows.keys()]) {
        handlers.lost(stream, null);
        // one with a state follows by itself, when it is loaded
        tail.follow(stream, 0n);
      }
      await new Promise((done) => setImmediate(done));
      await now.append(appends.map((one) => ({ ...one, epoch: 'e2' })));
    },
  };
}

test('events go on after the last one told, and the number of those missing is known', async () => {
  const { store, lose } = losing();
  const { core, follow } = coreOn(store);
  const followed = await follow('happenings');
  await store.append([1, 2, 3].map((n) => tick('trade', n)));
  for (const n of [1, 2, 3]) assert.equal((await followed.next()).n, n);
  await lose([1, 2, 3, 4, 5].map((n) => tick('trade', n)));
  const next = [await followed.next(), await followed.next()];
  assert.deepEqual(
    next.map(({ n, sequence, gap }) => [n, sequence, gap]),
    [
      [4, '4', { missed: 0, reason: 'FEED_GAP' }],
      [5, '5', null],
    ],
  );
  await core.stop();
});

test('a store that is emptied again before anything new came: nothing is told twice', async () => {
  const { store, lose } = losing();
  const { core, follow } = coreOn(store);
  const followed = await follow('happenings');
  const known = [1, 2, 3].map((n) => tick('trade', n));
  await store.append(known);
  for (const n of [1, 2, 3]) assert.equal((await followed.next()).n, n);
  await lose(known);
  // all of it has come again
  for (let i = 0; i < 5; i++) await new Promise((done) => setImmediate(done));
  await lose([...known, tick('trade', 4)]);
  const { n, gap } = await followed.next();
  assert.deepEqual([n, gap], [4, { missed: 0, reason: 'FEED_GAP' }]);
  await core.stop();
});

test('where the log no longer has the last one told, the number is told to be unknown', async () => {
  const { store, lose } = losing();
  const { core, follow } = coreOn(store);
  const followed = await follow('happenings');
  await store.append([1, 2, 3].map((n) => tick('trade', n)));
  for (const n of [1, 2, 3]) assert.equal((await followed.next()).n, n);
  // more than the order of times may be off by
  await lose([20_000, 20_001].map((n) => tick('trade', n)));
  assert.deepEqual((await followed.next()).gap, { missed: null, reason: 'FEED_GAP' });
  assert.equal((await followed.next()).n, 20_001);
  await core.stop();
});

test('a state does not go back to what the log had long ago', async () => {
  const { store, lose } = losing();
  const { core, follow } = coreOn(store);
  await store.append([1, 2, 3].map((n) => tick('ticker', n)));
  const followed = await follow('state');
  assert.equal((await followed.next()).n, 3);
  await lose([1, 2, 3, 4].map((n) => tick('ticker', n)));
  const reset = await followed.next();
  assert.deepEqual([reset.n, reset.start, reset.gap], [4, 'RESET', { missed: null, reason: 'FEED_GAP' }]);
  await core.stop();
});

test('who begins while a store is filled again passes over what was in the log before, and misses nothing after', async () => {
  const store = createMemoryLiveStore();
  const { core, follow } = coreOn(store);
  const again = (n: number, logged: number) => ({ ...tick('trade', n), logged });
  const before = Date.now() - 60_000;
  await store.append([1, 2].map((n) => again(n, before + n)));
  const followed = await follow('happenings');
  const filtered = await follow('some', { rest: '6' });
  await store.append([again(3, before + 3), { ...again(4, before + 4), gap: '{"missed":null,"reason":"FEED_GAP"}' }]);
  // the log got these meanwhile, or the worker knows that nobody was told
  await store.append([again(5, Date.now() + 5), again(6, before + 6), tick('trade', 7), again(8, before + 8)]);
  const heard = [await followed.next(), await followed.next(), await followed.next(), await followed.next()];
  assert.deepEqual(
    heard.map(({ n, sequence, start, gap }) => [n, sequence, start, gap]),
    [
      [5, '5', 'LIVE', null],
      [6, '6', null, null],
      [7, '7', null, null],
      [8, '8', null, null],
    ],
  );
  await store.append([tick('trade', 16)]);
  assert.deepEqual([(await filtered.next()).n, (await followed.next()).n], [16, 16]);
  await core.stop();
});

test('a state that a store is filled with again is told: it is what there is', async () => {
  const store = createMemoryLiveStore();
  const { core, follow } = coreOn(store);
  const followed = await follow('state');
  await store.append([{ ...tick('ticker', 1), logged: 1 }]);
  assert.deepEqual([(await followed.next()).n], [1]);
  await core.stop();
});
