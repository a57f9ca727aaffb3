import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createMemoryLiveStore } from '../../../../../src/platform/live/memory/store.ts';
import { openRedisLiveStore } from '../../../../../src/platform/live/redis/store.ts';
import type { LiveStore } from '../../../../../src/platform/live/store.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { prepareRedis, sharedRedis } from '../../../../support/redis.ts';
import { withService } from '../../../../support/service.ts';
import { liveStoreContract } from '../store.contract.ts';
import { appendAll, event, keyspace } from '../store.fixture.ts';
import { alike, commands, compareStores, look, under } from '../store.model.ts';
import { liveStoreProperties } from '../store.properties.ts';
import { liveTailContract } from '../tail.contract.ts';

const log = createLog('silent');

await withService('live store on Redis', prepareRedis, () => {
  let redis: { url: string; stop(): Promise<void> };
  before(async () => {
    redis = await sharedRedis();
  });
  after(() => redis.stop());
  const open = () => openRedisLiveStore({ url: redis.url, timeoutMs: 5_000, log });

  describe('contract', () => {
    liveStoreContract(open);
    liveTailContract(open);
    liveStoreProperties(open, 60);
  });

  describe('against the in-memory one', () => {
    let store: LiveStore;
    before(async () => {
      store = await open();
    });
    after(() => store.close());

    test('random commands have the same outcome', () =>
      fc.assert(
        fc.asyncProperty(commands, async (list) => {
          const model = createMemoryLiveStore();
          await compareStores(list, model, store, keyspace());
          await model.close();
        }),
        { numRuns: 60 },
      ));

    test('appended together is appended one by one', () =>
      fc.assert(
        fc.asyncProperty(fc.array(alike, { minLength: 1, maxLength: 3 }), async (lists) => {
          const [together, apart] = [keyspace(), keyspace()];
          for (const list of lists) {
            const answers = await store.append(list.map((a) => under(a, together)));
            const alone = [];
            for (const a of list) alone.push(...(await store.append([under(a, apart)])));
            assert.deepEqual(answers, alone);
          }
          assert.deepEqual(await look(store, together), await look(store, apart));
        }),
        { numRuns: 60 },
      ));

    test('a value ends with its time to live', async () => {
      const key = keyspace();
      const value = { kind: 'value', key: key('v'), value: 'v', ttlMs: 50 } as const;
      await appendAll(store, [event(key('s'), { writes: [value] })]);
      const until = Date.now() + 5_000;
      while ((await store.values([key('v')]))[0] !== null) assert.ok(Date.now() < until, 'still there after 5 s');
    });
  });
});
