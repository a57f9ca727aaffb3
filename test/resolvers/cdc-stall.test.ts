/** Who follows changes hears that they are not captured, while it lasts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from '../../resolvers/api.ts';
import { C2C_ORDER_TABLE, type CaptureStatus } from '../../schema/cdc.ts';
import { streamKey } from '../../schema/channels.ts';
import { captureKey } from '../../schema/live/keys.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import { withSocket } from '../src/platform/graphql/client.ts';
import { testPlatform } from '../src/platform/http/fixture.ts';

test('a capture that is broken, and one that nobody speaks for', { timeout: 30_000 }, async () => {
  const live = createMemoryLiveStore();
  const api = await startApi(testPlatform({ LOG_LEVEL: 'silent', FEED_STALE_MS: '2000' }, [], { live }));
  const say = (status: CaptureStatus): Promise<void> => {
    const write = { key: captureKey(C2C_ORDER_TABLE), field: 'status', value: JSON.stringify(status) };
    return live.put(streamKey('cdc', C2C_ORDER_TABLE), [{ kind: 'field', ...write }]);
  };
  const stale = (reason: string, since: number) => ({ reason, since: new Date(since).toISOString() });
  try {
    await withSocket(api.url, async (client) => {
      client.subscribe('1', `subscription { cdcEvent(table: "${C2C_ORDER_TABLE}") { cursor } }`);
      const since = Date.now();
      const saying = setInterval(() => void say({ at: Date.now(), brokenSince: since }), 200);
      const broken = await client.next();
      clearInterval(saying);
      assert.deepEqual(broken.payload, { data: null, extensions: { stale: stale('FEED', since) } });
      const at = Date.now();
      await say({ at, brokenSince: null });
      assert.deepEqual((await client.next()).payload, { data: null, extensions: { stale: null } });
      assert.deepEqual((await client.next()).payload, { data: null, extensions: { stale: stale('UNKNOWN', at) } });
    });
  } finally {
    await api.stop();
    await live.close();
  }
});
