import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { streamKey } from '../../../schema/channels.ts';
import { encodeCursor } from '../../../schema/cursor.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { type LiveStore, LiveStoreUnavailable } from '../../../src/platform/live/store.ts';
import { TestOutlet } from '../../support/outlet.ts';
import { until } from '../../support/until.ts';
import { bookAppend, coreOn, executed, ID, type SeenBook, tick } from './fixture.ts';

const cursor = (channel: 'ticker' | 'trade' | 'orderbook', sequence: number, epoch = 'e1'): string =>
  encodeCursor(streamKey(channel, ID), { epoch, sequence: BigInt(sequence) });

async function stored(channel: 'ticker' | 'trade', count: number): Promise<LiveStore> {
  const live = createMemoryLiveStore();
  await live.append(Array.from({ length: count }, (_, i) => tick(channel, i + 1)));
  return live;
}

describe('from a cursor', () => {
  for (const [field, channel] of [
    ['state', 'ticker'],
    ['happenings', 'trade'],
  ] as const) {
    test(`${field}: everything since, from the store and then as it happens, the first event says so`, async () => {
      const live = await stored(channel, 1_500);
      const { core, follow } = coreOn(live);
      let head = 1_500;
      for (const from of [0, 1, 511, 512, 513, 1_024, 1_499, 1_500]) {
        const followed = await follow(field, { after: from === 0 ? cursor(channel, 0, '') : cursor(channel, from) });
        await live.append([tick(channel, head + 1)]);
        for (let n = from + 1; n <= head + 1; n++) {
          const event = await followed.next();
          assert.deepEqual([event.n, event.start, event.gap], [n, n === from + 1 ? 'RESUMED' : null, null]);
        }
        await followed.stop();
        head += 1;
      }
      await core.stop();
    });

    test(`${field}: a short absence is made good from memory`, async () => {
      const live = await stored(channel, 1);
      let reads = 0;
      const store = Object.create(live, {
        read: {
          value: (...args: Parameters<LiveStore['read']>) => {
            reads += 1;
            return live.read(...args);
          },
        },
      }) as LiveStore;
      const { core, follow } = coreOn(store);
      const staying = await follow(field);
      reads = 0;
      await live.append([2, 3, 4, 5].map((n) => tick(channel, n)));
      await until('the events to be told', () => staying.outlet.frames.length >= 4);
      const back = await follow(field, { after: cursor(channel, 3) });
      assert.deepEqual([(await back.next()).n, (await back.next()).n], [4, 5]);
      assert.equal(reads, 0);
      await core.stop();
    });
  }

  test('another epoch or one that is trimmed: a reset with the state, or CURSOR_EXPIRED', async () => {
    const states = await stored('ticker', 9);
    const trades = await stored('trade', 9);
    await states.append([{ ...tick('ticker', 10), maxLength: 2 }]);
    await trades.append([{ ...tick('trade', 10), maxLength: 2 }]);
    const [a, b] = [coreOn(states), coreOn(trades)];
    for (const [after, gap] of [
      [cursor('ticker', 5), { missed: 4, reason: 'RETENTION' }],
      [cursor('ticker', 9, 'e0'), { missed: null, reason: 'RETENTION' }],
      [cursor('ticker', 99), { missed: null, reason: 'RETENTION' }],
    ] as const) {
      const followed = await a.follow('state', { after });
      const event = await followed.next();
      assert.deepEqual([event.start, event.n, event.gap], ['RESET', 10, gap]);
    }
    for (const after of [cursor('trade', 5), cursor('trade', 9, 'e0'), cursor('trade', 99)]) {
      const followed = await b.follow('happenings', { after });
      await assert.rejects(followed.raw(), { extensions: { code: 'CURSOR_EXPIRED', argument: 'after' } });
    }
    await Promise.all([a.core.stop(), b.core.stop()]);
  });

  test('of another stream: BAD_USER_INPUT; while the store is away: STORE_UNAVAILABLE', async () => {
    const live = await stored('trade', 600);
    const store = Object.create(live, {
      read: {
        // the newest event is read with the place, everything else when somebody comes back
        value: async (stream: string, after: bigint, count: number) => {
          if (count === 1) return live.read(stream, after, count);
          throw new LiveStoreUnavailable('gone');
        },
      },
    }) as LiveStore;
    const { core, follow } = coreOn(store);
    await assert.rejects(follow('happenings', { after: cursor('ticker', 1) }), {
      extensions: { code: 'BAD_USER_INPUT', argument: 'after' },
    });
    const followed = await follow('happenings', { after: cursor('trade', 1) });
    await assert.rejects(followed.raw(), { extensions: { code: 'STORE_UNAVAILABLE', store: 'live' } });
    assert.equal(core.cohorts, 0);
    await core.stop();
  });

  test('a book goes on from memory with its changes, else with a snapshot', async () => {
    const live = createMemoryLiveStore();
    const push = (n: number) =>
      live.append([bookAppend(n, { bids: [[String(n), '1']], asks: [] }, { bids: [[String(n), '1']], asks: [] })]);
    await push(1);
    const { core, follow } = coreOn(live);
    const staying = await follow('book');
    for (const n of [2, 3, 4]) await push(n);
    await until('the events to be told', () => staying.outlet.frames.length === 4);
    const back = await follow('book', { after: cursor('orderbook', 3) });
    const resumed = await back.next<SeenBook>();
    assert.deepEqual(
      [resumed.start, resumed.snapshot, resumed.bids, resumed.gap],
      ['RESUMED', false, [['4', '1']], null],
    );
    // nobody has watched this depth before
    const other = await follow('book', { depth: 2, after: cursor('orderbook', 2) });
    const reset = await other.next<SeenBook>();
    assert.deepEqual(
      [reset.start, reset.snapshot, reset.sequence, reset.gap],
      ['RESET', true, '4', { missed: 1, reason: 'RETENTION' }],
    );
    await core.stop();
  });
});

test('a thousand that resume at once, at different places, cost the store what one does', async () => {
  const live = await stored('trade', 5_000);
  let reads = 0;
  const store = Object.create(live, {
    read: {
      value: (...args: Parameters<LiveStore['read']>) => {
        reads += 1;
        return live.read(...args);
      },
    },
  }) as LiveStore;
  const { core, follow } = coreOn(store);
  executed.n = 0;
  const back = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) =>
      follow('happenings', { after: cursor('trade', 4_000 + (i % 100)) }, new TestOutlet()),
    ),
  );
  await until('all to have caught up', () => back.every(({ outlet }, i) => outlet.frames.length === 1_000 - (i % 100)));
  // and one of the newest event
  assert.ok(reads <= 5, String(reads));
  // each past event once, those of the page that still grows again, and the first one of each place apart
  assert.ok(executed.n <= 1_000 + 512 + 100, String(executed.n));
  await live.append([tick('trade', 5_001)]);
  await until('the next event', () => back.every(({ outlet }, i) => outlet.frames.length === 1_001 - (i % 100)));
  await core.stop();
});

test('more than the rate allows are told to come again, by the name of the limit', async () => {
  const live = await stored('trade', 5);
  const { core, follow } = coreOn(live, { MAX_RESUMES_PER_SECOND: '2', MAX_COHORTS: '1' });
  const after = cursor('trade', 5);
  await Promise.all([follow('happenings', { after }), follow('happenings', { after })]);
  await assert.rejects(follow('happenings', { after }), (error: { extensions?: object }) => {
    assert.deepEqual(
      { ...error.extensions, http: null },
      { code: 'LIMIT_EXCEEDED', limit: 'MAX_RESUMES_PER_SECOND', max: 2, http: null },
    );
    return true;
  });
  await assert.rejects(
    follow('state'),
    (error: { extensions?: { limit?: string } }) => error.extensions?.limit === 'MAX_COHORTS',
  );
  await core.stop();
});

test('one cut off before it was told anything is given the place where it began, where no state is needed to go on', async () => {
  const live = await stored('trade', 5);
  await live.append([tick('ticker', 1)]);
  const { core, follow } = coreOn(live, { MAX_SUBSCRIBER_QUEUE: '3' });
  const slow = { onSlow: 'DISCONNECT' } as const;
  for (const isBack of [false, true]) {
    const deaf = new TestOutlet();
    deaf.room = 0;
    const head = Number((await live.positions([streamKey('trade', ID)]))[0]?.sequence);
    const followed = await follow('happenings', { ...slow, after: isBack ? cursor('trade', head) : undefined }, deaf);
    const cutOff = followed.raw().then(
      () => assert.fail('it was told something'),
      (given: { extensions: { code: string; cursor: string } }) => given.extensions,
    );
    await new Promise((done) => setImmediate(done));
    await live.append([1, 2, 3, 4].map((n) => tick('trade', head + n)));
    const told = await cutOff;
    assert.equal(told.code, 'SLOW_CONSUMER');
    const back = await follow('happenings', { after: told.cursor });
    const { n, start, gap } = await back.next();
    assert.deepEqual([n, start, gap], [head + 1, 'RESUMED', null]);
    await back.stop();
  }
  const deaf = new TestOutlet();
  deaf.room = 0;
  const state = await follow('state', slow, deaf);
  for (const n of [3, 6, 9, 12, 15]) await live.append([tick('ticker', n)]);
  await assert.rejects(state.raw(), ({ extensions }: { extensions: object }) => {
    assert.deepEqual(extensions, { code: 'SLOW_CONSUMER', cursor: null, limit: 'MAX_SUBSCRIBER_QUEUE', max: 3 });
    return true;
  });
  await core.stop();
});
