/** The whole check's first steps, with stand-ins of the programs it calls: nothing is installed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT } from '../support/tree.ts';

const REAL = ['bash', 'dirname', 'mktemp', 'grep', 'sed', 'tail', 'rm', 'tee', 'sleep', 'cat', 'env'];
const HERE = ['mvn', 'chromium', 'python3', 'git', 'npm'];

/** What it prints, its exit code, and what apt-get was told to do; `programs` are names and the scripts in their place. */
async function check(programs: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-ci-'));
  try {
    const which = (name: string) =>
      new Promise<string>((done, fail) =>
        execFile('/bin/sh', ['-c', `command -v ${name}`], (error, out) => (error ? fail(error) : done(out.trim()))),
      );
    for (const name of REAL) await symlink(await which(name), join(folder, name));
    const told = join(folder, 'told');
    const stubs: Record<string, string> = {
      ...Object.fromEntries(HERE.map((name) => [name, 'exit 0'])),
      'apt-get': `echo "$*" >> ${told}`,
      id: 'echo 0',
      ...programs,
    };
    for (const [name, script] of Object.entries(stubs)) {
      await writeFile(join(folder, name), `#!${join(folder, 'bash')}\n${script}\n`);
      await chmod(join(folder, name), 0o755);
    }
    const { code, output } = await new Promise<{ code: unknown; output: string }>((done) =>
      execFile(join(PROJECT, '.ci/run'), { env: { PATH: folder, TMPDIR: folder } }, (error, out, err) =>
        done({ code: error?.code ?? 0, output: out + err }),
      ),
    );
    return { code, output, told: await readFile(told, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('a Node that is too old ends the check with a line that says so', async () => {
  const { code, output } = await check({ java: 'exit 0', node: 'echo v18.20.4' });
  assert.equal(code, 1);
  assert.match(output, /^Node 20 or newer is needed, found v18\.20\.4/m);
  assert.match(output, /^0 passed, 1 failed$/m);
});

test('Java is 17 where there is one, else what this Debian has', async () => {
  const node = 'echo v18.20.4';
  const without = await check({ node, 'apt-cache': 'echo "Candidate: (none)"' });
  assert.match(without.told, /^.*install.* default-jre-headless$/m);
  const having = await check({ node, 'apt-cache': 'echo "  Candidate: 17.0.15+6"' });
  assert.match(having.told, /^.*install.* openjdk-17-jre-headless$/m);
});
