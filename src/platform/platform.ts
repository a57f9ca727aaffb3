import type { Broker } from './broker/broker.ts';
import type { Config } from './config.ts';
import type { LiveStore } from './live/store.ts';
import type { Log } from './log.ts';
import type { Postgres } from './postgres/postgres.ts';

/** What every part of a process is handed: its settings, its log and the three stores. */
export interface Platform {
  config: Config;
  log: Log;
  postgres: Postgres;
  broker: Broker;
  live: LiveStore;
}

/** A running part of a process. */
export interface Running {
  /** Ends it in order; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}
