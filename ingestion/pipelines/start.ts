/**
 * Runs pipelines in this process, together with any number of others: the queue hands each run to one of them, a lease keeps
 * two from being at one pipeline, and the record is put right where a run was lost.
 */
import { metrics } from '../../src/platform/metrics.ts';
import { patienceOf, whenThere } from '../../src/platform/patience.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import type { Job, Jobs } from '../../src/platform/postgres/jobs.ts';
import { holderName, keepLease } from '../../src/platform/postgres/lease.ts';
import { queueRun } from '../../src/platform/postgres/queue-run.ts';
import { pause } from '../../src/platform/retry.ts';
import { checkPipeline, type Pipeline } from './pipeline.ts';
import { Interrupted, runPipeline } from './runner.ts';
import { loseRuns, neverRun, successes } from './upkeep.ts';

/** A lease need not end sooner than the queue gives a job to another: a process that has much to do may stall for a while. */
const LEASE_MS = 20_000;
/** Between two looks whether a first run is over, ms. */
const FIRST_MS = 500;
/** Between two looks at the record, ms. */
const UPKEEP_MS = 30_000;

export interface PipelinesOptions {
  jobs: Jobs;
  pipelines: readonly Pipeline[];
}

/** Takes runs from now on. Those that have a schedule and never ran are run at once, in their order. Throws what the database says. */
export async function startPipelines(platform: Platform, { jobs, pipelines }: PipelinesOptions): Promise<Running> {
  const { postgres, config } = platform;
  const log = platform.log.child({ part: 'pipelines' });
  const byName = new Map(pipelines.map((pipeline) => [pipeline.name, pipeline]));
  const ended = new AbortController();
  const inHand = new Set<Promise<void>>();
  for (const pipeline of pipelines) checkPipeline(pipeline);

  /** Waits for the pipeline's lease and works while it is held. */
  async function alone(pipeline: Pipeline, job: Job): Promise<void> {
    const turn = new AbortController();
    const signal = AbortSignal.any([job.signal, turn.signal, ended.signal]);
    // what is aborted already never says so again
    if (signal.aborted) throw new Interrupted('stopped before it began');
    let take: () => void = () => {};
    const taken = new Promise<void>((done) => {
      take = done;
      signal.addEventListener('abort', () => done(), { once: true });
    });
    const lease = keepLease({
      ...{
        postgres,
        name: `pipeline:${pipeline.name}`,
        ms: Math.max(config.LEASE_MS, LEASE_MS),
        log,
        onAcquired: take,
      },
      holder: holderName(),
      onLost: () => turn.abort(),
    });
    try {
      await taken;
      if (signal.aborted) throw new Interrupted('stopped before it began');
      await runPipeline(pipeline, { platform, runId: job.id, signal });
    } finally {
      await lease.stop();
    }
  }

  async function work(queue: string, job: Job): Promise<void> {
    const pipeline = byName.get(queue);
    if (!pipeline) return;
    const run = alone(pipeline, job);
    inHand.add(run);
    try {
      await run;
    } catch (error) {
      const level = error instanceof Interrupted ? 'info' : 'warn';
      log[level]({ err: error, pipeline: queue, run: job.id }, 'run left to be taken up again');
      throw error;
    } finally {
      inHand.delete(run);
    }
  }

  async function upkeep(): Promise<void> {
    for (const { name } of pipelines) {
      for (const run of await loseRuns(postgres, name, () => jobs.open(name))) {
        metrics.pipelineRuns.inc({ pipeline: name, status: 'FAILED' });
        log.error({ pipeline: name, run }, 'run lost: its processes ended too often');
      }
    }
    for (const { pipeline, at, seconds } of await successes(postgres, [...byName.keys()])) {
      metrics.pipelineSucceeded.set({ pipeline }, at);
      metrics.pipelineSeconds.set({ pipeline }, seconds);
    }
  }

  /** Of those that have a schedule and never ran, one after the other: a first start has enough to do. */
  async function firstRuns(): Promise<void> {
    for (const { name } of pipelines.filter(({ schedule }) => schedule !== null)) {
      while (!ended.signal.aborted) {
        try {
          if ((await neverRun(postgres, [name])).length > 0) await queueRun(jobs, postgres, name);
          if ((await jobs.open(name)).length === 0) break;
        } catch (error) {
          if (!ended.signal.aborted) log.warn({ err: error, pipeline: name }, 'first run not asked for yet');
        }
        await pause(FIRST_MS, ended.signal);
      }
    }
  }

  async function keepUp(): Promise<void> {
    while (!ended.signal.aborted) {
      await upkeep().catch((error) => {
        if (!ended.signal.aborted) log.warn({ err: error }, 'record of runs not looked after');
      });
      await pause(UPKEEP_MS, ended.signal);
    }
  }

  for (const { name, schedule, unavailable } of pipelines) {
    // one that can't be run is not overdue
    if (schedule && !unavailable?.(config)) metrics.pipelineInterval.set({ pipeline: name }, schedule.everyMs / 1_000);
  }
  const queues = pipelines.map(({ name, schedule }) => ({ name, cron: schedule?.cron ?? null }));
  await whenThere('the queue of pipelines', patienceOf(platform), () => jobs.run(queues, work));
  const keeping = Promise.all([keepUp(), firstRuns()]);
  return {
    async stop() {
      ended.abort();
      // what is under way gives its lease back and is queued again before the connections end
      await Promise.allSettled(inHand);
      await jobs.stop();
      await keeping;
    },
  };
}
