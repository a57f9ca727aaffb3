import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startIngest } from '../../ingestion/ingest.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { decimal } from '../../schema/decimal.ts';
import { startBinanceSim } from '../../sim/binance/server.ts';
import { readConfig } from '../../src/platform/config.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { quiet, RememberingBroker, seeded } from './feed/scripted.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

test('whatever a connection does, every trade arrives, in order, and books stay whole', {
  timeout: 120_000,
}, async () => {
  const natives = ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'];
  const sim = await startBinanceSim({ symbols: natives, rate: 10 });
  const log = new RememberingBroker();
  const config = readConfig({
    MARKETS: 'binance:*',
    FEED_STALE_MS: '1000',
    BACKFILL_HOURS: '1',
    STORE_TIMEOUT_MS: '1000',
  });
  const platform = {
    config,
    log: quiet,
    postgres: database.postgres,
    broker: log.port,
    live: {},
  } as unknown as Platform;
  const ingest = await startIngest(platform, {
    endpoints: { BINANCE: { ws: sim.wsUrl, rest: sim.restUrl } },
    times: { overlapMs: 300, repairMs: 500 },
  });
  const { faults } = sim;
  const all: (() => void)[] = [
    () => faults.skip('aggTrade', 3),
    () => faults.skip('depth', 2),
    () => faults.duplicate('', 5),
    () => faults.reorder('aggTrade', 2),
    () => faults.reorder('depth', 1),
    () => faults.malform('depth', '{"e":'),
    () => faults.reset(),
    () => faults.disconnect(),
    () => faults.halfOpen(),
    () => faults.stall('', 1_300),
    () => faults.stall('btcusdt@depth', 1_500),
    () => faults.refuseRest({ status: 429, retryAfter: 1, count: 1 }),
    () => faults.stallRest(700),
    () => void faults.plannedDisconnect(400),
    () => {
      faults.reset();
      void faults.refuseConnections(400);
    },
  ];
  try {
    await until('trades', () => log.trades().length > 0);
    const random = seeded(11);
    for (let i = 0; i < 30; i++) {
      all[(i + Math.floor(random() * 3)) % all.length]?.();
      await new Promise((done) => setTimeout(done, 100 + random() * 700));
    }
    faults.resume();
    const marks = natives.map((native) => sim.sent(native).trades.at(-1)?.a ?? 0);
    for (const [i, native] of natives.entries()) {
      const symbol = native.replace('USDT', '-USDT');
      const mine = () => log.trades().filter((t) => t.symbol === symbol);
      await until(`${symbol} to have caught up`, () => mine().some((t) => Number(t.tradeId) >= (marks[i] ?? 0)), {
        timeoutMs: 30_000,
      });
      const got = mine().filter((t) => Number(t.tradeId) <= (marks[i] ?? 0));
      const first = Number(got[0]?.tradeId);
      const sent = sim.sent(native).trades.filter((t) => t.a >= first && t.a <= (marks[i] ?? 0));
      assert.ok(sent.length > 100);
      assert.deepEqual(
        got.map((t) => [t.tradeId, t.price, t.quantity, t.eventTime]),
        sent.map((t) => [String(t.a), decimal(t.p), decimal(t.q), t.T]),
      );
      const books = log.books().filter((book) => book.symbol === symbol);
      for (let n = 1; n < books.length; n++) {
        if (books[n]?.type === 'delta') assert.equal(books[n]?.previousSequence, books[n - 1]?.sequence);
      }
      const klines = log.klines().filter((kline) => kline.symbol === symbol);
      for (let n = 1; n < klines.length; n++) {
        const [a, b] = [klines[n - 1], klines[n]];
        assert.ok(a && b && b.openTime >= a.openTime && !(a.isClosed && b.openTime === a.openTime));
      }
    }
    const status = log.status();
    assert.ok(status.some((one) => one.reconnects > 2) && status.some((one) => one.stale));
  } finally {
    await ingest.stop();
    await sim.close();
  }
});
