import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCrossed, PriceLevels } from '../../ingestion/price-levels.ts';
import { compareDecimals } from '../../schema/decimal.ts';

// many of them are the same double
const price = fc.oneof(
  fc.integer({ min: 1, max: 30 }).map(String),
  fc.integer({ min: 1, max: 9 }).map((n) => `64000.0000000000000000${n}`),
  fc.integer({ min: 1, max: 9 }).map((n) => `0.${'0'.repeat(n)}1`),
);
const change = fc.tuple(price, fc.integer({ min: 0, max: 3 }).map(String));

test('a side equals a sorted map, whatever is set, and says what was there before', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1 as const, -1 as const),
      fc.array(change, { maxLength: 60 }),
      price,
      (way, set, edge) => {
        const side = new PriceLevels(way);
        const plain = new Map<string, string>();
        for (const [at, quantity] of set) {
          assert.equal(side.set(at, quantity), plain.get(at) ?? '0');
          if (quantity === '0') plain.delete(at);
          else plain.set(at, quantity);
        }
        const wanted = [...plain].sort(([a], [b]) => compareDecimals(a, b) * way);
        assert.deepEqual([side.top(), side.size], [wanted, wanted.length]);
        assert.deepEqual([side.best, side.farthest], [wanted[0], wanted.at(-1)]);
        assert.deepEqual(side.top(5), wanted.slice(0, 5));
        assert.equal(side.topJson(5), JSON.stringify(wanted.slice(0, 5)));
        assert.equal(side.topJson(1_000), JSON.stringify(wanted));
        const upTo = wanted.filter(([at]) => compareDecimals(at, edge) * way <= 0).length;
        assert.equal(side.countUpTo(edge), upTo);
        assert.equal(wanted.filter(([at]) => side.isBeyond(at, edge)).length, wanted.length - upTo);
      },
    ),
  );
});

test('a side of many levels keeps its order, and its JSON, through changes all over it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(999), fc.nat(3)), { minLength: 300, maxLength: 900 }), (set) => {
      const side = new PriceLevels(-1);
      const plain = new Map<number, string>();
      for (const [i, [at, quantity]] of set.entries()) {
        side.set(`${at + 1}.5`, String(quantity));
        if (quantity === 0) plain.delete(at);
        else plain.set(at, String(quantity));
        if (i % 50 > 0) continue;
        const wanted = [...plain].sort(([a], [b]) => b - a).map(([at, q]) => [`${at + 1}.5`, q]);
        assert.equal(side.topJson(200), JSON.stringify(wanted.slice(0, 200)));
        assert.deepEqual(side.top(), wanted);
      }
    }),
    { numRuns: 30 },
  );
});

test('a book is crossed where its best bid is not below its best ask', () => {
  const crossed = (bid: string, ask: string): boolean =>
    isCrossed(new PriceLevels(-1, [[bid, '1']]), new PriceLevels(1, [[ask, '1']]));
  assert.deepEqual([crossed('9', '10'), crossed('10', '10'), crossed('10', '9.99')], [false, true, true]);
  assert.equal(isCrossed(new PriceLevels(-1), new PriceLevels(1, [['1', '1']])), false);
});
