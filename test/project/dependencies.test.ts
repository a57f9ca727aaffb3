import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT, projectText } from '../support/tree.ts';

interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  hasInstallScript?: boolean;
  link?: boolean;
  optionalDependencies?: Record<string, string>;
}
interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
  license?: string | { type: string };
}

/** Licences under which a package may be used and passed on without obligations beyond notice. */
const PERMISSIVE = [
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'CC-BY-4.0',
  'Python-2.0',
  'PSF-2.0',
  'Unlicense',
  'Zlib',
];

const manifest = JSON.parse(await projectText('package.json')) as Manifest;
const lock = JSON.parse(await projectText('package-lock.json')) as { packages: Record<string, Locked> };
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');
const declared = { ...manifest.dependencies, ...manifest.devDependencies };

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** True when an SPDX expression leaves a choice that is permissive (OR), or demands nothing else (AND). */
function permissive(expression: string): boolean {
  const terms = expression.replaceAll(/[()]/g, ' ');
  return terms
    .split(/\bOR\b/)
    .some((choice) => choice.split(/\bAND\b/).every((term) => PERMISSIVE.includes(term.trim())));
}

test('every dependency is listed with its licence and reason', async () => {
  const rows = [...(await projectText('docs/dependencies.md')).matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$/gm)];
  const listed = new Map(rows.map(([, name = '', license = '', reason = '']) => [name, { license, reason }]));
  assert.deepEqual([...listed.keys()].sort(), Object.keys(declared).sort());
  for (const [name, { license, reason }] of listed) {
    const installed = JSON.parse(await projectText(`node_modules/${name}/package.json`)) as Manifest;
    assert.equal(license.trim(), installed.license, name);
    assert.match(reason.trim(), /^.{10,}$/, `${name}: why?`);
  }
});

test('services are listed with the versions that the tests fetch', async () => {
  const guide = await projectText('docs/dependencies.md');
  for (const [name, pom] of [
    ['Kafka', 'kafka'],
    ['S3', 's3'],
    ['Debezium', 'connect'],
  ] as const) {
    const [, version = ''] = new RegExp(`^\\| ${name} \\| (?:\\w+ )?([0-9.]+)`, 'm').exec(guide) ?? [];
    assert.match(version, /^[0-9]+\.[0-9]+\.[0-9]+$/, name);
    const fetched = await projectText(`test/support/${pom}/pom.xml`);
    assert.match(
      fetched,
      new RegExp(`[^0-9]${version}[^0-9]`),
      `${name}: ${version} is not what ${pom}/pom.xml fetches`,
    );
  }
});

test('every installed package has a permissive licence', async () => {
  const wrong: string[] = [];
  for (const [path, { license }] of locked) {
    const file = join(path, 'package.json');
    const own = existsSync(join(PROJECT, file)) ? (JSON.parse(await projectText(file)) as Manifest).license : license;
    const text = typeof own === 'object' ? own.type : own;
    if (!text || !permissive(text)) wrong.push(`${nameOf(path)}: ${text}`);
  }
  assert.deepEqual(wrong, []);
});

test('install scripts run only where they are allowed by name', () => {
  const wanted = locked.filter(([, p]) => p.hasInstallScript).map(([path]) => nameOf(path));
  assert.deepEqual(Object.keys(manifest.allowScripts).sort(), [...new Set(wanted)].sort());
});

test('the lockfile names versions and integrity, and no registry', () => {
  const wrong = locked.filter(([, p]) => p.resolved !== undefined || (!p.integrity && !p.link)).map(([path]) => path);
  assert.deepEqual(wrong, []);
});

/** True when `name` is installed where the package at `from` finds it. */
function found(from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

test('the lockfile has the packages of every platform, as npm ci refuses it otherwise', () => {
  const missing = locked.flatMap(([path, p]) =>
    Object.keys(p.optionalDependencies ?? {})
      .filter((name) => !found(path, name))
      .map((name) => `${nameOf(path)} needs ${name}`),
  );
  assert.deepEqual(missing, []);
});

test('the lockfile belongs to package.json', () => {
  const root = lock.packages[''] as unknown as Manifest;
  assert.deepEqual(root.dependencies, manifest.dependencies);
  assert.deepEqual(root.devDependencies, manifest.devDependencies);
});
