/** What a killed run, or a machine that lost power, leaves in the folder. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startEmbeddedPostgres } from '../../../../src/platform/postgres/embedded.ts';
import { openPostgres } from '../../../../src/platform/postgres/postgres.ts';

let folder: string;
const children: ChildProcess[] = [];
const quiet = (): void => {};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tickgraph-embedded-'));
  await chmod(folder, 0o711);
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** A process of no concern to the database; resolves with its id. */
function start(command: string, ...args: string[]): number {
  const child = spawn(command, args, { stdio: 'ignore' });
  children.push(child);
  assert.ok(child.pid);
  return child.pid;
}

async function answers(url: string): Promise<void> {
  const postgres = await openPostgres({ url, pool: 1, timeoutMs: 5_000 });
  await postgres.ping();
  await postgres.close();
}

test('ids that belong to other processes by now keep nothing from starting, and nobody is ended', async () => {
  await (await startEmbeddedPostgres(folder, quiet)).stop();
  const stranger = start('sleep', '600');
  await writeFile(join(folder, 'owner.pid'), String(stranger));
  await writeFile(join(folder, 'postgres/postmaster.pid'), `${stranger}\n${folder}/postgres\n`);
  const database = await startEmbeddedPostgres(folder, quiet);
  await answers(database.url);
  await database.stop();
  assert.equal(children[0]?.exitCode ?? children[0]?.signalCode, null, 'the other process lives');
});

test('a server that was left behind is ended and its data found', async () => {
  const left = await startEmbeddedPostgres(folder, quiet);
  // as if its process had been killed: the id is that of nobody
  const gone = spawn('true');
  await new Promise((done) => gone.once('exit', done));
  await writeFile(join(folder, 'owner.pid'), String(gone.pid));
  const database = await startEmbeddedPostgres(folder, quiet);
  assert.notEqual(database.pid, left.pid);
  await answers(database.url);
  await database.stop();
  await left.stop();
});
