/** What the live store costs its Redis, counted in commands by the server itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openRedisLiveStore } from '../../../../../src/platform/live/redis/store.ts';
import type { LiveStore } from '../../../../../src/platform/live/store.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../../../../support/redis.ts';
import { withService } from '../../../../support/service.ts';
import { appendAll, event, keyspace, Recorder, upTo } from '../store.fixture.ts';

await withService('cost of the live store to Redis', prepareOwnRedis, () => {
  let redis: TestRedis;
  let store: LiveStore;
  before(async () => {
    redis = await startRedis();
    store = await openRedisLiveStore({ url: redis.url, timeoutMs: 5_000, log: createLog('silent') });
  });
  after(async () => {
    await store.close();
    await redis.stop();
  });

  const info = async (section: string): Promise<string> => String(await redis.command('INFO', section));
  const calls = async (name: string): Promise<number> =>
    Number(new RegExp(`cmdstat_${name}:calls=([0-9]+)`).exec(await info('commandstats'))?.[1] ?? 0);
  const reads = async (): Promise<number> =>
    Number(/total_reads_processed:([0-9]+)/.exec(await info('stats'))?.[1] ?? Number.NaN);

  test('a batch of appends is a few script calls of bounded size, in one pipeline', async () => {
    const key = keyspace();
    const batch = upTo(200).map((n) => event(key(`s${n % 20}`)));
    await redis.command('CONFIG', 'RESETSTAT');
    const before = await reads();
    await appendAll(store, batch);
    const used = (await reads()) - before;
    // 16 events a call
    assert.deepEqual([await calls('eval'), await calls('evalsha')], [1, 12]);
    // the server reads up to 16 kB at a time
    assert.ok(used < 20, `${used} reads`);
  });

  test('no call has streams of two hash tags, or more text than it may', async () => {
    await redis.command('CONFIG', 'RESETSTAT');
    const [one, other] = [keyspace(), keyspace()];
    await appendAll(
      store,
      upTo(20).map((n) => event((n % 2 ? one : other)(`s${n}`))),
    );
    assert.equal(await calls('evalsha'), 2);
    await redis.command('CONFIG', 'RESETSTAT');
    const long = 'x'.repeat(30_000);
    await appendAll(
      store,
      upTo(4).map((n) => event(one(`s${n}`), { writes: [{ kind: 'latest', key: one(`v${n}`), value: long }] })),
    );
    assert.equal(await calls('evalsha'), 2);
  });

  test('the script goes along once, and where the server has forgotten it', async () => {
    const key = keyspace();
    await redis.command('CONFIG', 'RESETSTAT');
    for (let i = 0; i < 5; i++) assert.equal((await appendAll(store, [event(key('s'))])).length, 1);
    assert.deepEqual([await calls('eval'), await calls('evalsha')], [0, 5]);
    await redis.command('SCRIPT', 'FLUSH');
    assert.deepEqual(await appendAll(store, [event(key('s')), event(key('s'))]), [6, 7]);
    assert.equal(await calls('eval'), 1);
  });

  test('a tail costs nothing for streams that nobody follows', async () => {
    const key = keyspace();
    const recorder = new Recorder(store);
    recorder.tail.follow(key('followed'), 0n);
    await appendAll(store, [event(key('followed'))]);
    await recorder.until(() => recorder.entries.length === 1);
    await redis.command('CONFIG', 'RESETSTAT');
    const begin = performance.now();
    for (let round = 0; round < 20; round++) {
      await appendAll(
        store,
        upTo(100).map((n) => event(key(`other${n}`))),
      );
    }
    const seconds = (performance.now() - begin) / 1_000;
    const used = await calls('xread');
    // one blocking read a second, whatever the 2,000 appends
    assert.ok(used <= 2 + seconds, `${used} reads in ${seconds} s`);
    await appendAll(store, [event(key('followed'))]);
    await recorder.until(() => recorder.entries.length === 2);
    assert.equal(recorder.entries.length, 2);
    await recorder.tail.close();
  });

  test('any number of keys is read in one go', async () => {
    const key = keyspace();
    const keys = upTo(100).map((n) => key(`k${n}`));
    await store.ping();
    const before = await reads();
    await store.latest(keys);
    await store.values(keys);
    await store.positions(keys);
    const used = (await reads()) - before;
    assert.ok(used < 12, `${used} reads`);
  });

  test('what a tail leaves behind has a time to live', async () => {
    const key = keyspace();
    const recorder = new Recorder(store);
    recorder.tail.follow(key('a'), 0n);
    await appendAll(store, [event(key('a'))]);
    await recorder.until(() => recorder.entries.length === 1);
    recorder.tail.follow(key('b'), 0n);
    await appendAll(store, [event(key('b'))]);
    await recorder.until(() => recorder.entries.length === 2);
    await recorder.tail.close();
    const left = await redis.command('KEYS', 'live:wake:*');
    assert.ok(Array.isArray(left));
    for (const name of left) assert.ok(Number(await redis.command('PTTL', String(name))) > 0);
  });
});
