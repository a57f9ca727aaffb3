/** The pipelines there are, and what their runs can come to. */

export const PIPELINES = [
  'daily_batch_processing',
  'streaming_ingestion',
  'upbit_24h_ticker',
  'live_rebuild',
  'data_quality',
  'retention',
] as const;

export type PipelineName = (typeof PIPELINES)[number];

export const RUN_STATUSES = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'SKIPPED'] as const;

export type RunStatus = (typeof RUN_STATUSES)[number];

/** What the row of a run as a whole has in the place of a task. */
export const WHOLE_RUN = '';

export function isPipeline(name: string): name is PipelineName {
  return (PIPELINES as readonly string[]).includes(name);
}
