/** The role ingest: exchanges → topics. Processes share the markets by lease. */
import { startIngest } from '../ingestion/ingest.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { startHealthServer } from './platform/health.ts';
import { openPlatform } from './platform/open.ts';
import { runProcess, together } from './platform/run.ts';

await runProcess(['DATABASE_URL', 'KAFKA_BROKERS', 'REDIS_URL'], async (process) => {
  const platform = await openPlatform(process, MIGRATIONS);
  const ingest = await startIngest(platform, { endpoints: {} });
  const health = await startHealthServer(platform);
  process.log.info({ markets: process.config.MARKETS }, 'ingesting');
  return together([platform, ingest, health]);
});
