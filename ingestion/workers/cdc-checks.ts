/**
 * What was captured, held against the table that it was captured from: every row's newest captured image is the row, and
 * no row that is gone is captured as alive. A capture that lost a change shows here, whatever lost it.
 */
import { C2C_ORDER_TABLE, CDC_TABLES, type ColumnKind } from '../../schema/cdc.ts';
import type { DataCheck, Dataset } from './data-check.ts';

const DAY = 86_400_000;

const TYPES: Readonly<Record<ColumnKind, string>> = {
  ...{ text: 'text', decimal: 'numeric', integer: 'bigint', time: 'timestamptz' },
};

const columns: Readonly<Record<string, ColumnKind>> = CDC_TABLES[C2C_ORDER_TABLE]?.columns ?? {};
const differing = Object.entries(columns).map(
  ([name, kind]) => `CASE WHEN NOT r.unchanged ? '${name}'
    AND (r.after->>'${name}')::${TYPES[kind]} IS DISTINCT FROM o.${name}::${TYPES[kind]} THEN '${name}' END`,
);

/** Captured since the table was last truncated. */
const SINCE = `seq > coalesce((SELECT max(seq) FROM silver.cdc_record
  WHERE table_name = '${C2C_ORDER_TABLE}' AND op = 'TRUNCATE'), 0)`;
const KEY = `'{"order_number":' || to_json(o.order_number)::text || '}'`;

/** Rows changed in the span, and captured rows changed in it that are there no more. Where nothing was ever captured, nothing is judged. */
const reconcile: DataCheck = {
  name: 'reconcile',
  judged: `
    SELECT NULL::text AS exchange, NULL::text AS symbol, o.updated_at AS at, c.reason,
      CASE WHEN c.reason IS NOT NULL THEN jsonb_build_object('order_number', o.order_number, 'columns', to_jsonb(d.columns)) END AS seen
    FROM public.c2c_order o
    LEFT JOIN LATERAL (SELECT op, after, unchanged FROM silver.cdc_record
      WHERE table_name = '${C2C_ORDER_TABLE}' AND key_text = ${KEY} AND ${SINCE} ORDER BY seq DESC LIMIT 1) r ON true
    CROSS JOIN LATERAL (SELECT CASE WHEN r.after IS NULL THEN ARRAY[]::text[]
      ELSE array_remove(ARRAY[${differing.join(', ')}], NULL) END AS columns) d
    CROSS JOIN LATERAL (SELECT CASE WHEN r.op IS NULL THEN 'not captured' WHEN r.after IS NULL THEN 'captured as deleted'
      WHEN d.columns <> '{}' THEN 'captured otherwise' END AS reason) c
    WHERE o.updated_at >= $1 AND o.updated_at < $2
      AND EXISTS (SELECT FROM silver.cdc_record WHERE table_name = '${C2C_ORDER_TABLE}')
    UNION ALL
    SELECT NULL, NULL, r.source_time, 'gone, and its deletion not captured',
      jsonb_build_object('order_number', r.key->>'order_number', 'columns', jsonb_build_array())
    FROM silver.cdc_record r
    WHERE r.table_name = '${C2C_ORDER_TABLE}' AND r.source_time >= $1 AND r.source_time < $2 AND r.after IS NOT NULL
      AND ${SINCE.replace('seq >', 'r.seq >')}
      AND NOT EXISTS (SELECT FROM public.c2c_order o WHERE o.order_number = r.key->>'order_number')
      AND NOT EXISTS (SELECT FROM silver.cdc_record n
        WHERE n.table_name = r.table_name AND n.key_text = r.key_text AND n.seq > r.seq)`,
};

export const CDC_DATASET: Dataset = {
  name: 'cdc',
  // looked at by when rows changed: the sweep goes back to the first of them
  ...{ chunkMs: 90 * DAY, sweepMs: 3_650 * DAY },
  // what was changed a moment ago is captured in another
  confirmMs: 3_000,
  severe: true,
  checks: [reconcile],
};
