/**
 * Loads the project's TypeScript for unit tests (`node --import test/support/quick-load.ts FILE`) in half the time that tsx
 * takes: modules of packages are left to Node, and both what esbuild makes of ours and what V8 makes of all are kept between
 * runs. The processes themselves, and the integration tests, are loaded by tsx.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, enableCompileCache, registerHooks, setSourceMapsSupport } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const KEPT = join(PROJECT, '.cache/quick-load');
const OURS = /\.tsx?$/;

type Esbuild = Pick<typeof import('esbuild'), 'transformSync'>;

const tsconfigRaw = readFileSync(join(PROJECT, 'tsconfig.json'), 'utf8');
const { version } = JSON.parse(readFileSync(join(PROJECT, 'node_modules/esbuild/package.json'), 'utf8')) as {
  version: string;
};
const require = createRequire(import.meta.url);
const sha = (...parts: readonly string[]): string => createHash('sha256').update(parts.join('\0')).digest('hex');

/** JavaScript of a module. One file is kept of each, and is of this text if it says so in its first line. */
function compiled(path: string, text: string): string {
  const kept = join(KEPT, `${sha(path).slice(0, 32)}.js`);
  const mark = `//${sha(text, tsconfigRaw, version)}\n`;
  try {
    const code = readFileSync(kept, 'utf8');
    if (code.startsWith(mark)) return code;
  } catch {
    // not made yet
  }
  const { transformSync } = require('esbuild') as Esbuild;
  const { code } = transformSync(text, {
    loader: path.endsWith('x') ? 'tsx' : 'ts',
    format: 'esm',
    target: 'node24',
    banner: mark.trimEnd(),
    sourcefile: path,
    sourcemap: 'inline',
    sourcesContent: false,
    tsconfigRaw,
  });
  // another process may be writing the same
  const own = `${kept}.${process.pid}`;
  writeFileSync(own, code);
  renameSync(own, kept);
  return code;
}

mkdirSync(KEPT, { recursive: true });
enableCompileCache(join(KEPT, 'v8'));
// a failure names the line that was written
setSourceMapsSupport(true);
registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:') || url.includes('/node_modules/')) return next(url, context);
    const path = fileURLToPath(url);
    if (!OURS.test(path)) return next(url, context);
    return { format: 'module', source: compiled(path, readFileSync(path, 'utf8')), shortCircuit: true };
  },
});
