/** Real services that the integration suites of one run can share, started once and handed on by environment. */
import { relative } from 'node:path';
import { reachedFrom } from './imports.ts';
import { sharedKafka } from './kafka.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import { ServiceUnavailable } from './service.ts';
import { PROJECT, projectText } from './tree.ts';

interface Shared {
  name: string;
  /** The module through which suites ask for it. */
  module: string;
  /** The variable that hands it on; one that is set already names a service to be used as it is. */
  variable: string;
  start(): Promise<{ address: string; stop(): Promise<void> }>;
}

const SHARED: readonly Shared[] = [
  {
    name: 'Kafka',
    module: 'test/support/kafka.ts',
    variable: 'KAFKA_TEST_BROKERS',
    start: async () => {
      const kafka = await sharedKafka();
      return { address: kafka.brokers.join(','), stop: kafka.stop };
    },
  },
  {
    name: 'Redis',
    module: 'test/support/redis.ts',
    variable: 'REDIS_TEST_URL',
    start: async () => {
      const redis = await startRedis();
      return { address: redis.url, stop: redis.stop };
    },
  },
  {
    name: 'PostgreSQL',
    module: 'test/support/postgres.ts',
    variable: 'POSTGRES_TEST_URL',
    start: async () => {
      const postgres = await startPostgres();
      return { address: postgres.url, stop: postgres.stop };
    },
  },
];

const running: (() => Promise<void>)[] = [];

/**
 * Starts what the test files (absolute paths) ask for and resolves with the variables that say where it is. One that
 * can't be had is only named: its suites say so themselves.
 */
export async function startServices(files: readonly string[]): Promise<Record<string, string>> {
  const { files: reached } = await reachedFrom(
    files.map((f) => relative(PROJECT, f)),
    projectText,
  );
  const variables: Record<string, string> = {};
  for (const { name, module, variable, start } of SHARED) {
    if (!reached.has(module) || process.env[variable]) continue;
    try {
      const began = performance.now();
      const { address, stop } = await start();
      running.push(stop);
      variables[variable] = address;
      process.stdout.write(`${name} is up at ${address}  ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
    } catch (error) {
      if (!(error instanceof ServiceUnavailable)) throw error;
      process.stdout.write(`${name} can't be had: ${error.message}\n`);
    }
  }
  return variables;
}

/** Stops what `startServices` started. */
export async function stopServices(): Promise<void> {
  for (const stop of running.splice(0)) {
    await stop().catch((error) => process.stdout.write(`a service did not stop: ${(error as Error).message}\n`));
  }
}
