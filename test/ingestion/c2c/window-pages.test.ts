import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { C2cPage } from '../../../ingestion/c2c/answer.ts';
import { ROWS } from '../../../ingestion/c2c/client.ts';
import { WindowReader } from '../../../ingestion/c2c/window-pages.ts';

const WINDOW = { from: 0, to: 1_000_000 };
const order = (n: number): object => ({ orderNumber: `n${n}` });

/** A list that moves: before each of the first reads, some orders come in or change their place. */
type Move = { kind: 'insert' | 'move' | 'none'; at: number; count: number };
const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom('insert', 'move', 'none'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  count: fc.integer({ min: 1, max: 130 }),
});

function movingList(size: number, moves: readonly Move[]) {
  const list = Array.from({ length: size }, (_, i) => i);
  let next = size;
  let reads = 0;
  return {
    list,
    step(): void {
      const { kind, at, count } = moves[reads++] ?? { kind: 'none', at: 0, count: 0 };
      const place = Math.floor(at * list.length);
      if (kind === 'insert') list.splice(place, 0, ...Array.from({ length: count }, () => next++));
      // those from `place` on come to the front, as in a list sorted by what changed last
      if (kind === 'move') list.unshift(...list.splice(place, count));
    },
  };
}

async function readAll(size: number, moves: readonly Move[], totalOf: (n: number) => number | null) {
  const moving = movingList(size, moves);
  const seen = new Set<number>();
  let calls = 0;
  const reader = new WindowReader<C2cPage>(async (_, page) => {
    calls++;
    moving.step();
    const numbers = moving.list.slice((page - 1) * ROWS, page * ROWS);
    for (const n of numbers) seen.add(n);
    return { orders: numbers.map(order), total: totalOf(moving.list.length) };
  });
  return { done: await reader.read(WINDOW), seen, list: moving.list, calls };
}

test('no order is missed, though orders come in and change their places while pages are read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 900 }), fc.array(move, { maxLength: 12 }), async (size, moves) => {
      const { done, seen, list } = await readAll(size, moves, (n) => n);
      assert.equal(done, true);
      assert.deepEqual(
        list.filter((n) => !seen.has(n)),
        [],
      );
    }),
    { numRuns: 300 },
  );
});

test('where the total counts something else, orders that come in push none out', async () => {
  const inserts = fc.array(
    move.map((m) => ({ ...m, kind: m.kind === 'move' ? ('none' as const) : m.kind })),
    { maxLength: 12 },
  );
  const totals = fc.constantFrom(
    (n: number): number => 2 * n,
    (n: number): number => n + 350,
    (): null => null,
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 900 }), inserts, totals, async (size, moves, total) => {
      const { seen } = await readAll(size, moves, total);
      for (let n = 0; n < size; n++) assert.ok(seen.has(n), `order ${n} of the beginning`);
    }),
    { numRuns: 200 },
  );
});

test('a list that stands still is read once, up to a page that is short', async () => {
  for (const [size, calls] of [
    [0, 1],
    [1, 1],
    [99, 1],
    [100, 2],
    [101, 2],
    [250, 3],
    [300, 4],
  ] as const) {
    assert.equal((await readAll(size, [], (n) => n)).calls, calls, `${size} orders`);
  }
  assert.equal((await readAll(200, [], () => null)).calls, 6, 'without a total it is walked twice, up to a short page');
});

test('a list that never stands still is given up after a bounded number of calls', async () => {
  const endless = Array.from({ length: 5_000 }, (): Move => ({ kind: 'insert', at: 0, count: 120 }));
  const { done, calls } = await readAll(150, endless, (n) => n + 1_000);
  assert.equal(done, false);
  assert.ok(calls <= 1_000, `${calls} calls`);
});

/** One page of the orders of a window, where order n of `size` is of the time n * `everyMs`; and how many there are in all. */
function pageOf(size: number, everyMs: number, { from, to }: { from: number; to: number }, page: number) {
  const first = Math.max(0, Math.ceil(from / everyMs));
  const total = Math.max(0, Math.min(size - 1, Math.floor(to / everyMs)) - first + 1);
  const skipped = (page - 1) * ROWS;
  const length = Math.max(0, Math.min(ROWS, total - skipped));
  return { numbers: Array.from({ length }, (_, i) => first + skipped + i), total };
}

test('a window with too many pages is cut, and every part of it read', async () => {
  const asked: { from: number; to: number }[] = [];
  const seen = new Set<number>();
  const reader = new WindowReader<C2cPage>(async (window, page) => {
    asked.push(window);
    const { numbers, total } = pageOf(20_000, 50, window, page);
    for (const n of numbers) seen.add(n);
    return { orders: numbers.map(order), total };
  });
  assert.equal(await reader.read(WINDOW), true);
  assert.equal(seen.size, 20_000);
  assert.ok(asked.length < 230, `${asked.length} calls`);
});

/** A reader of `size` orders at different times, whose total is what `totalOf` says. */
function orderedReader(size: number, totalOf: (n: number) => number | null) {
  const seen = new Set<number>();
  let calls = 0;
  const reader = new WindowReader<C2cPage>(async (window, page) => {
    calls++;
    const { numbers, total } = pageOf(size, 40, window, page);
    for (const n of numbers) seen.add(n);
    return { orders: numbers.map(order), total: totalOf(total) };
  });
  return { reader, seen, calls: () => calls };
}

test('a total that says too little ends no walk before a short page', async () => {
  for (const total of [0, 50, 100, 200]) {
    const { reader, seen } = orderedReader(730, () => total);
    assert.equal(await reader.read(WINDOW), true);
    assert.equal(seen.size, 730, `total ${total}`);
  }
});

test('without a total, or with too small a one, a window of too many pages is cut, never called complete', async () => {
  for (const total of [null, 100]) {
    const { reader, seen, calls } = orderedReader(24_000, () => total);
    assert.equal(await reader.read(WINDOW), true);
    assert.equal(seen.size, 24_000, `total ${total}`);
    assert.ok(calls() < 1_200, `${calls()} calls`);
  }
  const endless = new WindowReader<C2cPage>(async (_, page) => ({
    orders: Array.from({ length: ROWS }, (_row, i) => order(page * ROWS + i)),
    total: null,
  }));
  assert.equal(await endless.read({ from: 0, to: 1 }), false, 'where it can not be cut');
});
