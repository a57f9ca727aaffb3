import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { shown, units } from '../../../ingestion/arbitrage/fixed.ts';
import { premiumOf } from '../../../ingestion/arbitrage/premium.ts';
import { isQuote, type LegBook, type Quote, spreadOf } from '../../../ingestion/arbitrage/spread.ts';
import { Side } from '../../../ingestion/arbitrage/walk.ts';
import { compareDecimals, Exact } from '../../../schema/decimal.ts';
import type { BookLevel, Exchange } from '../../../schema/market.ts';

const RUNS = { numRuns: 1_000 };

/** A whole number of the last place as a decimal. */
const spelled = (value: bigint, places: number): string => shown({ n: value, d: 10n ** BigInt(places) }, places);

interface Book {
  bids: BookLevel[];
  asks: BookLevel[];
}

/** Levels around a price, at random steps; prices have 4 places, quantities 8. */
const book = (from: bigint, to: bigint): fc.Arbitrary<Book> =>
  fc
    .record({
      mid: fc.bigInt(from, to),
      steps: fc.array(fc.tuple(fc.bigInt(1n, from / 100n), fc.bigInt(1n, 10n ** 11n)), { minLength: 1, maxLength: 12 }),
      more: fc.array(fc.tuple(fc.bigInt(1n, from / 100n), fc.bigInt(1n, 10n ** 11n)), { minLength: 1, maxLength: 12 }),
    })
    .map(({ mid, steps, more }) => {
      const side = (levels: [bigint, bigint][], direction: 1n | -1n): BookLevel[] => {
        let price = mid;
        return levels.map(([step, quantity]) => {
          price += direction * step;
          return [spelled(price, 4), spelled(quantity, 8)];
        });
      };
      return { bids: side(steps, -1n), asks: side(more, 1n) };
    });

const usdtBook = book(10n ** 6n, 10n ** 9n);
const krwBook = book(10n ** 9n, 10n ** 12n);
const fee = fc.bigInt(0n, 2_000n).map((n) => spelled(n, 3));
const notional = fc.bigInt(1n, 10n ** 8n).map((n) => spelled(n, 2));
const rate = fc.bigInt(8_000_000n, 20_000_000n).map((n) => spelled(n, 4));

function leg(exchange: Exchange, quote: Quote, side: readonly BookLevel[], feePercent = '0'): LegBook {
  return { exchange, quote, side: new Side(side), feePercent };
}

const anyPair = fc
  .record({ buyKrw: fc.boolean(), sellKrw: fc.boolean(), fx: rate, buyFee: fee, sellFee: fee })
  .chain((given) =>
    fc.record({
      given: fc.constant(given),
      buyBook: given.buyKrw ? krwBook : usdtBook,
      sellBook: given.sellKrw ? krwBook : usdtBook,
      size: notional,
    }),
  )
  .map(({ given, buyBook, sellBook, size }) => ({
    buy: leg('BINANCE', given.buyKrw ? 'KRW' : 'USDT', buyBook.asks, given.buyFee),
    sell: leg('UPBIT', given.sellKrw ? 'KRW' : 'USDT', sellBook.bids, given.sellFee),
    fx: given.fx,
    size,
  }));

function must<T>(value: T | null): T {
  assert.notEqual(value, null);
  return value as T;
}

/** Independent of the code under test: decimal.js at 60 digits, level by level. */
function expected(
  buy: LegBook,
  sell: LegBook,
  size: string,
  fx: string,
): { net: InstanceType<typeof Exact>; profit: InstanceType<typeof Exact> } {
  const inUsdt = (quote: Quote, price: string) => (quote === 'KRW' ? new Exact(price).div(fx) : new Exact(price));
  let left = new Exact(size);
  let quantity = new Exact(0);
  for (const [price, amount] of buy.side.levels) {
    const all = inUsdt(buy.quote, price).times(amount);
    const taken = all.lt(left) ? all : left;
    quantity = quantity.plus(taken.div(inUsdt(buy.quote, price)));
    left = left.minus(taken);
  }
  const depth = sell.side.levels.reduce((sum, [, amount]) => sum.plus(amount), new Exact(0));
  if (quantity.gt(depth)) quantity = depth;
  const value = ({ side, quote }: LegBook) => {
    let rest = quantity;
    let sum = new Exact(0);
    for (const [price, amount] of side.levels) {
      const taken = rest.lt(amount) ? rest : new Exact(amount);
      sum = sum.plus(taken.times(inUsdt(quote, price)));
      rest = rest.minus(taken);
    }
    return sum;
  };
  const paid = value(buy).times(new Exact(buy.feePercent).div(100).plus(1));
  const got = value(sell).times(new Exact(1).minus(new Exact(sell.feePercent).div(100)));
  return { net: got.div(paid).minus(1).times(100), profit: got.minus(paid) };
}

describe('properties of a spread', () => {
  test('it is what walking both books says', () => {
    fc.assert(
      fc.property(anyPair, ({ buy, sell, size, fx }) => {
        const found = must(spreadOf(buy, sell, size, fx));
        const { net, profit } = expected(buy, sell, size, fx);
        // shown rounded down
        assert.ok(net.minus(found.netPercent).gte('-1e-30') && net.minus(found.netPercent).lt('0.00000001001'));
        assert.ok(profit.minus(found.netProfit).gte('-1e-30') && profit.minus(found.netProfit).lt('0.00000001001'));
      }),
      RUNS,
    );
  });

  test('net never exceeds gross, and gross − net is the fee', () => {
    fc.assert(
      fc.property(anyPair, ({ buy, sell, size, fx }) => {
        const { grossPercent, netPercent, feePercent } = must(spreadOf(buy, sell, size, fx));
        assert.ok(compareDecimals(netPercent, grossPercent) <= 0);
        assert.equal(units(grossPercent) - units(netPercent), units(feePercent));
      }),
      RUNS,
    );
  });

  test('a larger notional never improves the net', () => {
    fc.assert(
      fc.property(anyPair, notional, ({ buy, sell, size, fx }, more) => {
        const larger = shown({ n: units(size) + units(more), d: 10n ** 18n }, 18);
        const small = must(spreadOf(buy, sell, size, fx));
        const large = must(spreadOf(buy, sell, larger, fx));
        assert.ok(compareDecimals(large.netPercent, small.netPercent) <= 0);
        assert.ok(!small.thin || large.thin);
      }),
      RUNS,
    );
  });

  test('with zero fees, one quote and the two books swapped, direction swaps too', () => {
    fc.assert(
      fc.property(usdtBook, usdtBook, notional, (a, b, size) => {
        const there = spreadOf(leg('BINANCE', 'USDT', a.asks), leg('KUCOIN', 'USDT', b.bids), size, null);
        const back = spreadOf(leg('KUCOIN', 'USDT', a.asks), leg('BINANCE', 'USDT', b.bids), size, null);
        assert.deepEqual(there, back);
      }),
      RUNS,
    );
  });

  test('without fees and at a rate of one it is the naive spread of what fits into the best levels', () => {
    fc.assert(
      fc.property(usdtBook, usdtBook, (a, b) => {
        const [ask, bid] = [a.asks[0], b.bids[0]];
        assert.ok(ask && bid);
        const size = '0.000000000001';
        const found = must(spreadOf(leg('BINANCE', 'USDT', a.asks), leg('UPBIT', 'KRW', b.bids), size, '1'));
        const naive = shown({ n: (units(bid[0]) - units(ask[0])) * 100n, d: units(ask[0]) }, 8);
        assert.deepEqual([found.grossPercent, found.netPercent, found.feePercent], [naive, naive, '0']);
      }),
      RUNS,
    );
  });

  test('a venue against itself is never positive', () => {
    fc.assert(
      fc.property(usdtBook, notional, fee, ({ asks, bids }, size, feePercent) => {
        const own = must(
          spreadOf(leg('BINANCE', 'USDT', asks, feePercent), leg('BINANCE', 'USDT', bids, feePercent), size, null),
        );
        assert.ok(compareDecimals(own.grossPercent, '0') < 0);
        assert.ok(compareDecimals(own.netProfit, '0') < 0);
      }),
      RUNS,
    );
  });

  test('both legs trade one quantity, and the levels shown give the prices shown', () => {
    fc.assert(
      fc.property(anyPair, ({ buy, sell, size, fx }) => {
        const found = must(spreadOf(buy, sell, size, fx));
        for (const { price, levels } of [found.buy, found.sell]) {
          const depth = levels.reduce((sum, [, q]) => sum.plus(q), new Exact(0));
          assert.ok(depth.gte(found.quantity));
          assert.ok(depth.minus(levels.at(-1)?.[1] ?? 0).lte(new Exact(found.quantity).plus('1e-18')));
          const prices = levels.map(([p]) => p);
          const [low, high] = [prices[0] ?? '', prices.at(-1) ?? ''].sort(compareDecimals);
          assert.ok(
            new Exact(price).gte(new Exact(low ?? '').minus('1e-18')) && compareDecimals(price, high ?? '') <= 0,
          );
        }
      }),
      RUNS,
    );
  });
});

describe('faults that such tools are known for', () => {
  const asks: BookLevel[] = [
    ['100', '1'],
    ['101', '10'],
  ];
  const bids: BookLevel[] = [
    ['102', '1'],
    ['100.5', '10'],
  ];
  const buy = leg('BINANCE', 'USDT', asks, '0.1');
  const sell = leg('KUCOIN', 'USDT', bids, '0.1');

  test('fee left out', () => {
    const found = must(spreadOf(buy, sell, '100', null));
    assert.deepEqual([found.grossPercent, found.netPercent], ['2', '1.79620379']);
    // 102 × 0.999 − 100 × 1.001
    assert.equal(found.netProfit, '1.798');
  });

  test('buy high, sell low', () => {
    // buying takes asks and selling takes bids, though bid and ask of the same book would look better
    const found = must(
      spreadOf(leg('BINANCE', 'USDT', [['102', '1']]), leg('KUCOIN', 'USDT', [['100', '1']]), '10', null),
    );
    assert.equal(found.grossPercent, '-1.96078432');
  });

  test('a stablecoin rate applied to the coin', () => {
    // 1,400 KRW per USDT: 140,000 KRW are 100 USDT, whichever leg they are in; the notional is in USDT too
    const krwBids: BookLevel[] = [['142800', '5']];
    const sold = must(spreadOf(leg('BINANCE', 'USDT', [['100', '5']]), leg('UPBIT', 'KRW', krwBids), '100', '1400'));
    assert.deepEqual([sold.grossPercent, sold.quantity, sold.netProfit, sold.sell.price], ['2', '1', '2', '142800']);
    const bought = must(
      spreadOf(leg('UPBIT', 'KRW', [['140000', '5']]), leg('BINANCE', 'USDT', [['102', '5']]), '100', '1400'),
    );
    assert.deepEqual([bought.grossPercent, bought.quantity, bought.netProfit], ['2', '1', '2']);
    const both = must(spreadOf(leg('UPBIT', 'KRW', [['140000', '5']]), leg('BITHUMB', 'KRW', krwBids), '100', '1400'));
    assert.deepEqual([both.grossPercent, both.netProfit], ['2', '2']);
  });

  test('mixed quote currencies', () => {
    assert.deepEqual(['USDT', 'KRW', 'USDC', 'BTC', 'USD', 'TUSD'].filter(isQuote), ['USDT', 'KRW']);
    assert.equal(spreadOf(leg('UPBIT', 'KRW', asks), leg('BINANCE', 'USDT', bids), '100', null), null);
  });

  test('last price or best price instead of the book', () => {
    const found = must(spreadOf(leg('BINANCE', 'USDT', asks), leg('KUCOIN', 'USDT', bids), '605', null));
    // 1 at 100 and 5 at 101; 1 at 102 and 5 at 100.5
    assert.deepEqual(found.quantity, '6');
    assert.deepEqual([found.buy.levels.length, found.sell.levels.length], [2, 2]);
    assert.equal(found.sell.price, '100.75');
    assert.equal(found.grossPercent, shown({ n: 604_500n - 605_000n, d: 6_050n }, 8));
  });

  test('depth that is not there', () => {
    const found = must(spreadOf(buy, sell, '100000', null));
    assert.equal(found.thin, true);
    assert.equal(found.quantity, '11');
    assert.equal(spreadOf(buy, { ...sell, side: new Side([]) }, '100', null), null);
  });

  test('a level, fee or rate that is no number', () => {
    assert.throws(() => spreadOf({ ...buy, side: new Side([['1e3', '1']]) }, sell, '100', null), RangeError);
    assert.throws(() => spreadOf({ ...buy, feePercent: 'free' }, sell, '100', null), RangeError);
    assert.throws(() => spreadOf({ ...buy, quote: 'KRW' }, sell, '100', '0'), RangeError);
  });
});

describe('the premium of a price in KRW', () => {
  test('is the coin’s and the stablecoin’s', () => {
    // 1 % on the coin, 2 % on USDT
    assert.deepEqual(premiumOf('144228', '100', '1428', '1400'), {
      coinPercent: '1',
      usdtPercent: '2',
      totalPercent: '3.02',
    });
    assert.throws(() => premiumOf('0', '100', '1428', '1400'), RangeError);
  });

  test('both together are the whole', () => {
    fc.assert(
      fc.property(usdtBook, krwBook, rate, rate, ({ bids: [u] }, { bids: [k] }, fx, reference) => {
        const found = premiumOf(k?.[0] ?? '', u?.[0] ?? '', fx, reference);
        const factor = (text: string) => new Exact(text).div(100).plus(1);
        const product = factor(found.coinPercent).times(factor(found.usdtPercent)).minus(1).times(100);
        const off = product.minus(found.totalPercent).abs();
        assert.ok(off.lt(factor(found.totalPercent).times('1e-6').plus('1e-6')), `${product} ${found.totalPercent}`);
      }),
      RUNS,
    );
  });
});
