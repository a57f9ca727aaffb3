import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openRedisLiveStore } from '../../../../../src/platform/live/redis/store.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../../../../support/redis.ts';
import { withService } from '../../../../support/service.ts';
import { liveClearContract } from '../clear.contract.ts';

await withService('emptying the live store on Redis', prepareOwnRedis, () => {
  let redis: TestRedis;
  const open = () => openRedisLiveStore({ url: redis.url, timeoutMs: 5_000, log: createLog('silent') });
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  liveClearContract(open);

  test('what others keep on the same server stays, and many keys go at once', async () => {
    const store = await open();
    try {
      await redis.command('SET', 'sessions:1', 'another program');
      const writes = Array.from({ length: 5_000 }, (_, i) => `crypto:binance:{BTC}-USDT:1m:${i}`);
      await redis.command('MSET', ...writes.flatMap((key) => [key, '1']));
      await store.clear();
      assert.equal(await redis.command('GET', 'sessions:1'), 'another program');
      assert.equal(Number(await redis.command('DBSIZE')), 1);
    } finally {
      await store.close();
    }
  });
});
