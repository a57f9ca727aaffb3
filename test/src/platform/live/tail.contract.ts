/** What every live store's tail must do. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LiveStore } from '../../../../src/platform/live/store.ts';
import { appendAll, event, keyspace, type OpenStore, Recorder, upTo } from './store.fixture.ts';

/** Declares the suite. `open` is called once; the store is closed at the end. */
export function liveTailContract(open: OpenStore): void {
  let store: LiveStore;
  before(async () => {
    store = await open();
  });
  after(() => store.close());

  async function recording(use: (recorder: Recorder, key: (name: string) => string) => Promise<void>): Promise<void> {
    const recorder = new Recorder(store);
    try {
      await use(recorder, keyspace());
      assert.deepEqual(recorder.interruptions, []);
      assert.equal(recorder.resumptions, 0);
    } finally {
      await recorder.tail.close();
    }
  }

  const fill = (stream: string, n: number) =>
    appendAll(
      store,
      upTo(n).map(() => event(stream)),
    );

  test('delivers what comes after the position, in order, first the past, then the present', () =>
    recording(async (recorder, key) => {
      const stream = key('s');
      await fill(stream, 10);
      recorder.tail.follow(stream, 4n);
      await recorder.until(() => recorder.entries.length >= 6);
      await fill(stream, 5);
      await recorder.until(() => recorder.entries.length >= 11);
      assert.deepEqual(
        recorder.sequences(stream),
        upTo(15).filter((n) => n > 4),
      );
      assert.deepEqual(
        recorder.entries.map((e) => e.entry),
        await store.read(stream, 4n, 100),
      );
      assert.deepEqual(recorder.losses, []);
    }));

  test('follows a stream from before its first event', () =>
    recording(async (recorder, key) => {
      recorder.tail.follow(key('new'), 0n);
      await fill(key('new'), 2);
      await recorder.until(() => recorder.entries.length >= 2);
      assert.deepEqual(recorder.sequences(key('new')), [1, 2]);
      assert.deepEqual(recorder.losses, []);
    }));

  test('follows many streams, each in order, and no other', () =>
    recording(async (recorder, key) => {
      const streams = upTo(300).map((n) => key(`s${n}`));
      for (const stream of streams.slice(0, 200)) recorder.tail.follow(stream, 0n);
      for (let round = 0; round < 5; round++) {
        await appendAll(
          store,
          streams.flatMap((stream) => [event(stream), event(stream)]),
        );
      }
      await recorder.until(() => recorder.entries.length >= 2_000, 20_000);
      for (const stream of streams.slice(0, 200)) assert.deepEqual(recorder.sequences(stream), upTo(10));
      assert.equal(recorder.entries.length, 2_000);
      assert.deepEqual(recorder.losses, []);
    }));

  test('catches up with a long past', () =>
    recording(async (recorder, key) => {
      const stream = key('long');
      await appendAll(
        store,
        upTo(3_000).map(() => event(stream, { maxLength: 10_000 })),
      );
      recorder.tail.follow(stream, 0n);
      await recorder.until(() => recorder.entries.length >= 3_000);
      assert.deepEqual(recorder.sequences(stream), upTo(3_000));
    }));

  test('an unfollowed stream is silent; followed again, it moves', () =>
    recording(async (recorder, key) => {
      const [one, two] = [key('one'), key('two')];
      recorder.tail.follow(one, 0n);
      recorder.tail.follow(two, 0n);
      await fill(one, 3);
      await recorder.until(() => recorder.entries.length >= 3);
      recorder.tail.unfollow(one);
      recorder.tail.unfollow(key('never followed'));
      await fill(one, 3);
      await fill(two, 1);
      await recorder.until(() => recorder.sequences(two).length === 1);
      assert.deepEqual(recorder.sequences(one), [1, 2, 3]);
      recorder.tail.follow(one, 5n);
      await recorder.until(() => recorder.sequences(one).length >= 4);
      recorder.tail.follow(one, 1n);
      await recorder.until(() => recorder.sequences(one).length >= 9);
      assert.deepEqual(recorder.sequences(one), [1, 2, 3, 6, 2, 3, 4, 5, 6]);
      assert.deepEqual(recorder.losses, []);
    }));

  test('following takes effect at once, though the tail is waiting', () =>
    recording(async (recorder, key) => {
      const [warm, stream] = [key('warm'), key('s')];
      recorder.tail.follow(warm, 0n);
      await fill(warm, 1);
      await recorder.until(() => recorder.entries.length === 1);
      await fill(stream, 1);
      const times: number[] = [];
      for (let n = 0; n < 5; n++) {
        const begin = performance.now();
        const told = recorder.entries.length;
        recorder.tail.follow(stream, 0n);
        await recorder.until(() => recorder.entries.length > told);
        times.push(performance.now() - begin);
      }
      // waiting for the end of a blocking read would take most of a second on average
      assert.ok(Math.min(...times) < 150, `took ${times.map(Math.round)} ms`);
    }));

  test('entries trimmed before they were read are told as lost', () =>
    recording(async (recorder, key) => {
      const stream = key('s');
      await appendAll(
        store,
        upTo(20).map(() => event(stream, { maxLength: 5 })),
      );
      recorder.tail.follow(stream, 3n);
      await recorder.until(() => recorder.entries.length >= 5);
      assert.deepEqual(recorder.losses, [{ stream, now: { epoch: 'e1', sequence: 15n } }]);
      assert.deepEqual(recorder.sequences(stream), [16, 17, 18, 19, 20]);
    }));

  test('a loss is told even when nothing is left and nothing comes', () =>
    recording(async (recorder, key) => {
      const stream = key('s');
      await fill(stream, 4);
      await store.trim(stream, Number.MAX_SAFE_INTEGER);
      recorder.tail.follow(stream, 1n);
      await recorder.until(() => recorder.losses.length > 0);
      assert.deepEqual(recorder.losses, [{ stream, now: { epoch: 'e1', sequence: 4n } }]);
      await fill(stream, 1);
      await recorder.until(() => recorder.entries.length > 0);
      assert.deepEqual(recorder.sequences(stream), [5]);
    }));

  test('a position that the stream has not reached is told as lost', () =>
    recording(async (recorder, key) => {
      const [stream, none] = [key('s'), key('none')];
      await fill(stream, 4);
      recorder.tail.follow(stream, 9n);
      recorder.tail.follow(none, 9n);
      await recorder.until(() => recorder.losses.length >= 2);
      assert.deepEqual(
        recorder.losses.find((l) => l.stream === stream),
        { stream, now: { epoch: 'e1', sequence: 4n } },
      );
      assert.deepEqual(
        recorder.losses.find((l) => l.stream === none),
        { stream: none, now: null },
      );
      await appendAll(store, [event(stream), event(none)]);
      await recorder.until(() => recorder.entries.length >= 2);
      assert.deepEqual([recorder.sequences(stream), recorder.sequences(none)], [[5], [1]]);
    }));

  test('delivery is never inside a call of ours, and a handler may unfollow', async () => {
    const stream = keyspace()('s');
    await fill(stream, 3);
    let calling = true;
    const delivered = new Promise<void>((done, fail) => {
      const tail = store.tail({
        entries: () => {
          tail.unfollow(stream);
          if (calling) fail(new Error('delivered inside follow'));
          else done(tail.close());
        },
        lost: () => fail(new Error('lost')),
        interrupted: fail,
        resumed: () => {},
      });
      tail.follow(stream, 0n);
      calling = false;
    });
    await delivered;
  });

  test('closing a tail twice does no harm, and following on a closed one is ignored', async () => {
    const tail = new Recorder(store).tail;
    await tail.close();
    await tail.close();
    tail.follow(keyspace()('s'), 0n);
  });
}
