/**
 * One run of a pipeline, from where it was left: tasks begin when those they come after have succeeded, are tried with
 * growing pauses, and what comes after a failed one is skipped. Everything is written down before and after it is done, so
 * that another process can go on in the middle.
 */
import type { Log } from '../../src/platform/log.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { PostgresUnavailable } from '../../src/platform/postgres/postgres.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import { TaskFailed, type TaskResult } from '../task.ts';
import { pauseAfter } from './pauses.ts';
import type { Pipeline, Step } from './pipeline.ts';
import { reasonOf } from './reason.ts';
import {
  type Attempt,
  beginRun,
  beginTask,
  endRun,
  endTask,
  interruptTasks,
  type Outcome,
  type Past,
  skipTask,
  tellProgress,
} from './record.ts';

/** Between two times that progress is written down, ms. */
const PROGRESS_MS = 1_000;
/** How long a task that was told to end is waited for, ms. */
const GRACE_MS = 1_500;
const STORE_BACKOFF = { baseMs: 100, capMs: 2_000 };

/** The run is left as it is, to be taken up again. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export interface RunOptions {
  platform: Platform;
  runId: string;
  /** Aborted when the process stops or the run is another's. */
  signal: AbortSignal;
}

interface Context extends RunOptions {
  pipeline: Pipeline;
  log: Log;
}

/**
 * Does what is left of the run. Resolves with what it came to. Throws Interrupted when `signal` is aborted, and what the
 * database says where the record can't be kept.
 */
export async function runPipeline(pipeline: Pipeline, options: RunOptions): Promise<Outcome> {
  const { platform, runId, signal } = options;
  const log = platform.log.child({ part: 'pipelines', pipeline: pipeline.name, run: runId });
  const context: Context = { ...options, pipeline, log };
  const known = await patiently(context, () => beginRun(platform.postgres, runId, pipeline.name));
  if (known.outcome) return known.outcome;
  const from = performance.now();
  const cannot = pipeline.unavailable?.(platform.config) ?? null;
  const failures = cannot === null ? await runSteps(context, known.past) : [];
  if (signal.aborted) {
    // another's by now, perhaps: then its attempt is another and nothing is written, whoever took it up has said it
    await interruptTasks(platform.postgres, runId, known.attempt).catch(() => {});
    throw new Interrupted('the run is left to be taken up again');
  }
  const outcome: Outcome = cannot !== null ? 'SKIPPED' : failures.length > 0 ? 'FAILED' : 'SUCCEEDED';
  const error = cannot ?? (failures.length > 0 ? failures.join('; ') : null);
  await patiently(context, () => endRun(platform.postgres, runId, outcome, error));
  metrics.pipelineRuns.inc({ pipeline: pipeline.name, status: outcome });
  log[outcome === 'FAILED' ? 'error' : 'info'](
    { outcome, error, ms: Math.round(performance.now() - from) },
    'run ended',
  );
  return outcome;
}

/** Does all the steps, each as soon as it can be. Resolves with why tasks failed, none where all succeeded. */
async function runSteps(context: Context, past: ReadonlyMap<string, Past>): Promise<string[]> {
  const failures: string[] = [];
  const results = new Map<string, Promise<boolean>>();

  async function begin(step: Step): Promise<boolean> {
    const { name } = step.task;
    const before = past.get(name) ?? { attempts: 0, failed: 0, succeeded: false };
    const needed = await Promise.all(step.after.map((one) => results.get(one) ?? false));
    if (before.succeeded) return true;
    if (context.signal.aborted) return false;
    const missing = step.after.filter((_, i) => !needed[i]);
    if (missing.length === 0) {
      const failure = await tryTask(context, step, before);
      if (failure !== null) failures.push(`${name}: ${failure}`);
      return failure === null;
    }
    const attempt = { ...attemptOf(context, name), attempt: before.attempts + 1 };
    await patiently(context, () => skipTask(context.platform.postgres, attempt, `needs ${missing.join(', ')}`));
    return false;
  }

  // a step comes after those it needs; `checkPipeline` has seen that this ends
  const left = [...context.pipeline.steps];
  while (left.length > 0) {
    const i = left.findIndex(({ after }) => after.every((one) => results.has(one)));
    const [step] = left.splice(i, 1);
    if (step) results.set(step.task.name, begin(step));
  }
  const all = await Promise.allSettled(results.values());
  const broken = all.find((result) => result.status === 'rejected');
  if (broken && !context.signal.aborted) throw broken.reason;
  return failures;
}

const attemptOf = ({ runId, pipeline }: Context, task: string): Omit<Attempt, 'attempt'> => ({
  runId,
  pipeline: pipeline.name,
  task,
});

/** Tries until it works. Resolves with null, or with why it was given up; when the run is aborted, with why not. */
async function tryTask(context: Context, { task }: Step, before: Past): Promise<string | null> {
  const { platform, pipeline, signal, log } = context;
  let failure = 'tried too often';
  for (let tries = before.failed, number = before.attempts + 1; tries < pipeline.tries; tries++, number++) {
    const attempt: Attempt = { ...attemptOf(context, task.name), attempt: number };
    await patiently(context, () => beginTask(platform.postgres, attempt));
    const result = await once(context, task, attempt).catch((error: unknown) => error as Error);
    if (signal.aborted) return 'aborted';
    if (!(result instanceof Error)) {
      await patiently(context, () => endTask(platform.postgres, attempt, result, null));
      return null;
    }
    failure = reasonOf(result, platform);
    metrics.pipelineTaskFailures.inc({ pipeline: pipeline.name, task: task.name });
    log.warn({ err: result, task: task.name, attempt: number }, 'task failed');
    await patiently(context, () => endTask(platform.postgres, attempt, null, failure));
    if (result instanceof StillRunning) return failure;
    if (tries + 1 >= pipeline.tries) return failure;
    const ms = pauseAfter(result, tries, pipeline.backoff, Date.now());
    if (ms === null) return failure;
    await pause(ms, signal);
    if (signal.aborted) return 'aborted';
  }
  return failure;
}

/** It was told to end and did not: another try would meet it. */
class StillRunning extends TaskFailed {}

/** One try, bounded in time. */
async function once(context: Context, task: Step['task'], attempt: Attempt): Promise<TaskResult> {
  const { platform, pipeline, signal } = context;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), pipeline.timeoutMs);
  const both = AbortSignal.any([signal, late.signal]);
  const log = context.log.child({ task: task.name });
  let toldAt = Number.NEGATIVE_INFINITY;
  const running = task.run({
    platform,
    log,
    signal: both,
    progress(done, total) {
      const now = performance.now();
      if (now - toldAt < PROGRESS_MS && done !== total) return;
      toldAt = now;
      // it is worth no more than a try
      tellProgress(platform.postgres, attempt, done, total).catch(() => {});
    },
  });
  const seconds = `${pipeline.timeoutMs / 1_000} s`;
  const given = aborted(both).then(async () => {
    await pause(GRACE_MS);
    throw new StillRunning(`did not end within ${seconds}, nor when told to`);
  });
  given.catch(() => {});
  try {
    return await Promise.race([running, given]);
  } catch (error) {
    if (late.signal.aborted && !(error instanceof StillRunning))
      throw new TaskFailed(`not done within ${seconds}`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
}

/** Writes to the record, again while the database does not answer and the run is ours. */
async function patiently<T>({ signal }: RunOptions, write: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof PostgresUnavailable) || signal.aborted) throw error;
      await pause(fullJitter(STORE_BACKOFF, attempt), signal);
    }
  }
}
