/** Logical replication slots: what PostgreSQL says of one, and a new one together with the state of the tables it begins at. */
import pg from 'pg';
import type { Log } from '../log.ts';
import { parseLsn } from './lsn.ts';
import type { Sql } from './postgres.ts';
import { TEXT_SETTINGS, type Tuple } from './replication.ts';

export interface SlotState {
  /** Everything before it was confirmed by a reader. */
  confirmed: bigint;
  /** Somebody reads it now. */
  active: boolean;
  /** What it needs of the log is gone: it can never be read again. */
  lost: boolean;
  /** It belongs to this database and speaks pgoutput. */
  ours: boolean;
  /** Bytes of the log that are not confirmed yet. */
  behind: number;
}

export interface ServerState {
  /** Where the log is now. */
  end: bigint;
  slot: SlotState | null;
}

/** The server's log and the slot of that name. Throws PostgresUnavailable. */
export async function readSlot(sql: Sql, name: string): Promise<ServerState> {
  const [row] = await sql.query<{
    end: string;
    confirmed: string | null;
    active: boolean;
    lost: boolean;
    ours: boolean;
    behind: string;
  }>(
    `SELECT pg_current_wal_lsn()::text AS end, s.confirmed_flush_lsn::text AS confirmed, s.active,
       s.wal_status = 'lost' AS lost, s.plugin = 'pgoutput' AND s.database = current_database() AS ours,
       pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn) AS behind
     FROM (SELECT $1::name AS name) given LEFT JOIN pg_replication_slots s ON s.slot_name = given.name`,
    [name],
  );
  if (!row) throw new Error('the server says nothing of its log');
  const { active, lost, ours } = row;
  if (active === null) return { end: parseLsn(row.end), slot: null };
  // a slot that is lost, or was never finished, may have no position
  const confirmed = row.confirmed ? parseLsn(row.confirmed) : 0n;
  return { end: parseLsn(row.end), slot: { confirmed, active, lost, ours, behind: Number(row.behind ?? 0) } };
}

/** Drops the slot where there is one. Throws what the server says while somebody reads it. */
export async function dropSlot(sql: Sql, name: string): Promise<void> {
  await sql.query(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()',
    [name],
  );
}

export interface SnapshotColumn {
  name: string;
  typeOid: number;
}

export interface Snapshot {
  /** Everything that was committed before it is in the snapshot, everything after it comes through the slot. */
  at: bigint;
  /** When it was taken, µs since 1970, and the transaction id that came next. */
  takenAt: bigint;
  xid: number;
  /** The rows of a table (named as SQL writes it), some at a time, none of them twice. */
  read(table: string): AsyncGenerator<{ columns: readonly SnapshotColumn[]; rows: Tuple[] }>;
  close(): Promise<void>;
}

/** Creation waits for the transactions that are under way; where that is longer than a moment, it is said. */
const CREATE_MS = 600_000;
const MOMENT_MS = 1_000;
const FETCH_ROWS = 500;

const asText = { getTypeParser: () => (raw: string) => raw };

/**
 * Makes the slot and opens the state of the database that it begins at. The slot stays when the snapshot is closed. Throws
 * what the server says: one of that name exists, or there is no room for another; or when `signal` has ended the wait.
 */
export async function createSlot({
  url,
  slot,
  timeoutMs,
  signal,
  log,
}: {
  url: string;
  slot: string;
  timeoutMs: number;
  signal?: AbortSignal;
  log?: Log;
}): Promise<Snapshot> {
  const common = {
    ...{ connectionString: url, application_name: 'tickgraph-capture', connectionTimeoutMillis: timeoutMs },
    ...{ options: TEXT_SETTINGS, keepAlive: true },
  };
  // `replication` is known to the driver, not to its types
  const walsender = new pg.Client({ ...common, query_timeout: CREATE_MS, replication: 'database' } as pg.ClientConfig);
  const reader = new pg.Client({ ...common, query_timeout: timeoutMs, types: asText });
  for (const client of [walsender, reader]) client.on('error', () => {});
  const close = async (): Promise<void> => {
    await Promise.all([walsender.end().catch(() => {}), reader.end().catch(() => {})]);
  };
  const waits = setTimeout(
    () => log?.info({ slot }, 'the slot is made once the transactions that are under way have ended'),
    MOMENT_MS,
  );
  try {
    signal?.throwIfAborted();
    await walsender.connect();
    await reader.connect();
    signal?.throwIfAborted();
    const { processID } = walsender as pg.Client & { processID?: number };
    // a server that waits for others does not notice that a connection is gone
    const end = (): void => {
      void reader.query('SELECT pg_terminate_backend($1)', [processID]).catch(() => {});
    };
    signal?.addEventListener('abort', end);
    const created = await walsender
      .query(`CREATE_REPLICATION_SLOT "${slot}" LOGICAL pgoutput (SNAPSHOT 'export')`)
      .finally(() => signal?.removeEventListener('abort', end));
    signal?.throwIfAborted();
    const { consistent_point, snapshot_name } = created.rows[0] as Record<'consistent_point' | 'snapshot_name', string>;
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await reader.query(`SET TRANSACTION SNAPSHOT '${snapshot_name}'`);
    const taken = await reader.query<{ at: string; xid: string }>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at,
         pg_snapshot_xmax(pg_current_snapshot())::text::bigint & 4294967295 AS xid`,
    );
    const { at = '0', xid = '0' } = taken.rows[0] ?? {};
    return {
      ...{ at: parseLsn(consistent_point), takenAt: BigInt(at), xid: Number(xid), close },
      async *read(table) {
        await reader.query(`DECLARE captured NO SCROLL CURSOR FOR SELECT * FROM ${table}`);
        for (;;) {
          const { rows, fields } = await reader.query<Tuple>(`FETCH ${FETCH_ROWS} FROM captured`);
          if (rows.length === 0) break;
          yield { columns: fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })), rows };
        }
        await reader.query('CLOSE captured');
      },
    };
  } catch (error) {
    await close();
    throw error;
  } finally {
    clearTimeout(waits);
  }
}
