/** What every live store must do with appends and reads. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LiveAppend, type LiveStore, LiveStoreUnavailable } from '../../../../src/platform/live/store.ts';
import {
  advance,
  appendAll,
  event,
  keyspace,
  latestWrite,
  type OpenStore,
  recent,
  restart,
  sequencesOf,
  upTo,
} from './store.fixture.ts';

/** Declares the suite. `open` is called once; the store is closed at the end. */
export function liveStoreContract(open: OpenStore): void {
  let store: LiveStore;
  let key = keyspace();
  before(async () => {
    store = await open();
  });
  after(() => store.close());
  const fresh = (name = 'stream'): string => {
    key = keyspace();
    return key(name);
  };

  test('sequences are dense from 1, entries keep everything that was given', async () => {
    const stream = fresh();
    assert.deepEqual(await store.append([]), []);
    const first = event(stream, {
      payload: '{"text":"ü€😀"}',
      time: 999_990,
      gap: '{"missed":null,"reason":"FEED_GAP"}',
    });
    assert.deepEqual(await appendAll(store, [first, event(stream), event(stream)]), [1, 2, 3]);
    assert.deepEqual(await appendAll(store, [event(stream)]), [4]);
    assert.deepEqual(await store.read(stream, 0n, 1), [
      { epoch: 'e1', sequence: 1n, payload: first.payload, gap: first.gap ?? null, time: 999_990, logged: null },
    ]);
    assert.equal((await store.read(stream, 1n, 1))[0]?.gap, null);
    assert.deepEqual(await sequencesOf(store, stream), upTo(4));
  });

  test('an event that may have been there before keeps when the log got it, with and without a gap', async () => {
    const stream = fresh();
    const gap = '{"missed":1,"reason":"FEED_GAP"}';
    await appendAll(store, [event(stream, { logged: 7 }), event(stream, { logged: 8, gap }), event(stream, { gap })]);
    assert.deepEqual(
      (await store.read(stream, 0n, 9)).map((entry) => [entry.logged, entry.gap]),
      [
        [7, null],
        [8, gap],
        [null, gap],
      ],
    );
  });

  test('an offset at or below the remembered one of the epoch is a redelivery', async () => {
    const stream = fresh();
    const at = (offset: bigint) => event(stream, { offset });
    assert.deepEqual(await appendAll(store, [at(7n), at(7n), at(6n), at(8n)]), [1, null, null, 2]);
    assert.deepEqual(await appendAll(store, [at(0n), at(8n), at(10n), at(9n)]), [null, null, 3, null]);
    // more digits than a double holds exactly
    const big = 2n ** 60n;
    assert.deepEqual(await appendAll(store, [at(big), at(big), at(big + 1n), at(99n)]), [4, null, 5, null]);
  });

  test('recent: an id is new when it is not among the last ones kept', async () => {
    const stream = fresh();
    const id = (name: string) => event(stream, { version: recent(name, 3) });
    const given = ['b', 'a', 'b', 'c', 'a', 'd', 'b', 'a', 'd'];
    // b a – c – d, then b and a have fallen out: b pushes a out, a pushes c out
    assert.deepEqual(await appendAll(store, given.map(id)), [1, 2, null, 3, null, 4, 5, 6, null]);
  });

  test('advance: the rank must be greater; restart takes any rank and remembers it', async () => {
    const stream = fresh();
    const ranks = [advance(5), advance(5), advance(4), advance(10), restart(3), advance(3), advance(4)];
    const given = ranks.map((version) => event(stream, { version }));
    assert.deepEqual(await appendAll(store, given), [1, null, null, 2, 3, null, 4]);
    const zero = fresh();
    assert.deepEqual(await appendAll(store, [event(zero, { version: advance(0) })]), [1]);
  });

  test('a dropped repeat is remembered as processed', async () => {
    const stream = fresh();
    const given = [
      event(stream, { offset: 1n, version: recent('a') }),
      event(stream, { offset: 5n, version: recent('a') }),
      event(stream, { offset: 5n, version: recent('new id, old offset') }),
    ];
    assert.deepEqual(await appendAll(store, given), [1, null, null]);
  });

  test('a new epoch continues the sequence, its offsets begin anew, ids stay known', async () => {
    const stream = fresh();
    const at = (epoch: string, offset: bigint, id: string) => event(stream, { epoch, offset, version: recent(id) });
    assert.deepEqual(await appendAll(store, [at('e1', 50n, 'a'), at('e1', 51n, 'b')]), [1, 2]);
    assert.deepEqual(await store.positions([stream]), [{ epoch: 'e1', sequence: 2n }]);
    assert.deepEqual(await appendAll(store, [at('e2', 0n, 'b')]), [null]);
    // a position names an entry: the epoch is that entry's
    assert.deepEqual(await store.positions([stream]), [{ epoch: 'e1', sequence: 2n }]);
    assert.deepEqual(await appendAll(store, [at('e2', 0n, 'c'), at('e2', 1n, 'c')]), [null, 3]);
    const entries = await store.read(stream, 0n, 10);
    assert.deepEqual(
      entries.map((e) => [e.epoch, e.sequence]),
      [
        ['e1', 1n],
        ['e1', 2n],
        ['e2', 3n],
      ],
    );
  });

  test('writes happen with the entry, and not for a repeat', async () => {
    const stream = fresh();
    const all = (n: number): LiveAppend['writes'] => [
      latestWrite(key('latest'), `l${n}`),
      { kind: 'value', key: key('value'), value: `v${n}`, ttlMs: 60_000 },
      { kind: 'list', key: key('list'), value: `i${n}`, cap: 2 },
      { kind: 'field', key: key('fields'), field: `f${n}`, value: `x${n}` },
      { kind: 'field', key: key('fields'), field: 'same', value: `y${n}` },
    ];
    const given = [1, 2, 2, 3].map((n) => event(stream, { version: recent(String(n)), writes: all(n) }));
    assert.deepEqual(await appendAll(store, given.slice(0, 3)), [1, 2, null]);
    assert.deepEqual(await store.latest([key('latest'), key('none')]), [
      { value: 'l2', epoch: 'e1', sequence: 2n },
      null,
    ]);
    assert.deepEqual(await store.values([key('none'), key('value')]), [null, 'v2']);
    assert.deepEqual(await store.list(key('list'), 10), ['i2', 'i1']);
    await appendAll(store, given.slice(3));
    assert.deepEqual(await store.list(key('list'), 10), ['i3', 'i2']);
    assert.deepEqual(await store.list(key('list'), 1), ['i3']);
    assert.deepEqual(await store.list(key('list'), 0), []);
    assert.deepEqual(await store.list(key('none'), 5), []);
    assert.deepEqual(await store.fields(key('fields')), { f1: 'x1', f2: 'x2', f3: 'x3', same: 'y3' });
    assert.deepEqual(await store.fields(key('none')), {});
  });

  test('what is written may be the payload itself, and that may be empty', async () => {
    const stream = fresh();
    const both = (payload: string): LiveAppend['writes'] => [
      latestWrite(key('latest'), payload),
      { kind: 'value', key: key('value'), value: payload, ttlMs: 60_000 },
      { kind: 'list', key: key('list'), value: payload, cap: 9 },
      { kind: 'field', key: key('fields'), field: payload, value: payload },
    ];
    await appendAll(
      store,
      ['{"a":1}', ''].map((payload) => event(stream, { payload, writes: both(payload) })),
    );
    assert.equal((await store.latest([key('latest')]))[0]?.value, '');
    assert.deepEqual(await store.values([key('value')]), ['']);
    assert.deepEqual(await store.list(key('list'), 9), ['', '{"a":1}']);
    assert.deepEqual(await store.fields(key('fields')), { '{"a":1}': '{"a":1}', '': '' });
  });

  test('put rewrites a newest value at the position the stream has', async () => {
    const stream = fresh();
    await store.put(stream, [latestWrite(key('latest'), 'before')]);
    assert.deepEqual(await store.latest([key('latest')]), [{ value: 'before', epoch: '', sequence: 0n }]);
    await appendAll(store, [event(stream), event(stream, { epoch: 'e2' })]);
    await store.put(stream, [latestWrite(key('latest'), 'now')]);
    await store.put(stream, []);
    await store.put(stream, [latestWrite(key('latest'), 'of the entry before')], 1n);
    assert.deepEqual(await store.latest([key('latest')]), [{ value: 'now', epoch: 'e2', sequence: 2n }]);
    await store.put(stream, [latestWrite(key('latest'), 'later')], 2n);
    assert.deepEqual(await store.latest([key('latest')]), [{ value: 'later', epoch: 'e2', sequence: 2n }]);
    assert.deepEqual(await sequencesOf(store, stream), [1, 2]);
  });

  test('reading: pages, after the end, a stream that has had nothing', async () => {
    const stream = fresh();
    await appendAll(
      store,
      upTo(10).map(() => event(stream)),
    );
    const page = async (from: bigint, count: number) =>
      (await store.read(stream, from, count)).map((e) => Number(e.sequence));
    assert.deepEqual(await page(0n, 4), [1, 2, 3, 4]);
    assert.deepEqual(await page(4n, 4), [5, 6, 7, 8]);
    assert.deepEqual(await page(8n, 4), [9, 10]);
    assert.deepEqual(await page(10n, 4), []);
    assert.deepEqual(await page(99n, 4), []);
    assert.deepEqual(await page(3n, 0), []);
    const none = fresh();
    assert.deepEqual(await store.read(none, 0n, 10), []);
    assert.deepEqual(await store.positions([none, stream, none]), [null, { epoch: 'e1', sequence: 10n }, null]);
    assert.deepEqual(await store.positions([]), []);
    assert.deepEqual(await store.latest([]), []);
    assert.equal(await store.oldest(none), null);
    assert.equal(await store.trim(none, 1e15), 0);
  });

  test('trim drops what is older and counts it; the sequence goes on', async () => {
    const stream = fresh();
    await appendAll(
      store,
      upTo(1_200).map((n) => event(stream, { time: n, maxLength: 5_000 })),
    );
    assert.equal(await store.trim(stream, 1), 0);
    assert.equal(await store.trim(stream, 1_101), 1_100);
    assert.equal(await store.oldest(stream), 1_101n);
    assert.equal(await store.trim(stream, 9_999), 100);
    assert.equal(await store.oldest(stream), null);
    assert.deepEqual(await store.positions([stream]), [{ epoch: 'e1', sequence: 1_200n }]);
    assert.deepEqual(await appendAll(store, [event(stream)]), [1_201]);
  });

  test('an append drops what retention no longer covers, a bounded number at a time', async () => {
    const stream = fresh();
    const at = (time: number) => event(stream, { time, retentionMs: 100 });
    await appendAll(store, [at(1_000), at(1_050), at(1_100)]);
    assert.equal(await store.oldest(stream), 1n);
    await appendAll(store, [at(1_101)]);
    assert.equal(await store.oldest(stream), 2n);
    await appendAll(store, [at(1_300)]);
    assert.deepEqual(await sequencesOf(store, stream), [5]);
    await appendAll(
      store,
      upTo(100).map(() => at(2_000)),
    );
    await appendAll(store, [at(9_000)]);
    const left = (await sequencesOf(store, stream)).length;
    assert.ok(left > 50 && left < 101, `${left} left`);
    await appendAll(
      store,
      upTo(5).map(() => at(9_000)),
    );
    assert.deepEqual(await sequencesOf(store, stream), [106, 107, 108, 109, 110, 111]);
  });

  test('a stream is never longer than its bound', async () => {
    const stream = fresh();
    await appendAll(
      store,
      upTo(25).map(() => event(stream, { maxLength: 10 })),
    );
    assert.deepEqual(await sequencesOf(store, stream), [16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    await appendAll(store, [event(stream, { maxLength: 3 })]);
    assert.deepEqual(await sequencesOf(store, stream), [24, 25, 26]);
  });

  test('appenders of different streams do not disturb each other', async () => {
    key = keyspace();
    const streams = upTo(8).map((n) => key(`s${n}`));
    await Promise.all(
      streams.map(async (stream) => {
        for (let batch = 0; batch < 5; batch++) {
          await appendAll(
            store,
            upTo(20).map((n) => event(stream, { writes: [latestWrite(`${stream}:latest`, `${batch}/${n}`)] })),
          );
        }
      }),
    );
    for (const stream of streams) {
      assert.deepEqual(await sequencesOf(store, stream), upTo(100));
      const [newest] = await store.latest([`${stream}:latest`]);
      assert.deepEqual(newest, { value: '4/20', epoch: 'e1', sequence: 100n });
    }
  });

  test('what is remembered of a source partition', async () => {
    const topic = keyspace()('topic');
    assert.equal(await store.sourcePosition(topic, 0), null);
    await store.rememberSource(topic, 0, { epoch: 'a', next: 2n ** 60n + 1n, catchUpTo: 2n ** 61n });
    await store.rememberSource(topic, 1, { epoch: 'b', next: 0n, catchUpTo: 9n });
    await store.rememberSource(topic, 1, { epoch: 'c', next: 5n, catchUpTo: 8n });
    assert.deepEqual(await store.sourcePosition(topic, 0), {
      ...{ epoch: 'a', next: 2n ** 60n + 1n, catchUpTo: 2n ** 61n },
    });
    assert.deepEqual(await store.sourcePosition(topic, 1), { epoch: 'c', next: 5n, catchUpTo: 8n });
    assert.equal(await store.advanceSource(topic, 1, { epoch: 'c', next: 6n }), true);
    assert.deepEqual(await store.sourcePosition(topic, 1), { epoch: 'c', next: 6n, catchUpTo: 8n });
    await store.ping();
  });

  test('a source place is moved on in its own epoch only', async () => {
    const topic = keyspace()('topic');
    assert.equal(await store.advanceSource(topic, 0, { epoch: 'a', next: 1n }), false);
    assert.equal(await store.sourcePosition(topic, 0), null);
    await store.rememberSource(topic, 0, { epoch: 'b', next: 7n, catchUpTo: 0n });
    assert.equal(await store.advanceSource(topic, 0, { epoch: 'a', next: 9n }), false);
    assert.deepEqual(await store.sourcePosition(topic, 0), { epoch: 'b', next: 7n, catchUpTo: 0n });
  });

  test('closed, it says so', async () => {
    const other = await open();
    await other.close();
    await other.close();
    await assert.rejects(other.ping(), LiveStoreUnavailable);
    await assert.rejects(other.append([event('x')]), LiveStoreUnavailable);
  });
}
