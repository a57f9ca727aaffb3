import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  advanced,
  beginning,
  OVERLAP,
  type Position,
  pieces,
  plan,
  resumed,
  sixMonthsBefore,
} from '../../../ingestion/c2c/windows.ts';

const [HOUR, DAY] = [3_600_000, 86_400_000];
const NOW = Date.UTC(2026, 7, 31, 12);
const times = fc.integer({ min: NOW - 400 * DAY, max: NOW + 400 * DAY });

test('six months are calendar months', () => {
  assert.equal(sixMonthsBefore(NOW), Date.UTC(2026, 1, 28, 12));
  assert.equal(sixMonthsBefore(Date.UTC(2026, 0, 15)), Date.UTC(2025, 6, 15));
});

test('no window is longer than 30 days, and together they leave no moment out', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 300 * DAY }), (from, length) => {
      const parts = pieces({ from, to: from + length });
      assert.equal(parts[0]?.from, from);
      assert.equal(parts.at(-1)?.to, from + length);
      for (const [i, part] of parts.entries()) {
        assert.ok(part.to - part.from <= 30 * DAY);
        const next = parts[i + 1];
        if (next) assert.ok(next.from <= part.to && next.from > part.from);
      }
    }),
  );
});

test('latest begins a day before the last that is stored, and at the far end where nothing is', () => {
  const stored: Position = { through: NOW - 3 * HOUR, open: [] };
  assert.deepEqual(plan('latest', [stored], NOW), [{ from: NOW - 3 * HOUR - OVERLAP, to: NOW }]);
  const behind: Position = { through: NOW - 70 * DAY, open: [] };
  const [first] = plan('latest', [stored, behind], NOW);
  assert.equal(first?.from, NOW - 71 * DAY, 'of two sinks the one that is behind counts');
  assert.deepEqual(plan('latest', [stored, null], NOW), plan('backfill', [], NOW));
  assert.equal(plan('backfill', [stored], NOW)[0]?.from, sixMonthsBefore(NOW));
  const old: Position = { through: NOW - 300 * DAY, open: [] };
  assert.equal(plan('latest', [old], NOW)[0]?.from, sixMonthsBefore(NOW));
  assert.deepEqual(plan('latest_month', [null], NOW), [{ from: NOW - 30 * DAY, to: NOW }]);
});

test('every order that had not ended and every moment since is asked for', () => {
  const position = fc.record({
    through: fc.integer({ min: NOW - 200 * DAY, max: NOW }),
    open: fc.array(
      fc.integer({ min: 0, max: 170 * 24 }).map((h) => Math.floor(NOW / HOUR - h) * HOUR),
      { maxLength: 12 },
    ),
  });
  fc.assert(
    fc.property(
      fc.array(position, { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 0, max: 86_399 }),
      (positions, s) => {
        const windows = plan('latest', positions, NOW);
        const covered = (time: number): boolean => windows.some(({ from, to }) => from <= time && time <= to);
        const oldest = sixMonthsBefore(NOW);
        for (const { through, open } of positions) {
          for (let at = Math.max(oldest, through - OVERLAP + s * 1_000); at <= NOW; at += 5 * HOUR)
            assert.ok(covered(at));
          for (const hour of open)
            if (hour > oldest && hour + HOUR <= NOW) assert.ok(covered(hour) && covered(hour + HOUR));
        }
        for (const { from, to } of windows) assert.ok(from <= to && to - from <= 30 * DAY);
      },
    ),
  );
});

test('a position passes over no hole, and forgets an open order only when its whole hour was read', () => {
  const from = beginning(plan('backfill', [], NOW));
  const through = (at: Position, ...windows: [number, number][]): number =>
    windows.reduce((p, [a, b]) => advanced(p, { from: a, to: b }, []), at).through;
  const [a, b] = [from.through, from.through + 10 * DAY];
  assert.equal(through(from, [a, b]), b);
  assert.equal(through(from, [a, b], [b - 1, b + DAY]), b + DAY);
  assert.equal(through(from, [a, b], [b + 1, b + DAY]), b, 'a window is missing');
  assert.equal(through(from, [a, b], [a, a + 1]), b, 'never back');
  const hour = Math.floor((NOW - 3 * DAY) / HOUR) * HOUR;
  const open = advanced({ through: NOW - DAY, open: [hour] }, { from: hour + 1, to: NOW }, [NOW - HOUR]);
  assert.deepEqual(open.open, [hour, NOW - HOUR]);
  assert.deepEqual(advanced(open, { from: hour, to: hour + HOUR }, []).open, [NOW - HOUR]);
  assert.deepEqual(advanced(open, { from: hour, to: hour + HOUR }, [hour + 5]).open, [hour, NOW - HOUR]);
});

test('after a pause of more than six months the position moves on from the far end', () => {
  const run = (known: Position, now: number): { position: Position; asked: number } => {
    const windows = plan('latest', [known], now);
    const first = beginning(windows);
    const position = windows.reduce((at, window) => advanced(resumed(at, first) as Position, window, []), known);
    return { position, asked: windows.length };
  };
  for (const open of [[], [Math.floor(sixMonthsBefore(NOW) / HOUR) * HOUR - HOUR / 2]]) {
    const { position, asked } = run({ through: NOW - 300 * DAY, open }, NOW);
    assert.ok(asked >= 7);
    assert.equal(position.through, NOW);
    assert.equal(run(position, NOW + HOUR).asked, 1, 'only what is new');
  }
  // the far end could not be read and has moved since
  const stuck = beginning(plan('backfill', [], NOW));
  assert.equal(run(stuck, NOW + 2 * HOUR).position.through, NOW + 2 * HOUR);
  assert.equal(resumed({ through: NOW, open: [1] }, stuck)?.through, NOW, 'never back');
  assert.deepEqual(
    resumed({ through: 5, open: [1] }, null),
    { through: 5, open: [1] },
    'the latest month says nothing of it',
  );
});
