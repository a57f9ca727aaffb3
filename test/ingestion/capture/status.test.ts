import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCaptureStatus } from '../../../ingestion/capture/status.ts';
import type { CaptureStatus } from '../../../schema/cdc.ts';
import { captureKey } from '../../../schema/live/keys.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { LiveStoreUnavailable } from '../../../src/platform/live/store.ts';
import { createLog } from '../../../src/platform/log.ts';

const table = 'public.c2c_order';
const STALE_MS = 15_000;
const well = { read: true, broken: false } as const;
const unread = { read: false, broken: false } as const;
const broken = { read: false, broken: true } as const;

test('what is broken is said at once, a reader that is away after a while, and by all with one time', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const store = createMemoryLiveStore();
  let puts = 0;
  let away = false;
  const live: Pick<typeof store, 'fields' | 'put'> = {
    fields: (key) => store.fields(key),
    async put(...args) {
      if (away) throw new LiveStoreUnavailable('away');
      puts += 1;
      await store.put(...args);
    },
  };
  const watcher = () => createCaptureStatus({ live, table, staleMs: STALE_MS, log: createLog('silent') });
  const said = async (): Promise<CaptureStatus> => JSON.parse((await store.fields(captureKey(table))).status ?? '{}');
  const [one, other] = [watcher(), watcher()];

  await one(well);
  assert.deepEqual(await said(), { at: 1_000_000, brokenSince: null });
  for (let i = 0; i < 10; i++) {
    t.mock.timers.tick(1_000);
    await one(well);
  }
  assert.equal(puts, 3, 'twice within the bound, not with each look');

  // a restart of the reader is nothing
  await one(unread);
  t.mock.timers.tick(5_000);
  await one(unread);
  assert.equal((await said()).brokenSince, null);
  await one(well);
  await one(unread);
  const since = Date.now();
  t.mock.timers.tick(8_000);
  // one that began to look later
  await other(unread);
  t.mock.timers.tick(8_000);
  await one(unread);
  assert.deepEqual(await said(), { at: Date.now(), brokenSince: since });
  for (const next of [8_000, 8_000]) {
    t.mock.timers.tick(next);
    await other(unread);
    assert.deepEqual(await said(), { at: Date.now(), brokenSince: since });
  }
  await one(well);
  assert.deepEqual(await said(), { at: Date.now(), brokenSince: null });

  t.mock.timers.tick(1_000);
  away = true;
  await one(broken);
  away = false;
  t.mock.timers.tick(1_000);
  await one(broken);
  assert.deepEqual(await said(), { at: Date.now(), brokenSince: Date.now() - 1_000 });
});
