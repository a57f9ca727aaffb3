/** The live store emptied and filled again, with the worker `live`, subscribers and cursors as they are in service. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { upsertMarkets } from '../../../ingestion/feed/markets.ts';
import { liveRebuild } from '../../../ingestion/pipelines/live-rebuild.ts';
import { runPipeline } from '../../../ingestion/pipelines/runner.ts';
import { klines } from '../../../ingestion/workers/klines.ts';
import { live } from '../../../ingestion/workers/live.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { klineStreamId, streamKey } from '../../../schema/channels.ts';
import { latestKlineKey, minuteKlineKey } from '../../../schema/live/keys.ts';
import type { KlineEvent, MarketInfo } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { startBinanceSim } from '../../../sim/binance/server.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import { KlineUpdatedDocument } from '../../generated/graphql.ts';
import { createWorld } from '../../resolvers/world.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { MINUTE, minute, trade } from '../workers/market-events.ts';
import { drained, memoryPlatform, produce, readAll } from '../workers/worker-platform.ts';
import { rowsOf } from './made-up.ts';

const BTC = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;
const MARKET: MarketInfo = {
  ...{ ...BTC, nativeSymbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', status: 'TRADING' },
  ...{ tickSize: '0.01', lotSize: '0.00001', takerFeePercent: '0.1' },
};
const RESUMED = /* GraphQL */ `
  subscription Resumed($after: Cursor) {
    klineUpdated(exchange: BINANCE, symbol: "BTC-USDT", interval: M1, after: $after) { cursor start kline { openTime close } }
  }`;

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let sim: Awaited<ReturnType<typeof startBinanceSim>>;

before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  sim = await startBinanceSim({ seed: 3 });
  await upsertMarkets(database.postgres, [MARKET]);
});
after(async () => {
  await sim.close();
  await database.stop();
});

const settings = () => ({
  MARKETS: 'binance:BTC-USDT',
  BINANCE_REST_URL: sim.restUrl,
  BINANCE_WS_URL: sim.wsUrl,
});
const signal = new AbortController().signal;
const onFatal = (error: Error): void => {
  throw error;
};

async function rebuild(platform: Platform): Promise<void> {
  const runId = randomUUID();
  const outcome = await runPipeline(liveRebuild, { platform, runId, signal });
  assert.equal(outcome, 'SUCCEEDED', JSON.stringify(await rowsOf(platform.postgres, runId)));
}

const latest = async ({ live: store }: Platform): Promise<KlineEvent | null> => {
  const [found] = await store.latest([latestKlineKey(BTC, 'M1')]);
  return found ? (JSON.parse(found.value) as KlineEvent) : null;
};

test('emptied in service: new epochs, the state is there again, subscribers go on, old cursors begin anew', {
  timeout: 90_000,
}, async () => {
  const platform = await memoryPlatform(database.postgres, settings());
  const world = createWorld(database.postgres, settings(), platform.live);
  const running: Running[] = [await runWorker(live, platform, onFatal), await runWorker(klines, platform, onFatal)];
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  const send = async (...minutes: KlineEvent[]): Promise<void> => {
    await produce(platform.broker, TOPICS.kline1m, minutes);
    await drained(platform.broker, 'klines', [TOPICS.kline1m.name]);
    await drained(platform.broker, 'live', [TOPICS.kline.name]);
  };
  try {
    await send(...[5, 4, 3, 2].map((ago) => minute(now - ago * MINUTE, { close: String(100 + ago) })));
    await produce(platform.broker, TOPICS.trades, [trade('1', now), trade('2', now + 1)]);
    const following = await world.follow(KlineUpdatedDocument, BTC);
    await send(minute(now - MINUTE, { close: '101' }));
    assert.equal((await following.next()).klineUpdated.kline.close, '102');
    const { klineUpdated: seen } = await following.next();
    assert.equal(seen.kline.close, '101');
    const stream = streamKey('kline', klineStreamId(BTC, 'M1'));
    const [old] = await platform.live.positions([stream]);

    await rebuild(platform);

    const [begun] = await platform.live.positions([stream]);
    assert.notEqual(begun?.epoch, old?.epoch);
    assert.equal((await latest(platform))?.openTime, now - MINUTE);
    const minutes = await platform.live.values([5, 4, 3, 2, 1].map((ago) => minuteKlineKey(BTC, now - ago * MINUTE)));
    assert.ok(minutes.every((value) => value !== null));
    const tradeStream = streamKey('trade', 'binance:BTC-USDT');
    await until('the trades of the log', async () => (await platform.live.read(tradeStream, 0n, 10)).length === 2);

    // who followed goes on with what is new, and is not told the old once more
    await send(minute(now, { close: '99.5', isClosed: false, eventTime: Date.now() }));
    let next = (await following.next()).klineUpdated;
    while (next.kline.close !== '99.5') {
      assert.notEqual(next.kline.close, '101', 'told before');
      next = (await following.next()).klineUpdated;
    }
    // a cursor from before is void, and says so with the state
    const resumed = await world.follow(
      RESUMED as unknown as typeof KlineUpdatedDocument,
      { after: seen.cursor } as never,
    );
    const first = (await resumed.next()).klineUpdated;
    assert.equal(first.start, 'RESET');
    assert.equal(first.kline.close, '99.5');
  } finally {
    await Promise.all(running.map((worker) => worker.stop()));
    await world.stop();
  }
});

test('what the log has no more comes from gold, what gold has not from the exchange', { timeout: 90_000 }, async () => {
  const { postgres } = database;
  await postgres.query('DELETE FROM gold.kline');
  const platform = await memoryPlatform(postgres, settings());
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  const start = await runWorker(klines, platform, onFatal);
  await produce(
    platform.broker,
    TOPICS.kline1m,
    [40, 39, 38].map((ago) => minute(now - ago * MINUTE, { close: String(60 + ago) })),
  );
  await until('the candles', async () => (await postgres.query('SELECT FROM gold.kline')).length > 3);
  await start.stop();

  // another log, empty, on the same tables
  const later = await memoryPlatform(postgres, settings());
  const running = await runWorker(live, later, onFatal);
  try {
    assert.equal(await latest(later), null);
    await rebuild(later);
    assert.equal((await latest(later))?.openTime, now - 38 * MINUTE);
    const [kept] = await later.live.values([minuteKlineKey(BTC, now - 40 * MINUTE)]);
    assert.equal((JSON.parse(kept ?? '{}') as KlineEvent).close, '100');
    const fetched = (await readAll(later.broker, TOPICS.kline1m.name)).map((m) => TOPICS.kline1m.parse(m.value));
    assert.ok(fetched.length >= 30, `${fetched.length} minutes`);
    assert.equal(fetched[0]?.openTime, now - 37 * MINUTE);
    assert.ok(fetched.every((k) => k.isClosed && k.exchange === 'BINANCE'));
  } finally {
    await running.stop();
  }
});
