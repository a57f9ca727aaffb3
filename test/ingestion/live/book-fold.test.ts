import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LiveBookFold } from '../../../ingestion/live/book-fold.ts';
import { compareDecimals } from '../../../schema/decimal.ts';
import { LIVE_BOOK_DEPTH, type LiveBook } from '../../../schema/live/book.ts';
import type { BookEvent, BookLevel } from '../../../schema/market.ts';
import { delta, snapshot } from '../workers/market-events.ts';

const T = 1_760_000_000_000;

function bookOf(fold: LiveBookFold): LiveBook | null {
  return JSON.parse(fold.current() ?? 'null') as LiveBook | null;
}

/** Folds the events in order; what became of each. */
function kinds(fold: LiveBookFold, events: readonly BookEvent[]): string[] {
  return events.map((event, i) => {
    const folded = fold.fold(event, BigInt(i));
    fold.keep();
    if (folded.kind !== 'publish') return folded.kind;
    return `publish${folded.gap ? ' gap' : ''}${folded.restart ? ' restart' : ''}`;
  });
}

describe('what of a book is published', () => {
  const cases: { name: string; events: BookEvent[]; expected: string[] }[] = [
    {
      name: 'a snapshot and the deltas that join it; repeats are not',
      events: [snapshot(10, T), delta(11, T + 1), delta(11, T + 1), delta(10, T), delta(12, T + 2)],
      expected: ['publish', 'publish', 'repeat', 'repeat', 'publish'],
    },
    {
      name: 'deltas before the first snapshot are held, and the snapshot says so',
      events: [delta(9, T), snapshot(10, T + 1)],
      expected: ['held', 'publish gap'],
    },
    {
      name: 'nothing after a lost delta until the next snapshot',
      events: [snapshot(10, T), delta(12, T + 1), delta(13, T + 2), snapshot(14, T + 3), delta(15, T + 4)],
      expected: ['publish', 'held', 'held', 'publish gap', 'publish'],
    },
    {
      name: 'the snapshot of the minute that changes nothing is a repeat',
      events: [
        snapshot(10, T),
        delta(11, T + 1),
        snapshot(11, T + 9, {
          bids: [
            ['100', '11'],
            ['99', '2'],
          ],
        }),
      ],
      expected: ['publish', 'publish', 'repeat'],
    },
    {
      name: 'a fresh snapshot of the same moment that knows other levels is published',
      events: [
        snapshot(10, T),
        snapshot(10, T, {
          bids: [
            ['100', '1'],
            ['98', '5'],
          ],
        }),
      ],
      expected: ['publish', 'publish restart'],
    },
    {
      name: 'a sequence that begins anew',
      events: [snapshot(10, T), snapshot(3, T + 5, { gap: true }), delta(4, T + 6)],
      expected: ['publish', 'publish gap restart', 'publish'],
    },
    {
      name: 'an older snapshot from a second connection is a repeat',
      events: [snapshot(10, T), snapshot(8, T - 5), delta(11, T + 1)],
      expected: ['publish', 'repeat', 'publish'],
    },
    {
      name: 'a crossed book is never published',
      events: [
        snapshot(10, T),
        delta(11, T + 1, { bids: [['101.5', '1']] }),
        delta(12, T + 2),
        snapshot(12, T + 3, { bids: [['103', '1']] }),
        snapshot(13, T + 4),
      ],
      expected: ['publish', 'held', 'held', 'held', 'publish gap'],
    },
  ];
  for (const { name, events, expected } of cases) {
    test(name, () => assert.deepEqual(kinds(new LiveBookFold(null), events), expected));
  }

  test('a fold that is rebuilt goes on where it was published', () => {
    const fold = new LiveBookFold({ sequence: '12', eventTime: T + 2 });
    const events = [delta(9, T), snapshot(10, T), delta(11, T + 1), delta(12, T + 2), delta(13, T + 3)];
    assert.deepEqual(kinds(fold, events), ['held', 'repeat', 'publish', 'publish', 'publish']);
    assert.equal(fold.snapshotOffset, 1n);
    assert.equal(bookOf(fold)?.sequence, '13');
  });

  test('spellings of one price are one level', () => {
    const fold = new LiveBookFold(null);
    kinds(fold, [snapshot(1, T, { bids: [['1E2', '1.0']] }), delta(2, T, { bids: [['100.00', '0.0']] })]);
    assert.deepEqual(bookOf(fold)?.bids, []);
  });

  test('the live book is cut to its depth, best first', () => {
    const asks = Array.from({ length: 700 }, (_, i): BookLevel => [String(1_700 - i), '1']);
    const fold = new LiveBookFold(null);
    kinds(fold, [snapshot(1, T, { asks })]);
    assert.equal(bookOf(fold)?.asks.length, LIVE_BOOK_DEPTH);
    assert.deepEqual(bookOf(fold)?.asks[0], ['1001', '1']);
  });
});

const level = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(3))
  .map(([p, q]): BookLevel => [String(p / 4), String(q)]);
const history = fc
  .array(fc.record({ bids: fc.array(level, { maxLength: 4 }), asks: fc.array(level, { maxLength: 4 }) }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) =>
    steps.map(({ bids, asks }, i) =>
      // bids below 50, asks above: only losses can cross it
      delta(i + 2, T + i, {
        bids: bids.map(([p, q]): BookLevel => [p, q]),
        asks: asks.map(([p, q]): BookLevel => [String(Number(p) + 50), q]),
      }),
    ),
  );

/** The book a subscriber has: plain replay of what was published. */
function replay(events: readonly BookEvent[]): { bids: BookLevel[]; asks: BookLevel[] } {
  let bids = new Map<string, string>();
  let asks = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'snapshot') [bids, asks] = [new Map(event.bids), new Map(event.asks)];
    for (const [p, q] of event.bids) q === '0' ? bids.delete(p) : bids.set(p, q);
    for (const [p, q] of event.asks) q === '0' ? asks.delete(p) : asks.set(p, q);
  }
  const sorted = (side: Map<string, string>, direction: 1 | -1) =>
    [...side].sort(([a], [b]) => compareDecimals(a, b) * direction);
  return { bids: sorted(bids, -1), asks: sorted(asks, 1) };
}

describe('folding', () => {
  test('equals a plain replay of what is published, whatever is lost, repeated or taken back', () => {
    const mishaps = fc.array(fc.constantFrom('ok', 'ok', 'ok', 'lost', 'twice', 'undo'), {
      minLength: 40,
      maxLength: 40,
    });
    fc.assert(
      fc.property(history, mishaps, (deltas, fate) => {
        const fold = new LiveBookFold(null);
        const published: BookEvent[] = [];
        const offer = (event: BookEvent) => {
          if (fold.fold(event, 0n).kind === 'publish') published.push(event);
          fold.keep();
        };
        offer(snapshot(1, T, { bids: [], asks: [] }));
        for (const [i, event] of deltas.entries()) {
          if (fate[i] === 'lost') continue;
          if (fate[i] === 'undo') {
            const before = fold.current();
            fold.fold(event, 0n);
            fold.fold(snapshot(10_000, T + 10_000), 0n);
            fold.undo();
            assert.equal(fold.current(), before);
          }
          offer(event);
          if (fate[i] === 'twice') offer(event);
          const now = bookOf(fold);
          assert.deepEqual({ bids: now?.bids, asks: now?.asks }, replay(published));
          assert.equal(published.at(-1) === event, !fate.slice(0, i).includes('lost'));
        }
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  test('a snapshot of the same moment is compared with the book, or made into one: it comes to the same', () => {
    const depth = fc.integer({ min: 0, max: 12 });
    fc.assert(
      fc.property(history, history, depth, depth, fc.boolean(), (before, after, bids, asks, other) => {
        const [compared, made] = [new LiveBookFold(null), new LiveBookFold(null)];
        const start = snapshot(1, T, { bids: [['30', '1']], asks: [['31', '1']] });
        const told = before.map((event) => ({ ...event, asks: event.asks.map(([p, q]): BookLevel => [`1${p}`, q]) }));
        for (const fold of [compared, made]) kinds(fold, [start, ...told]);
        const { bids: ownBids, asks: ownAsks } = compared.top(Number.POSITIVE_INFINITY);
        const sequence = compared.newest?.sequence ?? '';
        const again = snapshot(sequence, T + 99, { bids: ownBids.slice(0, bids), asks: ownAsks.slice(0, asks) });
        if (other) again.asks.push(['999', '1']);
        const spelledAnew = (levels: BookLevel[]): BookLevel[] => levels.map(([p, q]) => [`${p}e0`, `${q}e0`]);
        const anew = { ...again, bids: spelledAnew(again.bids), asks: spelledAnew(again.asks) };
        const state = (fold: LiveBookFold) => [fold.current(), fold.top(Number.POSITIVE_INFINITY), fold.snapshotOffset];

        const untouched = state(compared);
        compared.fold(again, 50n);
        for (const event of after) compared.fold(event, 51n);
        compared.undo();
        assert.deepEqual(state(compared), untouched);

        assert.deepEqual(compared.fold(again, 60n), made.fold(anew, 60n));
        assert.deepEqual(state(compared), state(made));
        for (const event of after) assert.deepEqual(compared.fold(event, 61n), made.fold(event, 61n));
        assert.deepEqual(state(compared), state(made));
      }),
      { numRuns: 300, seed: 12 },
    );
  });
});
