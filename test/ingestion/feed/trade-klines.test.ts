import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bithumb } from '../../../ingestion/exchanges/bithumb.ts';
import type { Connector, FeedEvent } from '../../../ingestion/exchanges/connector.ts';
import type { FlowTools } from '../../../ingestion/feed/flow.ts';
import { createCheckedKlineFlow } from '../../../ingestion/feed/kline-check.ts';
import { createKlineFlow } from '../../../ingestion/feed/kline-flow.ts';
import { createTradeKlineFlow, type TradeKlineFlow } from '../../../ingestion/feed/trade-klines.ts';
import { createMarketWatch } from '../../../ingestion/feed/watch.ts';
import type { KlineEvent, TradeEvent } from '../../../schema/market.ts';
import { until } from '../../support/until.ts';
import { noProgress, quiet, START } from './scripted.ts';

const MINUTE = 60_000;
const market = bithumb.assume('BTC-KRW');
const stamp = { exchange: market.exchange, symbol: market.symbol };

/** A candle as REST has it. */
function row(minute: number, close: string, volume: string): Record<string, unknown> {
  const at = new Date(START + minute * MINUTE).toISOString().slice(0, 19);
  const prices = { opening_price: 10, high_price: 12, low_price: 9, trade_price: Number(close) };
  const sums = { candle_acc_trade_volume: Number(volume), candle_acc_trade_price: Number(volume) * 10, unit: 1 };
  return { market: market.nativeSymbol, candle_date_time_utc: at, ...prices, ...sums };
}

/** The tools of a flow whose REST knows `candles`. */
function tools(connector: Connector, candles: Record<string, unknown>[]) {
  const published: { event: KlineEvent; late: boolean }[] = [];
  const seen = { gaps: 0, requests: 0, now: (START + 1_500) as number | null };
  const given: FlowTools = {
    connector,
    market,
    times: { staleMs: 15_000, backfillMs: MINUTE, patienceMs: 2_000, repairMs: 0, snapshotMs: 1_000 },
    log: quiet,
    signal: new AbortController().signal,
    progress: noProgress(),
    publish: (event: FeedEvent, late) => event.channel === 'kline' && void published.push({ event: event.event, late }),
    async fetch(_request, _channel, parse) {
      seen.requests++;
      await new Promise(setImmediate);
      return parse(Buffer.from(JSON.stringify([...candles].reverse())), market, START);
    },
    exchangeNow: () => seen.now,
    exchangeTime: () => seen.now,
    gap: () => seen.gaps++,
  };
  const shown = () =>
    published.map(({ event: k, late }) => {
      const state = `${k.isClosed ? 'closed' : 'open'}${late ? ' late' : ''}`;
      return `${(k.openTime - START) / MINUTE} ${state} ${k.open} ${k.high} ${k.low} ${k.close} ${k.volume}`;
    });
  return { given, published, seen, shown };
}

/** A flow that is connected and whose back-fill is through. */
async function begin({ given, seen, published }: ReturnType<typeof tools>): Promise<TradeKlineFlow> {
  const flow = createTradeKlineFlow(given, bithumb.klineHistory);
  flow.resume();
  await until('the back-fill', () => seen.requests === 1);
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  seen.requests = 0;
  published.length = 0;
  return flow;
}

/** A trade `at` ms after START that arrives when the exchange's clock says so, `now` being our clock at START. */
function trade(at: number, price: string, quantity: string, now: number): TradeEvent {
  const times = { eventTime: START + at, receivedAt: now + at };
  return { ...stamp, ...times, tradeId: String(at), price, quantity, side: 'BUY' };
}

test('a minute that was seen whole is made of its trades, exactly, and checked', async () => {
  const all = tools(bithumb, [row(-1, '10', '1'), row(0, '11', '0.30000003')]);
  const { published, seen, shown } = all;
  const flow = await begin(all);
  // the connection is ten seconds older than the minute
  const now = Date.now() + 10_000;
  const say = (at: number, price: string, quantity: string) => {
    seen.now = START + at;
    flow.trade(trade(at, price, quantity, now));
  };
  say(1_600, '10', '0.1');
  say(2_000, '12', '0.00000003');
  flow.tick();
  say(3_000, '9', '0.1');
  say(59_000, '11', '0.1');
  say(61_000, '13', '1');
  await until('the next minute', () => published.at(-1)?.event.openTime === START + MINUTE);
  assert.deepEqual(shown(), [
    '0 open 10 10 10 10 0.1',
    '0 open 10 12 10 12 0.10000003',
    '0 closed 10 12 9 11 0.30000003',
    '1 open 13 13 13 13 1',
  ]);
  assert.deepEqual(
    published.map(({ event }) => [event.eventTime - START, event.tradeCount, event.coverage]),
    [
      [1_600, 1, 1],
      [2_000, 2, 1],
      [59_999, 4, 1],
      [61_000, 1, 1],
    ],
  );
  assert.equal(published[2]?.event.quoteVolume, '3.00000036');
  const requests = seen.requests;
  seen.now = START + 66_000;
  flow.tick();
  await until('the check', () => seen.requests > requests);
  await new Promise(setImmediate);
  // REST says 3.0000003 for the value: it is right
  await until('the correction', () => published.length === 5);
  assert.deepEqual(
    [shown()[4], published[4]?.event.eventTime],
    ['0 closed late 10 12 9 11 0.30000003', START + MINUTE],
  );
  assert.equal(seen.gaps, 0);
});

test('a minute that was not seen whole is told as such, and closed by REST alone', async () => {
  const all = tools(bithumb, [row(-1, '10', '1'), row(0, '11', '5')]);
  const { published, seen, shown } = all;
  const flow = await begin(all);
  // the connection begins half a minute late
  const now = Date.now() - 30_000;
  for (const [at, price] of [
    [31_000, '10'],
    [59_000, '12'],
    [62_000, '13'],
  ] as const) {
    seen.now = START + at;
    flow.trade(trade(at, price, '1', now));
  }
  await until('the next minute', () => published.at(-1)?.event.openTime === START + MINUTE);
  assert.deepEqual(shown(), ['0 open 10 10 10 10 1', '0 closed late 10 12 9 11 5', '1 open 13 13 13 13 1']);
  const coverage = published[0]?.event.coverage ?? 1;
  assert.ok(coverage > 0.4 && coverage < 0.6, String(coverage));
});

test('a minute in which the connection was lost is closed by REST alone', async () => {
  const all = tools(bithumb, [row(-1, '10', '1'), row(0, '11', '5')]);
  const { published, seen, shown } = all;
  const flow = await begin(all);
  const now = Date.now() + 10_000;
  seen.now = START + 1_600;
  flow.trade(trade(1_600, '10', '1', now));
  flow.interrupt();
  flow.resume();
  seen.now = START + 62_000;
  flow.trade(trade(62_000, '13', '1', now));
  await until('the next minute', () => published.at(-1)?.event.openTime === START + MINUTE);
  assert.deepEqual(shown(), ['0 open 10 10 10 10 1', '0 closed late 10 12 9 11 5', '1 open 13 13 13 13 1']);
});

test('a quiet minute is closed by time, and a trade that comes after is left to the check', async () => {
  const all = tools(bithumb, [row(-1, '10', '1'), row(0, '10', '3')]);
  const { published, seen, shown } = all;
  const flow = await begin(all);
  const now = Date.now() + 10_000;
  seen.now = START + 1_600;
  flow.trade(trade(1_600, '10', '1', now));
  seen.now = START + 62_500;
  flow.tick();
  flow.trade(trade(59_999, '12', '2', now));
  seen.now = START + 65_500;
  flow.tick();
  await until('the correction', () => published.length === 3);
  assert.deepEqual(shown(), ['0 open 10 10 10 10 1', '0 closed 10 10 10 10 1', '0 closed late 10 12 9 10 3']);
});

test('candles that a later one closed are corrected, and minutes the stream left out are added', async () => {
  const candles = [row(0, '11', '5'), row(1, '12', '1'), row(2, '10', '7')];
  const connector: Connector = {
    ...bithumb,
    klineCloses: 'next',
    channels: { ...bithumb.channels, kline: { streamed: true, cadence: 'on-trade' } },
  };
  const { given, published, seen, shown } = tools(connector, candles);
  const { klineHistory: history } = bithumb;
  if (!history) return assert.fail();
  const flow = createCheckedKlineFlow(given, history, (inner) => createKlineFlow(inner, history));
  const frame = (minute: number, volume: number): KlineEvent => {
    const openTime = START + minute * MINUTE;
    const sums = { volume: String(volume), quoteVolume: String(volume * 10), tradeCount: null };
    const prices = { open: '10', high: '12', low: '9', close: minute === 0 ? '11' : '10' };
    return {
      ...stamp,
      ...prices,
      ...sums,
      openTime,
      interval: 'M1',
      isClosed: false,
      coverage: 1,
      eventTime: openTime + 1,
      receivedAt: START,
    };
  };
  flow.push(frame(0, 5));
  flow.push(frame(2, 6));
  flow.push(frame(3, 1));
  assert.equal(seen.requests, 0);
  flow.tick();
  assert.equal(seen.requests, 0, 'not settled yet');
  seen.now = START + 3 * MINUTE + 6_000;
  flow.tick();
  await until('the check', () => published.length === 7);
  // minute 0 was right
  assert.deepEqual(shown().slice(5), ['1 closed late 10 12 9 12 1', '2 closed late 10 12 9 10 7']);
  assert.deepEqual(
    published.slice(5).map(({ event }) => event.eventTime - event.openTime),
    [59_999, 60_000],
  );
  flow.tick();
  await until('what was left out to be asked for', () => given.progress.kept.klineHoles.length === 0);
  flow.tick();
  assert.equal(seen.requests, 2);
  assert.equal(published.length, 7, 'nothing is said twice');
});

test('candles that a process before closed and had no time to check are checked by who follows', async () => {
  const candles = [row(0, '11', '5'), row(1, '12', '1')];
  const { given, published, seen, shown } = tools(bithumb, candles);
  const stored = (minute: number, volume: string, close: string): KlineEvent => {
    const openTime = START + minute * MINUTE;
    const sums = { volume, quoteVolume: String(Number(volume) * 10), tradeCount: 1, isClosed: true, coverage: 1 };
    const times = { openTime, eventTime: openTime + 59_999, receivedAt: openTime + 59_999 };
    return { ...stamp, ...sums, ...times, interval: 'M1', open: '10', high: '12', low: '9', close };
  };
  const { klineHistory: history } = bithumb;
  if (!history) return assert.fail();
  // newest first; the quiet one was said by the history
  const lastKlines = [stored(2, '0', '12'), stored(1, '1', '12'), stored(0, '4', '11')];
  const progress = noProgress({ knownUntil: START + 3 * MINUTE, lastClose: '12', lastKlines });
  const flow = createCheckedKlineFlow({ ...given, progress }, history, (inner) => createKlineFlow(inner, history));
  seen.now = START + 3 * MINUTE + 10_000;
  flow.tick();
  await until('the check', () => published.length === 1);
  assert.deepEqual(shown(), ['0 closed late 10 12 9 11 5']);
  assert.equal(published[0]?.event.eventTime, START + MINUTE, 'later than what it corrects');
  flow.tick();
  await new Promise(setImmediate);
  assert.equal(seen.requests, 1);
});

test('a subscription that never begins is stale; one that has begun may be silent', () => {
  const watch = createMarketWatch(bithumb.channels, 1_000);
  watch.connected(10_000);
  assert.equal(watch.isStale('orderbook', 10_900), false);
  assert.equal(watch.isStale('orderbook', 11_001), true);
  assert.equal(watch.wantsReconnect(11_900), false);
  assert.equal(watch.wantsReconnect(12_001), true);
  watch.heard('orderbook', 12_002, false);
  watch.heard('ticker', 12_002, false);
  assert.equal(watch.isStale('orderbook', 90_000), false);
  assert.equal(watch.isStale('trade', 90_000), false);
  assert.equal(watch.wantsReconnect(90_000), false);
});
