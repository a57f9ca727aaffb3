import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import { BadFrame, type FrameContext } from '../../../ingestion/exchanges/connector.ts';
import { readCapture } from '../../support/fixtures.ts';
import { marketsOf, seeded, topicOf } from '../feed/scripted.ts';
import { mutate } from './mutate.ts';

const FRAMES = 12_000;

test(`${FRAMES} mutated frames: each is parsed into what its topic takes, or refused with a reason`, () => {
  const markets = marketsOf('BTC-USDT', 'ETH-USDT', 'DOT-USDT', 'DOGE-BNB');
  const context: FrameContext = {
    receivedAt: 1_700_000_000_000,
    market: (native) => markets.find((market) => market.nativeSymbol === native),
  };
  const lines = ['aggTrade.20210404', 'depth_100ms.20210404', 'kline_1m.20210404', 'mixed_fixture.tardis'].flatMap(
    (name) =>
      readCapture(`binance.ws.${name}`)
        .slice(0, 300)
        .map(({ line }) => line),
  );
  const random = seeded(20_260_404);
  let parsed = 0;
  let refused = 0;
  for (let i = 0; i < FRAMES; i++) {
    const frame = mutate(lines[i % lines.length] as string, random);
    try {
      const { events, control } = binance.normalize(frame, context);
      for (const event of events) topicOf(event).parse(topicOf(event).encode(event.event));
      assert.ok(events.length > 0 || control !== null);
      parsed++;
    } catch (error) {
      assert.ok(
        error instanceof BadFrame && error.message !== '',
        `${frame.toString('latin1').slice(0, 300)}\n${error}`,
      );
      refused++;
    }
  }
  assert.equal(parsed + refused, FRAMES);
  assert.ok(parsed > 500 && refused > 5_000, `${parsed} parsed, ${refused} refused`);
});

test('mutated REST bodies give rows or BadFrame', () => {
  const [market] = marketsOf('BTC-USDT');
  if (!market || binance.book.kind !== 'sequenced') return assert.fail();
  const readers = [
    { name: 'depth.gct', parse: binance.book.parse },
    { name: 'aggTrades.gct', parse: binance.tradeHistory?.parse },
    { name: 'klines.gct', parse: binance.klineHistory?.parse },
    { name: 'exchangeInfo_trimmed.20211011', parse: binance.markets.parse },
  ];
  const random = seeded(7);
  for (const { name, parse } of readers) {
    const line = readCapture(`binance.rest.${name}`)[0]?.line ?? '';
    for (let i = 0; i < 300; i++) {
      try {
        parse?.(mutate(line, random), market, 1_700_000_000_000);
      } catch (error) {
        assert.ok(error instanceof BadFrame, `${name}: ${error}`);
      }
    }
  }
});
