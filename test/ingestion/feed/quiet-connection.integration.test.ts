/** Connections on which nothing happens, and connections that are gone, on exchanges that speak only when something happens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bithumb } from '../../../ingestion/exchanges/bithumb.ts';
import type { Connector } from '../../../ingestion/exchanges/connector.ts';
import { upbit } from '../../../ingestion/exchanges/upbit.ts';
import { startBithumbSim } from '../../../sim/bithumb/server.ts';
import { startUpbitSim } from '../../../sim/upbit/server.ts';
import type { UpbitProtocolSim, UpbitProtocolSimOptions } from '../../../sim/upbit-protocol/server.ts';
import { until } from '../../support/until.ts';
import { START } from './scripted.ts';
import { followStandIn, type StandInFeed } from './stand-in-feed.ts';

const MINUTE = 60_000;
const STALE_MS = 600;
/** A sixth of it is the longest pause of a busy connection: longer than this machine may stand still. */
const BUSY_STALE_MS = 2_000;
type Start = (options: UpbitProtocolSimOptions) => Promise<UpbitProtocolSim>;
const EXCHANGES: [string, Connector, Start][] = [
  ['Upbit', upbit, startUpbitSim],
  ['Bithumb', bithumb, startBithumbSim],
];

/** Time stands still on the exchange: it greets, answers pings, and has nothing to say. */
async function onQuiet(
  connector: Connector,
  start: Start,
  body: (sim: UpbitProtocolSim, feed: StandInFeed) => Promise<void>,
  options: UpbitProtocolSimOptions = { startAt: START + 30_000 },
  staleMs = STALE_MS,
): Promise<void> {
  const sim = await start({ symbols: ['KRW-ADA', 'KRW-BTC'], ...options });
  const feed = followStandIn(connector, sim, ['ADA-KRW', 'BTC-KRW'], { staleMs });
  try {
    await until('the greeting', () => feed.log.trades().length >= 2 && feed.log.books().length >= 2);
    await body(sim, feed);
  } finally {
    await feed.stop();
    await sim.close();
  }
}

const tradeGaps = (feed: StandInFeed): number =>
  Math.max(
    ...['ADA-KRW', 'BTC-KRW'].map((symbol) => {
      const mine = feed.log.status().filter((status) => status.channel === 'trade' && status.symbol === symbol);
      return mine.at(-1)?.gaps ?? 0;
    }),
  );

const waitMs = (ms: number) => new Promise((done) => setTimeout(done, ms));

for (const [name, connector, start] of EXCHANGES) {
  test(`${name}: a connection without news is kept, as pings are answered, and is not told to be stale`, async () => {
    await onQuiet(connector, start, async (sim, feed) => {
      // not a hope: the time in which the old rule would have renewed it four times
      await waitMs(5 * STALE_MS);
      assert.equal(sim.stats().accepted, 1);
      assert.equal(
        feed.log.status().some((status) => status.stale && status.connected),
        false,
      );
      assert.equal(tradeGaps(feed), 0);
    });
  });

  test(`${name}: a connection that is gone without a word is replaced, and told meanwhile`, async () => {
    await onQuiet(connector, start, async (sim, feed) => {
      const since = performance.now();
      sim.faults.halfOpen();
      await until('it to be told', () => feed.log.status().some((status) => status.stale && !status.connected));
      assert.ok(performance.now() - since < STALE_MS + 2_000);
      await until('a second connection', () => sim.stats().accepted === 2);
      await until('the feeds to be well', () =>
        feed.log
          .status()
          .slice(-4)
          .every((status) => !status.stale),
      );
    });
  });

  test(`${name}: a reconnect in which nothing was traded is no gap of trades`, async () => {
    await onQuiet(connector, start, async (sim, feed) => {
      sim.faults.reset();
      await until('a second connection', () => sim.stats().accepted === 2);
      await until('its books', () => feed.log.books().filter((book) => book.gap).length >= 2);
      assert.equal(tradeGaps(feed), 0);
      assert.equal(
        feed.log.trades().some((trade) => trade.gap),
        false,
      );
    });
  });

  test(`${name}: a busy connection that falls silent is replaced though it answers pings`, {
    timeout: 60_000,
  }, async () => {
    await onQuiet(
      connector,
      start,
      async (sim, feed) => {
        await waitMs(4 * BUSY_STALE_MS);
        sim.faults.stall('', 60_000);
        await until('it to be told', () => feed.log.status().some((status) => status.stale));
        await until('a second connection', () => sim.stats().accepted >= 2);
      },
      // a book ten times a second
      { rate: 20 },
      BUSY_STALE_MS,
    );
  });
}

test('Bithumb: a market that does not exist is silent, and told to be stale', async () => {
  const sim = await startBithumbSim({ symbols: ['KRW-BTC'] });
  const feed = followStandIn(bithumb, sim, ['BTC-KRW', 'NOPE-KRW'], { staleMs: 1_000 });
  const stale = (symbol: string) =>
    feed.log.status().findLast((one) => one.symbol === symbol && one.channel === 'orderbook')?.stale;
  try {
    await until('it to be stale', () => stale('NOPE-KRW') === true && stale('BTC-KRW') === false);
  } finally {
    await feed.stop();
    await sim.close();
  }
});

test('Bithumb: trades of an outage are a gap, told by the first one after it', { timeout: 30_000 }, async () => {
  await onQuiet(
    bithumb,
    startBithumbSim,
    async (sim, feed) => {
      const back = sim.faults.refuseConnections(1_500);
      sim.faults.reset();
      await back;
      await until('the flag', () => feed.log.trades().some((trade) => trade.gap));
      await until('it to be told', () => tradeGaps(feed) === 1);
    },
    { rate: 20 },
  );
});

test('minutes of an exchange on which nothing at all happens are closed as they end', {
  timeout: 120_000,
}, async () => {
  // late in a minute; nothing comes after the greeting
  const startAt = Math.floor(Date.now() / MINUTE) * MINUTE - 10 * MINUTE + 54_000;
  const sim = await startUpbitSim({ symbols: ['KRW-ADA'], startAt });
  const feed = followStandIn(upbit, sim, ['ADA-KRW'], { staleMs: 2_000 });
  const minute = Math.floor(startAt / MINUTE) * MINUTE;
  const closed = () => feed.log.klines().filter((k) => k.isClosed && k.openTime === minute);
  try {
    await until('the greeting', () => feed.log.books().length > 0);
    const from = performance.now();
    await until('the minute to be closed', () => closed().length > 0, { timeoutMs: 45_000, everyMs: 200 });
    const took = performance.now() - from;
    assert.ok(took > 5_000, `closed after ${took} ms, when it was not over`);
  } finally {
    await feed.stop();
    await sim.close();
  }
});
