/** Owner of typeorm and pg: the connection pool, transactions, migrations, leases' clock. Bounded in time and number. */
import 'reflect-metadata';
import { DataSource, type QueryRunner } from 'typeorm';
import { metrics } from '../metrics.ts';
import { pause } from '../retry.ts';

/** Runs SQL; numeric, bigint and timestamptz come back as the types set in `openPostgres`. */
export interface Sql {
  query<Row>(text: string, params?: readonly unknown[]): Promise<Row[]>;
}

export interface Postgres extends Sql {
  /** Where it is, credentials and all: for the libraries that keep connections of their own. */
  readonly url: string;
  /** Runs `work` in one transaction; rolled back when it throws. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Brings the schema up to date, one process at a time. Resolves with the names of the migrations that ran. */
  migrate(): Promise<string[]>;
  ping(): Promise<void>;
  /** Ends the connections, within a second or so: statements under way are cut and reject with PostgresUnavailable. */
  close(): Promise<void>;
}

/** The database can't be reached or did not answer within the bound. Worth another try. */
export class PostgresUnavailable extends Error {
  override readonly name = 'PostgresUnavailable';
}

export interface PostgresOptions {
  url: string;
  /** Connections at the most. */
  pool: number;
  /** Bound on connecting and on one statement. */
  timeoutMs: number;
  migrations?: readonly (new () => object)[];
  /** The decorated gold tables, for tests that hold them against the migrations. */
  entities?: readonly (new () => object)[];
}

/** Arbitrary but fixed: the advisory lock that keeps two processes from migrating at once. */
const MIGRATION_LOCK = 7_420_001;

/** Bound on one statement of a migration, and on waiting for another process's: a large table takes its time. */
const MIGRATION_MS = 3_600_000;

/** SQLSTATE classes that a later try may cure: connection, resources, operator intervention, serialization. */
const RETRYABLE = /^(08|53|57|40|55P03|25006)/;

/** What pg or typeorm threw, as PostgresUnavailable where a later try may cure it; counted as a failed call then. */
export function translate(error: unknown): unknown {
  if (error instanceof PostgresUnavailable) return error;
  const { code, message } = error as { code?: string; message?: string };
  const lost = code === undefined && /timeout|terminated|ECONN|Connection|pool/i.test(message ?? '');
  if (lost || (code && (RETRYABLE.test(code) || /^E[A-Z]+$/.test(code)))) {
    metrics.storeErrors.inc({ store: 'postgres' });
    return new PostgresUnavailable(message, { cause: error });
  }
  return error;
}

/** How long the end of the connections is waited for, ms. */
const CLOSE_MS = 1_000;

/** Closes the pool: statements are cut at once, but one that is still connecting to a silent server is not waited for. */
async function closeBounded(source: DataSource): Promise<void> {
  const ended = new AbortController();
  const closed = source.destroy().finally(() => ended.abort());
  // what it says later is nobody's any more
  closed.catch(() => {});
  await Promise.race([closed, pause(CLOSE_MS, ended.signal)]);
}

function sqlOf(run: { query(text: string, params?: unknown[]): Promise<unknown> }): Sql {
  return {
    async query<Row>(text: string, params: readonly unknown[] = []) {
      try {
        // several statements in one text answer nothing
        const result = (await run.query(text, params as unknown[])) ?? [];
        // typeorm answers UPDATE and DELETE with [rows, count]
        const [rows, count] = result as [unknown, unknown];
        return (Array.isArray(rows) && typeof count === 'number' ? rows : result) as Row[];
      } catch (error) {
        throw translate(error);
      }
    },
  };
}

function dataSource(options: PostgresOptions, pool: number, statementMs: number): DataSource {
  return new DataSource({
    type: 'postgres',
    url: options.url,
    poolSize: pool,
    connectTimeoutMS: options.timeoutMs,
    migrations: (options.migrations ?? []) as never,
    entities: (options.entities ?? []) as never,
    migrationsTransactionMode: 'each',
    applicationName: 'tickgraph',
    extra: {
      statement_timeout: statementMs,
      query_timeout: statementMs + 1_000,
      idle_in_transaction_session_timeout: statementMs * 2,
      options: '-c timezone=UTC',
    },
    poolErrorHandler: () => metrics.storeErrors.inc({ store: 'postgres' }),
  });
}

/** Runs what is missing over connections of its own: one for the lock, one for the migrations. */
async function migrate(options: PostgresOptions): Promise<string[]> {
  const source = dataSource(options, 2, MIGRATION_MS);
  try {
    await source.initialize();
    const runner = source.createQueryRunner();
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    try {
      return (await source.runMigrations()).map((m) => m.name);
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
      await runner.release();
    }
  } catch (error) {
    throw translate(error);
  } finally {
    if (source.isInitialized) await source.destroy();
  }
}

/**
 * Opens the pool. numeric and bigint arrive as strings, timestamptz as Date (UTC instant).
 * Throws PostgresUnavailable when the server does not answer.
 */
export async function openPostgres(options: PostgresOptions): Promise<Postgres> {
  const source = dataSource(options, options.pool, options.timeoutMs);
  try {
    await source.initialize();
  } catch (error) {
    throw translate(error);
  }
  const { query } = sqlOf(source);

  async function withRunner<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const runner = source.createQueryRunner();
    try {
      return await work(runner);
    } catch (error) {
      throw translate(error);
    } finally {
      await runner.release().catch(() => {});
    }
  }

  return {
    url: options.url,
    query,
    transaction: (work) =>
      withRunner(async (runner) => {
        await runner.startTransaction();
        try {
          const result = await work(sqlOf(runner));
          await runner.commitTransaction();
          return result;
        } catch (error) {
          await runner.rollbackTransaction().catch(() => {});
          throw error;
        }
      }),
    migrate: () => migrate(options),
    ping: async () => void (await query('SELECT 1')),
    close: () => closeBounded(source),
  };
}
