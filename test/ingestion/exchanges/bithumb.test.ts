import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bithumb } from '../../../ingestion/exchanges/bithumb.ts';
import type { FeedEvent, FrameContext } from '../../../ingestion/exchanges/connector.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { readCapture } from '../../support/fixtures.ts';

const RECEIVED = 1_800_000_000_000;
const btc = bithumb.assume('BTC-KRW');
const context: FrameContext = {
  receivedAt: RECEIVED,
  market: (native) => [btc, bithumb.assume('ETH-KRW')].find((market) => market.nativeSymbol === native),
};
const STREAM = 'bithumb_v2.ws.orderbook_ticker_trade.nemanull';
const REST = 'bithumb_v2.rest.ticker_trades_orderbook_minutes.maxt';
const line = (capture: string, n: number): string => readCapture(capture)[n]?.line ?? '';
const normalize = (frame: string): FeedEvent | undefined => bithumb.normalize(Buffer.from(frame), context).events[0];

test('trap: books are stamped in µs', () => {
  const event = normalize(line(STREAM, 0))?.event;
  assert.deepEqual(
    [event?.eventTime, event && 'sequence' in event && event.sequence],
    [1790133505546, '1790133505546514'],
  );
});

test('trap: a level of size 0 at a live price is none', () => {
  const event = normalize(line(STREAM, 2))?.event;
  assert.deepEqual(event && 'asks' in event && [event.asks, event.bids], [
    [
      ['116208000', '0.3313'],
      ['116209000', '0.0001'],
    ],
    [
      ['116204000', '0.0037'],
      ['116203000', '0.0025'],
      ['116201000', '0.0004'],
    ],
  ]);
});

test('trap: an id of 19 digits is kept to the digit', () => {
  // the recorder of this frame rounded it to …700
  const frame = line(STREAM, 4).replace('1079953210371761700', '1079953210371761741');
  assert.deepEqual(normalize(frame), {
    channel: 'trade',
    event: {
      ...{ exchange: 'BITHUMB', symbol: 'BTC-KRW', eventTime: 1790133513739, receivedAt: RECEIVED },
      ...{ tradeId: '1079953210371761741', price: '116208000', quantity: '0.0009', side: 'BUY' },
    },
  });
});

test('trap: dates and times of a trade are Korean and are not read', () => {
  const frame = line(STREAM, 4);
  assert.match(frame, /"trade_time":"12:18:33"/);
  assert.equal(new Date(normalize(frame)?.event.eventTime ?? 0).toISOString(), '2026-09-23T03:18:33.739Z');
});

test('trap: numbers of trades differ between stream and REST, so there is no history to fill from', () => {
  assert.equal(bithumb.tradeHistory, null);
  const [trade] = JSON.parse(line(REST, 1)) as { sequential_id: number }[];
  assert.equal(String(trade?.sequential_id).length, 17);
});

test('trap: candles are not streamed, and a frame of one is refused', () => {
  assert.equal(bithumb.channels.kline?.streamed, false);
  const candle = line('upbit.ws.candle.maxt', 0);
  assert.throws(() => normalize(candle), { name: 'BadFrame', message: 'type candle.1m is not followed' });
});

test('trap: candles are asked for in Korean time; their start is read in UTC', () => {
  const from = Date.UTC(2026, 6, 30, 15, 59);
  assert.equal(
    bithumb.klineHistory?.request(btc, from, from + 120_000).path,
    '/v1/candles/minutes/1?market=KRW-BTC&count=2&to=2026-07-31T01%3A01%3A00',
  );
  const [kline] = bithumb.klineHistory?.parse(Buffer.from(line(REST, 3)), btc, RECEIVED) ?? [];
  assert.deepEqual(kline && TOPICS.kline1m.parse(TOPICS.kline1m.encode(kline)), {
    ...{ exchange: 'BITHUMB', symbol: 'BTC-KRW', receivedAt: RECEIVED, interval: 'M1', isClosed: true, coverage: 1 },
    ...{ openTime: Date.UTC(2026, 6, 30, 7, 48), eventTime: Date.UTC(2026, 6, 30, 7, 48, 59, 999), tradeCount: null },
    ...{ open: '91226000', high: '91233000', low: '91171000', close: '91171000' },
    ...{ volume: '0.07725993', quoteVolume: '7044404.52985' },
  });
});

test('trap: tickers over REST are stamped nine hours late, so none is read from there', () => {
  const [ticker] = JSON.parse(line(REST, 0)) as { timestamp: number; trade_date: string; trade_time: string }[];
  assert.equal((ticker?.timestamp ?? 0) - Date.UTC(2026, 6, 30, 7, 48, 30), 9 * 3_600_000 + 156);
  const said = bithumb.connect({ url: 'wss://x' }, [btc]).messages.join();
  assert.ok(said.includes('"ticker"'));
});

test('trap: errors come with HTTP 200', () => {
  const refused = readCapture('bithumb.rest.errors.nemanull').map(
    ({ line: body }) => bithumb.refusal?.(Buffer.from(body))?.reason,
  );
  assert.deepEqual(refused, [
    '404 Code not found',
    '400 Missing request parameter error. Check the required parameters!',
    'not_found No Route matched with those values',
    '5500 상장 코인 아님',
    '5500 입력값을 확인해 주세요.',
  ]);
  for (let n = 0; n < 4; n++) assert.equal(bithumb.refusal?.(Buffer.from(line(REST, n))), null);
  assert.equal(bithumb.refusal?.(Buffer.from('nonsense')), null);
  assert.equal(bithumb.refusal?.(Buffer.from('{"error":{"name":429,"message":"Too many"}}'))?.retryAfterMs, 1_000);
});

test('trap: one request for everything; the options the wire does not heed are not used', () => {
  const plan = bithumb.connect({ url: 'wss://x' }, [btc]);
  const [, ...rest] = JSON.parse(plan.messages[0] ?? '') as object[];
  assert.equal(plan.messages.length, 1);
  assert.deepEqual(rest, [
    { type: 'ticker', codes: ['KRW-BTC'] },
    { type: 'trade', codes: ['KRW-BTC'] },
    { type: 'orderbook', codes: ['KRW-BTC'] },
    { format: 'DEFAULT' },
  ]);
});

test('fees: the base rate of KRW markets, nothing for BTC ones', () => {
  assert.deepEqual([btc.takerFeePercent, bithumb.assume('ETH-BTC').takerFeePercent], ['0.25', '0']);
});

test('an unknown market and an unknown type are refused by name', () => {
  const frame = line(STREAM, 4);
  assert.throws(() => normalize(frame.replace('KRW-BTC', 'KRW-XYZ')), { message: 'unknown symbol KRW-XYZ' });
  assert.throws(() => normalize(frame.replace('"trade"', '"__proto__"')), {
    message: 'type __proto__ is not followed',
  });
});
