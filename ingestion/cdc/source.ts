/** Where a change comes from: the `source` of an envelope, as Debezium 0.9 to 3.7 write it. */
import { BadMessage } from '../../schema/topics.ts';
import { isUnavailable, wholeNumber } from './values.ts';

export interface Source {
  table: string;
  lsn: string | null;
  txId: string | null;
  snapshot: string | null;
  /** Epoch ms. */
  time: number;
}

/** On the wire it is text, whatever the documentation shows; before 1.0 it was a boolean. */
const SNAPSHOTS: readonly unknown[] = [
  ...['true', 'first', 'first_in_data_collection', 'last_in_data_collection', 'last', 'incremental'],
];
const NONE: readonly unknown[] = ['false', false, null, undefined];
/** PostgreSQL's `bigint`, in which positions are kept. */
const MAX_LSN = 2n ** 63n - 1n;
/** 2009 to 2100. */
const TIMES = { earliest: 1_230_768_000_000n, latest: 4_102_444_800_000n } as const;

function bad(field: string, what: string): never {
  throw new BadMessage(`source.${field}: ${what}`);
}

function optionalNumber(value: unknown, field: string): string | null {
  if (value === null || value === undefined) return null;
  const number = wholeNumber(value);
  if (number === null || number < 0n || number > MAX_LSN) return bad(field, 'not a number');
  return String(number);
}

function snapshotOf(value: unknown): string | null {
  if (NONE.includes(value)) return null;
  if (value === true) return 'true';
  return SNAPSHOTS.includes(value) ? (value as string) : bad('snapshot', 'not a known one');
}

function timeOf({ ts_ms: ms, ts_usec: us }: Record<string, unknown>): number {
  const count = ms === undefined && us !== undefined ? wholeNumber(us) : wholeNumber(ms);
  if (count === null) return bad('ts_ms', 'missing');
  const time = ms === undefined ? count / 1_000n : count;
  return time >= TIMES.earliest && time <= TIMES.latest
    ? Number(time)
    : bad('ts_ms', 'not milliseconds of 2009 to 2100');
}

/** The name of a schema or table. What is longer PostgreSQL cuts off. */
function isName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.length <= 63 && !isUnavailable(name, 'source.table');
}

/** Reads the field `source`; a logical message has no table. Throws BadMessage. */
export function readSource(value: unknown, hasTable = true): Source {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadMessage('source: missing');
  const source = value as Record<string, unknown>;
  if (source.connector !== 'postgresql') bad('connector', 'not postgresql');
  const { schema, table } = source;
  if (hasTable && !(isName(schema) && isName(table))) return bad('table', 'missing');
  return {
    table: `${schema}.${table}`,
    lsn: optionalNumber(source.lsn, 'lsn'),
    txId: optionalNumber(source.txId, 'txId'),
    snapshot: snapshotOf(source.snapshot),
    time: timeOf(source),
  };
}
