/** Real PostgreSQL for the tests: a server of one's own to freeze and kill, or a fresh database on a shared one. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmbeddedDatabase, startEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { openPostgres, type Postgres } from '../../src/platform/postgres/postgres.ts';
import { reapAfterUs } from './reaper.ts';
import { ServiceUnavailable } from './service.ts';
import { stopped } from './stopped.ts';
import { until } from './until.ts';

const run = promisify(execFile);

export interface TestPostgres {
  readonly url: string;
  /** Of the postmaster now; changes with `restart`. */
  readonly pid: number;
  /** Sends the postmaster a signal; after SIGKILL, resolves when every process of the server is gone. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<void>;
  /** Stops every process of the server in its tracks: connections stay open and nothing is answered. */
  freeze(): Promise<void>;
  /** Ends `freeze`. */
  thaw(): Promise<void>;
  /** Starts it again on the same port with its data; kills it first where it still runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestDatabase {
  /** A database that nobody else uses. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a server with its data in a temporary folder. Throws ServiceUnavailable where it can't run. */
export async function startPostgres(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-pg-'));
  // the server may run as another user, who must get through
  await chmod(folder, 0o711);
  const start = (port?: number): Promise<EmbeddedDatabase> => startEmbeddedPostgres(folder, () => {}, port);
  let server: EmbeddedDatabase;
  try {
    server = await start();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new ServiceUnavailable('PostgreSQL', String(error), 'npm ci installs it on Linux, macOS; see README', {
      cause: error,
    });
  }
  const endReaper = reapAfterUs(folder, 'postgres/postmaster.pid');
  const port = Number(new URL(server.url).port);

  const running = (): boolean => {
    try {
      process.kill(server.pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  async function killServer(): Promise<void> {
    if (!running()) return;
    process.kill(server.pid, 'SIGCONT');
    process.kill(server.pid, 'SIGKILL');
    await until('the postmaster to be gone', () => !running());
  }
  /** To the postmaster first where it is stopped, so that it starts no more; its own sessions have groups of their own. */
  async function signalAll(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    process.kill(server.pid, signal);
    if (signal === 'SIGSTOP') await stopped(server.pid);
    for (const pid of await childrenOf(server.pid)) {
      try {
        process.kill(pid, signal);
        if (signal === 'SIGSTOP') await stopped(pid);
      } catch (error) {
        // a session that ended since the list was made
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }
  return {
    url: server.url,
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    get pid() {
      return server.pid;
    },
    async kill(signal) {
      if (signal === 'SIGKILL') await killServer();
      else process.kill(server.pid, signal);
    },
    async restart() {
      await killServer();
      await server.stop();
      // backends outlive a killed postmaster for a moment and keep its shared memory, which makes a start fail
      server = await until('PostgreSQL to start again', () => start(port), { timeoutMs: 30_000, everyMs: 200 });
    },
    async stop() {
      if (running()) await signalAll('SIGCONT');
      await server.stop();
      await rm(folder, { recursive: true, force: true });
      endReaper();
    },
  };
}

async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'ppid=,pid=']);
  return stdout.split('\n').flatMap((line) => {
    const [ppid, pid] = line.trim().split(/\s+/).map(Number);
    return ppid === parent && pid ? [pid] : [];
  });
}

let own: { server: Promise<TestPostgres>; users: number } | null = null;

/** A fresh database on the server at POSTGRES_TEST_URL, else on one that the callers in this process share. */
export async function sharedPostgres(): Promise<TestDatabase> {
  const given = process.env.POSTGRES_TEST_URL;
  if (!given) {
    own ??= { server: startPostgres(), users: 0 };
    own.users++;
  }
  const mine = given ? null : own;
  const serverUrl = given ?? (await mine?.server)?.url ?? '';
  const name = `test_${randomBytes(6).toString('hex')}`;
  const command = async (text: string): Promise<void> => {
    const admin = await openPostgres({ url: serverUrl, pool: 1, timeoutMs: 30_000 });
    try {
      await admin.query(text);
    } finally {
      await admin.close();
    }
  };
  await command(`CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async stop() {
      if (!mine) return command(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      mine.users--;
      if (mine.users > 0) return;
      own = null;
      await (await mine.server).stop();
    },
  };
}

/** A pool on a fresh database with the given migrations run. */
export async function openTestDatabase(
  migrations: readonly (new () => object)[],
): Promise<{ url: string; postgres: Postgres; stop(): Promise<void> }> {
  const database = await sharedPostgres();
  const postgres = await openPostgres({ url: database.url, pool: 5, timeoutMs: 20_000, migrations });
  await postgres.migrate();
  return {
    url: database.url,
    postgres,
    async stop() {
      await postgres.close();
      await database.stop();
    },
  };
}
