/** Every pipeline, by name. */
import { PIPELINES, type PipelineName } from '../../schema/pipelines.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { createJobs } from '../../src/platform/postgres/jobs.ts';
import { dailyBatchProcessing } from './daily-batch-processing.ts';
import { dataQuality, dataQualityAfter } from './data-quality.ts';
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

/** As a command runs them, which follows no exchange: there is nothing that its process would be fetching meanwhile. */
export const ASKED_PIPELINES = { ...ALL_PIPELINES, data_quality: dataQualityAfter(0) };

/** A line for each: its name, when it is due, and its tasks. */
export function listPipelines(): string {
  const lines = Object.values(ALL_PIPELINES).map(({ name, schedule, steps }) => {
    const tasks = steps.map(({ task }) => task.name).join(', ');
    return `${name.padEnd(24)} ${(schedule?.cron ?? 'on demand').padEnd(14)} ${tasks}\n`;
  });
  return lines.join('');
}

/** Takes runs of `only`, of those in `all`, together with every other process that does. Throws what the database says. */
export function startAllPipelines(
  platform: Platform,
  only: readonly PipelineName[] = PIPELINES,
  all: Readonly<Record<PipelineName, Pipeline>> = ALL_PIPELINES,
): Promise<Running> {
  const { config, postgres, log } = platform;
  const jobs = createJobs({ url: postgres.url, timeoutMs: config.STORE_TIMEOUT_MS, log });
  return startPipelines(platform, { jobs, pipelines: only.map((name) => all[name]) });
}
