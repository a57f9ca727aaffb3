/** Captured changes from silver.cdc_record, joined to the live stream: both are in the order of one log. */
import { CDC_OPERATIONS, type CdcChange, type CdcOperation } from '../schema/cdc.ts';
import { streamKey } from '../schema/channels.ts';
import { encodeCursor } from '../schema/cursor.ts';
import { badInput } from '../schema/errors.ts';
import type { CdcRecord, CdcRecordConnection } from '../schema/graphql/cdc.ts';
import {
  type LiveStore,
  LiveStoreUnavailable,
  type StreamEntry,
  type StreamPosition,
} from '../src/platform/live/store.ts';
import type { Platform } from '../src/platform/platform.ts';
import { optional, required, unavailable } from './availability.ts';
import { beforeOldest } from './kline-join.ts';
import { cutPage } from './page.ts';

export interface CdcPageKey {
  table: string;
  /** In their own order; null for all. */
  op: readonly CdcOperation[] | null;
  first: number;
  /** `id` of the last row of the page before. */
  after: string | null;
}

/** Which list of changes a page position belongs to. */
export function cdcQuestion({ table, op }: Pick<CdcPageKey, 'table' | 'op'>): string {
  return `cdc:${table}:${op?.join() ?? ''}`;
}

/** A change as the API shows it. */
export function recordOf(change: CdcChange): CdcRecord {
  const { id, table, op, key, relatedKey, before, after, changed, unchanged, lsn, txId, eventTime } = change;
  return { id, table, op, key, relatedKey, before, after, changed, unchanged, lsn, txId, sourceTime: eventTime };
}

/** `place` is the number of the row in the order of the log. */
type Row = CdcRecord & { place: string; receivedAt: Date };

interface Answer {
  rows: Row[];
  /** Which of the entries asked about are in the table, and where. */
  known: { id: string; place: string }[];
  /** The change that the page before ended with is in the table; true where there was none. */
  hasAfter: boolean;
}

/** Newest entries of the stream that are held against the table, at first and at most. */
const WINDOWS = [200n, 2_000n];
/** Entries that may have come while the rows were read. */
const MEANWHILE = 2_000;
/** A row that the stream has not told for this long is shown all the same. */
const AHEAD_MS = 5_000;
/** After every row: the page before ended with a change that is not in the table yet. */
const MAX_SEQ = '9223372036854775807';

/** Rows of the page and which of `ids` the table has, of one moment. */
async function ask(
  postgres: Platform['postgres'],
  { table, op, first, after }: CdcPageKey,
  ids: readonly string[],
): Promise<Answer> {
  const [answer] = await required(
    postgres.query<Answer>(
      // each operation by its index: a rare one is not searched for among the others
      `WITH page AS (
         SELECT id, seq, table_name AS table, op, key, related_key AS "relatedKey", before, after, changed, unchanged,
           lsn::text AS lsn, tx_id::text AS "txId", source_time AS "sourceTime", received_at AS "receivedAt"
         FROM unnest($2::text[]) AS wanted (one) CROSS JOIN LATERAL (
           SELECT * FROM silver.cdc_record WHERE table_name = $1 AND op = wanted.one AND ($3::text IS NULL
             OR seq < coalesce((SELECT seq FROM silver.cdc_record WHERE id = $3), ${MAX_SEQ}))
           ORDER BY seq DESC LIMIT $4) r
         ORDER BY seq DESC LIMIT $4)
       SELECT (SELECT json_agg(p ORDER BY seq DESC) FROM (SELECT *, seq::text AS place FROM page) p) AS rows,
         (SELECT json_agg(json_build_object('id', id, 'place', seq::text)) FROM silver.cdc_record
          WHERE id = ANY($5) AND table_name = $1) AS known,
         $3::text IS NULL OR EXISTS (SELECT FROM silver.cdc_record WHERE id = $3) AS "hasAfter"`,
      [table, op ?? CDC_OPERATIONS, after, first + 1, ids],
    ),
  );
  const rows = answer?.rows?.map((row) => ({
    ...row,
    receivedAt: new Date(row.receivedAt),
    sourceTime: new Date(row.sourceTime),
  }));
  return { rows: rows ?? [], known: answer?.known ?? [], hasAfter: answer?.hasAfter ?? true };
}

const changesOf = (entries: readonly StreamEntry[]): CdcChange[] =>
  entries.map((entry) => JSON.parse(entry.payload) as CdcChange);

interface Joined {
  /** Newest first. */
  records: CdcRecord[];
  at: StreamPosition | LiveStoreUnavailable;
}

/**
 * The rows and the place in the stream that they hold for. What the stream told and the table does not have yet is added
 * from the stream; what the table has and the stream is about to tell is left to it. So what follows the place neither
 * repeats the first page nor leaves a hole. Where the two do not meet the place goes back to the oldest event kept.
 */
async function joined(
  { live, postgres }: Pick<Platform, 'live' | 'postgres'>,
  key: CdcPageKey,
): Promise<Joined & { isCut: boolean }> {
  const stream = streamKey('cdc', key.table);
  const cut = ({ rows }: Answer): boolean => rows.length > key.first;
  const alone = async (at: Joined['at']): Promise<Joined & { isCut: boolean }> => {
    const answer = await ask(postgres, key, []);
    // it may be among what the stream alone has
    if (!answer.hasAfter && at instanceof LiveStoreUnavailable) throw unavailable(at);
    return { records: answer.rows, at, isCut: cut(answer) };
  };
  // the position is read before the rows, so that what the rows lack is found after it
  const positions = await optional(live.positions([stream]));
  if (positions instanceof LiveStoreUnavailable) return alone(positions);
  const position = positions[0] ?? { epoch: '', sequence: 0n };
  let told: CdcChange[] = [];
  let answer: Answer = { rows: [], known: [], hasAfter: true };
  let isWhole = false;
  for (const size of WINDOWS) {
    const from = position.sequence > size ? position.sequence - size : 0n;
    const entries = await optional(live.read(stream, from, Number(position.sequence - from)));
    if (entries instanceof LiveStoreUnavailable) return alone(entries);
    told = changesOf(entries);
    isWhole = entries.length === 0 || entries[0]?.sequence === 1n;
    answer = await ask(
      postgres,
      key,
      told.map(({ id }) => id),
    );
    if (answer.known.length > 0 || isWhole) break;
  }
  const { rows, known } = answer;
  if (!answer.hasAfter && !told.some(({ id }) => id === key.after))
    throw badInput('after', 'is past what is kept: its change was deleted; begin without it');
  const isCut = cut(answer);
  if (known.length === 0 && !isWhole) return { records: rows, at: await beforeOldest(live, stream, position), isCut };
  const places = new Map(known.map(({ id, place }) => [id, BigInt(place)]));
  const lacking = told.filter(({ id }) => !places.has(id));
  if (lacking.length > 0) {
    // a later page goes on among them, or is past them
    const end = key.after === null ? lacking.length : lacking.findIndex(({ id }) => id === key.after);
    const wanted = lacking.slice(0, Math.max(0, end)).filter(({ op }) => key.op === null || key.op.includes(op));
    return { records: [...wanted.reverse().map(recordOf), ...rows], at: position, isCut };
  }
  if (key.after !== null) return { records: rows, at: position, isCut };
  return { ...(await aheadOf(live, stream, position, rows, places.get(told.at(-1)?.id ?? '') ?? 0n)), isCut };
}

/** The table has all that was told up to `position`, whose row is at `head`, and maybe more. */
async function aheadOf(
  live: LiveStore,
  stream: string,
  position: StreamPosition,
  rows: Row[],
  head: bigint,
): Promise<Joined> {
  const newer = rows.filter(({ place }) => BigInt(place) > head);
  if (newer.length === 0) return { records: rows, at: position };
  const meanwhile = await optional(live.read(stream, position.sequence, MEANWHILE));
  if (meanwhile instanceof LiveStoreUnavailable) return { records: rows, at: meanwhile };
  const entries = new Map(changesOf(meanwhile).map(({ id }, i) => [id, meanwhile[i]]));
  // the newest of the page that was told meanwhile; all before it was, too, and is in the table
  const reached = newer.find(({ id }) => entries.has(id));
  const { epoch, sequence } = entries.get(reached?.id ?? '') ?? position;
  const now = Date.now();
  const isToCome = ({ place, receivedAt }: Row): boolean =>
    BigInt(place) > BigInt(reached?.place ?? head) && now - receivedAt.getTime() < AHEAD_MS;
  return { records: rows.filter((row) => !isToCome(row)), at: { epoch, sequence } };
}

/** A page of changes, newest first. `shown` makes of a record what the caller may see. */
export async function cdcPage(
  platform: Pick<Platform, 'live' | 'postgres'>,
  key: CdcPageKey,
  shown: (record: CdcRecord) => CdcRecord,
): Promise<CdcRecordConnection> {
  const stream = streamKey('cdc', key.table);
  const { records, at, isCut } = await joined(platform, key);
  const { nodes, pageInfo } = cutPage(records, key.first, cdcQuestion(key), ({ id }) => [id]);
  return {
    nodes: nodes.map(shown),
    // where rows were left to the stream, the page is shorter than what there is
    pageInfo: { ...pageInfo, hasNextPage: pageInfo.hasNextPage || isCut },
    liveCursor: () => {
      if (at instanceof LiveStoreUnavailable) throw unavailable(at);
      return encodeCursor(stream, at);
    },
  };
}
