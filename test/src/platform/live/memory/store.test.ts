import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryLiveStore } from '../../../../../src/platform/live/memory/store.ts';
import { metrics } from '../../../../../src/platform/metrics.ts';
import { liveStoreContract } from '../store.contract.ts';
import { appendAll, event, keyspace, recent, upTo } from '../store.fixture.ts';
import { liveStoreProperties } from '../store.properties.ts';
import { liveTailContract } from '../tail.contract.ts';

const open = async () => createMemoryLiveStore();

describe('in-memory live store', () => {
  liveStoreContract(open);
  liveTailContract(open);
  liveStoreProperties(open, 200);

  test('a value ends with its time to live', async () => {
    let now = 1_000;
    const store = createMemoryLiveStore({ clock: () => now });
    const value = (key: string, ttlMs: number) => ({ kind: 'value', key, value: 'v', ttlMs }) as const;
    await appendAll(store, [event('s', { writes: [value('short', 10), value('long', 100)] })]);
    now = 1_009;
    assert.deepEqual(await store.values(['short', 'long']), ['v', 'v']);
    now = 1_010;
    assert.deepEqual(await store.values(['short', 'long']), [null, 'v']);
    await store.close();
  });

  test('its streams keep no more than their bound: the fullest gives way, but for its newest entry', async () => {
    const store = createMemoryLiveStore({ maxStreams: 50_000 });
    const held = async (part: string) =>
      (await metrics.memoryLiveBytes.get()).values.find(({ labels }) => labels.part === part)?.value ?? 0;
    await appendAll(store, [event('rare'), event('rare')]);
    for (let n = 0; n < 1_000; n++) {
      await appendAll(store, [event(`busy${n % 3}`, { payload: 'x'.repeat((n * 37) % 2_000) })]);
      assert.ok((await held('streams')) <= 50_000, `${await held('streams')} bytes`);
    }
    assert.equal(await store.oldest('rare'), 1n);
    const [position] = await store.positions(['busy0']);
    const oldest = await store.oldest('busy0');
    assert.ok(position && oldest && oldest > 300n && oldest < position.sequence);
    const left = await store.read('busy0', 0n, 1_000);
    assert.deepEqual([left[0]?.sequence, left.at(-1)?.sequence], [oldest, position.sequence]);
    // one that is larger than all the room there is
    await appendAll(store, [event('huge', { payload: 'x'.repeat(100_000) })]);
    assert.equal((await store.read('huge', 0n, 10)).length, 1);
    await store.clear();
    await appendAll(store, [event('rare')]);
    assert.ok((await held('streams')) < 1_000);
    await store.close();
  });

  test('values with a time to live keep within their bound: the one written first gives way', async () => {
    const store = createMemoryLiveStore({ maxValues: 1_000 });
    const value = (key: string) => ({ kind: 'value', key, value: 'v'.repeat(90), ttlMs: 60_000 }) as const;
    for (let n = 0; n < 20; n++) await appendAll(store, [event('s', { writes: [value(`k${n % 15}`.padEnd(10))] })]);
    const kept = await store.values(Array.from({ length: 15 }, (_, n) => `k${n}`.padEnd(10)));
    assert.deepEqual(
      kept.flatMap((one, n) => (one === null ? [] : [n])),
      [0, 1, 2, 3, 4, 10, 11, 12, 13, 14],
    );
    await store.close();
  });

  test('takes 50,000 events a second many times over, followed', async () => {
    const store = createMemoryLiveStore();
    const key = keyspace();
    let delivered = 0;
    const tail = store.tail({
      entries: (_, entries) => {
        delivered += entries.length;
      },
      lost: () => assert.fail('lost'),
      interrupted: assert.fail,
      resumed: () => {},
    });
    tail.follow(key('s1'), 0n);
    const batches = upTo(100).map((b) =>
      upTo(500).map((n) => event(key(`s${n % 50}`), { version: recent(`${b}/${n}`, 5_000) })),
    );
    // what it costs, whatever else the machine does
    const began = process.cpuUsage();
    for (const batch of batches) {
      await store.append(batch);
      await new Promise((done) => setImmediate(done));
    }
    const { user, system } = process.cpuUsage(began);
    const seconds = (user + system) / 1_000_000;
    assert.equal(delivered, 1_000);
    // a tenth of what it does, so that a busy machine does not fail it
    assert.ok(50_000 / seconds > 50_000, `${Math.round(50_000 / seconds)} a second`);
    await store.close();
  });
});
