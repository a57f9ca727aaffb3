import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedEvent, FrameContext } from '../../../ingestion/exchanges/connector.ts';
import { upbit } from '../../../ingestion/exchanges/upbit.ts';
import { comparePrices } from '../../../schema/decimal.ts';
import type { MarketInfo, TradeEvent } from '../../../schema/market.ts';
import { readCapture } from '../../support/fixtures.ts';

const RECEIVED = 1_800_000_000_000;
const btc = upbit.assume('BTC-KRW');
const context: FrameContext = {
  receivedAt: RECEIVED,
  market: (native) => {
    const [quote, base] = native.split('-');
    return upbit.assume(`${base}-${quote}`);
  },
};
const stamp = { exchange: 'UPBIT', symbol: 'BTC-KRW', receivedAt: RECEIVED };

function normalize(line: string): FeedEvent {
  const { events, known } = upbit.normalize(Buffer.from(line), context);
  const [event] = events;
  assert.ok(event && events.length === 1);
  assert.deepEqual(known, { channel: event.channel, symbol: event.event.symbol, eventTime: event.event.eventTime });
  return event;
}
const line = (capture: string, n = 0): string => readCapture(capture)[n]?.line ?? '';

test('trap: an id beyond 2^53 is kept to the digit, the taker side and the time are those of REST', () => {
  const event = {
    ...stamp,
    eventTime: 1785395043779,
    tradeId: '17853950437790001',
    price: '91361000',
    quantity: '0.01275549',
    side: 'SELL',
  };
  assert.deepEqual(normalize(line('upbit.ws.trade_DEFAULT.maxt')), { channel: 'trade', event });
  // the same trade over REST
  const body = Buffer.from(line('upbit.rest.trades_ticks.maxt', 1));
  assert.deepEqual(upbit.tradeHistory?.parse(body, btc, RECEIVED), [event]);
  assert.notEqual(String(Number('17853950437790001')), '17853950437790001');
});

test('trap: two trades that differ in nothing but their id are two', () => {
  const trades = upbit.tradeHistory?.parse(Buffer.from(line('upbit.rest.trades_ticks.maxt')), btc, RECEIVED) ?? [];
  const [a, b] = trades as [TradeEvent, TradeEvent];
  assert.deepEqual({ ...a, tradeId: '' }, { ...b, tradeId: '' });
  assert.deepEqual([a.tradeId, b.tradeId], ['17853950411240001', '17853950411240000']);
});

test('trap: prices with exponents and sizes with trailing zeros become plain decimals', () => {
  const { event } = normalize(line('upbit.ws.orderbook_DEFAULT.nemanull'));
  assert.deepEqual(event, {
    ...stamp,
    ...{ eventTime: 1790134742106, type: 'snapshot', sequence: '1790134742106', previousSequence: null },
    asks: [
      ['116539000', '0.02054761'],
      ['116542000', '0.0007772'],
    ],
    bids: [
      ['116538000', '0.08120946'],
      ['116537000', '0.01129382'],
    ],
    integrity: 'SNAPSHOT_ONLY',
  });
  const tiny = normalize(
    '{"ty":"orderbook","cd":"KRW-BTC","tms":1790134742106,"obu":[{"ap":1.16539E8,"bp":1.16538E8,"as":7.9276E-4,"bs":2.2E-7}],"st":"REALTIME"}',
  );
  assert.deepEqual(tiny.channel === 'orderbook' && [tiny.event.asks, tiny.event.bids], [
    [['116539000', '0.00079276']],
    [['116538000', '0.00000022']],
  ]);
});

test('trap: padding levels of price 0 and levels of size 0 are dropped', () => {
  const { event } = normalize(line('upbit.ws.mixed_fixture.tardis'));
  assert.deepEqual('asks' in event && [event.asks, event.bids.length], [[['41840', '103.6']], 2]);
  const empty = normalize(
    '{"type":"orderbook","code":"KRW-BTC","timestamp":1790134742106,"orderbook_units":[{"ask_price":0,"bid_price":0.0,"ask_size":0,"bid_size":0E0}]}',
  );
  assert.deepEqual('asks' in empty.event && [empty.event.asks, empty.event.bids], [[], []]);
});

test('trap: a book stamped in µs is read as ms', () => {
  assert.equal(normalize(line('upbit.ws.mixed_fixture.tardis', 2)).event.eventTime, 1691530805062);
});

test('a torn or crossed book is refused', () => {
  const book = (units: object[]): string =>
    JSON.stringify({ type: 'orderbook', code: 'KRW-BTC', timestamp: 1790134742106, orderbook_units: units });
  const unit = (ask: number, bid: number) => ({ ask_price: ask, bid_price: bid, ask_size: 1, bid_size: 1 });
  assert.throws(() => normalize(book([unit(10, 10)])), { message: 'orderbook_units: bids and asks cross' });
  assert.throws(() => normalize(book([unit(10, 8), unit(9, 7)])), { message: 'ask_price: not in order' });
  assert.throws(() => normalize(book([unit(10, 8), unit(11, 8)])), { message: 'bid_price: not in order' });
});

test('the recorded books of 2021 are in order and never cross', () => {
  for (const { line: frame } of readCapture('upbit.ws.orderbook_SIMPLE.20210405')) {
    const { event } = normalize(frame);
    if (!('asks' in event)) return assert.fail();
    assert.equal(event.asks.length, 15);
    assert.ok(comparePrices(event.bids[0]?.[0] ?? '', event.asks[0]?.[0] ?? '') < 0);
  }
});

test('trap: ids of a recording are unique and not in order', () => {
  const trades = readCapture('upbit.ws.trade_SIMPLE.20210405').map(
    ({ line: frame }) => normalize(frame).event as TradeEvent,
  );
  assert.equal(new Set(trades.map(({ symbol, tradeId }) => `${symbol} ${tradeId}`)).size, trades.length);
  assert.equal(upbit.tradeIds, 'unordered');
});

test('trap: nothing says that a candle is closed, and its numbers keep every digit', () => {
  assert.deepEqual(normalize(line('upbit.ws.candle.maxt')), {
    channel: 'kline',
    event: {
      ...stamp,
      ...{ eventTime: 1785397531885, interval: 'M1', openTime: Date.UTC(2026, 6, 30, 7, 45), tradeCount: null },
      ...{ open: '91154000', high: '91157000', low: '91142000', close: '91157000', volume: '0.15511395' },
      ...{ quoteVolume: '14139448.26754', isClosed: false, coverage: 1 },
    },
  });
  assert.equal(upbit.klineCloses, 'next');
});

test('a ticker has the last price, the day of UTC and 24 hours of volume', () => {
  const ticker =
    '{"type":"ticker","code":"KRW-BTC","opening_price":102417000.0,"high_price":1.03988E8,"low_price":101150000.0,"trade_price":103493000.0,"prev_closing_price":102417000.0,"signed_change_rate":0.0105060683,"acc_trade_volume":1024.30599241,"acc_trade_price_24h":1.62997300132123E11,"acc_trade_volume_24h":1587.73606087,"trade_timestamp":1773240058930,"timestamp":1773240058973,"stream_type":"REALTIME"}';
  assert.deepEqual(normalize(ticker), {
    channel: 'ticker',
    event: {
      ...stamp,
      ...{ eventTime: 1773240058973, last: '103493000', open: '102417000', high: '103988000', low: '101150000' },
      ...{ volume24h: '1587.73606087', quoteVolume24h: '162997300132.123', changePercent24h: 1.05060683 },
    },
  });
});

test('control frames say what they mean for the connection', () => {
  const said = (n: number) =>
    upbit.normalize(Buffer.from(line('upbit.ws.control_and_errors.nemanull', n)), context).control;
  assert.deepEqual(said(0), { kind: 'alive' });
  assert.deepEqual(said(1), { kind: 'refused', reason: 'NO_TICKET 티켓이 존재하지 않거나, 유효하지 않습니다.' });
  // the order of keys varies
  assert.deepEqual(said(3), { kind: 'refused', reason: 'WRONG_FORMAT Format 이 맞지 않습니다.' });
});

test('trap: one connection sends one request, as a second would replace it', () => {
  const plan = upbit.connect({ url: 'wss://x' }, [btc, upbit.assume('USDT-KRW')]);
  assert.deepEqual([plan.url, plan.acks, plan.awaitWelcome, plan.messages.length], ['wss://x', 0, false, 1]);
  const [ticket, ...rest] = JSON.parse(plan.messages[0] ?? '') as { ticket: string }[];
  assert.match(ticket?.ticket ?? '', /^[0-9a-f-]{36}$/);
  const codes = ['KRW-BTC', 'KRW-USDT'];
  assert.deepEqual(rest, [
    { type: 'ticker', codes },
    { type: 'trade', codes },
    { type: 'orderbook', codes },
    { type: 'candle.1m', is_only_realtime: true, codes },
    { format: 'DEFAULT' },
  ]);
  // the server closes after 60 s of silence
  assert.ok(plan.ping && plan.ping.everyMs <= 20_000 && plan.ping.message(1) === null);
});

test('candles of a span are asked for by its end, exclusive, in UTC', () => {
  const from = Date.UTC(2026, 2, 11, 23, 58);
  const path = upbit.klineHistory?.request(btc, from, from + 3 * 60_000).path;
  assert.equal(path, '/v1/candles/minutes/1?market=KRW-BTC&count=3&to=2026-03-12T00%3A01%3A00Z');
});

test('trades are read backwards page by page, and day by day', () => {
  const now = Date.UTC(2026, 2, 11, 0, 10);
  const at = (time: number) => ({ tradeId: '17', eventTime: time }) as TradeEvent;
  const { tradeHistory } = upbit;
  if (tradeHistory?.direction !== 'backward') return assert.fail();
  const path = (oldest: TradeEvent | null, since: number, empty: number): string | undefined =>
    tradeHistory
      .request(btc, oldest, { since, now, empty })
      ?.path.replace('/v1/trades/ticks?market=KRW-BTC&count=500', '');
  const yesterday = now - 3_600_000;
  assert.equal(path(null, yesterday, 0), '');
  assert.equal(path(at(now - 1_000), yesterday, 0), '&cursor=17');
  assert.equal(path(at(now - 600_000), yesterday, 1), '&days_ago=1');
  assert.equal(path(at(yesterday + 1_000), yesterday, 0), '&cursor=17&days_ago=1');
  assert.equal(path(at(yesterday + 1_000), yesterday, 1), undefined);
  assert.equal(path(at(now - 600_000), now - 500_000, 1), undefined);
  assert.equal(path(at(now - 7 * 86_400_000), 0, 1), undefined);
});

test('the list of markets becomes canonical symbols with their fees; other spellings are left out', () => {
  const body = JSON.stringify([
    { market: 'KRW-BTC', korean_name: '비트코인', english_name: 'Bitcoin', market_event: { warning: false } },
    { market: 'USDT-ETH', korean_name: '이더리움', english_name: 'Ethereum' },
    { market: 'KRW-a', korean_name: 'x', english_name: 'x' },
    { market: 'KRW', korean_name: 'x', english_name: 'x' },
    { market: 'KRW-A-B', korean_name: 'x', english_name: 'x' },
  ]);
  const shown = ({ symbol, nativeSymbol, status, takerFeePercent, tickSize }: MarketInfo) => [
    symbol,
    nativeSymbol,
    status,
    takerFeePercent,
    tickSize,
  ];
  assert.deepEqual(upbit.markets.parse(Buffer.from(body)).map(shown), [
    ['BTC-KRW', 'KRW-BTC', 'TRADING', '0.05', null],
    ['ETH-USDT', 'USDT-ETH', 'TRADING', '0.25', null],
  ]);
  // what an account is charged: 0.0005
  const { bid_fee } = JSON.parse(line('upbit.rest.orders_chance_fees_only.upbeat')) as { bid_fee: string };
  assert.equal(Number(btc.takerFeePercent) / 100, Number(bid_fee));
});

test('the price steps of markets are asked for apart, as captured', () => {
  assert.equal(upbit.steps?.request([btc]).path, '/v1/orderbook/instruments?markets=KRW-BTC');
  const steps = upbit.steps?.parse(Buffer.from(line('upbit.rest.get_orderbook_instruments.upbeat')));
  assert.deepEqual([...(steps ?? [])], [['KRW-BTC', '1000']]);
});

test('REST bodies that are errors or of another market are refused', () => {
  for (const { line: body } of readCapture('upbit.rest.errors.nemanull')) {
    assert.throws(() => upbit.klineHistory?.parse(Buffer.from(body), btc, RECEIVED), { message: 'body: not a list' });
  }
  const other = Buffer.from(line('upbit.rest.get_trades.upbeat'));
  assert.throws(() => upbit.tradeHistory?.parse(other, upbit.assume('ETH-KRW'), RECEIVED), {
    message: 'market: another one',
  });
  const days = Buffer.from(line('upbit.rest.get_candles_days.upbeat'));
  assert.throws(() => upbit.klineHistory?.parse(days, btc, RECEIVED), { message: 'unit: not one minute' });
});
