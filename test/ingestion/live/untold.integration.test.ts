/** What is owed is kept by a real Redis, and goes with everything else when that is emptied on purpose. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Untold } from '../../../ingestion/live/untold.ts';
import { streamKey } from '../../../schema/channels.ts';
import { openRedisLiveStore } from '../../../src/platform/live/redis/store.ts';
import type { LiveStore } from '../../../src/platform/live/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { withService } from '../../support/service.ts';

await withService('what streams owe, on Redis', prepareOwnRedis, () => {
  let redis: TestRedis;
  let live: LiveStore;
  before(async () => {
    redis = await startRedis();
    live = await openRedisLiveStore({ url: redis.url, timeoutMs: 5_000, log: createLog('silent') });
  });
  after(async () => {
    await live?.close();
    await redis?.stop();
  });

  test('until it is told, over restarts, by partition', async () => {
    const at = { topic: 'crypto_trades', partition: 3 };
    const [btc, krw, eth] = ['binance:BTC-USDT', 'upbit:BTC-KRW', 'binance:ETH-USDT'].map((id) =>
      streamKey('trade', id),
    );
    assert.ok(btc && krw && eth);
    const load = (partition = 3, epoch = 'e1') => new Untold(live, { ...at, partition }, epoch).load();
    const owing = await load();
    assert.ok(![btc, krw, eth].some((stream) => owing.has(stream)));
    await owing.owe(btc, { key: 'BTC', offset: 3n });
    await owing.owe(null, { key: 'ETH', offset: 4n });
    await owing.owe(null, { key: null, offset: 5n });
    for (const one of [owing, await load()]) {
      assert.deepEqual(
        [btc, krw, eth].map((stream) => one.has(stream)),
        [true, false, true],
      );
    }
    assert.ok(!(await load(4)).has(btc));
    const tell = async (stream: string, offset: bigint): Promise<void> => {
      await live.put(stream, [owing.telling(stream, offset)]);
      owing.told(stream, offset);
    };
    for (const stream of [btc, eth]) await tell(stream, 6n);
    assert.ok(![btc, krw, eth].some((stream) => owing.has(stream)));
    // who shares the key and has not told yet still owes it, over a restart too
    const other = streamKey('trade', 'upbit:ETH-KRW');
    for (const one of [owing, await load()]) {
      assert.deepEqual(
        [btc, eth, other].map((stream) => one.has(stream)),
        [false, false, true],
      );
      // what is delivered again is owed no more, unless the offsets are another epoch's
      await one.owe(btc, { key: 'BTC', offset: 3n });
      await one.owe(null, { key: 'ETH', offset: 4n });
      assert.ok(!one.has(btc) && !one.has(eth));
    }
    const later = await load(3, 'e2');
    await later.owe(btc, { key: 'BTC', offset: 3n });
    assert.ok(later.has(btc));
    // one more is told by all of them once more
    await owing.owe(null, { key: 'ETH', offset: 7n });
    for (const one of [owing, await load()]) assert.ok(one.has(eth) && one.has(other) && !one.has(krw));
    // what nobody knows is told by everybody
    await tell(eth, 8n);
    await owing.oweAll();
    for (const one of [owing, await load()]) assert.ok(one.has(eth) && one.has(krw));
    await live.clear();
    assert.ok(!(await load()).has(eth));
  });
});
