/** Answers of the C2C API as rows of bronze: one of raw_landing each, and one of raw_event for each order in it. */
import { C2C_SOURCE } from '../../schema/c2c.ts';
import type { LandedAnswer } from '../../src/platform/landing/answer.ts';
import { jsonbText } from '../../src/platform/postgres/jsonb.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { keepRejects } from './rejects.ts';

/** Rows written. */
export interface Taken {
  landed: number;
  events: number;
}

/** What jsonb refuses is put otherwise, and that is told. */
const ADAPTED = 'holds what jsonb can not: U+0000, half of a surrogate pair, or a number or nesting without measure';

// an answer without a list of orders is an error of the API, or no JSON at all: it has a row and no orders
const ORDERS = `CASE WHEN jsonb_typeof(payload->'data') = 'array' THEN payload->'data' ELSE '[]' END`;
const SYMBOL = `CASE WHEN o.body->>'asset' ~ '^[A-Z0-9]{1,20}$' AND o.body->>'fiat' ~ '^[A-Z]{3}$'
  THEN concat(o.body->>'asset', '-', o.body->>'fiat') END`;
// 12 and 13 digits: 1973 to 2286. An order without a time has that of the call that brought it
const TIME = `CASE WHEN jsonb_typeof(o.body->'createTime') = 'number' AND o.body->>'createTime' ~ '^[0-9]{12,13}$'
  THEN timestamptz 'epoch' + (o.body->>'createTime')::bigint * interval '1 millisecond' ELSE a.call_ts END`;

const INSERT = `WITH given AS MATERIALIZED (
  SELECT call_id, endpoint, payload::jsonb AS payload, call_ts, received_at
  FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[]) AS g (call_id, endpoint, payload, call_ts, received_at)
), landed AS (
  INSERT INTO bronze.raw_landing_c2c (call_id, source, endpoint, payload, call_ts, received_at)
  SELECT call_id, $1, endpoint, payload, call_ts, received_at FROM given ON CONFLICT (call_id) DO NOTHING RETURNING 1
), events AS (
  INSERT INTO bronze.raw_event_c2c (event_id, source, symbol, ts_event, payload, call_id, received_at)
  SELECT a.call_id || ':' || o.place - 1, $1, ${SYMBOL}, ${TIME}, o.body, a.call_id, a.received_at
  FROM given a CROSS JOIN LATERAL jsonb_array_elements(${ORDERS}) WITH ORDINALITY AS o (body, place)
  ON CONFLICT (event_id) DO NOTHING RETURNING 1
) SELECT (SELECT count(*)::int FROM landed) AS landed, (SELECT count(*)::int FROM events) AS events`;

/** Each call once: the same file may lie there twice under names of its own. */
function distinct(answers: readonly LandedAnswer[]): LandedAnswer[] {
  return [...new Map(answers.map((answer) => [answer.callId, answer])).values()];
}

/**
 * Writes them; rows that are there already stay, or with `overwrite` are written anew. Throws what the database says. Run
 * it in a transaction.
 */
export async function takeAnswers(sql: Sql, given: readonly LandedAnswer[], overwrite: boolean): Promise<Taken> {
  const answers = distinct(given);
  if (answers.length === 0) return { landed: 0, events: 0 };
  const ids = answers.map(({ callId }) => callId);
  if (overwrite) {
    await sql.query('DELETE FROM bronze.raw_event_c2c WHERE call_id = ANY($1)', [ids]);
    await sql.query('DELETE FROM bronze.raw_landing_c2c WHERE call_id = ANY($1)', [ids]);
  }
  const payloads = answers.map(({ payload }) => jsonbText(payload));
  const adapted = answers.filter((_, i) => payloads[i]?.changed);
  await keepRejects(
    sql,
    adapted.map(({ callId, endpoint, payload }) => {
      return { group: 'landing_to_bronze', place: endpoint, content: payload, reason: ADAPTED, headers: { callId } };
    }),
  );
  const [taken] = await sql.query<Taken>(INSERT, [
    C2C_SOURCE,
    ids,
    answers.map(({ endpoint }) => endpoint),
    payloads.map(({ text }) => text),
    answers.map(({ callTs }) => new Date(callTs).toISOString()),
    answers.map(({ receivedAt }) => new Date(receivedAt).toISOString()),
  ]);
  return taken ?? { landed: 0, events: 0 };
}
