import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOPICS } from '../../../schema/topics.ts';
import { until } from '../../support/until.ts';
import { type Scripted, START, startScripted } from './scripted.ts';

type Options = Parameters<typeof startScripted>[0];

/** A test with a feed that is connected. */
function feedTest(name: string, options: Options, body: (scripted: Scripted) => Promise<void>): void {
  test(name, { timeout: 20_000 }, async () => {
    const scripted = await startScripted(options);
    try {
      await until('a connection', () => scripted.exchange.open.length === 1);
      await body(scripted);
    } finally {
      await scripted.stop();
    }
  });
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

feedTest('frames become raw frames and events; bad ones are kept, dead-lettered and stop nothing', {}, async (s) => {
  const { exchange, log } = s;
  exchange.trade(1);
  exchange.send('{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade"');
  exchange.send('{"stream":"x@y","data":{"e":"aggTrade","s":"XXXYYY"}}');
  exchange.trade(2);
  exchange.ticker();
  await until('two trades', () => log.trades().length === 2);
  await until('a ticker', () => log.raw().some((frame) => frame.channel === 'ticker'));
  assert.deepEqual(log.tradeIds(), [1, 2]);
  assert.ok(
    log.sent.every(({ topic }) => topic !== TOPICS.ticker.name),
    "the exchange's own day is not ours",
  );
  await until('two dead letters', () => log.dead().length === 2);
  const [dead] = log.dead();
  assert.equal(dead?.value?.toString(), '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade"');
  assert.deepEqual(
    log.dead().map(({ headers }) => [headers?.error, headers?.topic, headers?.exchange, headers?.connection]),
    [
      ['not JSON', 'raw_frames', 'BINANCE', 'test-1'],
      ['unknown symbol XXXYYY', 'raw_frames', 'BINANCE', 'test-1'],
    ],
  );
  const frames = log.raw().filter((frame) => frame.kind === 'frame');
  assert.equal(frames.length, 5);
  assert.deepEqual([frames[0]?.channel, frames[0]?.symbol, frames[0]?.eventTime], ['trade', 'BTC-USDT', exchange.now]);
  assert.equal(frames[1]?.channel, null);
});

feedTest('after a lost connection the missed trades and candles come first, in order', {}, async (s) => {
  const { exchange, log } = s;
  exchange.kline(0, false);
  exchange.trade(1);
  await until('the first trade', () => log.trades().length === 1);
  await until('the candle', () => log.klines().length === 1);
  let release = (): void => {};
  exchange.hold = new Promise((done) => {
    release = done;
  });
  exchange.open[0]?.terminate();
  for (const id of range(2, 2_500)) exchange.trade(id, { missed: true });
  exchange.kline(0, true, { missed: true });
  exchange.kline(1, true, { missed: true });
  exchange.now = START + 2 * 60_000 + 5_000;
  await until('a new connection', () => exchange.open.length === 1);
  await until(
    'the back-fill to ask',
    () => exchange.requests.filter((path) => path.includes('aggTrades')).length === 1,
  );
  // live frames that come while the back-fill is under way
  exchange.trade(2_501);
  exchange.ticker();
  exchange.kline(2, false);
  await until('live frames to be received', () => log.raw().filter((f) => f.kind === 'frame').length === 5);
  assert.equal(log.trades().length, 1);
  release();
  await until('all trades', () => log.trades().length === 2_501);
  assert.deepEqual(log.tradeIds(), range(1, 2_501));
  await until('all candles', () => log.klines().at(-1)?.openTime === START + 120_000);
  assert.deepEqual(
    log.klines().map((k) => [(k.openTime - START) / 60_000, k.isClosed]),
    [
      [0, false],
      [0, true],
      [1, true],
      [2, false],
    ],
  );
  assert.equal(log.klines()[1]?.eventTime, START + 59_999);
});

feedTest('a hole in live trade ids is filled before what follows it', {}, async (s) => {
  const { exchange, log } = s;
  exchange.trade(1);
  exchange.trade(2, { missed: true });
  exchange.trade(3);
  exchange.trade(4);
  await until('four trades', () => log.trades().length === 4);
  assert.deepEqual(log.tradeIds(), [1, 2, 3, 4]);
});

feedTest('shuffled and repeated trades come once and in order', {}, async (s) => {
  const { exchange, log } = s;
  for (const id of [1, 2, 2, 4, 3, 5, 1, 7, 6, 8, 8]) exchange.trade(id);
  await until('eight trades', () => log.trades().length >= 8);
  assert.deepEqual(log.tradeIds(), range(1, 8));
});

feedTest('a trade with a wild id does not end the stream', { times: { patienceMs: 500 } }, async (s) => {
  const { exchange, log } = s;
  exchange.trade(1);
  await until('the first', () => log.trades().length === 1);
  const trades = exchange.trades.length;
  exchange.trade(9_000_000);
  exchange.trades.splice(trades);
  exchange.trade(2);
  exchange.trade(3);
  await until('three trades', () => log.trades().length >= 3, { timeoutMs: 8_000 });
  exchange.trade(4);
  await until('the fourth', () => log.tradeIds().includes(4), { timeoutMs: 8_000 });
  assert.deepEqual(log.tradeIds(), [1, 2, 3, 4]);
});

feedTest(
  'what a back-fill can not get is skipped visibly and fetched later',
  { times: { patienceMs: 400 } },
  async (s) => {
    const { exchange, log, progress } = s;
    exchange.trade(1);
    await until('the first', () => log.trades().length === 1);
    exchange.refuse = (path) => (path.includes('aggTrades') ? { status: 500 } : null);
    exchange.trade(2, { missed: true });
    exchange.trade(3);
    await until('the stream to go on', () => log.tradeIds().includes(3));
    assert.deepEqual(progress.kept.tradeHoles, [{ from: '2', to: '2' }]);
    exchange.refuse = () => null;
    await until('the missing one', () => log.tradeIds().includes(2));
    assert.deepEqual(log.tradeIds(), [1, 3, 2]);
    await until('the hole to be forgotten', () => progress.kept.tradeHoles.length === 0);
    const [status] = log.status().filter((one) => one.channel === 'trade' && one.gaps > 0);
    assert.ok(status);
  },
);

feedTest(
  'a market taken over goes on after its last published trade and closed candle',
  {
    progress: { lastTrade: { id: '10', eventTime: START }, knownUntil: START - 2 * 60_000 },
    prepare(exchange) {
      for (const id of range(8, 14)) exchange.trade(id, { missed: true });
      for (const n of [-3, -2, -1]) exchange.kline(n, true, { missed: true });
    },
  },
  async ({ exchange, log }) => {
    exchange.trade(15);
    exchange.kline(0, false);
    await until('the trades', () => log.trades().length === 5);
    assert.deepEqual(log.tradeIds(), range(11, 15));
    await until('the candles', () => log.klines().length === 3);
    assert.deepEqual(
      log.klines().map((k) => (k.openTime - START) / 60_000),
      [-2, -1, 0],
    );
  },
);

feedTest(
  'a first start fetches candles of a bounded span and no trades',
  {
    prepare(exchange) {
      for (const id of range(1, 5)) exchange.trade(id, { missed: true });
      for (const n of range(-6, -1)) exchange.kline(n, true, { missed: true });
    },
  },
  async ({ exchange, log, progress }) => {
    exchange.trade(6);
    exchange.trade(7);
    exchange.kline(0, false);
    await until('the trades', () => log.trades().length === 2);
    assert.deepEqual(log.tradeIds(), [6, 7]);
    assert.deepEqual(progress.kept.firstTrade, { id: '6', eventTime: exchange.now });
    await until('the candles', () => log.klines().length === 4);
    assert.deepEqual(
      log.klines().map((k) => (k.openTime - START) / 60_000),
      [-3, -2, -1, 0],
    );
  },
);

feedTest(
  'a minute that the stream did not close is closed over REST, before the next one',
  {},
  async ({ exchange, log }) => {
    exchange.kline(0, false);
    await until('the open candle', () => log.klines().length === 1);
    exchange.kline(0, true, { missed: true, v: '3' });
    exchange.now = START + 62_000;
    exchange.kline(1, false);
    exchange.kline(1, false, { v: '2' });
    await until('the next minute', () => log.klines().at(-1)?.openTime === START + 60_000);
    const klines = log.klines();
    assert.deepEqual([klines[1]?.openTime, klines[1]?.isClosed, klines[1]?.volume], [START, true, '3']);
  },
);

feedTest('an open candle never goes backwards', {}, async ({ exchange, log }) => {
  exchange.kline(0, false, { v: '2' });
  await until('the open candle', () => log.klines().length === 1);
  exchange.now -= 1_000;
  exchange.kline(0, false, { v: '1' });
  exchange.now += 60_000;
  exchange.kline(0, true, { v: '3' });
  exchange.now += 1_000;
  exchange.kline(0, false, { v: '4' });
  exchange.kline(1, false);
  await until('the next minute', () => log.klines().at(-1)?.openTime === START + 60_000);
  assert.deepEqual(
    log.klines().map((k) => [k.volume, k.isClosed]),
    [
      ['2', false],
      ['3', true],
      ['1', false],
    ],
  );
});

feedTest('a book is a snapshot, then an unbroken chain; a gap leads to a snapshot that says so', {}, async (s) => {
  const { exchange, log } = s;
  exchange.depth(99, 100);
  exchange.depth(101, 103, [['9', '2']]);
  await until('the snapshot', () => log.books().length === 1);
  exchange.depth(
    104,
    104,
    [],
    [
      ['11', '0'],
      ['12', '1'],
    ],
  );
  await until('a delta', () => log.books().length === 2);
  exchange.book = { lastUpdateId: 210, bids: [['8', '1']], asks: [['12', '4']] };
  // 105 to 199 are lost
  exchange.depth(200, 205, [['7', '1']]);
  exchange.depth(206, 212, [['8', '3']]);
  await until('a snapshot again', () => log.books().length === 3);
  exchange.depth(213, 213, [['7', '0']]);
  await until('a delta again', () => log.books().length === 4);
  const books = log.books();
  assert.deepEqual(
    books.map((b) => [b.type, b.previousSequence, b.sequence, b.gap ?? false]),
    [
      ['snapshot', null, '103', false],
      ['delta', '103', '104', false],
      ['snapshot', null, '212', true],
      ['delta', '212', '213', false],
    ],
  );
  assert.deepEqual(books[0]?.bids, [['9', '2']]);
  assert.deepEqual(books[2]?.bids, [['8', '3']]);
});

const old = { lastUpdateId: 50, bids: [['9', '1']], asks: [['11', '1']] };
const prepareOld: NonNullable<Options>['prepare'] = (exchange) => {
  exchange.book = old;
};
feedTest('a snapshot older than the buffered deltas is fetched again', { prepare: prepareOld }, async (s) => {
  const { exchange, log } = s;
  exchange.depth(101, 103, [['9', '2']]);
  await until('a second request', () => exchange.requests.filter((path) => path.includes('depth')).length >= 2);
  assert.equal(log.books().length, 0);
  exchange.book = { lastUpdateId: 102, bids: [['9', '1']], asks: [['11', '1']] };
  await until('the snapshot', () => log.books().length === 1);
  assert.deepEqual([log.books()[0]?.sequence, log.books()[0]?.bids], ['103', [['9', '2']]]);
});

feedTest('a delta that would cross the book is not published', {}, async ({ exchange, log }) => {
  exchange.depth(101, 101);
  await until('the snapshot', () => log.books().length === 1);
  exchange.book = { lastUpdateId: 102, bids: [['9', '1']], asks: [['11', '1']] };
  exchange.depth(102, 102, [['11', '5']]);
  await until('a new snapshot', () => log.books().length === 2);
  assert.deepEqual(
    log.books().map((b) => [b.type, b.gap ?? false]),
    [
      ['snapshot', false],
      ['snapshot', true],
    ],
  );
});

feedTest('a full snapshot comes again and again', { times: { snapshotMs: 100 } }, async ({ exchange, log }) => {
  exchange.depth(101, 101, [['9', '7']]);
  exchange.ticker();
  await until('a repeated snapshot', () => log.books().filter((b) => b.type === 'snapshot').length >= 2);
  assert.deepEqual(log.books()[1]?.bids, [['9', '7']]);
  assert.equal(log.books()[1]?.gap, undefined);
});
