import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import type { BookUpdate, Connector, FeedEvent, TradeHistory } from '../../../ingestion/exchanges/connector.ts';
import { readJsonNumbersAsText } from '../../../ingestion/exchanges/fields.ts';
import type { FlowTools } from '../../../ingestion/feed/flow.ts';
import { createKlineFlow } from '../../../ingestion/feed/kline-flow.ts';
import { fairShare } from '../../../ingestion/feed/share.ts';
import { createUnorderedTradeFlow } from '../../../ingestion/feed/unordered-trade-flow.ts';
import { createMarketWatch } from '../../../ingestion/feed/watch.ts';
import { createWholeBookFlow } from '../../../ingestion/feed/whole-book-flow.ts';
import type { KlineEvent, MarketInfo, TradeEvent } from '../../../schema/market.ts';
import { until } from '../../support/until.ts';
import { marketsOf, noProgress, quiet, START } from './scripted.ts';

const [market] = marketsOf('BTC-USDT') as [MarketInfo];
const stamp = (eventTime: number) => ({
  exchange: 'UPBIT' as const,
  symbol: market.symbol,
  eventTime,
  receivedAt: eventTime,
});

/** The tools of a flow without a feed; `rest` answers by path. */
function tools(connector: Partial<Connector>, rest: (path: string) => unknown = () => []) {
  const published: FeedEvent[] = [];
  const seen = { gaps: 0, requests: [] as string[], now: START as number | null };
  const given: FlowTools = {
    connector: { ...binance, ...connector },
    market,
    times: { staleMs: 300, backfillMs: 120_000, patienceMs: 500, repairMs: 100, snapshotMs: 100 },
    log: quiet,
    signal: new AbortController().signal,
    progress: noProgress(),
    publish: (event) => void published.push(event),
    async fetch(request, _channel, parse) {
      seen.requests.push(request.path);
      await new Promise(setImmediate);
      return parse(Buffer.from(JSON.stringify(rest(request.path))), market, START);
    },
    exchangeNow: () => seen.now,
    exchangeTime: () => seen.now,
    gap: () => seen.gaps++,
  };
  return { given, published, seen };
}

const trade = (tradeId: string, at: number): TradeEvent => ({
  ...{ ...stamp(START + at), tradeId, price: '1', quantity: '1', side: 'BUY' },
});
const backward: Extract<TradeHistory, { direction: 'backward' }> = {
  direction: 'backward',
  request: (_market, oldest) => ({ method: 'GET', path: oldest ? `before ${oldest.tradeId}` : 'newest', weight: 1 }),
  parse: (body) => JSON.parse(body.toString()) as TradeEvent[],
};

test('unordered ids: what was missed is read backwards and published in order, without repeats', async () => {
  const history = ['z', 'k', 'm', 'a', 'x', 'b'].map((id, i) => trade(id, i));
  const pages: Record<string, TradeEvent[]> = {
    newest: [history[5], history[4]] as TradeEvent[],
    'before x': [history[3], history[2]] as TradeEvent[],
    'before m': [history[1], history[0]] as TradeEvent[],
  };
  const { given, published, seen } = tools({}, (path) => pages[path] ?? []);
  const flow = createUnorderedTradeFlow(given, backward);
  flow.resume();
  flow.push(history[0] as TradeEvent);
  flow.push(history[1] as TradeEvent);
  await until('two trades', () => published.length === 2);
  flow.interrupt();
  flow.resume();
  flow.push(trade('new', 6));
  flow.push(history[5] as TradeEvent);
  await until('all trades', () => published.length >= 7);
  assert.deepEqual(
    published.map(({ event }) => (event as TradeEvent).tradeId),
    ['z', 'k', 'm', 'a', 'x', 'b', 'new'],
  );
  assert.equal(seen.gaps, 0);
});

test('unordered ids: a history that ends too early counts as a gap', async () => {
  const { given, published, seen } = tools({}, (path) => (path === 'newest' ? [trade('late', 50)] : []));
  const flow = createUnorderedTradeFlow(given, backward);
  flow.push(trade('first', 0));
  await until('one trade', () => published.length === 1);
  flow.resume();
  await until('the late one', () => published.length === 2);
  assert.equal(seen.gaps, 1);
});

const kline = (minute: number, volume: string, at = minute * 60_000 + 1_000): KlineEvent => ({
  ...{ ...stamp(START + at), interval: 'M1', openTime: START + minute * 60_000, open: '1', high: '1', low: '1' },
  ...{ close: '1', volume, quoteVolume: volume, tradeCount: null, isClosed: false, coverage: 1 },
});
const shown = (events: readonly FeedEvent[]) =>
  events.map(({ event }) => {
    const { openTime, isClosed, volume } = event as KlineEvent;
    return `${(openTime - START) / 60_000} ${isClosed ? 'closed' : 'open'} ${volume}`;
  });

test('without a closed flag a candle is closed by the next one; minutes between them wait for the history', async () => {
  const { given, published, seen } = tools({ klineCloses: 'next' });
  const flow = createKlineFlow(given, binance.klineHistory);
  flow.resume();
  await until('the history to be read', () => seen.requests.length === 1);
  flow.push(kline(0, '1'));
  flow.push(kline(0, '2', 30_000));
  flow.push(kline(3, '5'));
  await until('four candles', () => published.length === 4);
  assert.deepEqual(shown(published), ['0 open 1', '0 open 2', '0 closed 2', '3 open 5']);
  assert.equal(published[2]?.event.eventTime, START + 59_999);
  assert.deepEqual(given.progress.kept.klineHoles.at(-1), {
    ...{ from: String(START + 60_000), to: String(START + 120_000), close: '1' },
  });
});

test('an exchange without a stream of candles is asked for each minute when it is over', async () => {
  const row = (minute: number) => [START + minute * 60_000, '1', '1', '1', '1', String(minute + 10), 0, '1', 1];
  const { given, published, seen } = tools(
    { klineCloses: 'next', channels: { ...binance.channels, kline: { streamed: false, cadence: 'on-trade' } } },
    (path) => {
      const query = new URLSearchParams(path.split('?')[1]);
      return [-2, -1, 0, 1, 2]
        .map(row)
        .filter(([t]) => Number(t) >= Number(query.get('startTime')) && Number(t) <= Number(query.get('endTime')));
    },
  );
  seen.now = START + 5_000;
  const flow = createKlineFlow(given, binance.klineHistory);
  flow.resume();
  await until('the history', () => published.length === 2);
  flow.tick();
  seen.now = START + 60_500;
  flow.tick();
  assert.equal(seen.requests.length, 1, 'the minute may still change');
  seen.now = START + 63_000;
  flow.tick();
  await until('the minute', () => published.length === 3);
  assert.deepEqual(shown(published), ['-2 closed 8', '-1 closed 9', '0 closed 10']);
});

const book = (at: number, bid: string): BookUpdate => ({
  ...{ ...stamp(START + at), type: 'snapshot', bids: [[bid, '1']], asks: [['9', '1']], sequence: '0' },
  ...{ previousSequence: null, integrity: 'SNAPSHOT_ONLY' },
});

test('whole books get a sequence that grows across connections and processes; repeats are dropped', () => {
  const { given, published, seen } = tools({});
  const flow = createWholeBookFlow(given);
  flow.push(book(1, '5'));
  flow.push(book(1, '6'));
  flow.push(book(2, '6'));
  flow.push(book(0, '4'));
  flow.interrupt();
  flow.push(book(3, '6'));
  const events = published.map(({ event }) => event as BookUpdate);
  assert.deepEqual(
    events.map((event) => [event.bids[0]?.[0], event.sequence, event.gap ?? false]),
    [
      ['5', String((START + 1) * 1_000), false],
      ['6', String((START + 1) * 1_000 + 1), false],
      ['6', String((START + 3) * 1_000), true],
    ],
  );
  assert.equal(seen.gaps, 1);
});

test('silence is suspicious where a sibling contradicts it, or where the exchange always speaks', () => {
  const watch = createMarketWatch(binance.channels, 1_000);
  assert.ok(watch.isStale('trade', 0), 'not connected');
  watch.connected(0);
  for (let now = 0; now <= 5_000; now += 100) {
    watch.heard('orderbook', now, true);
    watch.heard('ticker', now, true);
  }
  assert.equal(watch.isStale('trade', 5_000), false);
  assert.equal(watch.wantsReconnect(5_000), false);
  // candles move: there are trades that are not heard of
  watch.heard('kline', 5_000, true);
  watch.heard('orderbook', 6_100, true);
  watch.heard('ticker', 6_100, true);
  assert.equal(watch.isStale('trade', 6_100), true);
  assert.equal(watch.wantsReconnect(6_600), true);
  assert.equal(watch.wantsReconnect(6_700), false, 'once');
  watch.heard('trade', 6_800, true);
  assert.equal(watch.isStale('trade', 6_800), false);
});

test('shares are even and add up', () => {
  for (let total = 0; total < 20; total++) {
    for (let members = 1; members < 8; members++) {
      const shares = Array.from({ length: members }, (_, rank) => fairShare(total, members, rank));
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0),
        total,
      );
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1);
    }
  }
});

test('numbers keep the text they were written in', () => {
  const text =
    '{"sequential_id":17853950437790001,"trade_price":1.16539E8,"size":0.00077720,"name":"1","list":[2.2E-7]}';
  assert.deepEqual(readJsonNumbersAsText(Buffer.from(text)), {
    sequential_id: '17853950437790001',
    trade_price: '1.16539E8',
    size: '0.00077720',
    name: '1',
    list: ['2.2E-7'],
  });
});
