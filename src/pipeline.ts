/**
 * `npm run pipeline -- daily_batch_processing`: asks for a run, shows how far it is, ends with 1 where it fails; `--list` names
 * them all. Who runs pipelines on the database does it (`npm start`, the role work), this process where nobody does.
 */
import { parseArgs } from 'node:util';
import { followToEnd, stillQueued } from '../ingestion/pipelines/follow.ts';
import { ASKED_PIPELINES, listPipelines, startAllPipelines } from '../ingestion/pipelines/index.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { isPipeline, PIPELINES } from '../schema/pipelines.ts';
import { ConfigError } from './platform/config.ts';
import { openPlatform } from './platform/open.ts';
import type { Running } from './platform/platform.ts';
import { findEmbeddedPostgres } from './platform/postgres/embedded.ts';
import { createJobs } from './platform/postgres/jobs.ts';
import { openPostgres } from './platform/postgres/postgres.ts';
import { queueRun } from './platform/postgres/queue-run.ts';
import { runProcess, together } from './platform/run.ts';
import { usesC2cStandIn } from './platform/settings-c2c.ts';

/** So long others may take to begin it, ms: before it is done here, and where that can't be. */
const [TAKEN_MS, QUEUED_MS] = [5_000, 30_000];
const option = { type: 'boolean', default: false } as const;
const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { list: option, live: option } });
const [name = ''] = positionals;
const { stdout, env, exit } = globalThis.process;
if (flags.list) stdout.write(listPipelines());
if (flags.list) exit(0);
env.LOG_LEVEL ??= 'warn';

// other stores than those of the database's other processes would be emptied and filled in their place
await runProcess(env.DATABASE_URL ? ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS'] : [], async (process) => {
  const { config, log, end, fatal } = process;
  if (!isPipeline(name))
    throw new ConfigError([`the pipeline must be one of ${PIPELINES.join(', ')}; --list says more`]);
  const timeoutMs = config.STORE_TIMEOUT_MS;
  const found = config.DATABASE_URL ? null : await findEmbeddedPostgres(config.DATA_DIR);
  const platform = found ? null : await openPlatform(process, MIGRATIONS);
  const postgres = platform?.postgres ?? (await openPostgres({ url: found ?? '', pool: 1, timeoutMs }));
  const jobs = createJobs({ url: postgres.url, timeoutMs, log });
  const parts: Running[] = [platform ?? { stop: () => postgres.close() }, jobs];
  if (platform && !config.DATABASE_URL) {
    const c2c = usesC2cStandIn(config, flags.live);
    const { startStandIns } = await import('../sim/index.ts');
    const standIns = await startStandIns(flags.live || config.UPBIT_REST_URL ? [] : ['UPBIT'], config.SIM_SEED, {
      c2c,
    });
    stdout.write(flags.live && !c2c ? '' : 'The data is SIMULATED; with --live and a key it is the real one.\n');
    parts.push(standIns);
    const settings = { ...config, ...standIns.settings };
    parts.push(await startAllPipelines({ ...platform, config: settings }, [name], ASKED_PIPELINES));
  }
  const id = await queueRun(jobs, postgres, name);
  if (platform && config.DATABASE_URL) {
    const here = async (): Promise<void> => void parts.push(await startAllPipelines(platform, [name], ASKED_PIPELINES));
    stillQueued(postgres, id, TAKEN_MS).then((idle) => (idle ? here() : undefined), fatal);
  }
  followToEnd(postgres, id, stdout, found ? QUEUED_MS : undefined).then(end, fatal);
  return together(parts);
});
