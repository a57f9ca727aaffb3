import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type LastTrade, TickerWindow } from '../../../ingestion/tickers/window.ts';
import { compareDecimals, Exact } from '../../../schema/decimal.ts';
import type { KlineEvent, TickerEvent } from '../../../schema/market.ts';
import { MINUTE, minute, START } from '../workers/market-events.ts';
import { plainTicker } from '../workers/plain-figures.ts';

const market = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;

type Known = { minute: KlineEvent } | { trade: LastTrade };

function figuresOf(events: readonly Known[]): TickerEvent | null {
  const window = new TickerWindow(market);
  for (const event of events) {
    if ('minute' in event) window.addMinute(event.minute);
    else window.addTrade(event.trade);
  }
  return window.figures(0);
}

/** The same from scratch. */
function scratch(events: readonly Known[]): TickerEvent | null {
  const minutes = events.flatMap((event) => ('minute' in event ? [event.minute] : []));
  const trades = events.flatMap((event) => ('trade' in event ? [event.trade] : []));
  const figures = plainTicker(market, minutes, trades);
  return figures && { ...figures, receivedAt: 0 };
}

const amount = fc.tuple(fc.nat(1_000), fc.nat(999)).map(([a, b]) => new Exact(`${a}.${b}`).toFixed());
const someMinutes = fc
  .array(
    fc.record({
      at: fc.integer({ min: -1_500, max: 1_500 }),
      prices: fc.tuple(amount, amount, amount, amount),
      volume: amount,
      isClosed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) =>
    list.map(({ at, prices, volume, isClosed }, i): Known => {
      const [low, open, close, high] = [...prices].sort(compareDecimals) as [string, string, string, string];
      const openTime = START + at * MINUTE;
      const fields = { low, open, close, high, volume, quoteVolume: volume, isClosed };
      // no two versions of a minute have one event time
      return { minute: minute(openTime, { ...fields, eventTime: openTime + 1_000 + i }) };
    }),
  );
const someTrades = fc.array(
  fc
    .record({ at: fc.integer({ min: -1_500, max: 1_500 }), price: amount, id: fc.nat(200) })
    .map(
      ({ at, price, id }): Known => ({ trade: { tradeId: String(id), price, eventTime: START + at * MINUTE + 500 } }),
    ),
  { maxLength: 10 },
);
/** Trades of one id are one trade. */
const distinct = (events: readonly Known[]): Known[] => {
  const seen = new Set<string>();
  return events.filter((event) => {
    if ('minute' in event) return true;
    const id = `${event.trade.eventTime} ${event.trade.tradeId}`;
    return !seen.has(id) && seen.add(id);
  });
};

describe('24 h figures', () => {
  test('are those of a plain computation, whatever the order and the repeats', () => {
    const arrivals = fc
      .tuple(someMinutes, someTrades)
      .map(([minutes, trades]) => distinct([...minutes, ...trades]))
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 })));
    fc.assert(
      fc.property(arrivals, ([all, order]) => {
        assert.deepEqual(figuresOf(order), scratch(all));
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  test('a whole day of minutes, each leaving as the next comes', () => {
    const window = new TickerWindow(market);
    const all: Known[] = [];
    for (let i = 0; i < 3_000; i++) {
      const high = String(100 + (i % 7) + (i === 400 ? 1_000 : 0));
      const one = minute(START + i * MINUTE, { high, volume: `0.${i + 1}`, eventTime: START + i * MINUTE + 59_999 });
      window.addMinute(one);
      all.push({ minute: one });
      if (i % 599 === 0 || i === 2_999) assert.deepEqual(window.figures(0), scratch(all), `after minute ${i}`);
    }
  });

  test('a hole shows as coverage, until it is filled or has left the window', () => {
    const window = new TickerWindow(market);
    const say = (i: number) => window.addMinute(minute(START + i * MINUTE, { eventTime: START + i * MINUTE + 59_999 }));
    const coverage = () => window.figures(0)?.coverage;
    for (let i = 0; i < 720; i++) say(i);
    assert.equal(coverage(), 0.4997, 'half a day');
    for (let i = 720 + 144; i < 1_440; i++) say(i);
    assert.equal(coverage(), 0.8999);
    for (let i = 720; i < 720 + 144; i++) say(i);
    assert.equal(coverage(), 1);
    window.addTrade({ tradeId: '1', price: '1', eventTime: START + 1_440 * MINUTE + 1 });
    assert.equal(coverage(), 1, 'the running minute is not waited for');
    for (let i = 1_500; i < 2_940; i++) say(i);
    assert.equal(coverage(), 1);
  });

  test('none without a minute; the last price is that of the newest trade, or of a minute that is newer', () => {
    const window = new TickerWindow(market);
    window.addTrade({ tradeId: '9', price: '103.0', eventTime: START + 30_000 });
    assert.equal(window.figures(0), null);
    window.addMinute(minute(START, { isClosed: false, eventTime: START + 20_000 }));
    assert.equal(window.figures(0)?.last, '103');
    window.addTrade({ tradeId: '10', price: '120', eventTime: START + 30_000 });
    const figures = window.figures(7);
    assert.deepEqual(
      [figures?.last, figures?.high, figures?.changePercent24h, figures?.eventTime, figures?.receivedAt],
      ['120', '120', 20, START + 30_000, 7],
    );
    window.addMinute(minute(START + MINUTE, { close: '99.5', isClosed: false, eventTime: START + MINUTE + 1 }));
    assert.equal(window.figures(0)?.last, '99.5');
  });
});
