/**
 * What could not be taken, kept in ops.dead_letter with its reason: an order that is none, a file that can't be read. The row
 * says where its bytes are and holds no value of theirs, as they may name people.
 */
import { createHash } from 'node:crypto';
import { metrics } from '../../src/platform/metrics.ts';
import { type BulkTable, bulkUpsert } from '../../src/platform/postgres/bulk.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

export interface Reject {
  /** The step that refused it. */
  group: string;
  /** Where it is: a key of the landing store, or the endpoint that said it. */
  place: string;
  /** What makes it the same when it comes again; it is kept as a hash. */
  content: string | Buffer;
  reason: string;
  /** Ids and names of fields. */
  headers: Readonly<Record<string, string>>;
}

const REASON_LENGTH = 500;

const DEAD_LETTER: BulkTable<Reject> = {
  table: 'ops.dead_letter',
  columns: {
    group_name: ['text', (r) => r.group],
    log: ['text', (r) => createHash('sha256').update(r.content).digest('hex').slice(0, 32)],
    topic: ['text', (r) => r.place],
    partition: ['integer', () => 0],
    '"offset"': ['bigint', () => '0'],
    reason: ['text', (r) => r.reason.slice(0, REASON_LENGTH)],
    headers: ['jsonb', (r) => JSON.stringify(r.headers)],
  },
  key: ['group_name', 'log', 'topic', 'partition', '"offset"'],
  version: null,
};

/** Keeps them; what is kept already is not kept again. Resolves with how many are new. Throws what the database says. */
export async function keepRejects(sql: Sql, rejects: readonly Reject[]): Promise<number> {
  const kept = await bulkUpsert(sql, DEAD_LETTER, rejects);
  for (const { group, place } of rejects) metrics.deadLetters.inc({ group, topic: place.split('/')[0] ?? '' });
  return kept;
}
