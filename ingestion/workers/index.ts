/** Every worker, by name. */
import { ConfigError } from '../../src/platform/config.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { bronze } from './bronze.ts';
import { klines } from './klines.ts';
import { live } from './live.ts';
import { silver } from './silver.ts';
import { runWorker, type Worker } from './worker.ts';

export const WORKERS = { bronze, silver, klines, live } as const satisfies Record<string, Worker>;

export interface WorkerOptions {
  /** Names of the workers to run; all of them where it is not given. */
  only?: readonly string[];
  /** A worker can't go on in this process: it must end with a code other than 0, to be started anew. */
  onFatal(error: Error): void;
}

/**
 * Starts the workers as members of their groups. Throws ConfigError for an unknown name, and what the stores throw when a
 * group can't be joined.
 */
export async function startWorkers(platform: Platform, { only, onFatal }: WorkerOptions): Promise<Running> {
  const all: Record<string, Worker> = WORKERS;
  const names = only ?? Object.keys(all);
  const unknown = names.filter((name) => !Object.hasOwn(all, name));
  if (unknown.length > 0) {
    const known = Object.keys(all).join(', ');
    throw new ConfigError(unknown.map((name) => `--only: unknown worker "${name}", must be one of ${known}`));
  }
  const running: Running[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((worker) => worker.stop()));
  };
  try {
    for (const name of new Set(names)) {
      const worker = all[name];
      if (worker) running.push(await runWorker(worker, platform, onFatal));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
