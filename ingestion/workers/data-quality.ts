/**
 * Runs the checks of data-checks.ts over what is new since the last run, and keeps what they
 * found in ops.data_quality_result. A run that fails leaves no result and is done again from where the last one ended.
 */
import { metrics } from '../../src/platform/metrics.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { pause } from '../../src/platform/retry.ts';
import type { DataCheck, Dataset } from './data-check.ts';
import { DATASETS, statementOf } from './data-checks.ts';

/** Failing rows kept with a result. */
export const SAMPLE = 20;
const MINUTE = 60_000;
const DAY = 86_400_000;
/** Rows are looked at when they have had this long to arrive and to be corrected. */
const SETTLE_MS = 3 * MINUTE;
/** The first run of all begins so far back, one after a long pause at the most so far. */
const FIRST_MS = 60 * MINUTE;
const REACH_MS = DAY;
/** What is past this is left to the next run, so that none takes long. */
const CHUNKS = 12;
/** Good results are kept this long, so that their number stays small; the newest one of each check always. */
const PASSED_MS = DAY;

interface Result {
  check: string;
  checked: number;
  failed: number;
  sample: unknown[];
}

async function runCheck(postgres: Postgres, check: DataCheck, from: number, to: number): Promise<Result> {
  const [row] = await postgres.query<Omit<Result, 'check'>>(statementOf(check), [new Date(from), new Date(to), SAMPLE]);
  return { check: check.name, checked: row?.checked ?? 0, failed: row?.failed ?? 0, sample: row?.sample ?? [] };
}

/** Looks at the rows from `from` up to `to` (epoch ms) in spans, and writes the results down. */
async function inspect(postgres: Postgres, dataset: Dataset, from: number, to: number, now: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const check of dataset.checks) {
    const sum: Result = { check: check.name, checked: 0, failed: 0, sample: [] };
    for (let at = from; at < to; at += dataset.chunkMs) {
      const end = Math.min(at + dataset.chunkMs, to);
      let part = await runCheck(postgres, check, at, end);
      if (part.failed > 0 && dataset.confirmMs) {
        await pause(dataset.confirmMs);
        part = await runCheck(postgres, check, at, end);
      }
      sum.checked += part.checked;
      sum.failed += part.failed;
      sum.sample.push(...part.sample.slice(0, SAMPLE - sum.sample.length));
    }
    results.push(sum);
  }
  await postgres.query(
    `INSERT INTO ops.data_quality_result
       (dataset, check_name, run_at, from_time, to_time, passed, checked, failed, sample)
     SELECT $1, r.check_name, $2, $3, $4, r.failed = 0, r.checked, r.failed, r.sample
     FROM jsonb_to_recordset($5::jsonb) AS r (check_name text, checked bigint, failed bigint, sample jsonb)
     ON CONFLICT (dataset, check_name, run_at) DO NOTHING`,
    [
      ...[dataset.name, new Date(now), new Date(from), new Date(to)],
      JSON.stringify(results.map(({ check, ...rest }) => ({ check_name: check, ...rest }))),
    ],
  );
  for (const { check, failed } of results) metrics.qualityFailed.inc({ dataset: dataset.name, check }, failed);
  return results;
}

/**
 * Looks at what is new in every dataset, at `now` (epoch ms); with `sweep`, also again at what may have come late. Resolves
 * with the checks that failed. Throws PostgresUnavailable.
 */
export async function runDataChecks(postgres: Postgres, now: number, sweep: boolean): Promise<Failure[]> {
  const failures: Failure[] = [];
  const rows = await postgres.query<{ dataset: string; until: Date }>(
    'SELECT dataset, max(to_time) AS until FROM ops.data_quality_result GROUP BY dataset',
  );
  const end = Math.floor((now - SETTLE_MS) / MINUTE) * MINUTE;
  for (const dataset of DATASETS) {
    const known = rows.find((row) => row.dataset === dataset.name)?.until.getTime() ?? end - FIRST_MS;
    const again = sweep && dataset.sweepMs !== null ? end - dataset.sweepMs : end;
    const from = Math.min(Math.max(known, end - REACH_MS), again);
    const to = sweep ? end : Math.min(end, from + CHUNKS * dataset.chunkMs);
    if (from >= to) continue;
    const results = await inspect(postgres, dataset, from, to, now);
    failures.push(
      ...results.flatMap((r) => (r.failed > 0 ? { dataset: dataset.name, severe: dataset.severe ?? false, ...r } : [])),
    );
  }
  return failures;
}

export interface Failure extends Result {
  dataset: string;
  /** True where it means that something was lost. */
  severe: boolean;
}

/** Drops results whose time has passed: of failed checks after `days`, of passed ones sooner. */
export async function dropOldResults(postgres: Postgres, days: number, now: number): Promise<void> {
  await postgres.query(
    `DELETE FROM ops.data_quality_result r WHERE (run_at < $1 OR (passed AND run_at < $2)) AND EXISTS (
       SELECT FROM ops.data_quality_result n
       WHERE n.dataset = r.dataset AND n.check_name = r.check_name AND n.run_at > r.run_at)`,
    [new Date(now - days * DAY), new Date(now - PASSED_MS)],
  );
}
