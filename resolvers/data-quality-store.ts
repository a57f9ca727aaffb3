/** What the checks of the data found, from ops.data_quality_result. */
import type { DataQualityResult } from '../schema/graphql/quality.ts';
import type { Postgres } from '../src/platform/postgres/postgres.ts';
import { required } from './availability.ts';

/** Results of one answer. */
const MAX_RESULTS = 500;
/** Greatest GraphQL Int. */
const MAX_INT = 2_147_483_647;

/** The newest result of every check and those that failed, newest first; only of `dataset` where that is given. */
export async function dataQualityOf(postgres: Postgres, dataset: string | null): Promise<DataQualityResult[]> {
  return required(
    postgres.query<DataQualityResult>(
      `WITH checks AS (SELECT DISTINCT dataset, check_name FROM ops.data_quality_result WHERE $1::text IS NULL OR dataset = $1),
       newest AS (
         SELECT r.* FROM checks c CROSS JOIN LATERAL (
           SELECT * FROM ops.data_quality_result r WHERE r.dataset = c.dataset AND r.check_name = c.check_name
           ORDER BY run_at DESC LIMIT 1) r),
       failed AS (
         SELECT * FROM ops.data_quality_result WHERE NOT passed AND ($1::text IS NULL OR dataset = $1)
         ORDER BY run_at DESC LIMIT ${MAX_RESULTS})
       SELECT dataset, check_name AS "check", passed, least(checked, ${MAX_INT})::int AS checked,
         least(failed, ${MAX_INT})::int AS failed, sample, run_at AS "runAt"
       FROM (SELECT * FROM newest UNION SELECT * FROM failed) r
       ORDER BY run_at DESC, dataset, check_name LIMIT ${MAX_RESULTS}`,
      [dataset],
    ),
  );
}
