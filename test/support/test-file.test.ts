import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type FileResult, runTestFile } from './test-file.ts';
import { until } from './until.ts';

/** A process that ended and that nobody asked about still has its number. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a test file in a process of its own', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tickgraph-runner-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function run(text: string, timeoutMs = 30_000): Promise<FileResult & { kinds: string[] }> {
    const file = join(folder, `${Math.random().toString(36).slice(2)}.mts`);
    await writeFile(file, `import { before, describe, test } from 'node:test';\n${text}`);
    const result = await runTestFile(file, { env: process.env, timeoutMs });
    return { ...result, kinds: result.outcomes.map((o) => `${o.kind} ${o.path.join(' › ')}`.trim()) };
  }

  test('each test counts once, with the titles above it', async () => {
    const { kinds, output } = await run(`
      describe('outer', () => {
        test('good', () => {});
        test('bad', () => { throw new Error('broken', { cause: new Error('the reason') }); });
        describe('inner', () => { test('left out', { skip: 'no service' }, () => {}); });
      });
      test('parent', async (t) => { await t.test('child', () => {}); });
      console.log('printed');
    `);
    assert.deepEqual(kinds, [
      'passed outer › good',
      'failed outer › bad',
      'skipped outer › inner › left out',
      'passed parent › child',
      'passed parent',
    ]);
    assert.match(output, /printed/);
  });

  test('a failure comes with its causes and without the frames of node', async () => {
    const { outcomes } = await run(
      `test('bad', () => { throw new Error('broken', { cause: new Error('the reason') }); });`,
    );
    assert.match(outcomes[0]?.text ?? '', /broken.*caused by.*the reason/s);
    assert.doesNotMatch(outcomes[0]?.text ?? '', /node:internal/);
  });

  test('a hook that fails is a failure', async () => {
    const { kinds } = await run(
      `describe('suite', () => { before(() => { throw new Error('no'); }); test('x', () => {}); });`,
    );
    assert.ok(kinds.includes('failed suite'), kinds.join());
    assert.ok(!kinds.some((kind) => kind.startsWith('passed')));
  });

  test('a file that dies, hangs or declares nothing is a failure', async () => {
    const died = await run(`test('good', () => {}); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300);`);
    assert.equal(died.kinds.at(-1), 'failed');
    const hung = await run(`test('good', () => {}); setInterval(() => {}, 1_000);`, 1_500);
    assert.match(hung.outcomes.at(-1)?.text ?? '', /did not end within 1.5 s/);
    const empty = await run('');
    assert.deepEqual(
      empty.outcomes.map((o) => o.text),
      ['declares no test'],
    );
  });

  test('nothing it started outlives it', async () => {
    const { output } = await run(`
      import { spawn } from 'node:child_process';
      test('leaves a child behind', () => {
        process.stdout.write(\`child \${spawn('sleep', ['600']).pid}\\n\`, () => process.kill(process.pid, 'SIGKILL'));
        return new Promise(() => {});
      });
    `);
    const pid = Number(/child ([0-9]+)/.exec(output)?.[1]);
    assert.ok(pid > 0);
    await until('the child to be gone', () => !alive(pid), { timeoutMs: 5_000 });
  });
});
