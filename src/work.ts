/**
 * The role work: topics → stores, pipelines, the watch over change data capture. Processes share the partitions as consumer
 * groups; `--only=live,klines` picks workers, `pipelines` and `capture` are two names more.
 */
import { startCapture } from '../ingestion/capture/capture.ts';
import { startAllPipelines } from '../ingestion/pipelines/index.ts';
import { startWorkers } from '../ingestion/workers/index.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { startHealthServer } from './platform/health.ts';
import { openPlatform } from './platform/open.ts';
import type { Running } from './platform/platform.ts';
import { runProcess, together } from './platform/run.ts';

await runProcess(['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS'], async (process) => {
  const only = globalThis.process.argv
    .find((arg) => arg.startsWith('--only='))
    ?.slice('--only='.length)
    .split(',');
  const platform = await openPlatform(process, MIGRATIONS);
  const started: Running[] = [platform];
  started.push(await startWorkers(platform, { only, besides: ['pipelines', 'capture'], onFatal: process.fatal }));
  if (only?.includes('capture') ?? true) started.push(await startCapture(platform, 'debezium'));
  if (only?.includes('pipelines') ?? true) started.push(await startAllPipelines(platform));
  const health = await startHealthServer(platform);
  process.log.info({ only: only ?? 'all' }, 'working');
  return together([...started, health]);
});
