/** Where the tests get a redis-server: the PATH, else Debian's packages unpacked into the project's cache folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ServiceUnavailable } from './service.ts';

const run = promisify(execFile);

/** What redis-server needs beyond libc and what every Debian has. */
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1', 'libssl3', 'libsystemd0'];
const CACHE = resolve(import.meta.dirname, '../../.cache/redis');
const HOW = 'install redis-server, or set REDIS_TEST_URL to a Redis 7 or newer';

export interface RedisProgram {
  command: string;
  env: NodeJS.ProcessEnv;
}

let found: Promise<RedisProgram> | undefined;

/** The redis-server to run, fetched on the first call. Throws ServiceUnavailable. Changes nothing in the system. */
export function redisProgram(): Promise<RedisProgram> {
  found ??= find().catch((error) => {
    throw error instanceof ServiceUnavailable
      ? error
      : new ServiceUnavailable('Redis', (error as Error).message.split('\n')[0] ?? '', HOW, { cause: error });
  });
  return found;
}

async function find(): Promise<RedisProgram> {
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'redis-server'))
    .find((file) => existsSync(file));
  if (onPath) return { command: onPath, env: process.env };
  const root = join(CACHE, `debian-${process.arch}`);
  if (!existsSync(root)) await unpackInto(root);
  const program = unpacked(root, await libraryFolders(root));
  await run(program.command, ['--version'], { env: program.env });
  return program;
}

function unpacked(root: string, folders: readonly string[]): RedisProgram {
  const libraries = [...folders, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  return { command: join(root, 'usr/bin/redis-server'), env: { ...process.env, LD_LIBRARY_PATH: libraries } };
}

/** Debian keeps libraries in a folder named after the machine, in /lib or /usr/lib. */
async function libraryFolders(root: string): Promise<string[]> {
  const folders = await Promise.all(
    ['lib', 'usr/lib'].map(async (lib) => {
      const names = await readdir(join(root, lib)).catch(() => []);
      return names.filter((name) => name.includes('-linux-')).map((name) => join(root, lib, name));
    }),
  );
  return folders.flat();
}

/** Downloads into a folder of its own and renames it at the end, so that a killed or concurrent run does no harm. */
async function unpackInto(root: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, 'fetch-'));
  try {
    await download(work);
    const files = (await readdir(work)).filter((name) => name.endsWith('.deb'));
    for (const file of files) await run('dpkg', ['-x', join(work, file), join(work, 'root')]);
    // another process may have been quicker; both are the same
    await rename(join(work, 'root'), root).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(work: string): Promise<void> {
  const bound = { cwd: work, timeout: 180_000 };
  try {
    await run('apt-get', ['download', ...PACKAGES], bound);
  } catch {
    // no package lists, or old ones: fresh lists in our own folder leave the system's alone
    const own = ['State::Lists', 'Cache'].flatMap((name) => ['-o', `Dir::${name}=${join(work, name)}`]);
    await mkdir(join(work, 'State::Lists/partial'), { recursive: true });
    await mkdir(join(work, 'Cache/archives/partial'), { recursive: true });
    await run('apt-get', [...own, 'update'], bound);
    await run('apt-get', [...own, 'download', ...PACKAGES], bound);
  }
}
