/** Every worker, by name. */
import { ConfigError } from '../../src/platform/config.ts';
import { patienceOf, whenThere } from '../../src/platform/patience.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { arbitrage } from './arbitrage.ts';
import { arbitrageGold } from './arbitrage-gold.ts';
import { bronze } from './bronze.ts';
import { cdc } from './cdc.ts';
import { FEED_WATCH } from './feed-watch.ts';
import { klines } from './klines.ts';
import { live } from './live.ts';
import { RANKING } from './ranking.ts';
import { silver } from './silver.ts';
import { type Singleton, startSingleton } from './singleton.ts';
import { STATISTICS } from './statistics.ts';
import { tickers } from './tickers.ts';
import { runWorker, type Worker } from './worker.ts';

export const WORKERS = {
  bronze,
  silver,
  klines,
  tickers,
  live,
  arbitrage,
  'arbitrage-gold': arbitrageGold,
  cdc,
} as const satisfies Record<string, Worker>;

/** What one process of all does again and again, by name. */
export const SINGLETONS = {
  ranking: RANKING,
  statistics: STATISTICS,
  'feed-watch': FEED_WATCH,
} as const satisfies Record<string, Singleton>;

export interface WorkerOptions {
  /** Names of the workers to run; all of them where it is not given. */
  only?: readonly string[];
  /** What `only` may name too, and is started elsewhere. */
  besides?: readonly string[];
  /** A worker can't go on in this process: it must end with a code other than 0, to be started anew. */
  onFatal(error: Error): void;
}

/**
 * Starts the workers as members of their groups, and the singletons. Throws ConfigError for an unknown name, and what the
 * stores throw when a group can't be joined for START_PATIENCE_MS.
 */
export async function startWorkers(
  platform: Platform,
  { only, besides = [], onFatal }: WorkerOptions,
): Promise<Running> {
  const all: Record<string, Worker> = WORKERS;
  const singletons: Record<string, Singleton> = SINGLETONS;
  const every = [...Object.keys(all), ...Object.keys(singletons)];
  const names = only ?? every;
  const choices = [...every, ...besides];
  const unknown = names.filter((name) => !choices.includes(name));
  if (unknown.length > 0) {
    const known = choices.join(', ');
    throw new ConfigError(unknown.map((name) => `--only: unknown worker "${name}", must be one of ${known}`));
  }
  const running: Running[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((worker) => worker.stop()));
  };
  try {
    for (const name of new Set(names)) {
      const worker = all[name];
      if (worker) {
        const join = (): Promise<Running> => runWorker(worker, platform, onFatal);
        running.push(await whenThere(`the group ${worker.group}`, patienceOf(platform), join));
      }
      const singleton = singletons[name];
      if (singleton) running.push(startSingleton(platform, singleton));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
