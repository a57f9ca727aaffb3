import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openAccessFile, parseAccessFile } from '../../../src/platform/access-file.ts';
import { createLog } from '../../../src/platform/log.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import { until } from '../../support/until.ts';

const ONE = 'one-0123456789abcdef';
const TWO = 'two-0123456789abcdef';

let folder: string;
let path: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tickgraph-access-'));
  path = join(folder, 'tokens');
});
after(() => rm(folder, { recursive: true }));

test('a line is a token, its role and at most an instant; comments and empty lines are nothing', () => {
  const text = `# who reads\n\n${ONE}:reader\r\n  ${TWO}:admin   2026-01-31T12:00:00Z # until then\n`;
  assert.deepEqual(parseAccessFile(text), [
    { token: ONE, role: 'reader', expiresAt: Number.POSITIVE_INFINITY },
    { token: TWO, role: 'admin', expiresAt: Date.UTC(2026, 0, 31, 12) },
  ]);
});

test('every problem is told by its line, and no token', () => {
  for (const [text, problems] of [
    ['', ['ACCESS_TOKENS_FILE: holds no token']],
    ['# nothing\n', ['ACCESS_TOKENS_FILE: holds no token']],
    [
      `${ONE}:reader\n${ONE}:admin\n${TWO}:king\n${TWO}:admin tomorrow\n${TWO}:admin 2026-01-31T12:00:00Z x\nshort:reader`,
      [
        /line 2: this token is in the file twice/,
        /line 3: each entry must be token:role/,
        /line 4: the instant must look like/,
        /line 5: must be token:role, and at most one instant/,
        /line 6: each entry must be token:role/,
      ],
    ],
  ] as const) {
    assert.throws(
      () => parseAccessFile(text),
      (error: { problems: string[]; message: string }) => {
        assert.equal(error.problems.length, problems.length);
        for (const [i, problem] of problems.entries()) assert.match(error.problems[i] as string, new RegExp(problem));
        assert.doesNotMatch(error.message, /0123456789/);
        return true;
      },
    );
  }
});

test('a change counts within seconds; bad content leaves what was and is told, by log and metric', async () => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => lines.push(line) });
  await assert.rejects(async () => openAccessFile(path, log), /can't be read: ENOENT/);
  await writeFile(path, `${ONE}:king\n`);
  await assert.rejects(async () => openAccessFile(path, log), /line 1/);
  await writeFile(path, `${ONE}:reader\n`);
  const file = openAccessFile(path, log);
  const tokens = () => file.tokens.map(({ token, role }) => `${token}:${role}`);
  const bad = async () => (await metrics.accessFileBad.get()).values[0]?.value;
  assert.deepEqual(tokens(), [`${ONE}:reader`]);
  await writeFile(path, `${ONE}:reader\n${TWO}:admin\n`);
  await until('the second token', () => tokens().length === 2);
  for (const spoil of [() => writeFile(path, `${ONE}:king`), () => writeFile(path, ''), () => rm(path)]) {
    const before = lines.length;
    await spoil();
    await until('the problem to be told', () => lines.slice(before).some((line) => /"level":50/.test(line)));
    assert.equal(await bad(), 1);
    assert.deepEqual(tokens(), [`${ONE}:reader`, `${TWO}:admin`]);
  }
  await writeFile(path, `${TWO}:admin\n`);
  await until('one token to be left', () => tokens().length === 1);
  assert.equal(await bad(), 0);
  await file.stop();
  assert.doesNotMatch(lines.join(''), /0123456789/);
});
