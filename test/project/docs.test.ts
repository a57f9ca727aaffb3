import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from '../../src/platform/config.ts';
import { PROJECT, projectFiles, projectText } from '../support/tree.ts';
import { documents } from './docs.ts';

test('tables of settings, errors and metrics, .env.example and the compose settings repeat the code', async () => {
  for (const [path, text] of await documents()) {
    assert.equal(existsSync(join(PROJECT, path)) && (await projectText(path)), text, `${path}: run "npm run docs"`);
  }
});

test('every setting is explained in one line', () => {
  for (const [name, { help }] of Object.entries(SETTINGS)) {
    assert.match(name, /^[A-Z][A-Z0-9_]+$/);
    assert.match(help, /^\S.{8,140}$/, name);
  }
});

test('a copy of .env.example with nothing filled in changes nothing', async () => {
  const lines = (await projectText('.env.example')).split('\n');
  assert.deepEqual(
    lines.filter((line) => line !== '' && !line.startsWith('#')),
    [],
  );
});

test('links between documents lead somewhere', async () => {
  const broken: string[] = [];
  for (const path of projectFiles().filter((p) => p.endsWith('.md'))) {
    for (const [, target] of (await projectText(path)).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (!target || /^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(PROJECT, dirname(path), target))) broken.push(`${path}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('npm commands that the documents name exist', async () => {
  const { scripts } = JSON.parse(await projectText('package.json')) as { scripts: Record<string, string> };
  const unknown: string[] = [];
  for (const path of projectFiles().filter((p) => p.endsWith('.md'))) {
    for (const [, name] of (await projectText(path)).matchAll(/\bnpm (?:-s )?run ([a-z][a-z:-]*)/g)) {
      if (name && !(name in scripts)) unknown.push(`${path}: npm run ${name}`);
    }
  }
  assert.deepEqual(unknown, []);
});
