import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { LOADERS } from './test-file.ts';
import { PROJECT } from './tree.ts';
import { until } from './until.ts';

const module = pathToFileURL(join(PROJECT, 'test/support/reaper.ts')).href;

test('a frozen server of a session of its own, and its folder, are gone after the process that was killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-reaper-'));
  const text = `
    import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    const { reapAfterUs } = await import(${JSON.stringify(module)});
    const server = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    writeFileSync('${folder}/server.pid', server.pid + '\\nmore');
    reapAfterUs('${folder}', 'server.pid');
    server.kill('SIGSTOP');
    console.log(server.pid);
    setInterval(() => {}, 1_000);`;
  const args = ['--import', LOADERS.quick, '--input-type=module', '--eval', text];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = Number(said);
  process.kill(pid, 0);
  child.kill('SIGKILL');
  await until('the folder to be gone', () => !existsSync(folder), { timeoutMs: 30_000 });
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});
