import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareDecimals } from '../../../schema/decimal.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { FilterIndex, type FilterKeys, isWanted, type Wanted } from '../../../src/stream/filter.ts';
import { until } from '../../support/until.ts';
import { coreOn, executed, tick } from './fixture.ts';

interface Body {
  a: string | null;
  b: string;
  figure: string | null;
}
const KEYS: FilterKeys<Body> = { equal: { a: ({ a }) => a, b: ({ b }) => b }, figure: ({ figure }) => figure };

const letter = fc.constantFrom('x', 'y', 'z');
const figure = fc.option(fc.constantFrom('-1', '0', '0.50', '0.5', '2', '10'));
const wanted: fc.Arbitrary<Wanted> = fc.record({
  equal: fc.record({ a: letter, b: letter }, { requiredKeys: [] }),
  atLeast: figure,
});
const body: fc.Arbitrary<Body> = fc.record({ a: fc.option(letter), b: letter, figure });

test('the index finds those who want an event, and nobody else', () => {
  fc.assert(
    fc.property(fc.array(wanted, { maxLength: 30 }), fc.array(fc.nat()), fc.array(body), (all, gone, bodies) => {
      const index = new FilterIndex<Body, number>(KEYS);
      const here = new Set(all.keys());
      for (const [i, one] of all.entries()) index.add(i, one);
      for (const i of gone) {
        const one = all[i];
        if (one) index.delete(i, one);
        here.delete(i);
      }
      for (const given of bodies) {
        const found: number[] = [];
        index.find(given, (i) => found.push(i));
        const right = [...here].filter((i) => isWanted({ keys: KEYS, wanted: all[i] as Wanted }, given));
        assert.deepEqual(
          found.sort((x, y) => x - y),
          right,
        );
      }
    }),
  );
});

test('what an event costs does not grow with those who do not want it', () => {
  const costs = [100, 10_000].map((others) => {
    let compared = 0;
    let asked = 0;
    const keys: FilterKeys<Body> = {
      equal: {
        b: ({ b }) => {
          asked += 1;
          return b;
        },
      },
      figure: KEYS.figure,
    };
    const index = new FilterIndex<Body, number>(keys, (a, b) => {
      compared += 1;
      return compareDecimals(a, b);
    });
    // of another value, or with a bound that is not reached
    for (let i = 0; i < others; i++) {
      index.add(i, { equal: { b: `other ${i}` }, atLeast: null });
      index.add(i, { equal: { b: 'x' }, atLeast: String(1_000 + i) });
      index.add(i, { equal: {}, atLeast: String(1_000 + i) });
    }
    for (let i = 0; i < 5; i++) index.add(-1 - i, { equal: { b: 'x' }, atLeast: String(i) });
    compared = 0;
    const found: number[] = [];
    index.find({ a: null, b: 'x', figure: '3' }, (one) => found.push(one));
    assert.deepEqual(found, [-1, -2, -3, -4]);
    return { compared, asked };
  });
  assert.deepEqual(costs[0], costs[1]);
  assert.ok((costs[0]?.compared ?? 0) <= 7, JSON.stringify(costs));
});

test('an event is executed for the questions that want it alone; the others neither see nor miss it', async () => {
  const live = createMemoryLiveStore();
  const { core, follow } = coreOn(live);
  const by = await Promise.all(Array.from({ length: 10 }, (_, i) => follow('some', { rest: String(i) })));
  // bounds that nothing reaches
  const high = await Promise.all(Array.from({ length: 200 }, (_, i) => follow('some', { least: String(1_000 + i) })));
  const from15 = await follow('some', { rest: '5', least: '15' });
  const all = await follow('happenings');
  assert.equal(core.cohorts, 212);
  executed.n = 0;
  await live.append(Array.from({ length: 20 }, (_, i) => tick('trade', i + 1)));
  await until('every event', () => all.outlet.frames.length === 20);
  assert.equal(executed.n, 20 + 20 + 1);
  for (const [i, one] of by.entries()) {
    const seen = [await one.next(), await one.next()];
    assert.deepEqual(
      seen.map(({ n, gap }) => [n, gap]),
      i === 0
        ? [
            [10, null],
            [20, null],
          ]
        : [
            [i, null],
            [10 + i, null],
          ],
    );
  }
  assert.equal((await from15.next()).n, 15);
  assert.ok(high.every(({ outlet }) => outlet.frames.length === 0));
  await Promise.all(high.map((one) => one.stop()));
  assert.equal(core.cohorts, 12);
  await core.stop();
});

test('who comes back with a filter gets what it wants of what happened since; a loss is told to all', async () => {
  const live = createMemoryLiveStore();
  const { core, follow } = coreOn(live);
  await live.append([1, 2, 3].map((n) => tick('trade', n)));
  const first = await follow('some', { rest: '5' });
  const other = await follow('some', { rest: '7' });
  await live.append([4, 5, 6].map((n) => tick('trade', n)));
  const { cursor } = await first.next();
  await first.stop();
  await live.append([...[7, 8, 15, 16, 25].map((n) => tick('trade', n))]);
  const back = await follow('some', { rest: '5', after: cursor });
  const seen = [await back.next(), await back.next()];
  assert.deepEqual(
    seen.map(({ n, start, gap }) => [n, start, gap]),
    [
      [15, 'RESUMED', null],
      [25, null, null],
    ],
  );
  assert.equal((await other.next()).n, 7);
  await live.append([tick('trade', 30, { missed: 2, reason: 'FEED_GAP' }), tick('trade', 35), tick('trade', 37)]);
  // how many of the lost ones they would have wanted, nobody knows
  for (const one of [back, other]) assert.deepEqual((await one.next()).gap, { missed: null, reason: 'FEED_GAP' });
  await core.stop();
});

test('a loss before an event that is wanted is not counted for a filter either, as it happens or read again', async () => {
  const live = createMemoryLiveStore();
  const { core, follow } = coreOn(live);
  await live.append([tick('trade', 4)]);
  const first = await follow('some', { rest: '5' });
  const all = await follow('happenings');
  await live.append([tick('trade', 5), tick('trade', 15, { missed: 2, reason: 'FEED_GAP' })]);
  const { cursor } = await first.next();
  assert.deepEqual((await first.next()).gap, { missed: null, reason: 'FEED_GAP' });
  assert.deepEqual([(await all.next()).gap, (await all.next()).gap], [null, { missed: 2, reason: 'FEED_GAP' }]);
  // another node has to read it
  const elsewhere = coreOn(live);
  const back = await elsewhere.follow('some', { rest: '5', after: cursor });
  const { n, start, gap } = await back.next();
  assert.deepEqual([n, start, gap], [15, 'RESUMED', { missed: null, reason: 'FEED_GAP' }]);
  await Promise.all([core.stop(), elsewhere.core.stop()]);
});

test('one who gives up on an event keeps it from nobody else', async () => {
  const live = createMemoryLiveStore();
  const { core, follow } = coreOn(live, { MAX_SUBSCRIBER_QUEUE: '2' });
  await live.append([tick('trade', 1)]);
  // each bound is a place of its own in the index, the impatient one's before the others
  const impatient = await follow('some', { least: '2', onSlow: 'DISCONNECT' });
  const others = await Promise.all(['3', '4', '5'].map((least) => follow('some', { least })));
  impatient.outlet.room = 0;
  await live.append([11, 12, 13, 14].map((n) => tick('trade', n)));
  for (const one of others) {
    for (const n of [11, 12, 13, 14]) {
      const event = await one.next();
      assert.deepEqual([event.n, event.gap], [n, null]);
    }
  }
  await assert.rejects(impatient.next(), /more than 2 events were waiting/);
  await core.stop();
});
