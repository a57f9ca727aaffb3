/** What the live store does when its Redis is frozen, killed, emptied, full or cut off: says so in time, loses nothing silently. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { inspect } from 'node:util';
import { openRedisLiveStore } from '../../../../../src/platform/live/redis/store.ts';
import { type LiveAppend, type LiveStore, LiveStoreUnavailable } from '../../../../../src/platform/live/store.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { freePort } from '../../../../../src/platform/postgres/embedded.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../../../../support/redis.ts';
import { withService } from '../../../../support/service.ts';
import { appendAll, event, keyspace, latestWrite, Recorder, sequencesOf, upTo } from '../store.fixture.ts';

const log = createLog('silent');
const TIMEOUT_MS = 400;

/** Tries until it works, as a worker does; bounded. */
async function untilDone<T>(work: () => Promise<T>, ms = 10_000): Promise<T> {
  const until = Date.now() + ms;
  while (true) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LiveStoreUnavailable) || Date.now() > until) throw error;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}

async function rejectsWithin(ms: number, work: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await assert.rejects(work(), LiveStoreUnavailable);
  const took = performance.now() - begin;
  assert.ok(took < ms, `took ${Math.round(took)} ms`);
}

await withService('live store on a failing Redis', prepareOwnRedis, () => {
  let redis: TestRedis;
  let store: LiveStore;
  let recorder: Recorder;
  let stream = '';
  let key = keyspace();

  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());
  beforeEach(async () => {
    key = keyspace();
    stream = key('s');
    store = await openRedisLiveStore({ url: redis.url, timeoutMs: TIMEOUT_MS, log });
    recorder = new Recorder(store);
    await appendAll(store, [event(stream), event(stream), event(stream)]);
    recorder.tail.follow(stream, 0n);
    await recorder.until(() => recorder.entries.length === 3);
  });
  afterEach(async () => {
    await store.close();
    const until = Date.now() + 1_000;
    while (process.getActiveResourcesInfo().includes('TCPSocketWrap')) {
      assert.ok(Date.now() < until, 'a socket is still open');
      await new Promise((done) => setTimeout(done, 5));
    }
  });

  test('frozen: every call is rejected in time, the tail says so, and after it nothing is lost', async () => {
    await redis.kill('SIGSTOP');
    const given = [event(stream), event(stream)];
    await rejectsWithin(4 * TIMEOUT_MS, () => store.append(given));
    for (let n = 0; n < 5; n++) await rejectsWithin(4 * TIMEOUT_MS, () => store.positions([stream]));
    await rejectsWithin(4 * TIMEOUT_MS, () => store.ping());
    await recorder.until(() => recorder.interruptions.length > 0, 3_000);
    assert.equal(recorder.resumptions, 0);
    await redis.kill('SIGCONT');
    await untilDone(() => store.append(given));
    await recorder.until(() => recorder.entries.length >= 5);
    assert.equal(recorder.interruptions.length, 1);
    assert.equal(recorder.resumptions, 1);
    assert.deepEqual(recorder.sequences(stream), [1, 2, 3, 4, 5]);
    assert.deepEqual(recorder.losses, []);
    assert.deepEqual(
      (await store.read(stream, 3n, 10)).map((e) => e.payload),
      given.map((e) => e.payload),
    );
  });

  test('frozen: closing does not wait for it', async () => {
    await redis.kill('SIGSTOP');
    const call = assert.rejects(store.ping(), LiveStoreUnavailable);
    const begin = performance.now();
    await store.close();
    assert.ok(performance.now() - begin < 300);
    await call;
    await redis.kill('SIGCONT');
  });

  test('killed and empty again: errors at once, the loss is told, numbering begins anew', async () => {
    await redis.kill('SIGKILL');
    await recorder.until(() => recorder.interruptions.length > 0, 1_000);
    for (let n = 0; n < 10; n++) await rejectsWithin(200, () => store.append([event(stream)]));
    await redis.restart();
    await recorder.until(() => recorder.resumptions > 0 && recorder.losses.length > 0);
    assert.deepEqual(recorder.losses, [{ stream, now: null }]);
    const begun = await untilDone(() =>
      appendAll(store, [event(stream, { epoch: 'e2' }), event(stream, { epoch: 'e2' })]),
    );
    assert.deepEqual(begun, [1, 2]);
    await recorder.until(() => recorder.entries.length >= 5);
    assert.deepEqual(recorder.sequences(stream), [1, 2, 3, 1, 2]);
    assert.equal(recorder.losses.length, 1);
  });

  test('emptied while connected: told within two seconds, and what comes is delivered', async () => {
    const begin = performance.now();
    await redis.flush();
    await recorder.until(() => recorder.losses.length > 0);
    assert.ok(performance.now() - begin < 2_000);
    assert.deepEqual(recorder.losses, [{ stream, now: null }]);
    await appendAll(store, [event(stream, { epoch: 'e2' })]);
    await recorder.until(() => recorder.entries.length >= 4);
    assert.deepEqual(recorder.sequences(stream), [1, 2, 3, 1]);
    assert.deepEqual(recorder.interruptions, []);
  });

  test('emptied and at once longer than before: told all the same, from its start', async () => {
    await redis.flush();
    await appendAll(
      store,
      upTo(50).map(() => event(stream, { epoch: 'e2' })),
    );
    await recorder.until(() => recorder.entries.length >= 53);
    assert.deepEqual(recorder.losses, [{ stream, now: { epoch: 'e2', sequence: 0n } }]);
    assert.deepEqual(recorder.sequences(stream), [1, 2, 3, ...upTo(50)]);
  });

  test('connections cut again and again: a worker that tries again writes everything once, a tail sees it once', async () => {
    const log = upTo(400).map((n) => event(stream, { payload: String(n), writes: [latestWrite(key('l'), String(n))] }));
    let cutting = true;
    const cutter = (async () => {
      for (let cuts = 0; cutting && cuts < 60; cuts++) {
        await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
        await new Promise((done) => setTimeout(done, 15));
      }
    })();
    for (let i = 0; i < log.length; i += 10) {
      await untilDone(() => store.append(log.slice(i, i + 10)), 20_000);
      await new Promise((done) => setTimeout(done, 10));
    }
    cutting = false;
    await cutter;
    await recorder.until(() => recorder.entries.length >= 403);
    assert.deepEqual(recorder.sequences(stream), upTo(403));
    assert.deepEqual(
      recorder.entries.slice(3).map((e) => e.entry.payload),
      log.map((e) => e.payload),
    );
    assert.deepEqual(recorder.losses, []);
    assert.ok(recorder.interruptions.length > 0);
    const [newest] = await untilDone(() => store.latest([key('l')]));
    assert.deepEqual(newest, { value: '400', epoch: 'e1', sequence: 403n });
  });

  test('full: the append is rejected as unavailable and works when there is room', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    const given = [event(stream), event(stream)];
    await assert.rejects(store.append(given), /OOM/);
    await assert.rejects(store.append(given), LiveStoreUnavailable);
    assert.deepEqual(await sequencesOf(store, stream), [1, 2, 3]);
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    assert.deepEqual(await appendAll(store, given), [4, 5]);
  });

  test('an append that fails takes the later ones of its stream with it, so that none is taken for a redelivery', async () => {
    await redis.command('SET', key('wrong'), 'not a hash');
    const bad: Partial<LiveAppend> = { writes: [latestWrite(key('wrong'), 'v')] };
    const given = [event(stream), event(stream, bad), event(stream), event(stream)];
    await assert.rejects(store.append(given), /WRONGTYPE/);
    assert.deepEqual(await sequencesOf(store, stream), [1, 2, 3, 4]);
    await redis.command('DEL', key('wrong'));
    assert.deepEqual(await appendAll(store, given), [null, 5, 6, 7]);
  });

  test('an event that fails amid the streams of several calls: another try leaves each of them once and in order', async () => {
    await redis.command('SET', key('wrong'), 'not a hash');
    const streams = ['a', 'b', 'c'].map(key);
    const given = upTo(100).map((n) =>
      event(streams[n % 3] ?? '', {
        payload: String(n),
        writes: n === 20 ? [latestWrite(key('wrong'), 'v')] : [],
      }),
    );
    await assert.rejects(store.append(given), /WRONGTYPE/);
    // of the stream at fault nothing after it
    assert.deepEqual((await store.read(key('c'), 0n, 100)).at(-1)?.payload, '17');
    await redis.command('DEL', key('wrong'));
    await store.append(given);
    for (const [n, one] of streams.entries()) {
      const entries = await store.read(one, 0n, 100);
      const wanted = given.filter((append) => append.stream === streams[n]);
      assert.deepEqual(
        entries.map((e) => [Number(e.sequence), e.payload]),
        wanted.map((append, i) => [i + 1, append.payload]),
      );
    }
  });

  test('demoted to a replica: unavailable until it is a primary again', async () => {
    const given = [event(stream), event(stream)];
    await redis.command('REPLICAOF', '127.0.0.1', String(await freePort()));
    await assert.rejects(store.append(given), /READONLY/);
    await rejectsWithin(4 * TIMEOUT_MS, () => store.append(given));
    await redis.command('REPLICAOF', 'NO', 'ONE');
    await untilDone(() => store.append(given));
    assert.deepEqual(await untilDone(() => sequencesOf(store, stream)), [1, 2, 3, 4, 5]);
  });

  test('a refused password is in no error', async () => {
    await redis.command('ACL', 'SETUSER', 'app', 'on', '>right-password', '~*', '+@all');
    const open = (password: string) => {
      const url = redis.url.replace('//', `//app:${password}@`);
      return openRedisLiveStore({ url, timeoutMs: TIMEOUT_MS, log });
    };
    await assert.rejects(open('wrong-password'), (error) => {
      assert.ok(error instanceof LiveStoreUnavailable);
      assert.match(error.message, /WRONGPASS/);
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /wrong-password/);
      return true;
    });
    const other = await open('right-password');
    await other.close();
    await redis.command('ACL', 'DELUSER', 'app');
  });

  test('scripts forgotten by the server are brought again', async () => {
    await redis.command('SCRIPT', 'FLUSH');
    assert.deepEqual(await appendAll(store, [event(stream), event(stream)]), [4, 5]);
    await redis.command('SCRIPT', 'FLUSH');
    const streams = [key('one'), key('two'), key('three')];
    const all = streams.map((one) => appendAll(store, [event(one), event(one)]));
    assert.deepEqual(
      await Promise.all(all),
      [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
      'to all who find out at once',
    );
  });

  test('keys of a stream that were evicted one by one', async () => {
    await redis.command('DEL', `${stream}:ids`);
    assert.deepEqual(await appendAll(store, [event(stream)]), [4]);
    await redis.command('DEL', stream);
    assert.deepEqual(await appendAll(store, [event(stream), event(stream)]), [5, 6]);
    assert.deepEqual(await sequencesOf(store, stream), [5, 6]);
    await redis.command('DEL', `${stream}:meta`);
    assert.deepEqual(await appendAll(store, [event(stream)]), [7]);
    await redis.command('XTRIM', stream, 'MAXLEN', '0');
    await redis.command('DEL', `${stream}:meta`);
    assert.deepEqual(await appendAll(store, [event(stream), event(stream)]), [8, 9]);
  });

  test('opening says what is wrong, in time', async () => {
    const open = (url: string) => openRedisLiveStore({ url, timeoutMs: TIMEOUT_MS, log });
    const nobody = await freePort();
    await rejectsWithin(1_000, () => open(`redis://127.0.0.1:${nobody}`));
    await assert.rejects(open(`redis://127.0.0.1:${nobody}`), /ECONNREFUSED/);
    await assert.rejects(open(`${redis.url}/9999`), /DB index is out of range/);
    await redis.kill('SIGSTOP');
    await rejectsWithin(4 * TIMEOUT_MS, () => open(redis.url));
    await redis.kill('SIGCONT');
  });
});
