/** The project's own files, as a clone has them. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the project, without a trailing slash. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** True for a name that .gitignore (names and *.suffix only) keeps out. */
function ignored(): (name: string) => boolean {
  const patterns = readFileSync(join(PROJECT, '.gitignore'), 'utf8')
    .split('\n')
    .map((line) => line.trim().replace(/\/$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
  return (name) =>
    name === '.git' || patterns.some((p) => (p.startsWith('*') ? name.endsWith(p.slice(1)) : p === name));
}

/** Paths of all files, relative to the project, sorted; what .gitignore names is left out. */
export function projectFiles(folder = PROJECT, skip = ignored()): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !skip(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? projectFiles(path, skip) : entry.isFile() ? [relative(PROJECT, path)] : [];
    })
    .sort();
}

/** Text of a project file. */
export function projectText(path: string): Promise<string> {
  return readFile(join(PROJECT, path), 'utf8');
}

/** Absolute paths of all test files, sorted. */
export async function testFiles(): Promise<string[]> {
  return projectFiles(join(PROJECT, 'test'))
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => join(PROJECT, path));
}
