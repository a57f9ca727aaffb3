/** KuCoin's markets that are gone, and those that nobody trades. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kucoin } from '../../../ingestion/exchanges/kucoin.ts';
import { startKucoinSim } from '../../../sim/kucoin/server.ts';
import { until } from '../../support/until.ts';
import { START } from '../feed/scripted.ts';
import { followStandIn } from '../feed/stand-in-feed.ts';

test('a market that is gone costs the others nothing, and is told', { timeout: 40_000 }, async () => {
  const sim = await startKucoinSim({ symbols: ['BTC-USDT', 'KCS-USDT', 'ETH-USDT'], rate: 4 });
  const feed = followStandIn(kucoin, sim, ['BTC-USDT', 'GONE-USDT', 'KCS-USDT', 'ETH-USDT'], { staleMs: 1_500 });
  try {
    const of = (symbol: string) => feed.log.status().filter((status) => status.symbol === symbol);
    await until('books of the others', () => new Set(feed.log.books().map((book) => book.symbol)).size === 3, {
      timeoutMs: 25_000,
    });
    await until('trades of the others', () => new Set(feed.log.trades().map((trade) => trade.symbol)).size === 3);
    const newest = (symbol: string) => of(symbol).slice(-4);
    await until('it to be told', () => newest('GONE-USDT').every((status) => status.stale && !status.connected));
    await until('the others to be well', () => newest('BTC-USDT').every((one) => !one.stale && one.connected));
    const { accepted } = sim.stats();
    // no new connection for its sake, as its silence is explained
    await new Promise((done) => setTimeout(done, 4_000));
    assert.equal(sim.stats().accepted, accepted);
  } finally {
    await feed.stop();
    await sim.close();
  }
});

const NULLS = ['lastTradedPrice', 'open', 'high', 'low', 'vol', 'volValue', 'changeRate'] as const;

test('trap: 24 h figures that are null are no news, and no dead letter', () => {
  const market = kucoin.assume('NEW-USDT');
  const frame = (data: object) =>
    Buffer.from(
      JSON.stringify({
        ...{ type: 'message', topic: '/market/snapshot:NEW-USDT', subject: 'trade.snapshot' },
        data: { sequence: '1', data: { symbol: 'NEW-USDT', datetime: START, ...data } },
      }),
    );
  const context = { receivedAt: START, market: () => market };
  const full = { lastTradedPrice: 1, open: 1, high: 1, low: 1, vol: 1, volValue: 1, changeRate: 0 };
  assert.equal(kucoin.normalize(frame(full), context).events.length, 1);
  for (const name of NULLS) {
    assert.deepEqual(kucoin.normalize(frame({ ...full, [name]: null }), context), {
      events: [],
      known: { channel: 'ticker', symbol: 'NEW-USDT', eventTime: START },
      control: null,
    });
  }
  assert.throws(() => kucoin.normalize(frame({ ...full, open: undefined }), context), { name: 'BadFrame' });
});

test('a market whose figures are null is alive', { timeout: 30_000 }, async () => {
  const sim = await startKucoinSim({ symbols: ['BTC-USDT'], startAt: START + 30_000 });
  const feed = followStandIn(kucoin, sim, ['BTC-USDT'], { staleMs: 1_000 });
  const nothing = Object.fromEntries(NULLS.map((name) => [name, null]));
  const said = JSON.stringify({
    ...{ type: 'message', topic: '/market/snapshot:BTC-USDT', subject: 'trade.snapshot' },
    data: { sequence: '1', data: { symbol: 'BTC-USDT', datetime: START + 30_000, ...nothing } },
  });
  const saying = setInterval(() => sim.inject(said), 200);
  try {
    await until('it to be heard', () =>
      feed.log.status().some((status) => status.channel === 'ticker' && status.lastEventAt !== null),
    );
    await new Promise((done) => setTimeout(done, 3_000));
    assert.deepEqual(feed.log.dead(), []);
    assert.equal(
      feed.log.status().some((status) => status.channel === 'ticker' && status.stale && status.connected),
      false,
    );
    assert.equal(sim.stats().accepted, 1);
  } finally {
    clearInterval(saying);
    await feed.stop();
    await sim.close();
  }
});
