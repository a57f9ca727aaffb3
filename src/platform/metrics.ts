/** Owner of prom-client: every metric of the project, named and explained in one place. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import { rememberedCharacters } from '../../schema/json-values.ts';
import { Durations } from './durations.ts';

export const registry = new Registry();
collectDefaultMetrics({ register: registry });

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const registers = [registry];

/** A counter where every nanosecond counts: a number of its own, given to the metric when that is read. */
export interface Tally {
  count: number;
}

const tallies: { tally: Tally; give(count: number): void }[] = [];
const tallyFor = new WeakMap<object, Map<string, Tally>>();

function settle(): void {
  for (const { tally, give } of tallies) {
    if (tally.count > 0) give(tally.count);
    tally.count = 0;
  }
}

/** The tally of a counter with these labels. Kept for the life of the process: for labels of few values. */
export function tallyOf<L extends string>(metric: Counter<L>, labels: Record<L, string>): Tally {
  const known = tallyFor.get(metric) ?? new Map<string, Tally>();
  tallyFor.set(metric, known);
  const key = JSON.stringify(labels);
  let tally = known.get(key);
  if (!tally) {
    tally = { count: 0 };
    known.set(key, tally);
    tallies.push({ tally, give: (count) => metric.inc(labels, count) });
  }
  return tally;
}

const readings = new WeakMap<object, Map<string, () => void>>();

/** Lets a gauge tell what `read` returns whenever it is read itself, instead of being set. The newest for these labels counts. */
export function tells<L extends string>(metric: Gauge<L>, labels: Record<L, string>, read: () => number): void {
  const known = readings.get(metric) ?? new Map<string, () => void>();
  readings.set(metric, known);
  known.set(JSON.stringify(labels), () => metric.set(labels, read()));
}

/** A histogram of seconds with one label, observed in `Durations`: a metric of our own, as the registry reads them. */
class TalliedHistogram {
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly name: string;
  readonly labelNames: readonly string[];
  private readonly tallied = new Map<string, Durations>();

  constructor(
    name: string,
    readonly help: string,
    private readonly label: string,
  ) {
    this.name = `tickgraph_${name}_seconds`;
    this.labelNames = [label];
    registry.registerMetric(this as unknown as Metric);
  }

  /** Those of one value of the label. Kept for the life of the process: for a label of few values. */
  of(value: string): Durations {
    const known = this.tallied.get(value) ?? new Durations(SECONDS);
    this.tallied.set(value, known);
    return known;
  }

  async get() {
    const { name, help, type, aggregator, label } = this;
    const values = [...this.tallied].flatMap(([of, durations]) =>
      durations.observed().map(({ suffix, le, value }) => {
        const labels: Record<string, string | number> = { ...(le !== undefined && { le }), [label]: of };
        return { metricName: `${name}${suffix}`, labels, value };
      }),
    );
    return { name, help, type, aggregator, values };
  }
}

const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
  new Counter<L>({ name: `tickgraph_${name}`, help, labelNames: [...labelNames], registers, collect: settle });
const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
  new Gauge<L>({
    name: `tickgraph_${name}`,
    help,
    labelNames: [...labelNames],
    registers,
    collect(): void {
      for (const read of readings.get(this)?.values() ?? []) read();
    },
  });
const seconds = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
  new Histogram<L>({
    name: `tickgraph_${name}_seconds`,
    help,
    labelNames: [...labelNames],
    buckets: SECONDS,
    registers,
  });

export const metrics = {
  // feed
  frames: counter('frames_total', 'Frames received from an exchange', ['exchange']),
  badFrames: counter('bad_frames_total', 'Frames that did not normalize', ['exchange']),
  events: counter('events_total', 'Normalized events produced', ['exchange', 'channel']),
  feedConnected: gauge('feed_connections', 'Open connections to an exchange', ['exchange']),
  feedReconnects: counter('feed_reconnects_total', 'Reconnects to an exchange', ['exchange', 'reason']),
  feedGaps: counter('feed_gaps_total', 'Losses noticed in a feed', ['exchange', 'channel']),
  backfilled: counter('backfilled_events_total', 'Events fetched over REST after a loss', ['exchange', 'channel']),
  sendQueueBytes: gauge('send_queue_bytes', 'Bytes waiting to be acknowledged by the log'),
  // workers
  batchSeconds: seconds('worker_batch', 'Time of one batch in a worker', ['group']),
  messages: counter('worker_messages_total', 'Messages a worker is done with', ['group', 'topic']),
  deadLetters: counter('dead_letters_total', 'Messages that could not be processed', ['group', 'topic']),
  retries: counter('worker_retries_total', 'Batches tried again', ['group']),
  lag: gauge('worker_lag_messages', 'Messages behind the head of the log', ['group', 'topic', 'partition']),
  rows: counter('rows_written_total', 'Rows written', ['table']),
  c2cCalls: counter('c2c_calls_total', "Calls of Binance's signed API: answered, limited (429, 418), failed", [
    'outcome',
  ]),
  spreads: counter('spreads_total', 'Arbitrage spreads worked out and said'),
  lateChanges: counter('late_changes_total', 'Captured changes that came too late for their window'),
  qualityFailed: counter('quality_failed_rows_total', 'Rows that failed a check of the data', ['dataset', 'check']),
  rankingSeconds: seconds('ranking', 'Time of one computation of the rankings'),
  rankingLeftOut: gauge('ranking_left_out_markets', 'Markets that a ranking leaves out: not known, or out of date', [
    'metric',
  ]),
  rememberedCharacters: new Gauge({
    name: 'tickgraph_remembered_value_characters',
    help: 'Characters of the messages that are remembered, so that a process reads none twice',
    registers,
    collect(): void {
      this.set(rememberedCharacters());
    },
  }),
  memoryLogBytes: gauge('memory_log_bytes', 'Bytes that the log in memory holds'),
  memoryLogDropped: counter(
    'memory_log_dropped_total',
    'Unread messages that the log in memory dropped for want of room',
  ),
  memoryLiveBytes: gauge('memory_live_bytes', 'Bytes that the live store in memory holds: streams, values', ['part']),
  memoryLiveDropped: counter('memory_live_dropped_total', 'What the live store in memory dropped for want of room', [
    'part',
  ]),
  appended: counter('live_events_total', 'Events given to live streams', ['channel', 'outcome']),
  // pipelines
  pipelineRuns: counter('pipeline_runs_total', 'Runs of a pipeline that ended', ['pipeline', 'status']),
  pipelineTaskFailures: counter('pipeline_task_failures_total', 'Tries of a task that failed', ['pipeline', 'task']),
  pipelineSeconds: gauge('pipeline_last_run_seconds', 'How long the last run that succeeded took', ['pipeline']),
  pipelineSucceeded: gauge('pipeline_last_success_timestamp_seconds', 'When a run last succeeded', ['pipeline']),
  pipelineInterval: gauge('pipeline_interval_seconds', 'Time between two runs of a pipeline with a schedule', [
    'pipeline',
  ]),
  // capture
  captured: counter('captured_messages_total', 'Messages of captured changes put into the log by our own reader'),
  captureBroken: gauge('capture_broken', '1 while changes are not captured until somebody decides, by reason', [
    'reason',
  ]),
  captureActive: gauge('capture_slot_active', '1 while somebody reads the replication slot', ['slot']),
  captureBehind: gauge('capture_slot_behind_bytes', "Bytes of PostgreSQL's log that the slot holds back", ['slot']),
  // api
  operations: seconds('operation', 'Time of a GraphQL operation over HTTP', ['type', 'outcome']),
  errors: counter('errors_total', 'Errors answered to clients', ['code']),
  sockets: gauge('sockets', 'Open WebSockets'),
  eventStreams: gauge('event_streams', 'Open event streams (SSE)'),
  blockedSockets: gauge('blocked_sockets', 'WebSockets and event streams whose client does not read'),
  socketBytes: counter('socket_bytes_total', 'Bytes of events written to WebSockets and event streams'),
  subscribers: gauge('subscribers', 'Active subscriptions', ['field']),
  cohorts: gauge('cohorts', 'Different questions that subscriptions ask', ['field']),
  executions: counter('executions_total', 'Executions of an event', ['field']),
  encodings: counter('encodings_total', 'Encodings of an event', ['field']),
  deliveries: counter('deliveries_total', 'Events handed to subscribers', ['field']),
  deliveredBytes: counter('delivered_bytes_total', 'Bytes of the events handed to subscribers', ['field']),
  gapsTold: counter('gaps_told_total', 'Gaps told to subscribers', ['field', 'reason']),
  resumes: counter('resumes_total', 'Subscriptions that began at a cursor: resumed, reset, expired, failed', [
    'field',
    'outcome',
  ]),
  queued: gauge('queued_events', 'Events waiting for subscribers who read slower', ['field']),
  slowConsumers: counter('slow_consumers_total', 'Subscriptions ended because their queue was full', ['field']),
  accessFileBad: gauge('access_file_bad', '1 while ACCESS_TOKENS_FILE is unusable and older tokens stay valid'),
  refused: counter('refused_total', 'Requests refused by a limit', ['limit']),
  endToEnd: new TalliedHistogram('end_to_end', "From the exchange's event time to the socket", 'field'),
  storeErrors: counter('store_errors_total', 'Calls to a store that failed', ['store']),
  eventLoopDelay: gauge(
    'event_loop_delay_p99_seconds',
    '99th percentile of the event-loop delay since the last scrape',
  ),
} as const;
