/**
 * Landing store → bronze: every file becomes a row of raw_landing, every order in it one of raw_event. What bronze has
 * it does not take again; a file that can't be read is kept where it is, with its reason in ops.dead_letter.
 */
import { C2C_SOURCE } from '../../schema/c2c.ts';
import {
  BadLanding,
  callOf,
  dayPrefix,
  type LandedAnswer,
  readLanded,
  sourcePrefix,
} from '../../src/platform/landing/answer.ts';
import { openLanding } from '../../src/platform/landing/open.ts';
import { type LandingStore, LandingTooLarge } from '../../src/platform/landing/store.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { lockProgress, saveProgress } from '../../src/platform/postgres/progress.ts';
import type { Task, TaskContext, TaskResult } from '../task.ts';
import { fault } from '../workers/fault.ts';
import { keepRejects, type Reject } from './rejects.ts';
import { type Taken, takeAnswers } from './take.ts';

/** Files of one transaction. */
const BATCH = 100;
/** Files read at once. */
const READERS = 8;
const STEP = 'bronze.landing';
const DAY = 86_400_000;
/** A file is written within minutes of its call; behind this nothing is looked for any more. */
const LATE_DAYS = 7;

interface Position {
  /** Time of the call of the newest file taken, epoch ms. */
  callTs: number;
}

/** No call is later than now, whatever a clock or a name said: else the answers until then would be passed over. */
const byNow = (callTs: number): number => Math.min(callTs, Date.now());

/** What a file turned out to be. */
interface Read {
  key: string;
  answers: LandedAnswer[];
  reject: Reject | null;
}

async function readFile(store: LandingStore, key: string): Promise<Read | null> {
  const refused = (reason: string, content: string | Buffer): Read => ({
    key,
    answers: [],
    reject: { group: 'landing_to_bronze', place: key, content, reason, headers: {} },
  });
  let bytes: Buffer | null;
  try {
    bytes = await store.read(key);
  } catch (error) {
    if (error instanceof LandingTooLarge) return refused(`larger than any answer: ${error.message}`, key);
    throw error;
  }
  // somebody else has taken and removed it
  if (bytes === null) return null;
  try {
    const answers = await readLanded(bytes);
    const foreign = answers.find(({ source }) => source !== C2C_SOURCE);
    return foreign ? refused(`of another source: ${foreign.source}`, bytes) : { key, answers, reject: null };
  } catch (error) {
    if (!(error instanceof BadLanding)) throw error;
    return refused(error.message, bytes);
  }
}

async function readAll(store: LandingStore, keys: readonly string[]): Promise<Read[]> {
  const reads: (Read | null)[] = [];
  for (let i = 0; i < keys.length; i += READERS) {
    reads.push(...(await Promise.all(keys.slice(i, i + READERS).map((key) => readFile(store, key)))));
  }
  return reads.filter((read) => read !== null);
}

/** The keys of files that bronze does not have. */
async function unknownOf(postgres: Postgres, keys: readonly string[]): Promise<string[]> {
  const ids = keys.flatMap((key) => callOf(key)?.callId ?? []);
  const rows = await postgres.query<{ id: string }>(
    'SELECT call_id AS id FROM bronze.raw_landing_c2c WHERE call_id = ANY($1)',
    [ids],
  );
  const known = new Set(rows.map(({ id }) => id));
  return keys.filter((key) => !known.has(callOf(key)?.callId ?? ''));
}

/** Takes files, and where they have come, in one transaction; resolves with what came of it. */
async function take(
  postgres: Postgres,
  reads: readonly Read[],
  overwrite: boolean,
): Promise<Taken & { refused: number }> {
  const rejects = reads.flatMap(({ reject }) => reject ?? []);
  const newest = reads.reduce((time, { key, reject }) => Math.max(time, reject ? 0 : (callOf(key)?.callTs ?? 0)), 0);
  return postgres.transaction(async (sql) => {
    const known = await lockProgress<Position>(sql, STEP);
    const taken = await takeAnswers(
      sql,
      reads.flatMap(({ answers }) => answers),
      overwrite,
    );
    const refused = await keepRejects(sql, rejects);
    await saveProgress(sql, STEP, { callTs: byNow(Math.max(known?.callTs ?? 0, newest)) });
    fault('after_write');
    return { ...taken, refused };
  });
}

async function run(context: TaskContext, store: LandingStore): Promise<TaskResult> {
  const { platform, log, signal, progress } = context;
  const { config, postgres } = platform;
  const overwrite = config.BRONZE_WRITE_MODE === 'overwrite';
  const [row] = await postgres.query<{ position: Partial<Position> }>(
    'SELECT position FROM ops.watermark WHERE step = $1',
    [STEP],
  );
  const since = byNow(row?.position.callTs ?? 0) - LATE_DAYS * DAY;
  const after = overwrite || since <= 0 ? undefined : dayPrefix(C2C_SOURCE, since);
  const total: TaskResult = { rowsIn: 0, rowsOut: 0 };
  for await (const page of store.list(sourcePrefix(C2C_SOURCE), after)) {
    for (let i = 0; i < page.length; i += BATCH) {
      signal.throwIfAborted();
      const keys = page.slice(i, i + BATCH);
      const wanted = overwrite ? keys : await unknownOf(postgres, keys);
      const reads = await readAll(store, wanted);
      if (reads.length > 0) {
        const { landed, events, refused } = await take(postgres, reads, overwrite);
        metrics.rows.inc({ table: 'bronze.raw_landing' }, landed);
        metrics.rows.inc({ table: 'bronze.raw_event' }, events);
        total.rowsOut += landed + events;
        if (refused > 0) log.warn({ refused }, 'files of the landing store can not be read; they stay there');
        fault('after_commit');
      }
      total.rowsIn += reads.length;
      if (config.BRONZE_CLEANUP_MODE === 'delete') {
        const kept = new Set(reads.filter(({ reject }) => reject).map(({ key }) => key));
        fault('before_cleanup');
        for (const key of keys) if (!kept.has(key)) await store.delete(key);
      }
      progress(total.rowsIn, null);
    }
  }
  return total;
}

/**
 * Brings the answers of the landing store into bronze, as BRONZE_WRITE_MODE says, and removes what it has taken where
 * BRONZE_CLEANUP_MODE says so. rowsIn counts files read, rowsOut rows written. Throws LandingUnavailable and what the
 * database says; what is taken stays taken.
 */
export const landingToBronze: Task = {
  name: 'landing_to_bronze',
  async run(context) {
    const store = await openLanding(context.platform.config);
    try {
      return await run(context, store);
    } finally {
      store.close();
    }
  },
};
