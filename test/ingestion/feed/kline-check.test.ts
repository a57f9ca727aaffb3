/** Candles that wait to be held against the exchange's own while it does not answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KlineHistory } from '../../../ingestion/exchanges/connector.ts';
import { upbit } from '../../../ingestion/exchanges/upbit.ts';
import type { FlowTools } from '../../../ingestion/feed/flow.ts';
import { createCheckedKlineFlow } from '../../../ingestion/feed/kline-check.ts';
import { createKlineFlow } from '../../../ingestion/feed/kline-flow.ts';
import { until } from '../../support/until.ts';
import { noProgress, quiet, START } from './scripted.ts';

const MINUTE = 60_000;
const DAY = 1_440;

test('no more than those of a day wait', async () => {
  const market = upbit.assume('BTC-KRW');
  const asked: { from: number; to: number }[] = [];
  const history: KlineHistory = {
    limit: 10 * DAY,
    request(_market, from, to) {
      asked.push({ from: (from - START) / MINUTE, to: (to - START) / MINUTE });
      return { method: 'GET', path: '/', weight: 1 };
    },
    parse: () => [],
  };
  const minutes = 2 * DAY;
  const now = START + minutes * MINUTE + 10_000;
  const tools: FlowTools = {
    ...{ connector: upbit, market, log: quiet, signal: new AbortController().signal, progress: noProgress() },
    times: { staleMs: 15_000, backfillMs: 0, patienceMs: 2_000, repairMs: 0, snapshotMs: 1_000 },
    publish() {},
    fetch: async () => [] as never,
    exchangeNow: () => now,
    exchangeTime: () => now,
    gap() {},
  };
  const flow = createCheckedKlineFlow(tools, history, (inner) => createKlineFlow(inner, history));
  for (let i = 0; i <= minutes; i++) {
    const openTime = START + i * MINUTE;
    flow.push({
      ...{ exchange: 'UPBIT', symbol: market.symbol, interval: 'M1', openTime, open: '1', high: '1', low: '1' },
      ...{ close: '1', volume: '1', quoteVolume: '1', tradeCount: null, isClosed: false, coverage: 1 },
      ...{ eventTime: openTime + 1, receivedAt: openTime + 1 },
    });
  }
  flow.tick();
  await until('a check', () => asked.length > 0);
  assert.deepEqual(asked[0], { from: minutes - DAY, to: minutes });
});
