/**
 * A process of its own that works out spreads of the same books at the same offsets in every run. What it says is in LOG_FILE
 * when it is killed; what was committed is not. Exits 0 when everything is said and averaged.
 */
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { TOPICS, topicSpecs } from '../../../schema/topics.ts';
import { createMemoryBroker } from '../../../src/platform/broker/memory/broker.ts';
import { openPostgres } from '../../../src/platform/postgres/postgres.ts';
import { bookEvents } from './arbitrage-books.ts';
import { keptLog } from './kept-log.ts';
import { drained, memoryPlatform, produce } from './worker-platform.ts';

const FROM = Date.UTC(2026, 2, 1);
const MINUTES = 4;

const postgres = await openPostgres({ url: process.env.DATABASE_URL ?? '', pool: 5, timeoutMs: 20_000 });
// the offsets of this log mean the same in every run, as Kafka's do
const opened = await memoryPlatform(postgres, { KAFKA_BROKERS: 'same-log:9092', ARBITRAGE_NOTIONALS: '100,1000' });
const kept = [TOPICS.arbitrage.name, TOPICS.fx.name];
const log = createMemoryBroker({ maxBytesPerPartition: 256 * 1024 * 1024 });
await log.ensureTopics(topicSpecs());
const platform = { ...opened, broker: await keptLog(log, process.env.LOG_FILE ?? '', kept) };
const { broker } = platform;

const markets = [
  { exchange: 'BINANCE', symbol: 'BTC-USDT', price: 100 },
  { exchange: 'KUCOIN', symbol: 'BTC-USDT', price: 100.2 },
  { exchange: 'UPBIT', symbol: 'ETH-USDT', price: 10 },
  { exchange: 'BINANCE', symbol: 'ETH-USDT', price: 10.1 },
  { exchange: 'BITHUMB', symbol: 'ETH-KRW', price: 14_000 },
  { exchange: 'BITHUMB', symbol: 'USDT-KRW', price: 1_400 },
] as const;
const events = bookEvents(markets, {
  ...{ from: FROM, to: FROM + MINUTES * 60_000, everyMs: 250, snapshotMs: 20_000, seed: 3 },
});
await produce(broker, TOPICS.orderbook, events);
const running = await startWorkers(platform, { only: ['arbitrage', 'arbitrage-gold'], onFatal: () => process.exit(1) });
await drained(broker, 'arbitrage', [TOPICS.orderbook.name]);
await drained(broker, 'arbitrage-gold', [TOPICS.arbitrage.name]);
await running.stop();
await postgres.close();
process.exit(0);
