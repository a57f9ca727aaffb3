/** The checks of workers/data-checks.ts over what is new, and once an hour again over what may have come late. */
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { pause } from '../../src/platform/retry.ts';
import type { Task } from '../task.ts';
import { runDataChecks } from '../workers/data-quality.ts';
import { chain, everyMinutes, type Pipeline, USUAL } from './pipeline.ts';

const STEP = 'data_quality';
const SWEEP_EVERY_MS = 60 * 60_000;

/** When the sweep was last done, epoch ms. The first is an hour after the first run: a start's back-fill comes late. */
async function sweptAt(sql: Sql, now: number): Promise<number> {
  const [row] = await sql.query<{ at: string }>(
    `INSERT INTO ops.watermark AS w (step, position) VALUES ($1, jsonb_build_object('sweptAt', $2::bigint))
     ON CONFLICT (step) DO UPDATE SET position = w.position RETURNING position->>'sweptAt' AS at`,
    [STEP, now],
  );
  return Number(row?.at ?? now);
}

/** rowsIn counts the rows looked at, rowsOut the results written. Throws PostgresUnavailable. */
const checkData = (afterMs: number): Task => ({
  name: 'check_data',
  async run({ platform, log, signal }) {
    const { postgres } = platform;
    await pause(Math.max(0, afterMs - process.uptime() * 1_000), signal);
    signal.throwIfAborted();
    const now = Date.now();
    const sweep = now - (await sweptAt(postgres, now)) >= SWEEP_EVERY_MS;
    for (const { dataset, check, failed, sample, severe } of await runDataChecks(postgres, now, sweep)) {
      log[severe ? 'error' : 'warn']({ dataset, check, failed, first: sample[0] }, 'rows fail a check');
    }
    if (sweep) {
      await postgres.query(
        `UPDATE ops.watermark SET position = jsonb_build_object('sweptAt', $2::bigint), updated_at = now() WHERE step = $1`,
        [STEP, now],
      );
    }
    const [row] = await postgres.query<{ checked: number; results: number }>(
      `SELECT coalesce(sum(checked), 0)::float8 AS checked, count(*)::int AS results
       FROM ops.data_quality_result WHERE run_at = $1`,
      [new Date(now)],
    );
    return { rowsIn: row?.checked ?? 0, rowsOut: row?.results ?? 0 };
  },
});

/** The process is `afterMs` old before anything is looked at: what was missed while it was down is fetched meanwhile. */
export const dataQualityAfter = (afterMs: number): Pipeline => ({
  ...{ name: 'data_quality', schedule: everyMinutes(5), ...USUAL },
  steps: chain(checkData(afterMs)),
});

export const dataQuality = dataQualityAfter(60_000);
