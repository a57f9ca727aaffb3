/** One stamp that lies about the time: what it may not do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upbit } from '../../../ingestion/exchanges/upbit.ts';
import { createExchangeClock } from '../../../ingestion/feed/exchange-clock.ts';
import { createUnorderedTradeFlow } from '../../../ingestion/feed/unordered-trade-flow.ts';
import { createWholeBookFlow } from '../../../ingestion/feed/whole-book-flow.ts';
import { createReplayFeeds } from '../../../ingestion/replay/feeds.ts';
import { checkMinute, checkTrade } from '../../../ingestion/workers/quality.ts';
import type { BookEvent, MarketInfo, TradeEvent } from '../../../schema/market.ts';
import { until } from '../../support/until.ts';
import { minute, trade as tradeOf } from '../workers/market-events.ts';
import { marketsOf, noProgress, quiet, START, startScripted } from './scripted.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

/** A clock of an exchange by the side of ours, both of which stand until they are moved. */
function clockAt(ours: number) {
  const here = { at: 0 };
  const clock = createExchangeClock(
    () => ours + here.at,
    () => here.at,
  );
  return { clock, here, note: (offset: number) => clock.note(ours + here.at + offset) };
}

test('one stamp of the future does not move the exchange’s clock, be it the first; three that agree do', () => {
  const first = clockAt(START);
  assert.equal(first.note(40 * SECOND), true, 'the clocks may differ');
  assert.equal(first.clock.now(), null);
  first.note(-200);
  assert.equal(first.clock.now(), START - 200);
  first.here.at = SECOND;
  first.note(30 * SECOND);
  assert.equal(first.clock.time(), START + SECOND - 200);
  assert.equal(first.note(2 * MINUTE), false, 'that far ahead of all it is wrong');
  first.note(0);
  assert.equal(first.clock.now(), START + SECOND);

  const skewed = clockAt(START);
  for (let i = 0; i < 3; i++) skewed.note(40 * SECOND);
  assert.equal(skewed.clock.now(), START + 40 * SECOND);
  // what comes after hours of silence is of now
  skewed.here.at = 3_600_000;
  assert.equal(skewed.note(40 * SECOND), true);
  assert.equal(skewed.clock.now(), START + 3_600_000 + 40 * SECOND);
});

test('a clock that was led astray comes back once nothing has borne it out for five minutes', () => {
  const { clock, here, note } = clockAt(START);
  note(0);
  for (let i = 0; i < 3; i++) note(4 * MINUTE);
  assert.equal(clock.now(), START + 4 * MINUTE);
  for (let i = 0; i <= 40; i++) {
    here.at = i * 8 * SECOND;
    note(-50);
  }
  assert.equal(clock.time(), START + here.at - 50);
  // old stamps among new ones prove nothing
  for (let i = 0; i <= 100; i++) {
    here.at += 8 * SECOND;
    note(i % 2 === 0 ? -3 * MINUTE : 0);
  }
  assert.equal(clock.time(), START + here.at);
});

/** Trade 1, of now, has come through. */
async function firstTrade({ exchange, log }: Awaited<ReturnType<typeof startScripted>>): Promise<void> {
  await until('a connection', () => exchange.open.length === 1);
  exchange.now = Date.now();
  exchange.trade(1);
  await until('a trade', () => log.trades().length === 1);
}

test('a frame of the future is kept with its reason, and the market goes on', { timeout: 20_000 }, async () => {
  const s = await startScripted();
  const { exchange, log } = s;
  try {
    await firstTrade(s);
    for (const [id, ahead] of [
      [2, 6 * MINUTE],
      [3, 2 * MINUTE],
    ] as const) {
      exchange.now = Date.now() + ahead;
      exchange.trade(id);
      // over REST it has the time it was made at
      for (const one of exchange.trades) if (one.a === id) one.T = Date.now();
      exchange.now = Date.now();
      exchange.trade(id + 10, { missed: true });
      exchange.trades.pop();
      await until('its dead letter', () => log.dead().length === id - 1);
    }
    assert.deepEqual(
      log.dead().map(({ headers }) => String(headers?.error).replace(/ \([0-9]+\)$/, '')),
      ['event time more than five minutes ahead', 'event time ahead of all others'],
    );
    assert.equal(log.raw().filter((frame) => frame.kind === 'frame').length, 3);
    exchange.trade(4);
    await until('all trades', () => log.trades().length === 4);
    assert.deepEqual(log.tradeIds(), [1, 2, 3, 4]);
    assert.ok(log.trades().every((trade) => trade.eventTime <= Date.now()));
  } finally {
    await s.stop();
  }
});

test('of a history, a trade of the future is left out and its answer kept', { timeout: 20_000 }, async () => {
  const s = await startScripted();
  const { exchange, log } = s;
  try {
    await firstTrade(s);
    exchange.trade(2, { missed: true });
    exchange.now = Date.now() + 3_600_000;
    exchange.trade(3, { missed: true });
    exchange.now = Date.now();
    exchange.trade(4, { missed: true });
    exchange.trade(5);
    await until('the others', () => log.trades().length === 4);
    assert.deepEqual(log.tradeIds(), [1, 2, 4, 5]);
    assert.match(String(log.dead()[0]?.headers?.error), /five minutes ahead, of one in a list/);
    // what is missing is told
    assert.equal(log.trades().find((trade) => trade.tradeId === '4')?.gap, true);
  } finally {
    await s.stop();
  }
});

/** Tools of a flow without a feed, and what it publishes. */
function flowTools<E>() {
  const published: E[] = [];
  const asked: { since: number }[] = [];
  const tools = {
    ...{ connector: upbit, market: upbit.assume('BTC-KRW') as MarketInfo, log: quiet, progress: noProgress() },
    times: { staleMs: 300, backfillMs: 0, patienceMs: 500, repairMs: 100, snapshotMs: 50_000 },
    signal: new AbortController().signal,
    publish: ({ event }: { event: unknown }) => void published.push(event as E),
    fetch: async () => [] as never,
    exchangeNow: () => START,
    exchangeTime: () => START,
    gap: () => {},
  };
  return { tools, published, asked };
}
const known = (eventTime: number, receivedAt: number) =>
  ({ exchange: 'UPBIT', symbol: 'BTC-KRW', eventTime, receivedAt }) as const;

test('a whole book of the future does not hold up those after it', () => {
  const { tools, published } = flowTools<BookEvent>();
  const flow = createWholeBookFlow(tools);
  const book = (price: string, eventTime: number, receivedAt: number) =>
    flow.push({
      ...{ ...known(START + eventTime, START + receivedAt), type: 'snapshot', bids: [[price, '1']], asks: [] },
      ...{ sequence: '1', previousSequence: null, integrity: 'SNAPSHOT_ONLY' },
    });
  book('1', 0, 10);
  book('2', 40 * SECOND, 110);
  book('3', 200, 210);
  book('4', 300, 310);
  // one that comes late, and what a second connection repeats
  book('3', 200, 320);
  book('4', 300, 330);
  assert.deepEqual(
    published.map(({ bids }) => bids[0]?.[0]),
    ['1', '2', '3', '4'],
  );
  const sequences = published.map(({ sequence }) => BigInt(sequence));
  assert.ok(sequences.every((sequence, i) => i === 0 || sequence > (sequences[i - 1] as bigint)));
});

test('a trade of the future does not shorten what is read after an interruption', async () => {
  const { tools, published, asked } = flowTools<TradeEvent>();
  const flow = createUnorderedTradeFlow(tools, {
    direction: 'backward',
    request(_market, oldest, { since }) {
      asked.push({ since });
      return oldest ? null : { method: 'GET', path: '/', weight: 1 };
    },
    parse: () => [],
  });
  const trade = (tradeId: string, eventTime: number, receivedAt: number): TradeEvent => ({
    ...{ ...known(START + eventTime, START + receivedAt), tradeId, price: '1', quantity: '1', side: 'BUY' },
  });
  flow.push(trade('a', 0, 10));
  await until('the first', () => published.length === 1);
  flow.push(trade('b', 50 * SECOND, 110));
  flow.resume();
  await until('a read', () => asked.length > 0);
  assert.deepEqual(asked[0], { since: START });
});

test('a replay refuses what was refused when it was received', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const feeds = createReplayFeeds(marketsOf('BTC-USDT'), 15_000);
  const frame = (a: number, T: number): void => {
    const data = { e: 'aggTrade', E: T, s: 'BTCUSDT', a, p: '10', q: '1', f: a, l: a, T, m: false, M: true };
    feeds.take({
      ...{ exchange: 'BINANCE', connection: 'c', kind: 'frame', channel: 'trade', symbol: 'BTC-USDT', eventTime: T },
      ...{ receivedAt: START, endpoint: null, callId: null, callTs: null, bytes: Buffer.from(JSON.stringify(data)) },
    });
  };
  frame(1, START);
  await new Promise(setImmediate);
  frame(2, START + 6 * MINUTE);
  frame(2, START + 1);
  await new Promise(setImmediate);
  const times = feeds.drain().map(({ event }) => event.eventTime - START);
  assert.deepEqual(times, [0, 1]);
});

test('workers refuse what is minutes later than it was received, whenever they read it', () => {
  const [good, ahead] = [4 * MINUTE, 6 * MINUTE];
  const at = (by: number) => ({ receivedAt: START, eventTime: START + by });
  assert.ok(checkTrade(tradeOf('1', START, at(good))));
  assert.throws(
    () => checkTrade(tradeOf('1', START, at(ahead))),
    /eventTime is more than five minutes after receivedAt/,
  );
  assert.ok(checkMinute(minute(START, at(good))));
  assert.throws(() => checkMinute(minute(START, at(ahead))), { name: 'BadMessage' });
});
