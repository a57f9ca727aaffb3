/** The contract of a pipeline's task: one step from one place to the next. */
import type { Log } from '../src/platform/log.ts';
import type { Platform } from '../src/platform/platform.ts';

/** A failure whose message is meant to be seen by whoever may see the runs. */
export class TaskFailed extends Error {
  override readonly name = 'TaskFailed';
}

/** What a task moved: rows (pages, objects) it read, and rows it wrote. */
export interface TaskResult {
  rowsIn: number;
  rowsOut: number;
}

export interface TaskContext {
  platform: Platform;
  log: Log;
  /** Aborts when the process stops or the run is given up; the task then throws at its next pause. */
  signal: AbortSignal;
  /** Says how far it is, `done` of `total`; total null where it is not known. */
  progress(done: number, total: number | null): void;
}

/**
 * A step that may be repeated at any time: what is done again changes nothing, and a crash anywhere leaves either all of a
 * part or none of it.
 */
export interface Task {
  readonly name: string;
  /** Does it. Throws what kept it from being done; the run then tries again, and gives up after some attempts. */
  run(context: TaskContext): Promise<TaskResult>;
}
