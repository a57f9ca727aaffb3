/**
 * Owner of esbuild: bundles web/graphiql once into .cache/graphiql and serves it. Nothing is fetched from elsewhere,
 * neither by us nor by the page.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Log } from '../log.ts';
import type { HttpApp } from './server.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCES = join(ROOT, 'web/graphiql');
const CACHE = join(ROOT, '.cache/graphiql');

const ENTRIES = {
  main: join(SOURCES, 'main.tsx'),
  'editor.worker': 'monaco-editor/esm/vs/editor/editor.worker.js',
  'json.worker': 'monaco-editor/esm/vs/language/json/json.worker.js',
  'graphql.worker': 'monaco-graphql/esm/graphql.worker.js',
};

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  ttf: 'font/ttf',
};

/** The built page: file name → gzipped content. `version` changes with any of its parts. */
interface Bundle {
  version: string;
  files: ReadonlyMap<string, Buffer>;
}

/** Identifies what a bundle is made of: our sources and the locked versions of the packages. */
async function versionOf(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(SOURCES)).sort().map((name) => join(SOURCES, name));
  for (const name of [...names, join(ROOT, 'package-lock.json')]) hash.update(await readFile(name));
  return hash.digest('hex').slice(0, 16);
}

async function build(): Promise<Map<string, Buffer>> {
  // loaded only when there is something to build
  const esbuild = await import('esbuild');
  const result = await esbuild.build({
    entryPoints: ENTRIES,
    absWorkingDir: ROOT,
    outdir: CACHE,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    minify: true,
    // the icons' titles are their components' names
    keepNames: true,
    legalComments: 'none',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.ttf': 'file' },
    assetNames: '[name]-[hash]',
    publicPath: '/graphiql',
    logLevel: 'silent',
  });
  await esbuild.stop();
  const files = new Map([['index.html', gzipSync(await readFile(join(SOURCES, 'index.html')))]]);
  for (const { path, contents } of result.outputFiles) files.set(path.slice(CACHE.length + 1), gzipSync(contents));
  return files;
}

/** Replaces what the cache holds; where it can't be written the bundle lives in memory alone. */
async function store({ version, files }: Bundle): Promise<void> {
  const temporary = join(CACHE, `.${version}-${process.pid}`);
  await mkdir(temporary, { recursive: true });
  for (const [name, content] of files) await writeFile(join(temporary, name), content);
  for (const old of await readdir(CACHE)) {
    if (!old.startsWith('.')) await rm(join(CACHE, old), { recursive: true, force: true });
  }
  await rename(temporary, join(CACHE, version));
}

async function fromCache(version: string): Promise<Bundle | null> {
  const folder = join(CACHE, version);
  const names = await readdir(folder).catch(() => null);
  if (!names) return null;
  const files = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const));
  return { version, files: new Map(files) };
}

/** The page's bundle, built (some seconds) where the cache has none of this version. Rejects with esbuild's errors. */
export async function bundleGraphiql(): Promise<Bundle> {
  const version = await versionOf();
  const cached = await fromCache(version);
  if (cached) return cached;
  const bundle = { version, files: await build() };
  // a read-only folder, or another process that was faster
  await store(bundle).catch(() => {});
  return bundle;
}

/** What the page may load and call: this server. Monaco sets styles inline. */
function contentSecurityPolicy(host: string | undefined): string {
  // browsers differ in whether 'self' covers WebSockets
  const sockets = host && /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self' data:",
    "img-src 'self' data:",
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** How long after the start the bundle is made ready, unless somebody asks for it before. */
const WARM_UP_MS = 1_000;

/** Serves the page at /graphiql; / leads there. */
export function addGraphiql(app: HttpApp, log: Log): void {
  let bundle: Promise<Bundle> | undefined;
  const load = (): Promise<Bundle> => {
    bundle ??= bundleGraphiql().catch((error: unknown) => {
      bundle = undefined;
      throw error;
    });
    return bundle;
  };
  const warmUp = setTimeout(() => load().catch((error) => log.error({ err: error }, 'GraphiQL not built')), WARM_UP_MS);
  app.addHook('onClose', async () => clearTimeout(warmUp));

  app.get('/', async (_, reply) => reply.redirect('/graphiql'));
  app.get<{ Params: { file?: string } }>('/graphiql/:file?', async (request, reply) => {
    const name = request.params.file || 'index.html';
    const { version, files } = await load();
    const content = files.get(name);
    if (!content) return reply.callNotFound();
    const etag = `"${version}"`;
    reply.headers({
      etag,
      vary: 'accept-encoding',
      'cache-control': 'no-cache',
      'content-security-policy': contentSecurityPolicy(request.headers.host),
      'content-type': TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
    });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
      return reply.header('content-encoding', 'gzip').send(content);
    }
    return reply.send(gunzipSync(content));
  });
}
