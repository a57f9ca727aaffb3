import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upbit } from '../../../ingestion/exchanges/upbit.ts';
import type { KlineEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { startUpbitSim } from '../../../sim/upbit/server.ts';
import type { UpbitProtocolSim, UpbitProtocolSimOptions } from '../../../sim/upbit-protocol/server.ts';
import { until } from '../../support/until.ts';
import { followStandIn, type StandInFeed } from '../feed/stand-in-feed.ts';

const START = Date.UTC(2026, 0, 5, 23, 58, 30);
/** The stand-in loses the last candle frame of 00:19. */
const LOSSY = Date.UTC(2026, 0, 6, 0, 17, 30);
const MINUTE = 60_000;
const OFTEN = { everyMs: 3 };

async function onStandIn(
  symbols: string[],
  body: (sim: UpbitProtocolSim, feed: StandInFeed) => Promise<void>,
  options: UpbitProtocolSimOptions = {},
) {
  const native = symbols.map((symbol) => symbol.split('-').reverse().join('-'));
  const sim = await startUpbitSim({ symbols: native, startAt: START, requestsPerSecond: 1_000, ...options });
  const feed = followStandIn(upbit, sim, symbols);
  try {
    await until('the first frames', () => feed.log.books().length >= symbols.length);
    await body(sim, feed);
  } finally {
    await feed.stop();
    await sim.close();
  }
}

/** Time passes as fast as the feed follows. */
async function pass(sim: UpbitProtocolSim, feed: StandInFeed, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10_000) {
    sim.advance(Math.min(10_000, left));
    await until(
      'the feed to follow',
      () => {
        const { message } = feed.log.sent.findLast(({ topic }) => topic === TOPICS.orderbook.name) ?? assert.fail();
        return TOPICS.orderbook.parse(message.value).eventTime >= sim.now() - 2_000;
      },
      OFTEN,
    );
  }
}

/** The newest version of each closed candle since the record of the stand-in began. */
function closed(feed: StandInFeed, since = START): unknown[] {
  const newest = new Map<number, KlineEvent>();
  for (const kline of feed.log.klines()) {
    const known = newest.get(kline.openTime);
    if (kline.isClosed && kline.openTime > since && (!known || kline.eventTime > known.eventTime))
      newest.set(kline.openTime, kline);
  }
  return [...newest.values()]
    .sort((a, b) => a.openTime - b.openTime)
    .map((k) => [k.openTime, k.open, k.high, k.low, k.close, k.volume, k.quoteVolume]);
}
const happened = (sim: UpbitProtocolSim, symbol: string) =>
  sim
    .sent(symbol)
    .candles.filter((c) => c.openTime > sim.sent(symbol).since)
    .map((c) => [c.openTime, c.open, c.high, c.low, c.close, c.volume, c.value]);

test('Upbit: trades, books and tickers arrive as they happened; nothing is refused', { timeout: 60_000 }, async () => {
  await onStandIn(['BTC-KRW'], async (sim, feed) => {
    await pass(sim, feed, 40_000);
    const { trades } = sim.sent('KRW-BTC');
    await until('all trades', () => feed.log.trades().some((t) => t.tradeId === trades.at(-1)?.streamId));
    const seen = feed.log.trades().slice(-trades.length);
    assert.deepEqual(
      seen.map((t) => [t.tradeId, t.price, t.quantity, t.side, t.eventTime]),
      trades.map((t) => [t.streamId, t.price, t.volume, t.side === 'ASK' ? 'SELL' : 'BUY', t.time]),
    );
    assert.deepEqual(feed.log.dead(), []);
    const books = feed.log.books();
    assert.ok(books.every((b) => b.integrity === 'SNAPSHOT_ONLY' && b.type === 'snapshot' && b.bids.length > 20));
    assert.ok(books.every((b, i) => i === 0 || BigInt(b.sequence) > BigInt(books[i - 1]?.sequence ?? 0)));
    assert.ok(feed.log.raw().some((frame) => frame.channel === 'ticker'));
  });
});

test('Upbit: closed candles are those of the exchange, also where the last frame of a minute was lost', {
  timeout: 60_000,
}, async () => {
  await onStandIn(
    ['BTC-KRW'],
    async (sim, feed) => {
      await pass(sim, feed, 4 * MINUTE + 10_000);
      await until(
        'the candles to be right',
        () =>
          closed(feed, LOSSY).length === happened(sim, 'KRW-BTC').length &&
          String(closed(feed, LOSSY)) === String(happened(sim, 'KRW-BTC')),
      );
      const versions = new Map<number, number>();
      for (const k of feed.log.klines()) if (k.isClosed) versions.set(k.openTime, (versions.get(k.openTime) ?? 0) + 1);
      // one was corrected, and once
      assert.deepEqual(
        [...versions].filter(([, n]) => n > 1),
        [[LOSSY + 1.5 * MINUTE, 2]],
      );
    },
    { rate: 4, startAt: LOSSY },
  );
});

test('Upbit: a minute without trades has a candle only once the history has said that nothing was traded', {
  timeout: 60_000,
}, async () => {
  await onStandIn(['BTC-KRW', 'ADA-KRW'], async (sim, feed) => {
    await pass(sim, feed, 8 * MINUTE);
    const of = (symbol: string) =>
      feed.log.klines().filter((k) => k.symbol === symbol && k.isClosed && k.openTime > START);
    const traded = sim
      .sent('KRW-ADA')
      .candles.filter((c) => c.openTime > START)
      .map((c) => c.openTime);
    assert.ok(traded.length < 8);
    await until('the candles', () => new Set(of('ADA-KRW').map((k) => k.openTime)).size >= traded.length - 1);
    for (const k of of('ADA-KRW')) {
      if (traded.includes(k.openTime)) continue;
      assert.deepEqual([k.volume, k.open, k.high, k.low, k.tradeCount], ['0', k.close, k.close, k.close, 0]);
    }
  });
});

test('Upbit: what was traded during an outage is read back, across midnight, in order and once', {
  timeout: 60_000,
}, async () => {
  await onStandIn(['BTC-KRW'], async (sim, feed) => {
    await pass(sim, feed, 20_000);
    const refused = sim.faults.refuseConnections(400);
    sim.faults.reset();
    await until('the loss', () => feed.log.status().some((s) => !s.connected && s.lastEventAt !== null));
    // midnight is 70 s away
    sim.advance(6 * MINUTE);
    await refused;
    await until('a new connection', () => sim.stats().connections === 1);
    await pass(sim, feed, 20_000);
    const { trades } = sim.sent('KRW-BTC');
    // a trade from before the record may have come as the subscription's snapshot
    const last = trades.at(-1)?.streamId;
    await until('all trades', () => feed.log.trades().some((t) => t.tradeId === last), { timeoutMs: 20_000 });
    const seen = feed.log.trades();
    assert.equal(new Set(seen.map((t) => t.tradeId)).size, seen.length);
    assert.deepEqual(
      seen.slice(-trades.length).map((t) => t.tradeId),
      trades.map((t) => t.streamId),
    );
    assert.equal(
      feed.log
        .status()
        .filter((s) => s.channel === 'trade')
        .at(-1)?.gaps,
      0,
    );
    await until('the candles', () => String(closed(feed)).startsWith(String(happened(sim, 'KRW-BTC').slice(0, 5))));
  });
});

test('Upbit: a market that does not exist is silent, and told to be stale', { timeout: 60_000 }, async () => {
  const sim = await startUpbitSim({ symbols: ['KRW-BTC'] });
  const feed = followStandIn(upbit, sim, ['BTC-KRW', 'NOPE-KRW'], { staleMs: 1_000 });
  const stale = (symbol: string) =>
    feed.log.status().findLast((s) => s.symbol === symbol && s.channel === 'orderbook')?.stale;
  try {
    await until('the market to be stale', () => stale('NOPE-KRW') === true && stale('BTC-KRW') === false);
  } finally {
    await feed.stop();
    await sim.close();
  }
});
