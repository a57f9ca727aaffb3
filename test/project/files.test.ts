import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { PROJECT, projectFiles, projectText } from '../support/tree.ts';

const MAX_LINES = 300;
const MAX_ENTRY_LINES = 60;
const BOUNDED = /^(src|schema|resolvers|ingestion|sim)\/.*\.tsx?$/;
/** Loaded by a tool that takes nothing but a default export. */
const DEFAULT_EXPORTS = ['codegen.ts', 'test/support/report.ts'];
/** Folders of tests that belong to no folder of the tree: of the project itself, of test support, of the whole path. */
const APART = ['clients', 'project', 'support', 'path'];
const TEXT = /\.(ts|tsx|json|yml|yaml|md|sql|sh|graphql|xml|toml|css|html|tpl)$|^[^.]+$|\.(env\.example|npmrc)$/;

const files = projectFiles();

/** Lines of a text, the last newline not counted. */
function lineCount(text: string): number {
  return text.replace(/\n$/, '').split('\n').length;
}

/** Project text files with their content, fixtures and generated files left out. */
async function* texts(): AsyncGenerator<{ path: string; text: string }> {
  for (const path of files) {
    if (/^(test\/(fixtures|generated)\/|package-lock\.json$)/.test(path) || !TEXT.test(basename(path))) continue;
    yield { path, text: await projectText(path) };
  }
}

test(`no source file is longer than ${MAX_LINES} lines, no entry point than ${MAX_ENTRY_LINES}`, async () => {
  const long: string[] = [];
  for (const path of files.filter((p) => BOUNDED.test(p))) {
    const lines = lineCount(await projectText(path));
    const bound = /^src\/[^/]+\.ts$/.test(path) ? MAX_ENTRY_LINES : MAX_LINES;
    if (lines > bound) long.push(`${path}: ${lines}`);
  }
  assert.deepEqual(long, []);
});

test('no drawer for things without a name', () => {
  const drawers = files.filter((p) => /(^|\/)(utils?|helpers?|common|misc|shared|lib)(\/|\.tsx?$)/.test(p));
  assert.deepEqual(drawers, []);
  const suffixed = files.filter((p) => /(service|manager|helper|util)s?\.tsx?$/i.test(p) && p.startsWith('src/'));
  assert.deepEqual(suffixed, []);
});

test('named exports only', async () => {
  const wrong: string[] = [];
  for (const path of files.filter((p) => /\.tsx?$/.test(p) && !DEFAULT_EXPORTS.includes(p))) {
    if (/^export default\b|^export \{[^}]*\bas default\b/m.test(await projectText(path))) wrong.push(path);
  }
  assert.deepEqual(wrong, []);
});

test('types are not switched off', async () => {
  const wrong: string[] = [];
  for (const path of files.filter((p) => /\.tsx?$/.test(p) && p !== 'test/project/files.test.ts')) {
    if (/@ts-(ignore|nocheck|expect-error)|biome-ignore-all/.test(await projectText(path))) wrong.push(path);
  }
  assert.deepEqual(wrong, []);
});

test('no test is switched off or alone', async () => {
  const wrong: string[] = [];
  for (const path of files.filter((p) => p.startsWith('test/') && p.endsWith('.ts'))) {
    if (/\b(test|it|describe)\.(only|skip|todo)\(/.test(await projectText(path))) wrong.push(path);
  }
  assert.deepEqual(wrong, []);
});

test('tests mirror the tree', () => {
  const wrong = files
    .filter((p) => p.endsWith('.test.ts'))
    .map((p) => dirname(p).replace(/^test\/?/, ''))
    .filter((folder) => !APART.includes(folder) && !existsSync(join(PROJECT, folder)));
  assert.deepEqual([...new Set(wrong)], []);
});

test('nothing tracked tells a secret or the place it was written', async () => {
  const secrets: [string, RegExp][] = [
    ['private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
    ['bot token', /\b[0-9]{8,10}:AA[\w-]{33}\b/],
    ['Slack token or hook', /\bxox[abprs]-[\w-]{10,}|hooks\.slack\.com\/services\/T[A-Z0-9]{8,}\/B/],
    ['cloud key', /\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{35}\b/],
    ['token of a code host or registry', /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,}|npm_[A-Za-z0-9]{36})\b/],
    ['path of a machine', /(?<![\w.])\/(home|Users)\/[a-z][\w-]*\/|(?<![\w./-])\/(work|root)\/[a-z]/],
  ];
  const found: string[] = [];
  for await (const { path, text } of texts()) {
    for (const [what, pattern] of secrets) {
      const match = pattern.exec(text);
      if (match) found.push(`${path}: ${what}: ${match[0].slice(0, 12)}…`);
    }
  }
  assert.deepEqual(found, []);
});

test('the texts speak of the project alone', async () => {
  // written in two parts so that this file passes its own check
  const foreign = [
    'chat|gpt',
    'open|ai',
    'anth|ropic',
    'cla|ude',
    'co|pilot',
    'gem|ini',
    'language mo|del',
    'as an a|i ',
    'ai-gen|erated',
    'sub|agent',
    'road|map',
    'to|do:',
    'fix|me',
    'x|xx ',
    'lorem ip|sum',
  ].map((word) => new RegExp(`(?<![a-z])${word.replace('|', '')}(?![a-z])`, 'i'));
  const found: string[] = [];
  for await (const { path, text } of texts()) {
    for (const word of foreign) if (word.test(text)) found.push(`${path}: ${word.source}`);
  }
  assert.deepEqual(found, []);
});

test('shell scripts parse', () => {
  for (const path of files.filter((p) => p.endsWith('.sh') || p === '.ci/run')) {
    execFileSync('bash', ['-n', join(PROJECT, path)]);
  }
});

test('git tracks no file that .gitignore keeps out, nor a large one', async (t) => {
  let tracked: string[];
  try {
    tracked = execFileSync('git', ['ls-files', '-z'], { cwd: PROJECT, encoding: 'utf8' }).split('\0').filter(Boolean);
  } catch {
    // an unpacked archive has no history to look at
    t.diagnostic('not a git checkout');
    tracked = [];
  }
  assert.deepEqual(
    tracked.filter((p) => existsSync(join(PROJECT, p)) && !files.includes(p)),
    [],
  );
});
