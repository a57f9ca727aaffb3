/** The contract of a pipeline: what is done, in which order, how often it is tried, and when it is due. */
import type { Config } from '../../src/platform/config.ts';
import type { Backoff } from '../../src/platform/retry.ts';
import type { Task } from '../task.ts';

export interface Step {
  task: Task;
  /** Names of the tasks that must have succeeded before; without any it begins at once. */
  after: readonly string[];
}

export interface Schedule {
  /** Five fields, in UTC. */
  cron: string;
  /** Time between two runs, ms: when a success is overdue is told by it. */
  everyMs: number;
}

export interface Pipeline {
  /** Of its queue and in ops.pipeline_run. */
  readonly name: string;
  /** Null: on demand only. */
  readonly schedule: Schedule | null;
  readonly steps: readonly Step[];
  /** How often a task is tried before it has failed, the pauses in between (see pauses.ts), and what one try may take, ms. */
  readonly tries: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number;
  /** Why it can't be run with these settings; null where it can. Left out where it always can. */
  unavailable?(config: Config): string | null;
}

const MINUTE = 60_000;

/** What most pipelines are content with. */
export const USUAL = { tries: 4, backoff: { baseMs: 1_000, capMs: 60_000 }, timeoutMs: 30 * MINUTE } as const;

/** For those that come once a day: they outlast some minutes in which a store or an exchange is away (seven and a half at the least). */
export const PATIENT = { ...USUAL, tries: 6, backoff: { baseMs: 30_000, capMs: 15 * MINUTE } } as const;

/** One task after the other. */
export function chain(...tasks: readonly Task[]): Step[] {
  return tasks.map((task, i) => ({ task, after: tasks.slice(Math.max(0, i - 1), i).map(({ name }) => name) }));
}

/** Every few minutes, at `minute` of each hour, or at `hour` o'clock and `minute` each day, UTC. */
export const everyMinutes = (minutes: number): Schedule => ({
  cron: `*/${minutes} * * * *`,
  everyMs: minutes * MINUTE,
});
export const hourly = (minute: number): Schedule => ({ cron: `${minute} * * * *`, everyMs: 60 * MINUTE });
export const daily = (hour: number, minute: number): Schedule => ({
  cron: `${minute} ${hour} * * *`,
  everyMs: 24 * 60 * MINUTE,
});

/** Throws where the steps can't all be done: two of one name, one that waits for itself or for none there is. */
export function checkPipeline({ name, steps }: Pipeline): void {
  const wrong = (problem: string): Error => new Error(`pipeline ${name}: ${problem}`);
  const names = new Set(steps.map(({ task }) => task.name));
  if (names.size < steps.length) throw wrong('two tasks of one name');
  const done = new Set<string>();
  let left = [...steps];
  while (left.length > 0) {
    const ready = left.filter(({ after }) => after.every((one) => done.has(one)));
    if (ready.length === 0) {
      throw wrong(`these can never begin: ${left.map(({ task }) => task.name).join(', ')}`);
    }
    for (const { task } of ready) done.add(task.name);
    left = left.filter(({ task }) => !done.has(task.name));
  }
}
