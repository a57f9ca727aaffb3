/** Where the exchanges differ and a reader of one would misread another; what is one exchange's own is in its own test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedEvent } from '../../../ingestion/exchanges/connector.ts';
import { CONNECTORS } from '../../../ingestion/exchanges/index.ts';
import type { FlowTools } from '../../../ingestion/feed/flow.ts';
import { createKlineFlow } from '../../../ingestion/feed/kline-flow.ts';
import { type Exchange, INTERVALS, type KlineEvent } from '../../../schema/market.ts';
import { until } from '../../support/until.ts';
import { noProgress, quiet, START } from '../feed/scripted.ts';

const { BINANCE, KUCOIN, UPBIT, BITHUMB } = CONNECTORS;
const MINUTE = INTERVALS.M1;
const utc = (time: number) => new Date(time).toISOString().slice(0, 19);

/** REST bodies of one candle that opened at 2, went down to 1 and up to 4, and closed at 3. */
const BODIES: Record<Exchange, (times: readonly number[]) => string> = {
  BINANCE: (times) =>
    JSON.stringify(times.map((t) => [t, '2', '4', '1', '3', '5', t + MINUTE - 1, '15', 7, '0', '0', '0'])),
  KUCOIN: (times) =>
    JSON.stringify({ code: '200000', data: times.map((t) => [String(t / 1_000), '2', '3', '4', '1', '5', '15']) }),
  ...(Object.fromEntries(
    (['UPBIT', 'BITHUMB'] as const).map((exchange) => [
      exchange,
      (times: readonly number[]) =>
        JSON.stringify(
          times.map((t) => ({
            ...{ market: 'KRW-BTC', candle_date_time_utc: utc(t), candle_date_time_kst: utc(t + 9 * 3_600_000) },
            ...{ opening_price: 2, high_price: 4, low_price: 1, trade_price: 3, timestamp: t, unit: 1 },
            ...{ candle_acc_trade_price: 15, candle_acc_trade_volume: 5 },
          })),
        ),
    ]),
  ) as Record<'UPBIT' | 'BITHUMB', (times: readonly number[]) => string>),
};
const marketOf = (exchange: Exchange) =>
  CONNECTORS[exchange].assume(exchange === 'UPBIT' || exchange === 'BITHUMB' ? 'BTC-KRW' : 'BTC-USDT');

for (const exchange of Object.keys(BODIES) as Exchange[]) {
  const { klineHistory } = CONNECTORS[exchange];

  test(`trap: columns and names of a candle on ${exchange}`, () => {
    const [candle] = klineHistory?.parse(Buffer.from(BODIES[exchange]([START])), marketOf(exchange), START) ?? [];
    const { openTime, open, high, low, close, volume, quoteVolume } = candle as KlineEvent;
    assert.deepEqual([openTime, open, high, low, close, volume, quoteVolume], [START, '2', '4', '1', '3', '5', '15']);
  });

  test(`trap: candles of ${exchange} go out oldest first, whichever way its list is sorted`, async () => {
    const minutes = [0, 1, 2].map((i) => START + i * MINUTE);
    const published: number[] = [];
    const given: FlowTools = {
      ...{
        connector: CONNECTORS[exchange],
        market: marketOf(exchange),
        log: quiet,
        signal: new AbortController().signal,
      },
      ...{
        progress: noProgress({ knownUntil: START }),
        gap() {},
        exchangeNow: () => START + 4 * MINUTE,
        exchangeTime: () => START + 4 * MINUTE,
      },
      times: { staleMs: 300, backfillMs: 3 * MINUTE, patienceMs: 500, repairMs: 100, snapshotMs: 100 },
      publish: ({ event }: FeedEvent) => void published.push((event as KlineEvent).openTime),
      fetch: async (_request, _channel, parse) => {
        const order = exchange === 'BINANCE' ? minutes : minutes.toReversed();
        return parse(Buffer.from(BODIES[exchange](order)), marketOf(exchange), START);
      },
    };
    createKlineFlow(given, klineHistory).resume();
    await until('the candles', () => published.length >= 3);
    assert.deepEqual(published.slice(0, 3), minutes);
  });
}

test('trap: symbols are spelled four ways, streams of Binance in lower case', () => {
  const native = [BINANCE, KUCOIN].map((connector) => connector.assume('BTC-USDT').nativeSymbol);
  assert.deepEqual(native, ['BTCUSDT', 'BTC-USDT']);
  assert.deepEqual(
    [UPBIT, BITHUMB].map((connector) => connector.assume('BTC-KRW').nativeSymbol),
    ['KRW-BTC', 'KRW-BTC'],
  );
  assert.match(BINANCE.connect({ url: 'ws://x' }, [BINANCE.assume('BTC-USDT')]).url, /btcusdt@aggTrade/);
});

const upbitTrade = (fields: object) => ({
  ...{ type: 'trade', code: 'KRW-BTC', trade_price: 1, trade_volume: 1, ask_bid: 'ASK', stream_type: 'REALTIME' },
  ...{ timestamp: START + 5, trade_timestamp: START, sequential_id: 17_000_000_000_000, ...fields },
});
const context = (exchange: Exchange) => ({ receivedAt: START, market: () => marketOf(exchange) });

test('trap: a trade of Upbit and Bithumb says its time twice, once in words; the words are not read', () => {
  for (const connector of [UPBIT, BITHUMB]) {
    for (const words of [
      {},
      { trade_date: '2024-11-21', trade_time: '00:00' },
      { trade_date: '20241121', trade_time: 'x' },
    ]) {
      const frame = Buffer.from(JSON.stringify(upbitTrade(words)));
      const [found] = connector.normalize(frame, context(connector.exchange)).events;
      assert.equal(found?.event.eventTime, START);
    }
  }
});

test('trap: stamps in s, µs or ns are refused where ms are due', () => {
  for (const stamp of [START / 1_000, START * 1_000, START * 1_000_000]) {
    const frame = Buffer.from(JSON.stringify(upbitTrade({ trade_timestamp: stamp })));
    assert.throws(() => UPBIT.normalize(frame, context('UPBIT')), { name: 'BadFrame' });
    const depth = { e: 'depthUpdate', E: stamp, s: 'BTCUSDT', U: 1, u: 1, b: [], a: [] };
    assert.throws(() => BINANCE.normalize(Buffer.from(JSON.stringify(depth)), context('BINANCE')), {
      name: 'BadFrame',
    });
    const data = { sequenceStart: 1, sequenceEnd: 1, symbol: 'BTC-USDT', changes: { bids: [], asks: [] }, time: stamp };
    const level2 = { type: 'message', topic: '/market/level2:BTC-USDT', subject: 'trade.l2update', data };
    assert.throws(() => KUCOIN.normalize(Buffer.from(JSON.stringify(level2)), context('KUCOIN')), { name: 'BadFrame' });
  }
});

test('trap: subscriptions add up on Binance and KuCoin, and replace each other on Upbit and Bithumb', () => {
  for (const connector of [UPBIT, BITHUMB]) {
    const markets = ['BTC-KRW', 'ETH-KRW', 'XRP-KRW'].map((symbol) => connector.assume(symbol));
    const { messages } = connector.connect({ url: 'ws://x' }, markets);
    assert.equal(messages.length, 1);
    for (const { nativeSymbol } of markets) assert.ok(messages[0]?.includes(nativeSymbol));
  }
  assert.ok(KUCOIN.connect({ url: 'ws://x' }, [marketOf('KUCOIN')]).messages.length > 1);
});
