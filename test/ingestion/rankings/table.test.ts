import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Known, MAX_RANKED, rankingsOf } from '../../../ingestion/rankings/table.ts';
import type { Exchange, TickerEvent } from '../../../schema/market.ts';
import type { RankingMetric, RankingRow } from '../../../schema/ranking.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { START, ticker } from '../workers/market-events.ts';

const NOTHING: Known = { volatility: () => null, supply: null };
const of = (exchange: Exchange, symbol: string, fields: Partial<TickerEvent> = {}): TickerEvent =>
  ticker(START, { exchange, symbol, ...fields });
const namesOf = (rows: readonly RankingRow[]): string[] => rows.map((row) => `${row[0]} ${row[1]}`);
const valuesOf = (rows: readonly RankingRow[]): Record<string, string> =>
  Object.fromEntries(rows.map((row) => [`${row[0]} ${row[1]}`, row[2]]));
const ranked = (tickers: readonly TickerEvent[], metric: RankingMetric, known = NOTHING) =>
  rankingsOf(tickers, known, START + 1_000)[metric];

describe('a ranking', () => {
  test('by change is from the price of 24 hours ago to the last one, gainers first', () => {
    const { rows, leftOut } = ranked(
      [
        of('BINANCE', 'A-USDT', { open: '100', last: '97' }),
        of('BINANCE', 'B-USDT', { open: '3', last: '4' }),
        of('BINANCE', 'C-USDT', { open: '0.00000001', last: '0.00000001' }),
        of('BINANCE', 'D-USDT', { open: '0', last: '4' }),
      ],
      'CHANGE_PERCENT',
    );
    assert.deepEqual(valuesOf(rows), {
      'BINANCE B-USDT': '33.33333333',
      'BINANCE C-USDT': '0',
      'BINANCE A-USDT': '-3',
    });
    assert.deepEqual(namesOf(rows), ['BINANCE B-USDT', 'BINANCE C-USDT', 'BINANCE A-USDT']);
    assert.deepEqual(
      rows.map((row) => row[4]),
      [33.33333333, 0, -3],
    );
    assert.equal(leftOut, 1, 'a change from nothing is not known');
  });

  test('puts equal values in order of exchange and symbol, however they are spelled', () => {
    const tickers = [
      of('UPBIT', 'A-USDT', { quoteVolume24h: '10' }),
      of('BINANCE', 'B-USDT', { quoteVolume24h: '10.0' }),
      of('BINANCE', 'A-USDT', { quoteVolume24h: '10' }),
      // beyond what a float tells apart
      of('KUCOIN', 'A-USDT', { quoteVolume24h: '10.00000001' }),
      of('KUCOIN', 'B-USDT', { quoteVolume24h: '123456789012345678.00000002' }),
      of('KUCOIN', 'C-USDT', { quoteVolume24h: '123456789012345678.00000003' }),
    ];
    const expected = [
      'KUCOIN C-USDT',
      'KUCOIN B-USDT',
      'KUCOIN A-USDT',
      'BINANCE A-USDT',
      'BINANCE B-USDT',
      'UPBIT A-USDT',
    ];
    assert.deepEqual(namesOf(ranked(tickers, 'QUOTE_VOLUME').rows), expected);
    assert.deepEqual(namesOf(ranked(tickers.toReversed(), 'QUOTE_VOLUME').rows), expected);
  });

  test('by volume converts KRW by the venue’s own price of USDT, else the other’s, and other quotes by theirs', () => {
    const volume = { quoteVolume24h: '3000' };
    const tickers = [
      of('UPBIT', 'USDT-KRW', { last: '1500', quoteVolume24h: '0' }),
      of('UPBIT', 'XRP-KRW', volume),
      of('BITHUMB', 'XRP-KRW', volume),
      of('BINANCE', 'BTC-USDT', { last: '50000', quoteVolume24h: '1' }),
      of('BINANCE', 'XRP-BTC', volume),
      of('UPBIT', 'XRP-BTC', volume),
      of('BINANCE', 'XRP-TRY', volume),
      of('KUCOIN', 'USDT-TRY', { last: '40', quoteVolume24h: '0' }),
      of('BINANCE', 'XRP-EUR', volume),
    ];
    const { rows, leftOut } = ranked(tickers, 'QUOTE_VOLUME');
    const values = valuesOf(rows);
    assert.equal(values['UPBIT XRP-KRW'], '2');
    assert.equal(values['BITHUMB XRP-KRW'], '2');
    assert.equal(values['BINANCE XRP-BTC'], '150000000');
    assert.equal(values['UPBIT XRP-BTC'], '150000000');
    assert.equal(values['BINANCE XRP-TRY'], '75');
    assert.equal(values['BINANCE XRP-EUR'], undefined);
    assert.equal(leftOut, 1);
    const own = [...tickers, of('BITHUMB', 'USDT-KRW', { last: '1600' })];
    assert.equal(valuesOf(ranked(own, 'QUOTE_VOLUME').rows)['BITHUMB XRP-KRW'], '1.875');
  });

  test('by market cap needs the supply and a price in USDT', () => {
    const supply = new Map([
      ['BTC', '20000000'],
      ['XRP', '1.5'],
    ]);
    const tickers = [
      of('UPBIT', 'BTC-KRW', { last: '75000000' }),
      of('UPBIT', 'USDT-KRW', { last: '1500' }),
      of('BINANCE', 'BTC-USDT', { last: '50001' }),
      of('BINANCE', 'XRP-EUR', { last: '2' }),
    ];
    const known = { ...NOTHING, supply };
    const { rows, leftOut } = ranked(tickers, 'MARKET_CAP', known);
    assert.deepEqual(valuesOf(rows), { 'BINANCE BTC-USDT': '1000020000000', 'UPBIT BTC-KRW': '1000000000000' });
    assert.equal(leftOut, 2);
    const caps = ranked(tickers, 'CHANGE_PERCENT', known).rows.map((row) => [row[1], row[6]]);
    assert.equal(Object.fromEntries(caps)['XRP-EUR'], null);
    assert.deepEqual(ranked(tickers, 'MARKET_CAP').rows, []);
  });

  test('by volatility has those it is known of', () => {
    const known: Known = { ...NOTHING, volatility: ({ symbol }) => (symbol === 'A-USDT' ? 0.1 + 0.2 : null) };
    const { rows, leftOut } = ranked([of('BINANCE', 'A-USDT'), of('BINANCE', 'B-USDT')], 'VOLATILITY', known);
    assert.deepEqual([valuesOf(rows), leftOut], [{ 'BINANCE A-USDT': '0.3' }, 1]);
  });

  test('leaves out figures of more than an hour ago, by the newest ones and never by a clock ahead of ours', () => {
    const old = START - 3_600_001;
    const tickers = [of('BINANCE', 'A-USDT', { eventTime: old }), of('BINANCE', 'B-USDT'), of('BINANCE', 'C-USDT')];
    assert.deepEqual(namesOf(ranked(tickers, 'CHANGE_PERCENT').rows), ['BINANCE B-USDT', 'BINANCE C-USDT']);
    assert.equal(ranked(tickers, 'CHANGE_PERCENT').leftOut, 1);
    const ahead = [of('BINANCE', 'B-USDT'), of('KUCOIN', 'B-USDT', { eventTime: START + 80_000_000 })];
    assert.equal(ranked(ahead, 'CHANGE_PERCENT').rows.length, 2);
    // a recording of last year is ranked as it was
    const past = rankingsOf([of('BINANCE', 'B-USDT')], NOTHING, START + 3e10);
    assert.equal(past.CHANGE_PERCENT.rows.length, 1);
  });
});

test('every ranking is complete and in order, held against another way of sorting', () => {
  const price = fc.integer({ min: 0, max: 40 }).map((n) => String(n / 4));
  const one = fc.record({
    exchange: fc.constantFrom<Exchange>('BINANCE', 'UPBIT', 'BITHUMB', 'KUCOIN'),
    symbol: fc.constantFrom('BTC-USDT', 'USDT-KRW', 'BTC-KRW', 'ETH-BTC', 'XRP-EUR'),
    ...{ last: price, open: price, quoteVolume24h: price },
  });
  const unique = fc.uniqueArray(one, { selector: (t) => `${t.exchange}${t.symbol}`, maxLength: 20 });
  fc.assert(
    fc.property(unique, (given) => {
      const tickers = given.map((fields) => ticker(START, fields));
      const all = rankingsOf(tickers, { volatility: () => 0.5, supply: new Map([['BTC', '3']]) }, START);
      const find = (exchange: Exchange, symbol: string) =>
        tickers.find((t) => t.exchange === exchange && t.symbol === symbol && Number(t.last) > 0);
      /** In floats, which hold these numbers well enough. */
      const inUsdt = (t: TickerEvent, amount: number): number | null => {
        const quote = t.symbol.split('-')[1];
        if (quote === 'USDT') return amount;
        const venues: Exchange[] = [t.exchange, 'BINANCE', 'UPBIT', 'BITHUMB', 'KUCOIN'];
        for (const venue of venues) {
          const [direct, inverse] = [find(venue, `${quote}-USDT`), find(venue, `USDT-${quote}`)];
          if (direct) return amount * Number(direct.last);
          if (inverse) return amount / Number(inverse.last);
        }
        return null;
      };
      const expected: Record<RankingMetric, (t: TickerEvent) => number | null> = {
        CHANGE_PERCENT: (t) => (Number(t.open) === 0 ? null : (Number(t.last) / Number(t.open) - 1) * 100),
        QUOTE_VOLUME: (t) => inUsdt(t, Number(t.quoteVolume24h)),
        VOLATILITY: () => 0.5,
        MARKET_CAP: (t) => (t.symbol.startsWith('BTC-') ? inUsdt(t, Number(t.last) * 3) : null),
      };
      for (const [metric, amountOf] of Object.entries(expected) as [RankingMetric, (typeof expected)['VOLATILITY']][]) {
        const { rows, leftOut } = all[metric];
        const wanted = tickers.filter((t) => Number(t.last) > 0).map((t) => ({ t, value: amountOf(t) }));
        const known = wanted.filter((w) => w.value !== null);
        assert.equal(rows.length, known.length);
        assert.equal(leftOut, tickers.length - rows.length);
        for (const [exchange, symbol, value] of rows) {
          const own = known.find(({ t }) => t.exchange === exchange && t.symbol === symbol);
          assert.ok(Math.abs((own?.value ?? Number.NaN) - Number(value)) < 1e-6, `${metric} ${exchange} ${symbol}`);
        }
        for (const [i, row] of rows.slice(1).entries()) {
          const before = rows[i] as RankingRow;
          const apart = Number(before[2]) - Number(row[2]);
          assert.ok(apart > 0 || (apart === 0 && `${before[0]} ${before[1]}` < `${row[0]} ${row[1]}`));
        }
      }
    }),
  );
});

test('two thousand markets fit well into a message, the greatest number does too, and one computation is short', () => {
  const many = (n: number): TickerEvent[] =>
    Array.from({ length: n }, (_, i) =>
      ticker(START, {
        exchange: (['BINANCE', 'UPBIT', 'BITHUMB', 'KUCOIN'] as const)[i % 4],
        symbol: `COIN${i}LONG-${i % 2 === 0 ? 'USDT' : 'KRW'}`,
        last: `0.0000${10_000_000 + i}`,
        open: `0.0000${10_500_000 - i}`,
        quoteVolume24h: `12345678${i}.87654321`,
      }),
    );
  const known: Known = {
    volatility: ({ symbol }) => symbol.length / 700,
    supply: new Map(Array.from({ length: 2_000 }, (_, i) => [`COIN${i}LONG`, '123456789012.5'])),
  };
  const rate = ticker(START, { exchange: 'UPBIT', symbol: 'USDT-KRW', last: '1503.25' });
  const bytesOf = (n: number): number[] =>
    Object.entries(rankingsOf([...many(n), rate], known, START)).map(
      ([metric, ranking]) =>
        TOPICS.ranking.encode({ metric: metric as RankingMetric, computedAt: START, eventTime: START, ...ranking })
          .length,
    );
  assert.ok(Math.max(...bytesOf(2_000)) < 350_000, String(bytesOf(2_000)));
  const most = bytesOf(MAX_RANKED + 500);
  assert.ok(Math.max(...most) < 900_000, String(most));
  const times = Array.from({ length: 5 }, () => {
    const tickers = many(2_000);
    const from = performance.now();
    rankingsOf([...tickers, rate], known, START);
    return performance.now() - from;
  });
  // a tenth of that on an idle machine
  assert.ok(Math.min(...times) < 500, String(times));
});
