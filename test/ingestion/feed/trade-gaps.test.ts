/** What the first trade after a loss says, when nothing could be done about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import type { FeedEvent, TradeHistory } from '../../../ingestion/exchanges/connector.ts';
import type { FlowTools } from '../../../ingestion/feed/flow.ts';
import type { MarketProgress } from '../../../ingestion/feed/progress.ts';
import { createTradeFlow } from '../../../ingestion/feed/trade-flow.ts';
import { createUnorderedTradeFlow } from '../../../ingestion/feed/unordered-trade-flow.ts';
import type { MarketInfo, TradeEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { RestFailed } from '../../../src/platform/exchange/rest.ts';
import { until } from '../../support/until.ts';
import { marketsOf, noProgress, quiet, START } from './scripted.ts';

const [market] = marketsOf('BTC-USDT') as [MarketInfo];
const trade = (tradeId: string, at = 0): TradeEvent => ({
  ...{ exchange: market.exchange, symbol: market.symbol, tradeId, price: '1', quantity: '1', side: 'BUY' },
  ...{ eventTime: START + at, receivedAt: START + at },
});

function flowTools(rest: () => TradeEvent[], progress: Partial<MarketProgress> = {}) {
  const published: TradeEvent[] = [];
  const seen = { gaps: 0 };
  const tools: FlowTools = {
    ...{ connector: binance, market, log: quiet, signal: new AbortController().signal },
    times: { staleMs: 300, backfillMs: 0, patienceMs: 50, repairMs: 100_000, snapshotMs: 100_000 },
    progress: noProgress(progress),
    publish: (event: FeedEvent) => void published.push(event.event as TradeEvent),
    fetch: async (_request, _channel, parse) => parse(Buffer.from(JSON.stringify(rest())), market, START),
    exchangeNow: () => START,
    exchangeTime: () => START,
    gap: () => void seen.gaps++,
  };
  const shown = () => published.map(({ tradeId, gap }) => (gap ? `gap ${tradeId}` : tradeId));
  return { tools, shown, seen };
}

const parse = (body: Buffer) => JSON.parse(body.toString()) as TradeEvent[];
const request = () => ({ method: 'GET', path: 'trades', weight: 1 }) as const;
const forward: Extract<TradeHistory, { direction: 'forward' }> = { direction: 'forward', limit: 1_000, request, parse };
const backward: Extract<TradeHistory, { direction: 'backward' }> = {
  ...{ direction: 'backward', parse },
  request: (_market, oldest) => (oldest ? null : request()),
};

test('ids that grow: a hole that is given up is told by the trade behind it; one that is filled is not', async () => {
  const known = { lastTrade: { id: '10', eventTime: START } };
  const served: TradeEvent[] = [];
  const filled = flowTools(() => served, known);
  const flow = createTradeFlow(filled.tools, forward);
  served.push(trade('11'), trade('12'), trade('13'));
  flow.push(trade('13'));
  await until('the hole to be filled', () => filled.shown().length === 3);
  assert.deepEqual(filled.shown(), ['11', '12', '13']);

  const refused = flowTools(() => {
    throw new RestFailed('gone', 400, null, null);
  }, known);
  const broken = createTradeFlow(refused.tools, forward);
  broken.push(trade('13'));
  await until('the hole to be given up', () => refused.shown().length === 1);
  broken.push(trade('14'));
  await until('what follows', () => refused.shown().length === 2);
  assert.deepEqual(refused.shown(), ['gap 13', '14']);
  assert.ok(refused.seen.gaps > 0);
});

test('ids that only tell trades apart: a history that does not reach back is told by the oldest trade it has', async () => {
  const { tools, shown } = flowTools(() => [trade('c', 9_000), trade('b', 8_000)], {
    lastTrade: { id: 'a', eventTime: START },
  });
  const flow = createUnorderedTradeFlow(tools, backward);
  flow.resume();
  await until('what could be had', () => shown().length === 2);
  assert.deepEqual(shown(), ['gap b', 'c']);
});

test('ids that only tell trades apart: a hole that is given up is read later, without holding up what is live', async () => {
  let down = true;
  const { tools, shown, seen } = flowTools(
    () => {
      if (down) throw new RestFailed('too busy', 429, null, null);
      return [trade('live', 9_000), trade('c', 3_000), trade('b', 2_000), trade('a', -1)];
    },
    { lastTrade: { id: 'a', eventTime: START } },
  );
  const flow = createUnorderedTradeFlow({ ...tools, times: { ...tools.times, repairMs: 0 } }, backward);
  flow.resume();
  flow.push(trade('live', 9_000));
  await until('it to be given up', () => shown().length === 1);
  assert.deepEqual([shown(), seen.gaps], [['gap live'], 1]);
  flow.tick();
  flow.push(trade('next', 10_000));
  assert.deepEqual(shown(), ['gap live', 'next'], 'what is live does not wait for the repair');

  // another process follows the market from here on
  const { kept } = structuredClone({ kept: tools.progress.kept });
  down = false;
  await until('the hole to be filled', () => {
    flow.tick();
    return tools.progress.kept.tradeHoles.length === 0;
  });
  assert.deepEqual(shown(), ['gap live', 'next', 'b', 'c']);
  const successor = flowTools(() => [trade('live', 9_000), trade('c', 3_000), trade('b', 2_000), trade('a', -1)], {
    ...{ lastTrade: { id: 'next', eventTime: START + 10_000 }, kept },
  });
  const taken = createUnorderedTradeFlow(successor.tools, backward);
  await until('its successor to fill it', () => {
    taken.tick();
    return successor.tools.progress.kept.tradeHoles.length === 0;
  });
  // what was published around it is known downstream as a repeat
  assert.deepEqual(successor.shown(), ['b', 'c', 'live']);
  assert.equal(seen.gaps, 1);
});

test('no history (Bithumb): a new subscription that begins with a trade we have lost nothing; with another one it may have', () => {
  const { tools, shown, seen } = flowTools(() => [], { lastTrade: { id: 'a', eventTime: START } });
  const flow = createUnorderedTradeFlow(tools, null);
  flow.resume();
  flow.push(trade('a'));
  flow.push(trade('b', 1));
  assert.deepEqual([shown(), seen.gaps], [['b'], 0]);
  flow.interrupt();
  flow.resume();
  assert.equal(seen.gaps, 0, 'nothing is known yet');
  flow.push(trade('d', 3));
  flow.push(trade('e', 4));
  assert.deepEqual([shown(), seen.gaps], [['b', 'gap d', 'e'], 1]);
});

test('the topic carries the flag, and leaves it out where there is none', () => {
  const told = { ...trade('1'), gap: true };
  assert.deepEqual(TOPICS.trades.parse(TOPICS.trades.encode(told)), told);
  assert.deepEqual(TOPICS.trades.parse(TOPICS.trades.encode(trade('1'))), trade('1'));
});
