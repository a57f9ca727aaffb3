/** Real Redis for the tests: a server of one's own to freeze, kill and empty, or one shared by a test file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { reapAfterUs } from './reaper.ts';
import { redisProgram } from './redis-package.ts';
import { parseReply, type Reply } from './redis-reply.ts';
import { stopped } from './stopped.ts';

const START_MS = 10_000;
const STOP_MS = 3_000;

export interface RedisOptions {
  /** More arguments of redis-server, e.g. ['--maxmemory', '3mb']. */
  args?: readonly string[];
}

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Of the running server; changes with `restart`. */
  readonly pid: number;
  /** One command over a connection of its own. Rejects with the server's error, or after 5 s. */
  command(...args: readonly string[]): Promise<Reply>;
  /** Empties it: FLUSHALL. */
  flush(): Promise<void>;
  /** Sends a signal; resolves when the process is gone, or stands still, if that is what it does. */
  kill(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on the same port, empty; kills it first where it still runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Fetches what `startRedis` runs, where it isn't here yet. Throws ServiceUnavailable with the way to get it. */
export async function prepareRedis(): Promise<void> {
  if (!process.env.REDIS_TEST_URL) await redisProgram();
}

/** As `prepareRedis`, for suites that must own the server. */
export async function prepareOwnRedis(): Promise<void> {
  await redisProgram();
}

/**
 * The instance at REDIS_TEST_URL, else a new one. Its callers keep apart by random key names; `stop` ends it only if it
 * was started here.
 */
export async function sharedRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = process.env.REDIS_TEST_URL;
  return url ? { url, stop: async () => {} } : startRedis();
}

/** Starts a redis-server on loopback that keeps nothing on disk. Throws ServiceUnavailable where none can be had. */
export async function startRedis({ args = [] }: RedisOptions = {}): Promise<TestRedis> {
  const program = await redisProgram();
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-redis-'));
  const port = await freePort();
  const fixed = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, '--daemonize', 'no'];
  let child: ChildProcess;

  async function start(): Promise<void> {
    child = spawn(program.command, ['--port', String(port), ...fixed, ...args], { env: program.env, stdio: 'ignore' });
    await writeFile(join(folder, 'server.pid'), `${child.pid}\n`);
    const until = Date.now() + START_MS;
    while (true) {
      const pong = await command(port, ['PING']).catch(() => null);
      if (pong === 'PONG') return;
      if (child.exitCode !== null) throw new Error(`redis-server ended with code ${child.exitCode}`);
      if (Date.now() > until) throw new Error(`redis-server did not answer within ${START_MS} ms`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    // a frozen process takes no SIGTERM
    child.kill('SIGCONT');
    child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(force);
  }

  const onExit = (): void => void child.kill('SIGKILL');
  process.once('exit', onExit);
  const endReaper = reapAfterUs(folder, 'server.pid');
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? 0;
    },
    command: (...words) => command(port, words),
    flush: async () => void (await command(port, ['FLUSHALL'])),
    async kill(signal) {
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await end(signal);
      else child.kill(signal);
      if (signal === 'SIGSTOP') await stopped(child.pid ?? 0);
    },
    async restart() {
      await end('SIGKILL');
      await start();
    },
    async stop() {
      process.off('exit', onExit);
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
      endReaper();
    },
  };
}

function command(port: number, words: readonly string[]): Promise<Reply> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(5_000, () => socket.destroy(new Error(`${words[0]}: no answer within 5 s`)));
    let received = '';
    socket.setEncoding('latin1');
    socket.once('error', fail);
    socket.on('data', (chunk: string) => {
      received += chunk;
      const reply = parseReply(received);
      if (!reply) return;
      socket.destroy();
      if (reply.value instanceof Error) fail(reply.value);
      else done(reply.value);
    });
    socket.once('close', () => fail(new Error(`${words[0]}: connection closed`)));
    socket.write(`*${words.length}\r\n${words.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join('')}`);
  });
}
