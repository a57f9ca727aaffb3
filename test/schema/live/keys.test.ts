import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHANNELS, type ChannelName, streamKey } from '../../../schema/channels.ts';
import * as keys from '../../../schema/live/keys.ts';

test('every live key begins as one of the families does: what empties the store finds it', () => {
  const market = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;
  const made = [
    keys.latestKlineKey(market, 'M1'),
    keys.minuteKlineKey(market, 60_000),
    keys.latestBookKey(market),
    keys.tradeListKey(market),
    keys.tickerKey(market),
    keys.feedKey('BINANCE'),
    keys.heardKey('BINANCE'),
    keys.captureKey('public.c2c_order'),
    keys.rankingKey('QUOTE_VOLUME'),
    keys.arbitrageKey('BTC'),
  ];
  // a new function has to be added above
  const functions = Object.values(keys).filter((one) => typeof one === 'function');
  assert.equal(made.length, functions.length);
  const streams = (Object.keys(CHANNELS) as ChannelName[]).map((name) => streamKey(name, 'binance:BTC-USDT'));
  for (const key of [...made, ...streams]) {
    assert.ok(
      keys.LIVE_FAMILIES.some((family) => key.startsWith(family)),
      key,
    );
  }
});
