import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startIngest } from '../../../ingestion/ingest.ts';
import { type ReplayReport, replay } from '../../../ingestion/replay/replay.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { EXCHANGES, type MarketInfo } from '../../../schema/market.ts';
import { TOPICS, topicSpecs } from '../../../schema/topics.ts';
import { startStandIns } from '../../../sim/index.ts';
import { createMemoryBroker } from '../../../src/platform/broker/memory/broker.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import { pause } from '../../../src/platform/retry.ts';
import { openTestDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres.ts';
import { readAll } from '../workers/worker-platform.ts';

const RECORDED_MS = 12_000;
const TABLES = [
  `SELECT exchange, symbol, trade_id, event_time, price, quantity, side FROM silver.trade ORDER BY 1, 2, 3`,
  `SELECT exchange, symbol, open_time, open, high, low, close, volume FROM silver.kline_1m ORDER BY 1, 2, 3`,
  'SELECT * FROM gold.arbitrage_value ORDER BY base, second, buy_exchange, buy_symbol, sell_exchange, sell_symbol',
  `SELECT * FROM gold.arbitrage_average ORDER BY base, notional, minute, buy_exchange, buy_symbol, sell_exchange, sell_symbol`,
];

describe('a recorded span, replayed', () => {
  let server: TestDatabase;
  const source = createMemoryBroker({ maxBytesPerPartition: 256 * 1024 * 1024 });
  const config = readConfig({
    MARKETS: 'binance:BTC-USDT,kucoin:BTC-USDT,upbit:BTC-KRW,upbit:USDT-KRW,bithumb:BTC-KRW',
    BACKFILL_HOURS: '1',
  });
  const log = createLog('warn');
  let markets: MarketInfo[];
  let from: number;
  let to: number;

  before(async () => {
    server = await sharedPostgres();
    const { postgres, stop } = await openTestDatabase(MIGRATIONS);
    await source.ensureTopics(topicSpecs());
    const standIns = await startStandIns(EXCHANGES, 5);
    const platform = { config, log, postgres, broker: source, live: createMemoryLiveStore() };
    from = Date.now();
    const ingest = await startIngest(platform, { endpoints: standIns.endpoints });
    // a recording is as long as it is: there is nothing else to wait for
    await pause(RECORDED_MS);
    await ingest.stop();
    await standIns.stop();
    to = Date.now();
    markets = await postgres.query<MarketInfo>(
      `SELECT exchange, symbol, native_symbol AS "nativeSymbol", base, quote, status, tick_size::text AS "tickSize",
         lot_size::text AS "lotSize", taker_fee_percent::text AS "takerFeePercent" FROM gold.market ORDER BY 1, 2`,
    );
    await stop();
  });
  after(async () => {
    await source.close();
    await server.stop();
  });

  async function once(speed: number, since = from): Promise<{ report: ReplayReport; tables: unknown[] }> {
    const { postgres, stop } = await openTestDatabase(MIGRATIONS);
    try {
      const report = await replay({ source, from: since, to, speed, markets, target: { config, log, postgres } });
      return { report, tables: await Promise.all(TABLES.map((text) => postgres.query(text))) };
    } finally {
      await stop();
    }
  }

  test('says the same byte for byte, twice, at any speed', { timeout: 60_000 }, async () => {
    const first = await once(0);
    const second = await once(4);
    assert.deepEqual(second, first);
    assert.ok(first.report.frames > 200 && first.report.events > 200, JSON.stringify(first.report));
    for (const rows of first.tables) assert.ok((rows as unknown[]).length > 0);
    assert.equal(new Set(Object.values(first.report.digests)).size, 5);
    const later = await once(0, from + RECORDED_MS / 2);
    assert.ok(later.report.events < first.report.events);
  });

  test('says the trades that were said when it was recorded', async () => {
    const { tables } = await once(0);
    const replayed = tables[0] as { exchange: string; symbol: string; trade_id: string }[];
    const live = (await readAll(source, TOPICS.trades.name)).map(({ value }) => TOPICS.trades.parse(value));
    const ids = (rows: readonly { exchange: string; symbol: string; id: string }[], exchange: string) =>
      [...new Set(rows.filter((r) => r.exchange === exchange).map((r) => `${r.symbol} ${r.id}`))].sort();
    for (const exchange of EXCHANGES) {
      assert.deepEqual(
        ids(
          replayed.map((r) => ({ ...r, id: r.trade_id })),
          exchange,
        ),
        ids(
          live.map((t) => ({ exchange: t.exchange, symbol: t.symbol, id: t.tradeId })),
          exchange,
        ),
      );
    }
  });
});
