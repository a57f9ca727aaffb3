import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from './command.ts';
import { failureDigest } from './failure-digest.ts';
import { PROJECT } from './tree.ts';

const numbered = (count: number): string => Array.from({ length: count }, (_, i) => `line ${i + 1}`).join('\n');

test('a short error is told whole under its name', () => {
  assert.deepEqual(failureDigest([{ name: 'a.test.ts › x', text: 'broken\n  at a.ts:1\n' }]), [
    '  ✖ a.test.ts › x',
    '    broken',
    '      at a.ts:1',
  ]);
  assert.deepEqual(failureDigest([]), []);
  assert.deepEqual(failureDigest([{ name: 'interrupted', text: '' }]), []);
});

test('of a long error the beginning and the end are told', () => {
  const [name, ...lines] = failureDigest([{ name: 'x', text: numbered(400) }]);
  assert.equal(name, '  ✖ x');
  assert.equal(lines.length, 25);
  assert.equal(lines[0], '    line 1');
  assert.ok(lines.includes('    … 376 lines …'), lines.join('\n'));
  assert.equal(lines.at(-1), '    line 400');
});

test('however many failed, three are told and all fits into the last sixty lines', () => {
  const lines = failureDigest(Array.from({ length: 50 }, (_, i) => ({ name: `n${i}`, text: numbered(1_000) })));
  assert.deepEqual(
    lines.filter((line) => line.includes('✖')),
    ['  ✖ n0', '  ✖ n1', '  ✖ n2'],
  );
  assert.ok(lines.length <= 55, `${lines.length} lines`);
});

test('a run tells its failure again and ends with the count', { timeout: 60_000 }, async () => {
  const { code, output } = await runCommand([process.execPath, '--import', 'tsx', 'test/run.ts', 'nonsense'], {
    cwd: PROJECT,
    timeoutMs: 30_000,
  });
  assert.equal(code, 1);
  assert.match(output, /errors again:\n {2}✖ test\/run\.ts\n {4}RangeError: usage: .*\n\n0 passed, 1 failed\n$/s);
});
