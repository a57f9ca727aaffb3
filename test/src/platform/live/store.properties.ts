/** Properties of a live store under random input. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { LiveStore } from '../../../../src/platform/live/store.ts';
import { advance, appendAll, event, keyspace, latestWrite, type OpenStore, recent } from './store.fixture.ts';

/**
 * Deliveries of a log as a consumer sees it: batches from where it stands, now and then going back to an earlier offset.
 * Every message is delivered at least once, and messages of a log keep their order from any starting point.
 */
const deliveries = fc
  .tuple(
    fc.integer({ min: 1, max: 30 }),
    fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 12 })), { maxLength: 20 }),
  )
  .map(([length, jumps]) => {
    const order: number[] = [];
    let next = 0;
    for (const [back, count] of jumps) {
      const from = Math.max(0, next - back);
      for (let i = from; i < Math.min(length, from + count); i++) order.push(i);
      next = Math.max(next, Math.min(length, from + count));
    }
    for (let i = next; i < length; i++) order.push(i);
    return { length, order };
  });

export function liveStoreProperties(open: OpenStore, runs: number): void {
  let store: LiveStore;
  before(async () => {
    store = await open();
  });
  after(() => store.close());

  for (const kind of ['recent', 'advance'] as const) {
    test(`redeliveries and duplicates lead to the stream of the deduplicated sequence (${kind})`, async () => {
      const scenario = fc.tuple(
        deliveries,
        fc.array(fc.nat(15), { minLength: 30, maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
      );
      await fc.assert(
        fc.asyncProperty(scenario, async ([{ length, order }, versions, batch]) => {
          const key = keyspace();
          const stream = key('s');
          const log = versions.slice(0, length).map((v, i) =>
            event(stream, {
              offset: BigInt(i),
              version: kind === 'recent' ? recent(`id ${v}`) : advance(v),
              payload: String(i),
              writes: [latestWrite(key('latest'), String(i))],
            }),
          );
          const given = order.map((i) => log[i]!);
          for (let i = 0; i < given.length; i += batch) await appendAll(store, given.slice(i, i + batch));

          let highest = -1;
          const seen = new Set<number>();
          const wanted = log.filter((_, i) => {
            const v = versions[i]!;
            const isNew = kind === 'recent' ? !seen.has(v) : v > highest;
            seen.add(v);
            highest = Math.max(highest, v);
            return isNew;
          });
          const entries = await store.read(stream, 0n, 1_000);
          assert.deepEqual(
            entries.map((e) => [e.sequence, e.payload]),
            wanted.map((e, i) => [BigInt(i + 1), e.payload]),
          );
          const [newest] = await store.latest([key('latest')]);
          assert.equal(newest?.value, wanted.at(-1)?.payload);
          assert.equal(newest?.sequence, entries.at(-1)?.sequence);
        }),
        { numRuns: runs },
      );
    });
  }
}
