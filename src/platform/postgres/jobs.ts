/**
 * Owner of pg-boss: jobs in queues in PostgreSQL, on demand and by the clock. Its tables are in the schema `pgboss`, which it
 * makes and migrates itself under a lock of its own. A queue has one job at a time, queued or under way, over all processes.
 */
import { PgBoss, type Job as TakenJob } from 'pg-boss';
import type { Log } from '../log.ts';
import { metrics } from '../metrics.ts';
import type { Running } from '../platform.ts';
import { fullJitter, pause } from '../retry.ts';
import { PostgresUnavailable, translate } from './postgres.ts';

/** Connections to PostgreSQL besides the pool's: those who only queue need one. */
const CONNECTIONS = { runs: 3, queues: 1 };
/** A job whose process says nothing for this long is another's; what tells so is looked for this often. In seconds, 10 is the least. */
const SILENT_S = 15;
const LOOK_S = 5;
/** Between two looks for a queued job, s. */
const POLL_S = 1;
/** A job may take this long at the most, in all; pg-boss allows a day. */
const LONGEST_S = 86_400;
/** How often a job may be taken up again after its process ended. */
const TAKEN_UP = 20;
/** Jobs that are over are kept so long; the record of runs is elsewhere. */
const KEPT_S = 3_600;
const STOP_MS = 2_000;
/** States of a job that is not over. */
const OPEN: ReadonlySet<string> = new Set(['created', 'retry', 'active']);
const BACKOFF = { baseMs: 200, capMs: 5_000 };
/** How often a job is asked for when the one that was in its way ends each time. */
const SENT = 20;

export interface Job {
  /** The same when it is taken up again. */
  id: string;
  /** Aborted when the job is no longer this process's, and when it stops. */
  signal: AbortSignal;
}

export interface JobQueue {
  name: string;
  /** When it is queued by the clock, in UTC; null: on demand only. What was missed while nothing ran is made up for once. */
  cron: string | null;
}

export interface Jobs extends Running {
  /**
   * Queues a job unless there is one, queued or under way. Resolves with the id of that one. Throws PostgresUnavailable, soon,
   * or what else the database says.
   */
  enqueue(queue: string): Promise<string>;
  /** Ids of the jobs that are queued or under way. Throws PostgresUnavailable, or what else the database says. */
  open(queue: string): Promise<string[]>;
  /**
   * Takes jobs of these queues from now on, one of each at a time, and keeps the clock. `work` throws to have the job taken
   * up again, here or elsewhere. Throws what the database says.
   */
  run(queues: readonly JobQueue[], work: (queue: string, job: Job) => Promise<void>): Promise<void>;
}

export interface JobsOptions {
  url: string;
  /** Bound on one statement, ms. */
  timeoutMs: number;
  log: Log;
}

/** The jobs of a database. Connects when first used. */
export function createJobs({ url, timeoutMs, log }: JobsOptions): Jobs {
  const ended = new AbortController();
  const all: PgBoss[] = [];
  const made = new Set<string>();
  let opening: Promise<PgBoss> | null = null;

  async function begin(runs: boolean): Promise<PgBoss> {
    const one = new PgBoss({
      connectionString: url,
      max: runs ? CONNECTIONS.runs : CONNECTIONS.queues,
      connectionTimeoutMillis: timeoutMs,
      application_name: 'tickgraph jobs',
      supervise: runs,
      schedule: runs,
      superviseIntervalSeconds: LOOK_S,
      monitorIntervalSeconds: LOOK_S,
      cronWorkerIntervalSeconds: POLL_S,
      // handed to the pool as they are
      ...{ statement_timeout: timeoutMs, query_timeout: timeoutMs + 1_000 },
    });
    // it goes on by itself: without a listener the process would end
    one.on('error', (error) => {
      metrics.storeErrors.inc({ store: 'postgres' });
      if (!ended.signal.aborted) log.warn({ err: error }, 'jobs: database does not answer as it should');
    });
    one.on('warning', (warning) => log.debug({ warning }, 'jobs'));
    for (let attempt = 0; ; attempt++) {
      try {
        await one.start();
        all.push(one);
        return one;
      } catch (error) {
        await one.stop({ graceful: false }).catch(() => {});
        const known = translate(error);
        // others that start at the same time hold the lock for a moment; who only asks is not kept waiting for a database
        const asking = !runs && known instanceof PostgresUnavailable;
        if (asking || attempt >= 3 || ended.signal.aborted) throw known;
        await pause(fullJitter(BACKOFF, attempt + 1), ended.signal);
      }
    }
  }

  /** For those who only queue: the one that runs jobs, where there is one. */
  async function opened(): Promise<PgBoss> {
    const known = all.at(-1);
    if (known) return known;
    opening ??= begin(false);
    try {
      return await opening;
    } finally {
      opening = null;
    }
  }

  /** What `work` answers. Throws PostgresUnavailable, or what else the database says. */
  async function asked<T>(work: (one: PgBoss) => Promise<T>): Promise<T> {
    try {
      return await work(await opened());
    } catch (error) {
      throw translate(error);
    }
  }

  async function make(one: PgBoss, name: string): Promise<void> {
    if (made.has(name)) return;
    const options = {
      expireInSeconds: LONGEST_S - 1,
      heartbeatSeconds: SILENT_S,
      retryLimit: TAKEN_UP,
      retryDelay: 1,
      deleteAfterSeconds: KEPT_S,
    };
    await one.createQueue(name, { policy: 'exclusive', ...options });
    // made by an earlier version, perhaps
    await one.updateQueue(name, options);
    made.add(name);
  }

  async function openIds(one: PgBoss, queue: string): Promise<string[]> {
    const found = await one.findJobs(queue);
    return found.filter(({ state }) => OPEN.has(state)).map(({ id }) => id);
  }

  return {
    enqueue: (queue) =>
      asked(async (one) => {
        await make(one, queue);
        for (let attempt = 0; attempt < SENT; attempt++) {
          const id = await one.send(queue, {});
          if (id !== null) return id;
          const [open] = await openIds(one, queue);
          // none: it ended in between
          if (open) return open;
        }
        throw new PostgresUnavailable(`queue ${queue}: its job is never to be had`);
      }),
    open: (queue) => asked((one) => openIds(one, queue)),
    async run(queues, work) {
      const one = await begin(true);
      try {
        for (const { name, cron } of queues) {
          await make(one, name);
          if (cron === null) await one.unschedule(name);
          else await one.schedule(name, cron, {}, { tz: 'UTC', missed: 'once' });
          await one.work(name, { pollingIntervalSeconds: POLL_S }, async ([job]: TakenJob[]) => {
            if (job) await work(name, { id: job.id, signal: AbortSignal.any([job.signal, ended.signal]) });
          });
        }
      } catch (error) {
        // all of it or nothing: it may be asked for again
        all.splice(all.indexOf(one), 1);
        await one.stop({ graceful: false }).catch(() => {});
        throw translate(error);
      }
    },
    async stop() {
      ended.abort();
      await opening?.catch(() => {});
      await Promise.all(all.map((one) => one.stop({ timeout: STOP_MS })));
    },
  };
}
