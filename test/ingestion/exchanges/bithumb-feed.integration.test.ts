import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bithumb } from '../../../ingestion/exchanges/bithumb.ts';
import { startBithumbSim } from '../../../sim/bithumb/server.ts';
import type { UpbitProtocolSim } from '../../../sim/upbit-protocol/server.ts';
import { until } from '../../support/until.ts';
import { followStandIn, type StandInFeed } from '../feed/stand-in-feed.ts';

const MINUTE = 60_000;

/** Real time, as minutes are seen whole by our own clock; it starts this long before the next minute. */
async function onStandIn(beforeMs: number, body: (sim: UpbitProtocolSim, feed: StandInFeed) => Promise<void>) {
  const begun = Date.now();
  const start = Math.ceil(begun / MINUTE) * MINUTE - beforeMs;
  const sim = await startBithumbSim({ symbols: ['KRW-BTC'], rate: 5, clock: () => start + Date.now() - begun });
  const feed = followStandIn(bithumb, sim, ['BTC-KRW']);
  try {
    await until('the first frames', () => feed.log.trades().length > 2);
    await body(sim, feed);
  } finally {
    await feed.stop();
    await sim.close();
  }
}

test('Bithumb: books without repeats, trades with the ids of the stream, tickers', { timeout: 30_000 }, async () => {
  await onStandIn(30_000, async (sim, feed) => {
    await until('some trades', () => feed.log.trades().length > 10);
    const sent = new Map(sim.sent('KRW-BTC').trades.map((t) => [t.streamId, t]));
    for (const trade of feed.log.trades().slice(1)) {
      const { price, volume, time } = sent.get(trade.tradeId) ?? assert.fail(trade.tradeId);
      assert.deepEqual([trade.price, trade.quantity, trade.eventTime], [price, volume, time]);
    }
    const books = feed.log.books();
    assert.ok(books.length > 3);
    for (const [i, book] of books.entries()) {
      assert.ok(book.bids.every(([price, size]) => price !== '0' && size !== '0'));
      assert.ok(Math.abs(book.eventTime - sim.now()) < 20_000);
      if (i > 0) assert.notDeepEqual([book.bids, book.asks], [books[i - 1]?.bids, books[i - 1]?.asks]);
    }
    // kept as received: the figures of the last 24 hours are our own
    assert.ok(feed.log.raw().filter((frame) => frame.channel === 'ticker').length > 3);
    assert.deepEqual(feed.log.dead(), []);
  });
});

test('Bithumb: the minute it came in is closed by REST, and what was traded while it was away is a gap', {
  timeout: 60_000,
}, async () => {
  await onStandIn(6_000, async (sim, feed) => {
    await until('an open candle', () => feed.log.klines().some((k) => !k.isClosed));
    const first = feed.log.klines().find((k) => !k.isClosed);
    assert.ok(first && first.coverage < 1 && first.coverage > 0);
    await until(
      'the minute to be closed',
      () => feed.log.klines().some((k) => k.isClosed && k.openTime === first.openTime),
      { timeoutMs: 20_000 },
    );
    const closed = feed.log.klines().find((k) => k.isClosed && k.openTime === first.openTime);
    const [candle] = sim.sent('KRW-BTC').candles.slice(-1);
    assert.deepEqual([closed?.close, closed?.coverage, closed?.tradeCount], [candle?.close, 1, null]);
    // the next minute is seen from its beginning
    await until('the next minute', () => feed.log.klines().some((k) => k.openTime === first.openTime + MINUTE));
    assert.equal(feed.log.klines().at(-1)?.coverage, 1);
    const gaps = () => feed.log.status().findLast((s) => s.channel === 'trade')?.gaps;
    assert.equal(gaps(), 0);
    const back = sim.faults.refuseConnections(2_000);
    sim.faults.reset();
    await back;
    await until('the gap to be told', () => gaps() === 1);
    await until('the feed to go on', () => sim.stats().connections === 1);
    const count = feed.log.trades().length;
    await until('new trades', () => feed.log.trades().length > count + 3);
    await until('a candle of the minute with the gap', () => (feed.log.klines().at(-1)?.coverage ?? 1) < 1);
  });
});
