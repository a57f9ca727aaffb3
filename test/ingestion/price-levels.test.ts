import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCrossed, PriceLevels } from '../../ingestion/price-levels.ts';
import { compareDecimals, decimal, Exact } from '../../schema/decimal.ts';
import type { BookLevel } from '../../schema/market.ts';

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

test('a side made of a list equals one that is set level by level, sorted or not', () => {
  const list = fc.array(
    fc.tuple(fc.oneof(price, fc.integer({ min: 1, max: 400 }).map(String)), fc.constantFrom('0', '1', '2')),
  );
  const sorted = (levels: BookLevel[], way: 1 | -1): BookLevel[] =>
    [...new Map(levels.filter(([, q]) => q !== '0'))].sort(([a], [b]) => compareDecimals(a, b) * way);
  fc.assert(
    fc.property(fc.constantFrom(1 as const, -1 as const), list, fc.nat(80), list, (way, levels, before, changes) => {
      const plain = new PriceLevels(way);
      // sorted as far as the one that does not belong there
      const given = sorted(levels, way);
      given.splice(before, 0, ...changes.slice(0, 2));
      const made = new PriceLevels(way, given);
      for (const [at, quantity] of given) plain.set(at, quantity);
      assert.deepEqual([made.top(), made.size], [plain.top(), plain.size]);
      for (const [at, quantity] of changes) assert.equal(made.set(at, quantity), plain.set(at, quantity));
      assert.deepEqual([made.top(), made.size, made.farthest], [plain.top(), plain.size, plain.farthest]);
      assert.equal(made.topJson(40), JSON.stringify(plain.top(40)));
    }),
    { numRuns: 500 },
  );
});

test('prices are in the order of their value, however many digits they have', () => {
  const digits = fc.tuple(fc.nat(99_999_999), fc.bigInt({ min: 0n, max: 10n ** 18n }));
  const spelled = digits.map(([whole, part]) => decimal(`${whole}.${part}1`));
  fc.assert(
    fc.property(fc.uniqueArray(spelled, { minLength: 2, maxLength: 80 }), (prices) => {
      const side = new PriceLevels(1);
      for (const at of prices) side.set(at, '1');
      const wanted = prices.toSorted((a, b) => new Exact(a).comparedTo(b));
      assert.deepEqual(
        side.top().map(([at]) => at),
        wanted,
      );
    }),
  );
});

test('a book is crossed where its best bid is not below its best ask', () => {
  const crossed = (bid: string, ask: string): boolean =>
    isCrossed(new PriceLevels(-1, [[bid, '1']]), new PriceLevels(1, [[ask, '1']]));
  assert.deepEqual([crossed('9', '10'), crossed('10', '10'), crossed('10', '9.99')], [false, true, true]);
  assert.equal(isCrossed(new PriceLevels(-1), new PriceLevels(1, [['1', '1']])), false);
});
