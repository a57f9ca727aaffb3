import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, mock, test } from 'node:test';
import { openFolderStore } from '../../../../src/platform/landing/folder.ts';
import { BOUNDS, landingContract } from './contract.ts';

describe('landing store in a folder', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tickgraph-landing-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  let stores = 0;
  const root = (): string => join(folder, String(stores++));

  landingContract(async () => openFolderStore(root(), BOUNDS));

  test('what a crash left half written is not there, and a failed write leaves nothing', async () => {
    const path = root();
    const store = openFolderStore(path, BOUNDS);
    const key = 'source=a/day=2026-01-01/1-a.ndjson.gz';
    await store.write({ key, bytes: Buffer.from('whole') });
    await writeFile(join(path, 'source=a/day=2026-01-01/.0123456789abcdef'), 'ha');
    const listed: string[] = [];
    for await (const page of store.list('')) listed.push(...page);
    assert.deepEqual(listed, [key]);
    // a folder is in the way of the last step
    await mkdir(join(path, 'source=a/day=2026-01-01/2-b/x'), { recursive: true });
    await assert.rejects(store.write({ key: 'source=a/day=2026-01-01/2-b', bytes: Buffer.from('b') }), {
      name: 'LandingUnavailable',
    });
    const left = await readdir(join(path, 'source=a/day=2026-01-01'));
    assert.deepEqual(left.sort(), ['.0123456789abcdef', '1-a.ndjson.gz', '2-b']);
  });

  test('the folders that list a file are made durable, too', async () => {
    const path = root();
    const store = openFolderStore(path, BOUNDS);
    const any = await open(folder, 'r');
    const synced: number[] = [];
    const original = Object.getPrototypeOf(any).sync as () => Promise<void>;
    const watch = mock.method(Object.getPrototypeOf(any), 'sync', function sync(this: typeof any) {
      synced.push(fstatSync(this.fd).ino);
      return original.call(this);
    });
    const inoOf = async (...parts: string[]): Promise<number> => (await stat(join(path, ...parts))).ino;
    try {
      await store.write({ key: 'source=a/day=2026-01-01/1-a', bytes: Buffer.from('a') });
      const file = await inoOf('source=a/day=2026-01-01/1-a');
      const above = [await inoOf('source=a/day=2026-01-01'), await inoOf('source=a'), await inoOf(), await inoOf('..')];
      assert.deepEqual(synced.slice(0, 2), [file, above[0]], 'the file first');
      for (const ino of above) assert.ok(synced.includes(ino));
      synced.length = 0;
      await store.write({ key: 'source=a/day=2026-01-01/2-b', bytes: Buffer.from('b') });
      assert.deepEqual(synced, [await inoOf('source=a/day=2026-01-01/2-b'), above[0]]);
    } finally {
      watch.mock.restore();
      await any.close();
    }
  });

  test('a key can not lead out of the folder', async () => {
    const store = openFolderStore(root(), BOUNDS);
    for (const key of ['../x', 'a/../../x', '/etc/x', 'a//b', '.hidden', '']) {
      await assert.rejects(store.write({ key, bytes: Buffer.from('x') }), RangeError, key);
      await assert.rejects(async () => store.read(key), RangeError, key);
    }
  });

  test('a folder that can not be written to says so', async () => {
    const path = root();
    await writeFile(path, 'a file');
    const store = openFolderStore(path, BOUNDS);
    await assert.rejects(store.write({ key: 'a', bytes: Buffer.from('x') }), { name: 'LandingUnavailable' });
    assert.equal(await store.read('a'), null);
  });
});
