/** How a process of ours ends: exit code, order, bound, and what it says. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { type RoleProcess, startRole } from '../../support/role.ts';
import { PROJECT } from '../../support/tree.ts';
import { until } from '../../support/until.ts';

const SETTINGS = { DATABASE_URL: 'postgres://app:canary-in-the-url@127.0.0.1:1/x' };

interface Case {
  mode: string;
  signal?: NodeJS.Signals;
  code: number;
  says: readonly RegExp[];
}

const CASES: readonly Case[] = [
  { mode: 'well', signal: 'SIGTERM', code: 0, says: [/"msg":"stopping"/, /"msg":"stopped"/] },
  { mode: 'well', signal: 'SIGINT', code: 0, says: [/"msg":"stopping"/, /"msg":"stopped"/] },
  { mode: 'start-hangs', signal: 'SIGTERM', code: 0, says: [/"msg":"stopped"/] },
  { mode: 'start-fails', code: 1, says: [/no answer from postgres:\/\/\*\*\*@127/] },
  { mode: 'fatal', code: 1, says: [/the group can not be joined/, /"msg":"stopping"/, /"msg":"stopped"/] },
  { mode: 'rejection', code: 1, says: [/nobody awaits this/, /"msg":"stopping"/] },
  { mode: 'stop-fails', signal: 'SIGTERM', code: 1, says: [/not flushed/] },
  { mode: 'stop-hangs', signal: 'SIGTERM', code: 1, says: [/stop took too long/] },
];

async function end(role: RoleProcess, signal: NodeJS.Signals | undefined): Promise<number | null> {
  if (!signal) return role.exited;
  await until('the process to be up', () => role.output().includes('"msg":"up"'));
  return role.end(signal);
}

for (const { mode, signal, code, says } of CASES) {
  test(`${mode}${signal ? `, ${signal}` : ''}: exit code ${code}`, { timeout: 30_000 }, async () => {
    const role = startRole('test/src/platform/run-child.ts', SETTINGS, [mode]);
    const from = performance.now();
    assert.equal(await end(role, signal), code, role.output());
    assert.ok(performance.now() - from < 15_000);
    for (const pattern of says) assert.match(role.output(), pattern);
    assert.doesNotMatch(role.output(), /canary/);
  });
}

test('a process that npm started ends in order when npm and its shell do', { timeout: 30_000 }, async () => {
  const command = `"${process.execPath}" --import tsx test/src/platform/run-child.ts well & wait`;
  const shell = spawn('sh', ['-c', command], {
    cwd: PROJECT,
    env: { ...process.env, ...SETTINGS, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  // closed when the last process that holds it is gone, not only the shell
  const closed = once(shell.stdout, 'close');
  shell.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  await until('the process to be up', () => said.includes('"msg":"up"'));
  shell.kill('SIGTERM');
  await closed;
  assert.match(said, /"msg":"stopping"[\s\S]*"msg":"stopped"/);
});

test('a role without its settings: every problem on a line, exit code 1, no stack trace', async () => {
  const role = startRole('src/work.ts', { PORT: 'x' });
  assert.equal(await role.exited, 1);
  for (const name of ['PORT', 'DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS']) {
    assert.match(role.output(), new RegExp(`^  ${name}: `, 'm'));
  }
  assert.doesNotMatch(role.output(), /^\s+at /m);
});
