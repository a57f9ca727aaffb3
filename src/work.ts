/** The role work: topics → stores. Processes share the partitions as consumer groups; `--only=live,klines` picks workers. */
import { startCapture } from '../ingestion/capture/capture.ts';
import { startAllPipelines } from '../ingestion/pipelines/index.ts';
import { startWorkers } from '../ingestion/workers/index.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { startHealthServer } from './platform/health.ts';
import { openPlatform } from './platform/open.ts';
import { runProcess, together } from './platform/run.ts';

await runProcess(['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS'], async (process) => {
  const only = globalThis.process.argv
    .find((arg) => arg.startsWith('--only='))
    ?.slice('--only='.length)
    .split(',');
  const platform = await openPlatform(process, MIGRATIONS);
  const workers = await startWorkers(platform, { only, onFatal: process.fatal });
  const pipelines = await startAllPipelines(platform);
  const capture = await startCapture(platform, 'debezium');
  const health = await startHealthServer(platform);
  process.log.info({ only: only ?? 'all' }, 'working');
  return together([platform, workers, capture, pipelines, health]);
});
