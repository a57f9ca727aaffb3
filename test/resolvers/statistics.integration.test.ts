import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fillStatistics } from '../../ingestion/workers/statistics.ts';
import * as operations from '../generated/graphql.ts';
import { BTC, iso, kline, MINUTE, storeKlines, storeMarkets } from './samples.ts';
import { openWorld, type World } from './world.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 2, 1);
let world: World;
before(async () => {
  world = await openWorld();
  const korean = { exchange: 'UPBIT', symbol: 'BTC-KRW' } as const;
  await storeMarkets(world.postgres, [BTC, korean]);
  await storeKlines(
    world.postgres,
    [0, 1, 2].flatMap((day) => {
      const at = START + day * DAY;
      const minutes = [kline(at, { open: '100', close: '110' }), kline(at + MINUTE, { open: '110', close: '121' })];
      const one = kline(at, { interval: 'D1', open: '100', high: '121', low: '99', close: '121', coverage: 0.5 });
      const theirs = kline(at, { ...korean, close: '3000' });
      return [...minutes, one, theirs, { ...theirs, interval: 'D1' as const }];
    }),
  );
  await fillStatistics(world, { since: 0, anyway: null, closedOnly: false }, START + 2 * MINUTE, () => true);
});
after(() => world.stop());

test('days are listed newest first, from a day on and before another', async () => {
  const { tickerDaily } = await world.data(operations.TickerDailyDocument, BTC);
  assert.deepEqual(
    tickerDaily.map((one) => one.day),
    ['2026-03-03', '2026-03-02', '2026-03-01'],
  );
  const { volatility, trend, ...rest } = tickerDaily[0] as (typeof tickerDaily)[number];
  assert.deepEqual(rest, {
    ...{ day: '2026-03-03', open: '100', high: '121', low: '99', close: '121', quoteVolume: '22.5' },
    ...{ changePercent: 21, coverage: 0.5, isClosed: true },
  });
  // two returns of ln 1.1; a line through two points a minute apart
  assert.ok(Math.abs((volatility ?? 0) - Math.SQRT2 * Math.log(1.1)) < 1e-12);
  assert.ok(Math.abs((trend ?? 0) / (1_440 * Math.log(1.1)) - 1) < 1e-9);
  const range = { from: '2026-03-02', to: '2026-03-03' };
  const some = await world.data(operations.TickerDailyDocument, { ...BTC, ...range });
  assert.deepEqual(
    some.tickerDaily.map((one) => one.day),
    ['2026-03-02'],
  );
  const turned = await world.refusal(operations.TickerDailyDocument, { ...BTC, from: range.to, to: range.from });
  assert.deepEqual([turned.code, turned.argument], ['BAD_USER_INPUT', 'from']);
  const unknown = await world.refusal(operations.TickerDailyDocument, { ...BTC, symbol: 'btc' });
  assert.equal(unknown.argument, 'symbol');
});

test('prices are listed newest minute first, each market of the base, null where USDT has no price', async () => {
  const { cryptoPrices } = await world.data(operations.CryptoPricesDocument, { base: 'BTC', first: 3 });
  assert.deepEqual(cryptoPrices, [
    { base: 'BTC', ...BTC, minute: iso(START + 2 * DAY + MINUTE), price: '121', priceUsdt: '121' },
    { base: 'BTC', ...BTC, minute: iso(START + 2 * DAY), price: '110', priceUsdt: '110' },
    {
      ...{ base: 'BTC', exchange: 'UPBIT', symbol: 'BTC-KRW', minute: iso(START + 2 * DAY) },
      ...{ price: '3000', priceUsdt: null },
    },
  ]);
  const some = await world.data(operations.CryptoPricesDocument, {
    ...{ base: 'BTC', first: 10, from: iso(START), to: iso(START + MINUTE) },
  });
  assert.deepEqual(
    some.cryptoPrices.map((one) => one.exchange),
    ['BINANCE', 'UPBIT'],
  );
  const many = await world.refusal(operations.CryptoPricesDocument, { base: 'BTC', first: 1_001 });
  assert.deepEqual([many.code, many.argument, many.max], ['BAD_USER_INPUT', 'first', 1_000]);
  assert.equal((await world.refusal(operations.CryptoPricesDocument, { base: 'btc', first: 1 })).argument, 'base');
});
