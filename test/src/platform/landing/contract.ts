/** What every landing store does, whatever it is made of. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { LandingStore } from '../../../../src/platform/landing/store.ts';

/** Declares the suite; `open` gives an empty store. */
export function landingContract(open: () => Promise<LandingStore>): void {
  const keys = async (store: LandingStore, prefix = '', after?: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const page of store.list(prefix, after)) found.push(...page);
    return found;
  };
  const put = (store: LandingStore, ...names: string[]): Promise<unknown> =>
    Promise.all(names.map((key) => store.write({ key, bytes: Buffer.from(key) })));

  test('an empty store has nothing, and nothing can be read or removed', async () => {
    const store = await open();
    assert.deepEqual(await keys(store), []);
    assert.equal(await store.read('source=a/day=2026-01-01/1-a.ndjson.gz'), null);
    await store.delete('source=a/day=2026-01-01/1-a.ndjson.gz');
    store.close();
  });

  test('what is written is read to the byte, written again it is replaced, removed it is gone', async () => {
    const store = await open();
    const key = 'source=a/day=2026-01-01/1-a.ndjson.gz';
    const bytes = randomBytes(300_000);
    await store.write({ key, bytes });
    assert.ok((await store.read(key))?.equals(bytes));
    await store.write({ key, bytes: Buffer.from('new') });
    assert.equal((await store.read(key))?.toString(), 'new');
    await store.write({ key, bytes: Buffer.alloc(0) });
    assert.equal((await store.read(key))?.length, 0);
    await store.delete(key);
    assert.equal(await store.read(key), null);
    assert.deepEqual(await keys(store), []);
    store.close();
  });

  test('keys come sorted, below a prefix, and behind a key', async () => {
    const store = await open();
    const days = ['2026-01-02', '2026-01-10', '2026-01-01'].map((day) => `source=a/day=${day}/`);
    await put(
      store,
      ...days.flatMap((day) => [`${day}2-b`, `${day}10-a`]),
      'source=ab/day=2026-01-01/1-c',
      'source=a-/x',
    );
    assert.deepEqual(await keys(store, 'source=a/'), [
      'source=a/day=2026-01-01/10-a',
      'source=a/day=2026-01-01/2-b',
      'source=a/day=2026-01-02/10-a',
      'source=a/day=2026-01-02/2-b',
      'source=a/day=2026-01-10/10-a',
      'source=a/day=2026-01-10/2-b',
    ]);
    assert.deepEqual(await keys(store, 'source=a/', 'source=a/day=2026-01-02/'), [
      'source=a/day=2026-01-02/10-a',
      'source=a/day=2026-01-02/2-b',
      'source=a/day=2026-01-10/10-a',
      'source=a/day=2026-01-10/2-b',
    ]);
    assert.deepEqual(await keys(store, 'source=a/', 'source=a/day=2026-01-10/10-a'), ['source=a/day=2026-01-10/2-b']);
    assert.deepEqual(await keys(store, 'source=a/', 'source=b'), []);
    const all = await keys(store);
    assert.deepEqual(all, [...all].sort());
    assert.equal(all.length, 8);
    store.close();
  });

  test('a listing has any number of keys', async () => {
    const store = await open();
    const many = Array.from({ length: 5 * BOUNDS.pageKeys + 1 }, (_, i) => `source=m/${String(i).padStart(4, '0')}-x`);
    await put(store, ...many);
    assert.deepEqual(await keys(store, 'source=m/'), many);
    assert.deepEqual(await keys(store, 'source=m/', many[30]), many.slice(31));
    store.close();
  });

  test('a file larger than any answer is refused', async () => {
    const store = await open();
    const key = 'source=a/day=2026-01-01/9-large';
    await store.write({ key, bytes: Buffer.alloc(1_000_001) });
    await assert.rejects(store.read(key), { name: 'LandingTooLarge' });
    store.close();
  });
}

/** The bounds that the suite expects. */
export const BOUNDS = { maxBytes: 1_000_000, pageKeys: 20 };
