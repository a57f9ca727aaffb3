/** A platform whose merchant's orders come from the stand-in, and a way to run tasks on it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Task, TaskResult } from '../../../ingestion/task.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { type C2cSim, type C2cSimOptions, startC2cSim } from '../../../sim/c2c/server.ts';
import { createMemoryBroker } from '../../../src/platform/broker/memory/broker.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../../support/postgres.ts';

export interface MerchantPlatform {
  sim: C2cSim;
  postgres: Postgres;
  /** What was logged, one JSON line each. */
  lines: string[];
  /** The platform under these settings. */
  platform(settings?: Record<string, string>): Platform;
  run(task: Task, settings?: Record<string, string>, signal?: AbortSignal): Promise<TaskResult>;
  /** Rows of a query. */
  rows<Row>(text: string): Promise<Row[]>;
  stop(): Promise<void>;
}

/** Starts it, on a fresh database and landing folder. */
export async function startMerchant(options: C2cSimOptions): Promise<MerchantPlatform> {
  const sim = await startC2cSim(options);
  const database = await openTestDatabase(MIGRATIONS);
  const { postgres } = database;
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-c2c-'));
  const lines: string[] = [];
  const log = createLog('debug', { write: (line: string) => void lines.push(line) }, [sim.key, sim.secret]);
  const broker = createMemoryBroker();
  const live = createMemoryLiveStore();
  const platform = (settings: Record<string, string> = {}): Platform => {
    const config = readConfig({
      ...{ BINANCE_C2C_URL: sim.url, BINANCE_API_KEY: sim.key, BINANCE_API_SECRET: sim.secret, SLEEP_INTERVAL: '0' },
      ...{ DATA_DIR: folder, DATABASE_URL: database.url, STORE_TIMEOUT_MS: '20000', ...settings },
    });
    return { config, log, postgres, broker, live };
  };
  return {
    ...{ sim, postgres, lines, platform },
    run: (task, settings, signal = new AbortController().signal) =>
      task.run({ platform: platform(settings), log, signal, progress: () => {} }),
    rows: (text) => postgres.query(text),
    async stop() {
      await Promise.all([sim.close(), broker.close(), live.close()]);
      await database.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
