import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as operations from '../generated/graphql.ts';
import { BTC, kline, klineAppend, market, storeMarkets, T0, ticker, tickerAppend } from './samples.ts';
import { openWorld, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.stop());

describe('markets', () => {
  const MANY = Array.from({ length: 250 }, (_, i) => market(`M${String(i).padStart(3, '0')}-USDT`));
  before(() => storeMarkets(world.postgres, [...MANY, BTC, { exchange: 'UPBIT', symbol: 'BTC-KRW' }]));

  test('come in pages that meet, whatever the page size', async () => {
    for (const first of [1_000, 97]) {
      const ids: string[] = [];
      let after: string | null | undefined;
      do {
        const { markets } = await world.data(operations.MarketsDocument, { first, after });
        ids.push(...markets.nodes.map((m) => m.id));
        after = markets.pageInfo.hasNextPage ? markets.pageInfo.endCursor : null;
      } while (after);
      assert.equal(ids.length, 252);
      assert.equal(new Set(ids).size, 252);
      assert.deepEqual(ids, [...ids].sort());
    }
  });

  test('can be filtered, and a position belongs to its filter', async () => {
    const { markets } = await world.data(operations.MarketsDocument, { base: 'BTC', first: 1 });
    assert.deepEqual(markets.nodes[0], {
      id: 'binance:BTC-USDT',
      exchange: 'BINANCE',
      symbol: 'BTC-USDT',
      nativeSymbol: 'BTCUSDT',
      base: 'BTC',
      quote: 'USDT',
      status: 'TRADING',
      tickSize: '0.01',
      lotSize: null,
      takerFeePercent: '0.1',
    });
    const after = markets.pageInfo.endCursor;
    const rest = await world.data(operations.MarketsDocument, { base: 'BTC', first: 10, after });
    assert.deepEqual(
      rest.markets.nodes.map((m) => m.id),
      ['upbit:BTC-KRW'],
    );
    const refusal = await world.refusal(operations.MarketsDocument, { first: 10, after });
    assert.deepEqual([refusal.code, refusal.argument], ['BAD_USER_INPUT', 'after']);
    const none = await world.data(operations.MarketsDocument, { exchange: 'KUCOIN' });
    assert.deepEqual(none.markets, { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } });
  });

  test('of an unknown symbol are null, of an impossible one are refused', async () => {
    const unknown = await world.data(operations.MarketDocument, market('NONE-USDT'));
    assert.equal(unknown.market, null);
    const refusal = await world.refusal(operations.MarketDocument, market('btcusdt'));
    assert.deepEqual([refusal.code, refusal.argument], ['BAD_USER_INPUT', 'symbol']);
  });

  test('with ticker and newest candle cost the same number of calls for 3 and for 100', async () => {
    for (const m of MANY.slice(0, 100)) {
      await world.live.append([
        tickerAppend(ticker(T0, { ...m, last: '5' })),
        klineAppend(kline(T0, { ...m, close: '5' })),
      ]);
    }
    const costs = [];
    for (const first of [3, 100]) {
      world.calls.length = 0;
      const { data } = await world.ask<{ markets: { nodes: { ticker: object | null }[] } }, object>(
        `query ($first: Int!) { markets(base: null, first: $first, exchange: BINANCE) { nodes { ticker { last } latestKline { close } feeds { gaps } } } }`,
        { first },
      );
      assert.equal(data?.markets.nodes.length, first);
      costs.push([...world.calls].sort());
    }
    // BTC-USDT, the first by name, has none yet: asked of Postgres for all that lack one at once
    const expected = [
      'live.fields',
      'live.fields',
      'live.latest',
      'live.latest',
      'postgres.query',
      'postgres.query',
      'postgres.query',
    ];
    assert.deepEqual(costs, [expected, expected]);
  });

  test('with their lists cost one statement a list', async () => {
    const counted = async (first: number) => {
      world.calls.length = 0;
      const { errors } = await world.ask(
        `query ($first: Int!) { markets(first: $first) { nodes {
          klines(first: 2) { nodes { close } liveCursor } trades(first: 2) { nodes { price } } orderBook { mid }
        } } }`,
        { first },
      );
      assert.deepEqual(errors ?? [], []);
      return world.calls.filter((call) => call === 'postgres.query').length;
    };
    assert.deepEqual([await counted(2), await counted(100)], [3, 3]);
  });
});
