/** From a book on its topic to the spread at a subscriber, beside the book itself, on a pair that is otherwise idle. */
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { upsertMarkets } from '../ingestion/feed/markets.ts';
import { startWorkers } from '../ingestion/workers/index.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { startApi } from '../resolvers/api.ts';
import type { BookEvent, Exchange, MarketInfo } from '../schema/market.ts';
import { TOPICS } from '../schema/topics.ts';
import { readConfig } from '../src/platform/config.ts';
import { createLog } from '../src/platform/log.ts';
import { openPlatform } from '../src/platform/open.ts';
import { pause } from '../src/platform/retry.ts';
import { startKafka } from '../test/support/kafka.ts';
import { sharedPostgres } from '../test/support/postgres.ts';
import { startRedis } from '../test/support/redis.ts';

const UPDATES = 300;
const WARM = 50;
/** Longer than a pair is silent between two results. */
const EVERY_MS = 137;
const BASE = 'IDLE';
const QUIET_MS = 2_000;

const markets = (['BINANCE', 'KUCOIN'] as const).map((exchange): MarketInfo => {
  const named = { exchange, symbol: `${BASE}-USDT`, nativeSymbol: `${BASE}USDT`, base: BASE, quote: 'USDT' };
  return { ...named, status: 'TRADING', tickSize: '0.01', lotSize: '0.01', takerFeePercent: '0.1' };
});

/** A whole book: a different price with each number. */
function book(exchange: Exchange, number: number): BookEvent {
  const at = Date.now();
  const price = (n: number): string => (100 + n / 100).toFixed(2);
  return {
    ...{ exchange, symbol: `${BASE}-USDT`, type: 'snapshot', eventTime: at, receivedAt: at },
    bids: [[price((number % 50) - 1), '1000']],
    asks: [[price(number % 50), '1000']],
    ...{ sequence: String(at), previousSequence: null, integrity: 'SNAPSHOT_ONLY' },
  };
}

const percentile = (sorted: readonly number[], p: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN).toFixed(1);

interface Stores {
  KAFKA_BROKERS?: string;
  REDIS_URL?: string;
}

async function path(name: string, stores: Stores): Promise<void> {
  const database = await sharedPostgres();
  const config = readConfig({ ...stores, DATABASE_URL: database.url, PORT: '0', LOG_LEVEL: 'error' });
  const fatal = (error: Error): void => assert.fail(error);
  const platform = await openPlatform({ config, log: createLog('error'), fatal }, MIGRATIONS);
  await upsertMarkets(platform.postgres, markets);
  const workers = await startWorkers(platform, { only: ['live', 'arbitrage', 'arbitrage-gold'], onFatal: fatal });
  const api = await startApi(platform);
  const client = createClient({ url: `${api.url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: WebSocket });
  let sentAt = 0;
  let heard = { book: 0, spread: 0 };
  const follow = (query: string, what: 'book' | 'spread'): void => {
    client.subscribe(
      { query },
      {
        next() {
          if (heard[what] === 0) heard[what] = performance.now();
        },
        error: console.error,
        complete() {},
      },
    );
  };
  follow(
    `subscription { orderBookUpdated(exchange: BINANCE, symbol: "${BASE}-USDT") { sequence bids { price } } }`,
    'book',
  );
  follow(
    `subscription { arbitrageSpreadUpdated(base: "${BASE}", notional: "1000") { spread { netPercent } } }`,
    'spread',
  );
  const send = async (event: BookEvent): Promise<void> => {
    sentAt = performance.now();
    await platform.broker.send(TOPICS.orderbook.name, [{ key: BASE, value: TOPICS.orderbook.encode(event) }]);
  };
  const took = { book: [] as number[], spread: [] as number[] };
  await pause(QUIET_MS);
  for (let i = 0; i < UPDATES + WARM; i++) {
    // the other book only stays fresh; it says the same again, and no spread of it
    if (i % 40 === 0) {
      await send(book('KUCOIN', 25));
      await pause(2 * EVERY_MS);
    }
    heard = { book: 0, spread: 0 };
    await send(book('BINANCE', i));
    await pause(EVERY_MS);
    if (i < WARM) continue;
    for (const what of ['book', 'spread'] as const) if (heard[what] > 0) took[what].push(heard[what] - sentAt);
  }
  for (const what of ['book', 'spread'] as const) {
    const sorted = took[what].toSorted((a, b) => a - b);
    console.log(
      `${name}: ${what} n=${sorted.length} p50 ${percentile(sorted, 0.5)} ms, p99 ${percentile(sorted, 0.99)} ms`,
    );
  }
  await client.dispose();
  await api.stop();
  await workers.stop();
  await platform.stop();
  await database.stop();
}

/** Prints both paths over the embedded stores, then over Kafka and Redis where those can be had. */
export async function measurePath(): Promise<void> {
  await path('embedded', {});
  const kafka = await startKafka();
  const redis = await startRedis();
  await path('Kafka and Redis', { KAFKA_BROKERS: kafka.brokers.join(','), REDIS_URL: redis.url });
  await redis.stop();
  await kafka.stop();
}
