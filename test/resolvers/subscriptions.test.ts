import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { CHANNELS } from '../../schema/channels.ts';
import { type Cursor, decodeCursor, encodeCursor } from '../../schema/cursor.ts';
import { LiveStoreUnavailable } from '../../src/platform/live/store.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { KlineUpdatedDocument, TickerUpdatedDocument, TradeExecutedDocument } from '../generated/graphql.ts';
import { TestOutlet } from '../support/outlet.ts';
import { until } from '../support/until.ts';
import { append, BTC, kline, klineAppend, MINUTE, T0, ticker, tickerAppend, trade, tradeAppend } from './samples.ts';
import { createWorld, noPostgres } from './world.ts';

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld(noPostgres, { MAX_SUBSCRIBER_QUEUE: '5' });
});
afterEach(() => world.stop());

const sent = (n: number) => trade(T0 + n, `t${n}`);

describe('the first event', () => {
  test('is the newest candle where there is one, and nothing between it and the next is missing', async () => {
    await world.live.append([klineAppend(kline(T0, { close: '1', isClosed: false }))]);
    const candles = await world.follow(KlineUpdatedDocument, BTC);
    await world.live.append([2, 3, 4].map((n) => klineAppend(kline(T0, { close: String(n), eventTime: T0 + n }))));
    const seen = [];
    for (let i = 0; i < 4; i++) seen.push((await candles.next()).klineUpdated);
    assert.deepEqual(
      seen.map((e) => [e.sequence, e.start, e.gap, e.kline.close]),
      [
        ['1', 'LIVE', null, '1'],
        ['2', null, null, '2'],
        ['3', null, null, '3'],
        ['4', null, null, '4'],
      ],
    );
    assert.deepEqual(decodeCursor(seen[3]?.cursor ?? '')?.sequence, 4n);
  });

  test('of a market that has none yet is the first that comes', async () => {
    const tickers = await world.follow(TickerUpdatedDocument, BTC);
    await world.live.append([tickerAppend(ticker(T0, { last: '7.50' }))]);
    const { tickerUpdated } = await tickers.next();
    assert.deepEqual([tickerUpdated.start, tickerUpdated.ticker.last], ['LIVE', '7.5']);
  });

  test('of trades is the next trade: what was before is history', async () => {
    await world.live.append([tradeAppend(sent(1))]);
    const trades = await world.follow(TradeExecutedDocument, BTC);
    await world.live.append([tradeAppend(sent(2))]);
    const { tradeExecuted } = await trades.next();
    assert.deepEqual([tradeExecuted.start, tradeExecuted.sequence, tradeExecuted.trade.tradeId], ['LIVE', '2', 't2']);
  });

  test('is the state at the head for whoever joins later, at no cost to the store', async () => {
    await world.live.append([klineAppend(kline(T0, { close: '1' }))]);
    const first = await world.follow(KlineUpdatedDocument, BTC);
    await first.next();
    await world.live.append([klineAppend(kline(T0 + MINUTE, { close: '2' }))]);
    assert.equal((await first.next()).klineUpdated.kline.close, '2');
    world.calls.length = 0;
    const second = await world.follow(KlineUpdatedDocument, BTC);
    const { klineUpdated } = await second.next();
    assert.deepEqual([klineUpdated.start, klineUpdated.sequence, klineUpdated.kline.close], ['LIVE', '2', '2']);
    assert.deepEqual(world.calls, []);
  });
});

describe('what is missing is told', () => {
  test('a gap that lies before an entry comes with it', async () => {
    const trades = await world.follow(TradeExecutedDocument, BTC);
    await world.live.append([
      tradeAppend(sent(1)),
      tradeAppend(sent(2), JSON.stringify({ missed: null, reason: 'FEED_GAP' })),
    ]);
    assert.equal((await trades.next()).tradeExecuted.gap, null);
    assert.deepEqual((await trades.next()).tradeExecuted.gap, { missed: null, reason: 'FEED_GAP' });
  });

  test('trades that were trimmed before they were read are counted', async () => {
    const trades = await world.follow(TradeExecutedDocument, BTC);
    // the tail looks only after this tick
    await world.live.append([1, 2, 3, 4].map((n) => tradeAppend(sent(n))));
    const old = { ...tradeAppend(sent(5)), maxLength: 2 };
    await world.live.append([old]);
    const { tradeExecuted } = await trades.next();
    assert.deepEqual(
      [tradeExecuted.start, tradeExecuted.sequence, tradeExecuted.gap],
      ['LIVE', '4', { missed: 3, reason: 'RETENTION' }],
    );
    assert.equal((await trades.next()).tradeExecuted.gap, null);
  });

  test('a stream with a newest state is reset to it', async () => {
    await world.live.append([tickerAppend(ticker(T0, { last: '1' }))]);
    const tickers = await world.follow(TickerUpdatedDocument, BTC);
    await tickers.next();
    await world.live.append(
      [2, 3, 4].map((n) => ({ ...tickerAppend(ticker(T0 + n, { last: String(n) })), maxLength: 1 })),
    );
    const { tickerUpdated } = await tickers.next();
    assert.deepEqual([tickerUpdated.start, tickerUpdated.sequence, tickerUpdated.ticker.last], ['RESET', '4', '4']);
    assert.deepEqual(tickerUpdated.gap, { missed: 2, reason: 'RETENTION' });
    await world.live.append([tickerAppend(ticker(T0 + 5, { last: '5' }))]);
    const next = await tickers.next();
    assert.deepEqual([next.tickerUpdated.start, next.tickerUpdated.ticker.last], [null, '5']);
  });

  test('an unreadable entry is a loss, not the end', async () => {
    const trades = await world.follow(TradeExecutedDocument, BTC);
    await world.live.append([{ ...tradeAppend(sent(1)), payload: '{' }, tradeAppend(sent(2))]);
    const { tradeExecuted } = await trades.next();
    assert.deepEqual([tradeExecuted.trade.tradeId, tradeExecuted.gap], ['t2', { missed: 1, reason: 'FEED_GAP' }]);
  });
});

test('a subscriber that does not read is served as it asked, the others go on', async () => {
  const [blocked, stopped] = [new TestOutlet(), new TestOutlet()];
  const dropping = await world.follow(TradeExecutedDocument, BTC, blocked);
  const document = String(TradeExecutedDocument).replace(
    /tradeExecuted\(/,
    'tradeExecuted(onSlow: DISCONNECT, ',
  ) as unknown as typeof TradeExecutedDocument;
  const leaving = await world.follow(document, BTC, stopped);
  const quick = await world.follow(TradeExecutedDocument, BTC);
  for (const outlet of [blocked, stopped]) outlet.room = 1;
  const seen: string[] = [];
  for (let n = 1; n <= 8; n++) {
    await world.live.append([tradeAppend(sent(n))]);
    seen.push((await quick.next()).tradeExecuted.trade.tradeId);
  }
  assert.deepEqual(seen, ['t1', 't2', 't3', 't4', 't5', 't6', 't7', 't8']);

  const { cursor } = (await leaving.next()).tradeExecuted;
  await assert.rejects(leaving.raw(), (error: { extensions?: Record<string, unknown> }) => {
    assert.equal(error.extensions?.code, 'SLOW_CONSUMER');
    assert.equal(error.extensions?.cursor, cursor);
    return true;
  });
  assert.deepEqual(await leaving.raw(), { value: undefined, done: true });

  assert.equal((await dropping.next()).tradeExecuted.trade.tradeId, 't1');
  blocked.read(10);
  const after = (await dropping.next()).tradeExecuted;
  // five wait at most: of 2 to 8 the oldest two went
  assert.deepEqual([after.trade.tradeId, after.gap], ['t4', { missed: 2, reason: 'SLOW' }]);
  await quick.stop();
  await dropping.stop();
  assert.equal(world.core.hub.followed, 0);
});

test('leaving works at once on a quiet market, and nothing is followed any more', async () => {
  const one = await world.follow(TradeExecutedDocument, BTC);
  const two = await world.follow(TradeExecutedDocument, BTC);
  assert.equal(world.core.hub.followed, 1);
  const waiting = one.raw();
  await one.stop();
  assert.deepEqual(await waiting, { value: undefined, done: true });
  assert.equal(world.core.hub.followed, 1);
  await two.stop();
  assert.equal(world.core.hub.followed, 0);
  // and it can be followed anew
  const again = await world.follow(TradeExecutedDocument, BTC);
  await world.live.append([tradeAppend(sent(1))]);
  assert.equal((await again.next()).tradeExecuted.trade.tradeId, 't1');
});

test('what is not supported yet, and what can never be, is refused with its name', async () => {
  const source = `subscription ($after: Cursor, $throttleMs: Int! = 0, $onSlow: SlowConsumerPolicy! = CONFLATE, $symbol: String! = "BTC-USDT") {
    tickerUpdated(exchange: BINANCE, symbol: $symbol, after: $after, throttleMs: $throttleMs, onSlow: $onSlow) { sequence }
  }`;
  const document = source as unknown as typeof TickerUpdatedDocument;
  await world.live.append([tickerAppend(ticker(T0))]);
  const tickers = await world.follow(TickerUpdatedDocument, BTC);
  const { cursor } = (await tickers.next()).tickerUpdated;
  const foreign = encodeCursor('live:ticker:kucoin:{BTC}-USDT', decodeCursor(cursor) as Cursor);
  for (const [variables, code, argument] of [
    [{ throttleMs: 60_001 }, 'BAD_USER_INPUT', 'throttleMs'],
    [{ after: foreign }, 'BAD_USER_INPUT', 'after'],
    [{ throttleMs: -1 }, 'BAD_USER_INPUT', 'throttleMs'],
    [{ symbol: 'btcusdt' }, 'BAD_USER_INPUT', 'symbol'],
  ] as const) {
    await assert.rejects(world.follow(document, variables as never), (error: { extensions?: object }) => {
      assert.deepEqual({ ...error.extensions, max: undefined }, { code, argument, max: undefined });
      return true;
    });
  }
  await assert.rejects(world.follow(document, { after: `${cursor}x` } as never), /Cursor: must be a cursor/);
  for (const onSlow of ['CONFLATE', 'DROP_WITH_GAP', 'DISCONNECT']) {
    const allowed = await world.follow(document, { onSlow, after: cursor } as never);
    await allowed.stop();
  }
});

test('a live store that does not answer is STORE_UNAVAILABLE, and the next try is a fresh one', async () => {
  world.liveFailing.error = new LiveStoreUnavailable('gone');
  await assert.rejects(world.follow(TickerUpdatedDocument, BTC), {
    extensions: { code: 'STORE_UNAVAILABLE', store: 'live' },
  });
  world.liveFailing.error = null;
  await world.live.append([tickerAppend(ticker(T0))]);
  const tickers = await world.follow(TickerUpdatedDocument, BTC);
  assert.equal((await tickers.next()).tickerUpdated.start, 'LIVE');
});

test('subscribers, deliveries and the time from the exchange are measured', async () => {
  const read = async (metric: {
    get(): Promise<{ values: { value: number; labels: object; metricName?: string }[] }>;
  }) => (await metric.get()).values;
  const subscribers = async () =>
    (await read(metrics.subscribers)).find((v) => 'field' in v.labels && v.labels.field === 'tradeExecuted')?.value ??
    0;
  const before = await subscribers();
  const trades = await world.follow(TradeExecutedDocument, BTC);
  assert.equal(await subscribers(), before + 1);
  await world.live.append([tradeAppend(trade(Date.now() - 1_500, 'late'))]);
  await trades.next();
  const observed = (await read(metrics.endToEnd)).filter(
    (v) => 'field' in v.labels && v.labels.field === 'tradeExecuted',
  );
  assert.ok(observed.some((v) => v.metricName?.endsWith('_count') && v.value >= 1));
  assert.ok((await read(metrics.deliveries)).some((v) => v.value >= 1));
  await trades.stop();
  await until('the gauge to fall', async () => (await subscribers()) === before);
});

test('ending the core ends every subscription', async () => {
  const trades = await world.follow(TradeExecutedDocument, BTC);
  const waiting = trades.raw();
  await world.core.stop();
  assert.deepEqual(await waiting, { value: undefined, done: true });
});

test('a stream is followed by its key alone: two intervals are two streams', async () => {
  const minutes = await world.follow(KlineUpdatedDocument, BTC);
  const hours = await world.follow(KlineUpdatedDocument, { ...BTC, interval: 'H1' });
  const hour = kline(T0, { interval: 'H1', close: '9' });
  await world.live.append([append('kline', CHANNELS.kline.id(hour), hour), klineAppend(kline(T0, { close: '1' }))]);
  assert.equal((await hours.next()).klineUpdated.kline.close, '9');
  assert.equal((await minutes.next()).klineUpdated.kline.close, '1');
});
