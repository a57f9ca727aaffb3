import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryLiveStore } from '../../../../../src/platform/live/memory/store.ts';
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
    const begin = performance.now();
    for (const batch of batches) {
      await store.append(batch);
      await new Promise((done) => setImmediate(done));
    }
    const seconds = (performance.now() - begin) / 1_000;
    assert.equal(delivered, 1_000);
    // a tenth of what it does, so that a busy machine does not fail it
    assert.ok(50_000 / seconds > 50_000, `${Math.round(50_000 / seconds)} a second`);
    await store.close();
  });
});
