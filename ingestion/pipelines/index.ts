/** Every pipeline, by name. */
import { PIPELINES, type PipelineName } from '../../schema/pipelines.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { createJobs } from '../../src/platform/postgres/jobs.ts';
import { dailyBatchProcessing } from './daily-batch-processing.ts';
import { dataQuality } from './data-quality.ts';
import { liveRebuild } from './live-rebuild.ts';
import type { Pipeline } from './pipeline.ts';
import { retention } from './retention.ts';
import { startPipelines } from './start.ts';
import { streamingIngestion } from './streaming-ingestion.ts';
import { upbit24hTicker } from './upbit-24h-ticker.ts';

export const ALL_PIPELINES: Readonly<Record<PipelineName, Pipeline>> = {
  daily_batch_processing: dailyBatchProcessing,
  streaming_ingestion: streamingIngestion,
  upbit_24h_ticker: upbit24hTicker,
  live_rebuild: liveRebuild,
  data_quality: dataQuality,
  retention,
};

/** Takes runs of these, together with every other process that does. Throws what the database says. */
export function startAllPipelines(platform: Platform, only: readonly PipelineName[] = PIPELINES): Promise<Running> {
  const { config, postgres, log } = platform;
  const jobs = createJobs({ url: postgres.url, timeoutMs: config.STORE_TIMEOUT_MS, log });
  return startPipelines(platform, { jobs, pipelines: only.map((name) => ALL_PIPELINES[name]) });
}
