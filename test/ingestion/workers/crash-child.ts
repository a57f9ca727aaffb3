/**
 * A process of its own that reads a log from its start: the same messages at the same offsets in every run, with nothing
 * remembered of what was committed. So a run after a crash is the worst redelivery there is. Exits 0 when all is done.
 */
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { openPostgres } from '../../../src/platform/postgres/postgres.ts';
import { MINUTE, minute, START, trade } from './market-events.ts';
import { drained, memoryPlatform, produce } from './worker-platform.ts';

const postgres = await openPostgres({ url: process.env.DATABASE_URL ?? '', pool: 5, timeoutMs: 20_000 });
// the offsets of this log mean the same in every run, as Kafka's do
const platform = await memoryPlatform(postgres, { KAFKA_BROKERS: 'same-log:9092' });
const { broker } = platform;

const symbols = ['BTC-USDT', 'ETH-USDT', 'SOL-USDT'];
const start = () => startWorkers(platform, { only: ['silver', 'klines'], onFatal: () => process.exit(1) });
// started late, the workers find the log as long as their checkpoints say
const late = process.env.START_LATE === '1';
let running = late ? null : await start();
for (let i = 0; i < 120; i++) {
  const openTime = START + i * MINUTE;
  for (const symbol of symbols) {
    const close = String(95 + (i % 10));
    const open = minute(openTime, { symbol, close, isClosed: false, eventTime: openTime + 2_000, volume: '0.1' });
    await produce(broker, TOPICS.kline1m, [open, minute(openTime, { symbol, close })]);
    await produce(broker, TOPICS.trades, [
      trade(`${i}-a`, openTime, { symbol }),
      trade(`${i}-b`, openTime + 1, { symbol }),
    ]);
    // a late minute changes candles that are closed
    if (i % 13 === 12)
      await produce(broker, TOPICS.kline1m, [minute(openTime - 500 * MINUTE, { symbol, high: String(200 + i) })]);
  }
  if (i % 40 === 7) await broker.send(TOPICS.trades.name, [{ key: 'BTC', value: Buffer.from(`not json ${i}`) }]);
  if (i % 10 === 0) await new Promise((turn) => setImmediate(turn));
}
running ??= await start();
await drained(broker, 'silver', [TOPICS.kline1m.name, TOPICS.trades.name]);
await drained(broker, 'klines', [TOPICS.kline1m.name]);
await running.stop();
await postgres.close();
process.exit(0);
