/**
 * A process of its own that does the steps named by its arguments (fetch a merchant's orders, bring them into bronze) once,
 * under the settings of its environment; CRASH_AT ends it before. Exits 0 when all is done.
 */
import { landingToBronze } from '../../../ingestion/bronze/landing.ts';
import { ingestC2cOrders } from '../../../ingestion/c2c/ingest.ts';
import { createMemoryBroker } from '../../../src/platform/broker/memory/broker.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import { openPostgres } from '../../../src/platform/postgres/postgres.ts';

const config = readConfig(process.env);
const log = createLog('warn');
const postgres = await openPostgres({ url: config.DATABASE_URL ?? '', pool: 3, timeoutMs: 20_000 });
const platform = { config, log, postgres, broker: createMemoryBroker({ log }), live: createMemoryLiveStore() };
for (const task of [ingestC2cOrders, landingToBronze].filter(({ name }) => process.argv.includes(name))) {
  await task.run({ platform, log, signal: new AbortController().signal, progress: () => {} });
}
await postgres.close();
process.exit(0);
