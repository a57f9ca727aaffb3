import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EXCHANGES, INTERVALS } from '../../schema/market.ts';
import { isPlainBook, isPlainKline, isPlainTrade } from '../../schema/plain-events.ts';
import { Book, Kline, Trade } from '../../schema/topics.ts';

const TIME = 1_760_000_000_000;
const market = { exchange: 'BINANCE', symbol: 'BTC-USDT', eventTime: TIME, receivedAt: TIME + 5 };
const PLAIN = {
  trade: { ...market, tradeId: '42', price: '100.5', quantity: '0.25', side: 'BUY' },
  book: {
    ...{ ...market, type: 'delta', sequence: '12', previousSequence: '11', integrity: 'SEQUENCED' },
    ...{ bids: [['100', '1']], asks: [['101', '0']] },
  },
  kline: {
    ...{ ...market, interval: 'M1', openTime: TIME, open: '1', high: '2', low: '0.5', close: '1', volume: '3' },
    ...{ quoteVolume: '3', tradeCount: 3, isClosed: false, coverage: 1 },
  },
};
const SHAPES = {
  trade: { shape: Trade, isPlain: isPlainTrade },
  book: { shape: Book, isPlain: isPlainBook },
  kline: { shape: Kline, isPlain: isPlainKline },
};
const names = ['trade', 'book', 'kline'] as const;

const decimal = fc.constantFrom(
  '1',
  '-1',
  '0',
  '1e5',
  '1E-400',
  '1e9999',
  '.5',
  '5.',
  '',
  ' 1',
  '1'.repeat(101),
  'NaN',
);
const value = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, true, '', 'x', 0, -1, 1.5, 2 ** 53, TIME, TIME * 1_000, Number.NaN, {}),
  fc.constantFrom<unknown>(...EXCHANGES, ...Object.keys(INTERVALS), 'BUY', 'snapshot', 'toString', 'BTC', 'btc-usdt'),
  fc.constantFrom<unknown>('SNAPSHOT_ONLY', '9'.repeat(31), 'x'.repeat(101), 'A-B', 0.5, 1.1, false),
  decimal,
  fc.array(fc.array(fc.oneof(decimal, fc.constant(1)), { maxLength: 3 }), { maxLength: 3 }),
);

test('what every message is like passes at the first look', () => {
  for (const name of names) assert.equal(SHAPES[name].isPlain(PLAIN[name]), true, name);
});

test('what passes at the first look is what the shape takes, unchanged', () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.array(fc.tuple(fc.nat(), value), { maxLength: 3 }), (name, changes) => {
      const event: Record<string, unknown> = { ...PLAIN[name] };
      const fields = [...Object.keys(event), 'gap', 'more'];
      for (const [n, changed] of changes) event[fields[n % fields.length] as string] = changed;
      const { shape, isPlain } = SHAPES[name];
      if (!isPlain(event)) return;
      const parsed = shape.safeParse(event);
      assert.ok(parsed.success, parsed.error?.message);
      assert.deepEqual(parsed.data, event);
    }),
    { numRuns: 5_000 },
  );
  for (const { isPlain } of Object.values(SHAPES)) {
    for (const none of [null, undefined, 1, 'x', []]) assert.equal(isPlain(none), false);
  }
});
