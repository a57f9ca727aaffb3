import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import type { Connector, FeedEvent, KlineHistory } from '../../../ingestion/exchanges/connector.ts';
import type { FlowTools } from '../../../ingestion/feed/flow.ts';
import { createKlineFlow } from '../../../ingestion/feed/kline-flow.ts';
import type { MarketProgress } from '../../../ingestion/feed/progress.ts';
import { quietMinute, withQuietMinutes } from '../../../ingestion/feed/quiet-minutes.ts';
import { isNewerVersion } from '../../../ingestion/klines/candle.ts';
import type { KlineEvent, MarketInfo } from '../../../schema/market.ts';
import { until } from '../../support/until.ts';
import { marketsOf, noProgress, quiet, START } from './scripted.ts';

const MINUTE = 60_000;
const [market] = marketsOf('BTC-USDT') as [MarketInfo];
const at = (n: number): number => START + n * MINUTE;

/** A candle of the minute `n` after START. */
function candle(n: number, close: string, volume = '1', isClosed = false): KlineEvent {
  return {
    ...{ exchange: market.exchange, symbol: market.symbol, interval: 'M1', openTime: at(n), tradeCount: 1 },
    ...{ open: close, high: close, low: close, close, volume, quoteVolume: volume, isClosed, coverage: 1 },
    ...{ eventTime: at(n) + 1_000, receivedAt: at(n) + 1_000 },
  };
}

/**
 * A flow on an exchange whose history has the minutes of `known`, and with `further` tells more than it is asked; `down`
 * while it does not answer.
 */
function flowOn(
  connector: Partial<Connector>,
  known: Map<number, string>,
  progress: Partial<MarketProgress> = {},
  further = false,
) {
  const published: KlineEvent[] = [];
  const seen = { gaps: 0, now: START + 10_000, down: false };
  const history: KlineHistory = {
    limit: 5,
    request: (_market, from, to) => ({ method: 'GET', path: `${from}-${to}`, weight: 1 }),
    parse: (body) => JSON.parse(body.toString()) as KlineEvent[],
  };
  const given: FlowTools = {
    ...{ connector: { ...binance, ...connector }, market, log: quiet, progress: noProgress(progress) },
    times: { staleMs: 15_000, backfillMs: 3 * MINUTE, patienceMs: 200, repairMs: 0, snapshotMs: 100 },
    signal: new AbortController().signal,
    publish: (event: FeedEvent) => event.channel === 'kline' && void published.push(event.event),
    async fetch(request, _channel, parse) {
      await new Promise(setImmediate);
      if (seen.down) throw new Error('no answer');
      const [from, to] = request.path.split('-').map(Number) as [number, number];
      const found = [...known].filter(([n]) => (further || at(n) >= from) && at(n) < to);
      return parse(Buffer.from(JSON.stringify(found.map(([n, close]) => candle(n, close)))), market, START);
    },
    exchangeNow: () => seen.now,
    exchangeTime: () => seen.now,
    gap: () => seen.gaps++,
  };
  const shown = (): string[] =>
    published.map((k) => `${(k.openTime - START) / MINUTE} ${k.isClosed ? 'closed' : 'open'} ${k.close} ${k.volume}`);
  return { flow: createKlineFlow(given, history), published, seen, shown, kept: given.progress.kept };
}

test('a quiet minute has the price before it, and gives way to a candle of that minute that turns up', () => {
  const minute = quietMinute(market, at(3), '7.5');
  assert.deepEqual(
    [minute.open, minute.high, minute.low, minute.close, minute.volume, minute.quoteVolume, minute.tradeCount],
    ['7.5', '7.5', '7.5', '7.5', '0', '0', 0],
  );
  assert.ok(minute.isClosed && minute.coverage === 1);
  const real = { ...candle(3, '8', '1', true), eventTime: at(4) - 1 };
  assert.equal(isNewerVersion(real, minute), true);
  assert.equal(isNewerVersion(minute, real), false);
});

test('minutes before the first price known are not made', () => {
  const shown = (price: string | null) =>
    withQuietMinutes(market, [candle(2, '9')], at(0), at(4), price).map((k) => [
      (k.openTime - START) / MINUTE,
      k.close,
    ]);
  assert.deepEqual(shown(null), [
    [2, '9'],
    [3, '9'],
  ]);
  assert.deepEqual(shown('4'), [
    [0, '4'],
    [1, '4'],
    [2, '9'],
    [3, '9'],
  ]);
});

test('minutes that the stream passes over are closed once the history is sure of them, or have its candle', async () => {
  const { flow, seen, shown, kept } = flowOn({ klineCloses: 'next' }, new Map([[2, '6']]), {
    knownUntil: at(0),
    lastClose: '4',
  });
  flow.push(candle(0, '5'));
  flow.push(candle(4, '7'));
  assert.deepEqual(shown(), ['0 open 5 1', '0 closed 5 1', '4 open 7 1'], 'what is live does not wait');
  seen.now = at(4) + 5_000;
  flow.tick();
  assert.equal(kept.klineHoles.length, 1, 'too early to be sure');
  seen.now = at(4) + 6_000;
  flow.tick();
  await until('the hole to be closed', () => kept.klineHoles.length === 0);
  assert.deepEqual(shown().slice(3), ['1 closed 5 0', '2 closed 6 1', '3 closed 6 0']);
  assert.equal(seen.gaps, 0, 'nothing was lost');
});

test('a timer closes the minutes of a market in which nothing happens any more', async () => {
  for (const klineCloses of ['flag', 'next'] as const) {
    const { flow, seen, shown, published } = flowOn({ klineCloses }, new Map(), { knownUntil: at(0), lastClose: '4' });
    seen.now = at(1) + 15_001;
    flow.tick();
    await until('the first minute', () => published.length === 1);
    seen.now = at(3) + 15_001;
    await until('two more', () => {
      flow.tick();
      return published.length === 3;
    });
    assert.deepEqual(shown(), ['0 closed 4 0', '1 closed 4 0', '2 closed 4 0'], klineCloses);
  }
});

test('while the history does not answer, minutes of an outage stay unknown; then they are what it says', async () => {
  const { flow, seen, shown, kept } = flowOn({ klineCloses: 'flag' }, new Map([[1, '6']]), {
    knownUntil: at(0),
    lastClose: '4',
  });
  seen.down = true;
  seen.now = at(3) + 10_000;
  flow.interrupt();
  flow.resume();
  flow.push(candle(3, '9'));
  await until('patience to end', () => shown().length === 1);
  assert.deepEqual(shown(), ['3 open 9 1'], 'nothing is invented');
  assert.equal(seen.gaps, 1);
  await until('the flow to be at rest', () => {
    flow.tick();
    return !flow.isHolding();
  });
  assert.deepEqual(shown(), ['3 open 9 1']);
  seen.down = false;
  await until('the hole to be closed', () => {
    flow.tick();
    return kept.klineHoles.length === 0;
  });
  assert.deepEqual(shown().slice(1), ['0 closed 4 0', '1 closed 6 1', '2 closed 6 0']);
});

test('who takes the market over closes what its predecessor left, to the same candles', async () => {
  const first = flowOn({ klineCloses: 'next' }, new Map(), { knownUntil: at(0), lastClose: '4' });
  first.flow.push(candle(0, '5'));
  first.flow.push(candle(3, '7'));
  const taken = structuredClone(first.kept);
  const second = flowOn({ klineCloses: 'next' }, new Map(), { knownUntil: at(1), lastClose: '5', kept: taken });
  for (const one of [first, second]) {
    one.seen.now = at(3) + 7_000;
    await until('the hole to be closed', () => {
      one.flow.tick();
      return one.kept.klineHoles.length === 0;
    });
  }
  const closed = ({ published }: typeof first) => [
    ...new Set(published.filter((k) => k.volume === '0').map((k) => JSON.stringify({ ...k, receivedAt: 0 }))),
  ];
  assert.equal(closed(first).length, 2);
  assert.deepEqual(closed(second), closed(first));
});

test('a minute that was seen open is not called quiet, whatever the history leaves out', async () => {
  const { flow, seen, shown, kept } = flowOn({ klineCloses: 'flag' }, new Map(), { knownUntil: at(0), lastClose: '4' });
  flow.push(candle(0, '5'));
  seen.now = at(2) + 7_000;
  flow.resume();
  flow.push(candle(2, '8'));
  await until('the live candle', () => shown().includes('2 open 8 1'));
  assert.deepEqual(shown(), ['0 open 5 1', '1 closed 5 0', '2 open 8 1']);
  assert.deepEqual(kept.klineHoles, []);
});

test('more holes than are remembered are taken together, and none is forgotten', async () => {
  const last = 390;
  const traded = Array.from({ length: last / 3 + 1 }, (_, i): [number, string] => [i * 3, String(i * 3 + 5)]);
  const { flow, seen, published, kept } = flowOn({ klineCloses: 'next' }, new Map(traded), {
    knownUntil: at(0),
    lastClose: '4',
  });
  seen.down = true;
  for (const [n, close] of traded) flow.push(candle(n, close));
  assert.equal(kept.klineHoles.length, 100);
  seen.down = false;
  seen.now = at(last) + 10_000;
  await until('the holes to be closed', () => {
    flow.tick();
    return kept.klineHoles.length === 0;
  });
  const closed = new Map(published.filter((k) => k.isClosed).map((k) => [(k.openTime - START) / MINUTE, k.close]));
  for (let n = 0; n < last; n++) assert.equal(closed.get(n), String(n - (n % 3) + 5), `minute ${n}`);
});

test('a history that reaches further back than it was asked tells the price before the first minute', async () => {
  const known = new Map([
    [-40, '6'],
    [-1, '7'],
  ]);
  const { flow, seen, shown } = flowOn({ klineCloses: 'next' }, known, {}, true);
  seen.now = at(0) + 10_000;
  flow.resume();
  await until('the back-fill', () => shown().length === 3);
  assert.deepEqual(shown(), ['-3 closed 6 0', '-2 closed 6 0', '-1 closed 7 1']);
});
