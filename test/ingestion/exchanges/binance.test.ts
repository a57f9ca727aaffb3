import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import { BadFrame, type FeedEvent, type FrameContext } from '../../../ingestion/exchanges/connector.ts';
import { decimal } from '../../../schema/decimal.ts';
import type { MarketInfo } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { captureNames, readCapture, readCaptureMeta } from '../../support/fixtures.ts';
import { marketsOf, topicOf } from '../feed/scripted.ts';

const RECEIVED = 1_700_000_000_000;
const known = marketsOf(
  'BTC-USDT',
  'ETH-USDT',
  'DOT-USDT',
  'NKN-USDT',
  'BLZ-ETH',
  'LRC-BTC',
  'BNB-BTC',
  'GNT-BTC',
  'BTC-USDC',
);
const context: FrameContext = {
  receivedAt: RECEIVED,
  market: (native) => known.find((market) => market.nativeSymbol === native),
};

function normalize(line: string): FeedEvent[] {
  return binance.normalize(Buffer.from(line), context).events;
}

function reasonOf(line: string): string {
  try {
    normalize(line);
    return '';
  } catch (error) {
    assert.ok(error instanceof BadFrame, `${line.slice(0, 200)}: ${error}`);
    return error.message;
  }
}

test('every captured frame normalizes to an event its topic takes, or is refused with a reason', () => {
  const names = captureNames().filter((name) => name.startsWith('binance.ws.'));
  const reasons = new Map<string, number>();
  let events = 0;
  for (const name of names) {
    for (const { line } of readCapture(name)) {
      const reason = reasonOf(line);
      if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      else
        for (const event of normalize(line)) {
          topicOf(event).parse(topicOf(event).encode(event.event));
          events++;
        }
    }
  }
  assert.ok(events > 4_000, `${events} events`);
  const named =
    /^(event type (referencePrice|trade|blockTrade|24hrMiniTicker|1hTicker|avgPrice) is not followed|unknown symbol|e: no event type|interval|E: not near k.t)/;
  for (const reason of reasons.keys()) assert.match(reason, named);
});

test('the channels that are followed lose no frame of a recording', () => {
  for (const channel of ['aggTrade', 'depth_100ms', 'kline_1m']) {
    for (const { line } of readCapture(`binance.ws.${channel}.20210404`)) {
      const { s } = (JSON.parse(line) as { data: { s: string } }).data;
      if (context.market(s)) assert.equal(reasonOf(line), '', line.slice(0, 120));
      else assert.equal(reasonOf(line), `unknown symbol ${s}`);
    }
  }
});

test('a trade keeps every digit, the taker side and the time it has over REST too', () => {
  const line =
    '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1617566591315,"s":"BTCUSDT","a":665076760,"p":"58001.03000000","q":"0.08620500","f":745522877,"l":745522877,"T":1617566591314,"m":true,"M":true}}';
  const { events, known: frame } = binance.normalize(Buffer.from(line), context);
  assert.deepEqual(frame, { channel: 'trade', symbol: 'BTC-USDT', eventTime: 1617566591314 });
  assert.deepEqual(events, [
    {
      channel: 'trade',
      event: {
        exchange: 'BINANCE',
        symbol: 'BTC-USDT',
        eventTime: 1617566591314,
        receivedAt: RECEIVED,
        tradeId: '665076760',
        price: '58001.03',
        quantity: '0.086205',
        side: 'SELL',
      },
    },
  ]);
});

test('a candle keeps the recording to the digit and its closed flag', () => {
  for (const { line } of readCapture('binance.ws.kline_1m.20210404')) {
    const { s, E, k } = (
      JSON.parse(line) as { data: { s: string; E: number; k: Record<string, string> & { x: boolean } } }
    ).data;
    if (!context.market(s)) continue;
    const [event] = normalize(line);
    assert.equal(event?.channel, 'kline');
    if (event?.channel !== 'kline') continue;
    const { open, high, low, close, volume, quoteVolume, isClosed, eventTime } = event.event;
    assert.deepEqual(
      { open, high, low, close, volume, quoteVolume, isClosed, eventTime },
      {
        open: decimal(k.o ?? ''),
        high: decimal(k.h ?? ''),
        low: decimal(k.l ?? ''),
        close: decimal(k.c ?? ''),
        volume: decimal(k.v ?? ''),
        quoteVolume: decimal(k.q ?? ''),
        isClosed: k.x,
        eventTime: E,
      },
    );
  }
});

test('control frames say what they mean for the connection', () => {
  const said = (line: string) => binance.normalize(Buffer.from(line), context).control;
  assert.deepEqual(said('{"result":null,"id":1}'), { kind: 'ack' });
  assert.deepEqual(said('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}'), {
    kind: 'closing',
  });
  assert.deepEqual(said('{"e":"serverShutdown","E":1770123456789}'), { kind: 'closing' });
  assert.deepEqual(said('{"code":2,"msg":"Invalid request: unknown variant","id":1}'), {
    kind: 'refused',
    reason: '2 Invalid request: unknown variant',
  });
  assert.deepEqual(said('{"error":{"code":3,"msg":"Invalid JSON"},"id":null}'), {
    kind: 'refused',
    reason: '3 Invalid JSON',
  });
});

test('what is wrong with a frame is named', () => {
  const trade = (change: object): string =>
    JSON.stringify({
      ...{ e: 'aggTrade', E: 1617566591315, s: 'BTCUSDT', a: 1, p: '1', q: '1', f: 1, l: 1, T: 1617566591314, m: true },
      ...change,
    });
  assert.equal(reasonOf(trade({})), '');
  assert.match(reasonOf(trade({ p: 'NaN' })), /^p: not a decimal/);
  assert.match(reasonOf(trade({ p: 1.5 })), /^p: not a decimal as text/);
  assert.match(reasonOf(trade({ p: '1e9999' })), /^p: not a decimal/);
  assert.match(reasonOf(trade({ p: '-1' })), /^p: negative/);
  assert.match(reasonOf(trade({ p: '0.000' })), /^p: zero/);
  assert.match(reasonOf(trade({ a: 2 ** 53 })), /^a: not a count/);
  assert.match(reasonOf(trade({ T: 1617566591 })), /^T: not a time in ms/);
  assert.match(reasonOf(trade({ T: 1617566591314000 })), /^T: not a time in ms/);
  assert.match(reasonOf(trade({ m: 'true' })), /^m: not true or false/);
  assert.match(reasonOf(trade({ s: 'XXXYYY' })), /^unknown symbol XXXYYY/);
  assert.match(reasonOf(trade({ e: 'toString' })), /^event type toString is not followed/);
  assert.equal(reasonOf('{"e":"aggTrade"'), 'not JSON');
  assert.equal(reasonOf('[]'), 'frame: not an object');
  assert.equal(reasonOf('null'), 'frame: not an object');
  assert.equal(reasonOf('['.repeat(50_000)), 'not JSON');
  assert.throws(() => binance.normalize(Buffer.from([0x7b, 0xff, 0x7d]), context), {
    name: 'BadFrame',
    message: 'not UTF-8',
  });
});

test('connections are planned within the limits', () => {
  const few = binance.connect({ url: 'wss://x' }, known.slice(0, 2));
  assert.equal(
    few.url,
    'wss://x/stream?streams=btcusdt@kline_1m/btcusdt@aggTrade/btcusdt@depth@100ms/btcusdt@ticker/ethusdt@kline_1m/ethusdt@aggTrade/ethusdt@depth@100ms/ethusdt@ticker',
  );
  assert.deepEqual([few.messages, few.acks], [[], 0]);

  const many: MarketInfo[] = Array.from({ length: binance.limits.marketsPerConnection }, (_, i) =>
    binance.assume(`C${i}-USDT`),
  );
  const plan = binance.connect({ url: 'wss://x' }, many);
  const params = plan.messages.flatMap((message) => (JSON.parse(message) as { params: string[] }).params);
  assert.equal(plan.url, 'wss://x/stream');
  assert.equal(plan.acks, plan.messages.length);
  assert.equal(new Set(params).size, many.length * 4);
  assert.ok(params.length <= 1_024);
});

test('REST bodies as captured give markets, candles, trades and books', () => {
  const [btc] = known as [MarketInfo];
  const info = binance.markets.parse(
    Buffer.from(readCapture('binance.rest.exchangeInfo_trimmed.20211011')[0]?.line ?? ''),
  );
  const market = info.find((one) => one.symbol === 'BTC-USDT');
  assert.deepEqual(market, {
    exchange: 'BINANCE',
    symbol: 'BTC-USDT',
    nativeSymbol: 'BTCUSDT',
    base: 'BTC',
    quote: 'USDT',
    status: 'TRADING',
    tickSize: '0.01',
    lotSize: '0.00001',
    takerFeePercent: '0.1',
  });

  const bodies = readCapture('binance.rest.klines.gct');
  const paths = readCaptureMeta('binance.rest.klines.gct').map(([path]) => path ?? '');
  const minute = paths.findIndex((path) => path.includes('interval=1m'));
  const klines = binance.klineHistory?.parse(Buffer.from(bodies[minute]?.line ?? ''), btc, RECEIVED) ?? [];
  assert.ok(klines.length > 0);
  for (const kline of klines) TOPICS.kline1m.parse(TOPICS.kline1m.encode(kline));

  const captured = readCapture('binance.rest.aggTrades.gct')[0]?.line ?? '';
  const trades = (body: string) => binance.tradeHistory?.parse(Buffer.from(body), btc, RECEIVED);
  // its recorder lost the name of the field m
  assert.throws(() => trades(captured), { name: 'BadFrame', message: 'm: not true or false (nothing)' });
  assert.deepEqual(
    trades(captured.replaceAll('"":', '"m":'))?.map(({ tradeId, side, eventTime }) => [tradeId, side, eventTime]),
    [
      ['303004096', 'BUY', 1577977445500],
      ['303004097', 'BUY', 1577981944800],
      ['303004098', 'BUY', 1577981945200],
    ],
  );

  assert.equal(binance.book.kind, 'sequenced');
  if (binance.book.kind !== 'sequenced') return;
  const book = binance.book.parse(
    Buffer.from(readCapture('binance.rest.depth_snapshot.20210404')[0]?.line ?? ''),
    btc,
    RECEIVED,
  );
  assert.equal(book.sequence, '1513939277');
  assert.deepEqual(book.bids[0], ['43.5224', '0.28']);
  assert.equal(book.bids.length, 1_000);
});
