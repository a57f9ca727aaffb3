import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LiveStoreUnavailable } from '../../src/platform/live/store.ts';
import * as operations from '../generated/graphql.ts';
import { iso, kline, market, storeKlines, storeMarkets, storeTickers, T0, ticker, tickerAppend } from './samples.ts';
import { openWorld, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.stop());

describe('figures and feeds', () => {
  const DOT = market('DOT-USDT');

  test('tickers are those of the live store, else of the table', async () => {
    await storeMarkets(world.postgres, [DOT, market('DOT-KRW')]);
    await storeTickers(world.postgres, [ticker(T0, DOT), ticker(T0 + 1, { ...DOT, last: '7.00' })]);
    const { ticker: stored } = await world.data(operations.TickerDocument, DOT);
    assert.deepEqual(stored, {
      last: '7',
      open: '90',
      high: '110',
      low: '80',
      volume24h: '1000',
      quoteVolume24h: '100000',
      changePercent24h: 11.67,
      coverage: null,
      time: iso(T0 + 1),
    });
    await world.live.append([tickerAppend(ticker(T0 + 2, { ...DOT, last: '8', coverage: 0.75 }))]);
    const { ticker: newest } = await world.data(operations.TickerDocument, DOT);
    assert.deepEqual([newest?.last, newest?.coverage], ['8', 0.75]);
    const { tickers } = await world.data(operations.TickersDocument, { base: 'DOT' });
    assert.deepEqual(tickers, [{ exchange: 'BINANCE', symbol: 'DOT-USDT', last: '8' }]);
  });

  test('feeds say how they are, and are stale when nobody speaks for them any more', async () => {
    const status = {
      ...{ exchange: 'BINANCE', symbol: 'DOT-USDT', connected: true, stale: false, gaps: 2, reconnects: 1 },
      lastEventAt: Date.now() - 50,
    };
    for (const [channel, age] of [
      ['trade', 0],
      ['kline', 60_000],
    ] as const) {
      const told = { ...status, channel, eventTime: Date.now() - age };
      const key = 'feed:{binance}';
      const value = JSON.stringify(told);
      await world.live.put('live:feed:{binance}', [{ kind: 'field', key, field: `DOT-USDT:${channel}`, value }]);
    }
    const { feedHealth } = await world.data(operations.FeedHealthDocument, { exchange: 'BINANCE' });
    assert.deepEqual(
      feedHealth.map((f) => [f.channel, f.connected, f.stale, f.gaps, f.reconnects]),
      [
        ['kline', true, true, 2, 1],
        ['trade', true, false, 2, 1],
      ],
    );
    assert.ok((feedHealth[1]?.freshnessMs ?? 0) >= 50);
    assert.deepEqual((await world.data(operations.FeedHealthDocument, { exchange: 'UPBIT' })).feedHealth, []);
  });
});

test('without the live store, what Postgres has is still answered and the rest says why not', async (t) => {
  const SOL = market('SOL-USDT');
  await storeKlines(world.postgres, [kline(T0, { ...SOL, close: '42' })]);
  world.liveFailing.error = new LiveStoreUnavailable('gone');
  t.after(() => {
    world.liveFailing.error = null;
  });
  assert.equal((await world.data(operations.LatestKlineDocument, SOL)).latestKline?.close, '42');
  const { data } = await world.ask<{ klines: { nodes: { close: string }[] } }, object>(
    '{ klines(exchange: BINANCE, symbol: "SOL-USDT") { nodes { close } } }',
  );
  assert.deepEqual(data?.klines.nodes, [{ close: '42' }]);
  assert.equal((await world.data(operations.TickerDocument, market('DOT-USDT'))).ticker?.last, '7');
  for (const document of [operations.KlinesDocument, operations.OrderBookDocument] as const) {
    const refusal = await world.refusal(document as typeof operations.KlinesDocument, SOL);
    assert.deepEqual([refusal.code, refusal.store], ['STORE_UNAVAILABLE', 'live']);
  }
  assert.equal((await world.refusal(operations.FeedHealthDocument, { exchange: 'BINANCE' })).code, 'STORE_UNAVAILABLE');
});
