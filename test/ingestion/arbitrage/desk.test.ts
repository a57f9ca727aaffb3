import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type BookNews, Desk, type DeskOptions } from '../../../ingestion/arbitrage/desk.ts';
import { fxOf, Rates } from '../../../ingestion/arbitrage/rates.ts';
import { type ArbitrageEvent, arbitrageId } from '../../../schema/arbitrage.ts';
import type { LiveBook } from '../../../schema/live/book.ts';
import type { BookLevel, Exchange } from '../../../schema/market.ts';

const T = 1_760_000_000_000;

function live(exchange: Exchange, symbol: string, bid: string, ask: string, receivedAt = T): LiveBook {
  const bids: BookLevel[] = [[bid, '1000']];
  const asks: BookLevel[] = [[ask, '1000']];
  return { exchange, symbol, bids, asks, sequence: '1', receivedAt, eventTime: receivedAt, integrity: 'SEQUENCED' };
}

function book(exchange: Exchange, symbol: string, bid: string, ask: string, receivedAt = T, torn = false): BookNews {
  const { bids, asks } = live(exchange, symbol, bid, ask);
  return { exchange, symbol, sequence: '1', receivedAt, torn, sides: () => ({ bids, asks }) };
}

function desk(options: Partial<DeskOptions> = {}): { desk: Desk; rates: Rates } {
  const rates = new Rates();
  const made = new Desk('BTC', {
    notionals: ['1000'],
    maxLegAgeMs: 5_000,
    maxFxAgeMs: 10_000,
    everyMs: 100,
    referenceFx: null,
    feeOf: () => '0.1',
    rateFor: (exchange, now) => rates.rateFor(exchange, now, 10_000),
    ...options,
  });
  return { desk: made, rates };
}

const directions = (events: readonly ArbitrageEvent[]): string[] =>
  events.map((e) => `${e.buy.exchange}>${e.sell.exchange}`).sort();

describe('which pairs are worked out', () => {
  test('every ordered pair of exchanges, and no venue against itself', () => {
    const { desk: d } = desk();
    for (const exchange of ['BINANCE', 'KUCOIN', 'UPBIT'] as const) d.take(book(exchange, 'BTC-USDT', '99', '100'));
    d.take(book('UPBIT', 'BTC-KRW', '99', '100'));
    const found = d.results(T);
    assert.equal(found.length, 6);
    assert.equal(new Set(directions(found)).size, 6);
    assert.ok(found.every((e) => e.buy.exchange !== e.sell.exchange));
  });

  test('a market in another quote takes no part', () => {
    const { desk: d } = desk();
    d.take(book('BINANCE', 'BTC-USDC', '99', '100'));
    d.take(book('KUCOIN', 'BTC-USDT', '99', '100'));
    assert.deepEqual(d.results(T), []);
  });

  test('a market without a known fee takes no part until it is known', () => {
    let fee: string | null = null;
    const { desk: d } = desk({ feeOf: () => fee });
    d.take(book('BINANCE', 'BTC-USDT', '99', '100'));
    d.take(book('KUCOIN', 'BTC-USDT', '99', '100'));
    assert.deepEqual(d.results(T), []);
    fee = '0.1';
    assert.equal(d.results(T + 1_000).length, 2);
  });

  test('with the two books swapped and no fees, direction swaps too', () => {
    const price = fc.integer({ min: 100, max: 1_000 }).map(String);
    const spread = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(price, spread, price, spread, (a, as, b, bs) => {
        const run = (first: Exchange, second: Exchange): ArbitrageEvent[] => {
          const { desk: d } = desk({ feeOf: () => '0' });
          d.take(book(first, 'BTC-USDT', a, String(Number(a) + as)));
          d.take(book(second, 'BTC-USDT', b, String(Number(b) + bs)));
          return d.results(T);
        };
        const nets = (events: ArbitrageEvent[]) => new Map(events.map((e) => [e.buy.exchange, e.netPercent]));
        const straight = nets(run('BINANCE', 'KUCOIN'));
        const swapped = nets(run('KUCOIN', 'BINANCE'));
        assert.equal(straight.get('BINANCE'), swapped.get('KUCOIN'));
        assert.equal(straight.get('KUCOIN'), swapped.get('BINANCE'));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('when a spread can be traded', () => {
  const all = (options: Partial<DeskOptions> = {}) => {
    const { desk: d, rates } = desk(options);
    d.take(book('BINANCE', 'BTC-USDT', '99', '100'));
    d.take(book('UPBIT', 'BTC-KRW', '141400', '141500'));
    const rate = fxOf(live('UPBIT', 'USDT-KRW', '1399', '1401'));
    if (rate) rates.take(rate);
    return { d, rates };
  };
  const reasons = (events: ArbitrageEvent[]): string[][] => events.map((e) => e.notExecutable);

  test('now', () => {
    assert.deepEqual(reasons(all().d.results(T)), [[], []]);
  });

  test('a leg older than the limit is never executable, and it is said without any event', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 20_000 }), (first, second) => {
        const { desk: d } = desk();
        d.take(book('BINANCE', 'BTC-USDT', '99', '100', T - first));
        d.take(book('KUCOIN', 'BTC-USDT', '102', '103', T - second));
        const stale = first > 5_000 || second > 5_000;
        for (const { notExecutable, buy, sell } of d.results(T)) {
          assert.equal(notExecutable.includes('STALE_LEG'), stale);
          assert.equal(Math.max(buy.ageMs, sell.ageMs), Math.max(first, second));
        }
      }),
      { numRuns: 1_000 },
    );
    const { d } = all();
    d.results(T);
    assert.deepEqual(reasons(d.results(T + 5_000)), [[], []]);
    const late = d.results(T + 6_000);
    assert.deepEqual(reasons(late), [['STALE_LEG'], ['STALE_LEG']]);
    assert.ok(late.every((e) => e.changed));
  });

  test('not with a torn book, nor beyond its depth', () => {
    const { d } = all({ notionals: ['1000', '1000000'] });
    d.take(book('BINANCE', 'BTC-USDT', '99', '100', T, true));
    assert.deepEqual(reasons(d.results(T)), [
      ['FEED_GAP'],
      ['THIN_BOOK', 'FEED_GAP'],
      ['FEED_GAP'],
      ['THIN_BOOK', 'FEED_GAP'],
    ]);
  });

  test('not at an old rate; without any rate nothing is said', () => {
    const { d, rates } = all({ maxLegAgeMs: 60_000 });
    d.results(T);
    assert.deepEqual(reasons(d.results(T + 11_000)), [['STALE_FX'], ['STALE_FX']]);
    const other = fxOf(live('BITHUMB', 'USDT-KRW', '1409', '1411', T + 11_500));
    assert.ok(other && rates.take(other));
    d.rateChanged();
    const found = d.results(T + 12_000);
    assert.deepEqual(reasons(found), [[], []]);
    assert.ok(found.every((e) => e.fxExchange === 'BITHUMB' && e.fxRate === '1410'));
    const { desk: bare } = desk();
    bare.take(book('BINANCE', 'BTC-USDT', '99', '100'));
    bare.take(book('UPBIT', 'BTC-KRW', '141400', '141500'));
    assert.deepEqual(bare.results(T), []);
  });

  test('an emptied book is said once, with the last numbers', () => {
    const { d } = all();
    const [before] = d.results(T);
    d.take({ ...book('BINANCE', 'BTC-USDT', '99', '100', T + 100), sides: () => ({ asks: [], bids: [] }) });
    const gone = d.results(T + 200);
    assert.deepEqual(reasons(gone), [['THIN_BOOK'], ['THIN_BOOK']]);
    assert.equal(gone[0]?.netPercent, before?.netPercent);
    assert.deepEqual(d.results(T + 300), []);
  });
});

describe('how often', () => {
  test('at most one result a pair and 100 ms, the newest state always, one sample a second', () => {
    const step = fc.record({ after: fc.integer({ min: 1, max: 700 }), price: fc.integer({ min: 90, max: 110 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const { desk: d } = desk();
        d.take(book('KUCOIN', 'BTC-USDT', '99', '100'));
        const said: ArbitrageEvent[] = [];
        let now = T;
        const until = (end: number): void => {
          for (let due = d.due; due !== null && due <= end; due = d.due) said.push(...d.results(Math.max(due, now)));
          now = end;
        };
        let last = 0;
        for (const { after, price } of steps) {
          until(now + after);
          last = price;
          d.take(book('BINANCE', 'BTC-USDT', String(price), String(price + 1), now));
          said.push(...d.results(now));
        }
        until(now + 2_000);
        for (const [, events] of Map.groupBy(said, arbitrageId)) {
          const news = events.filter((e) => e.changed);
          for (const [i, event] of news.entries()) {
            const before = news[i - 1];
            assert.ok(!before || event.eventTime - before.eventTime >= 100);
          }
          const seconds = events.filter((e) => e.sampled).map((e) => Math.floor(e.eventTime / 1_000));
          assert.equal(new Set(seconds).size, seconds.length);
          assert.equal(seconds.length, (seconds.at(-1) ?? 0) - (seconds[0] ?? 0) + 1);
        }
        const newest = said.findLast((e) => e.buy.exchange === 'BINANCE');
        assert.equal(newest?.buy.price, String(last + 1));
      }),
      { numRuns: 500 },
    );
  });

  test('a sample that says the same holds up nobody', () => {
    const { desk: d } = desk();
    d.take(book('BINANCE', 'BTC-USDT', '99', '100'));
    d.take(book('KUCOIN', 'BTC-USDT', '99', '100'));
    d.results(T);
    assert.equal(d.results(T + 1_000).length, 2);
    d.take(book('KUCOIN', 'BTC-USDT', '98', '99', T + 1_010));
    assert.deepEqual(
      d.results(T + 1_010).map((e) => [e.changed, e.sampled]),
      [
        [true, false],
        [true, false],
      ],
    );
  });

  test('nothing new is said only as a sample', () => {
    const { desk: d } = desk();
    d.take(book('BINANCE', 'BTC-USDT', '99', '100'));
    d.take(book('KUCOIN', 'BTC-USDT', '99', '100'));
    assert.deepEqual(
      d.results(T).map((e) => [e.changed, e.sampled]),
      [
        [true, true],
        [true, true],
      ],
    );
    d.take(book('KUCOIN', 'BTC-USDT', '99', '100', T + 150));
    assert.deepEqual(d.results(T + 200), []);
    assert.deepEqual(
      d.results(T + 1_000).map((e) => [e.changed, e.sampled]),
      [
        [false, true],
        [false, true],
      ],
    );
  });
});

test('the premium is told where one leg is in KRW', () => {
  const { desk: d, rates } = desk({ referenceFx: '1000' });
  const rate = fxOf(live('UPBIT', 'USDT-KRW', '1099', '1101'));
  assert.ok(rate && rates.take(rate));
  d.take(book('BINANCE', 'BTC-USDT', '99', '100'));
  d.take(book('KUCOIN', 'BTC-USDT', '99', '100'));
  d.take(book('UPBIT', 'BTC-KRW', '112200', '112300'));
  const found = d.results(T);
  const told = (buy: Exchange, sell: Exchange) => {
    const event = found.find((e) => e.buy.exchange === buy && e.sell.exchange === sell);
    return [event?.coinPremiumPercent, event?.usdtPremiumPercent];
  };
  assert.deepEqual(told('BINANCE', 'UPBIT'), ['2', '10']);
  assert.deepEqual(told('BINANCE', 'KUCOIN'), [null, null]);
});
