import { after, before, beforeEach, test } from 'node:test';
import { openRedisLiveStore } from '../../../src/platform/live/redis/store.ts';
import type { LiveStore } from '../../../src/platform/live/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import { prepareOwnRedis, startRedis } from '../../support/redis.ts';
import { withService } from '../../support/service.ts';
import { publishThroughFailures } from './live-failures.ts';

await withService('the worker live on Redis', prepareOwnRedis, () => {
  let redis: { url: string; stop(): Promise<void> };
  let store: LiveStore;
  // its own server: where a source partition stands is one for all who share one
  before(async () => {
    redis = await startRedis();
    store = await openRedisLiveStore({ url: redis.url, timeoutMs: 5_000, log: createLog('silent') });
  });
  // each has a log of its own: what the last one's had would count as lost
  beforeEach(() => store.clear());
  after(async () => {
    await store.close();
    await redis.stop();
  });

  for (const seed of [11, 12]) {
    test(`nothing is published twice and nothing is missing, whatever call fails (seed ${seed})`, () =>
      publishThroughFailures(store, seed));
  }
});
