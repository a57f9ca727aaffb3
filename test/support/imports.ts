/** What a module imports, read from its text: static imports, re-exports and import(). */
import { dirname, join } from 'node:path';

export interface ImportLine {
  /** As written. */
  specifier: string;
  /** Line of the text, from 1. */
  line: number;
  /** Erased before running: `import type`, `export type … from`. */
  typeOnly: boolean;
}

const PATTERN =
  /(?:^|\n)[ \t]*(?:import|export)[ \t]+(type\b)?[^'";]*?\bfrom[ \t\n]*['"]([^'"]+)['"]|(?:^|\n)[ \t]*import[ \t]*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

/** The import lines of a TypeScript text, in order. Comments that hold an import statement of their own count too. */
export function importLines(text: string): ImportLine[] {
  return [...text.matchAll(PATTERN)].map((match) => ({
    specifier: match[2] ?? match[3] ?? match[4] ?? '',
    line: text.slice(0, match.index + match[0].length).split('\n').length,
    typeOnly: match[1] !== undefined,
  }));
}

/** Path relative to the project that a relative specifier in `from` names; null for a package or node module. */
export function resolveImport(from: string, specifier: string): string | null {
  return specifier.startsWith('.') ? join(dirname(from), specifier) : null;
}

/** Name of the package a specifier names ("@scope/name" or "name"); null for a relative path or a node module. */
export function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return null;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Every file reached from `entries`, and every package with the file that names it. Type-only imports are left out. */
export async function reachedFrom(
  entries: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<{ files: Set<string>; packages: Map<string, string> }> {
  const files = new Set<string>(entries);
  const packages = new Map<string, string>();
  for (const file of files) {
    if (!file.endsWith('.ts') && !file.endsWith('.tsx')) continue;
    for (const { specifier, typeOnly } of importLines(await read(file))) {
      if (typeOnly) continue;
      const path = resolveImport(file, specifier);
      const name = packageOf(specifier);
      if (path) files.add(path);
      if (name && !packages.has(name)) packages.set(name, file);
    }
  }
  return { files, packages };
}

/** Circles of imports among `files`, those of types too: of each the files it runs through, sorted. */
export async function circles(
  files: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<readonly (readonly string[])[]> {
  const next = new Map<string, string[]>();
  for (const file of files) {
    const found = importLines(await read(file)).flatMap(({ specifier }) => resolveImport(file, specifier) ?? []);
    next.set(file, found);
  }
  const reached = new Map(files.map((file) => [file, new Set<string>(next.get(file))]));
  for (const seen of reached.values()) for (const file of seen) for (const one of next.get(file) ?? []) seen.add(one);
  const inCircle = files.filter((file) => reached.get(file)?.has(file));
  const groups = Map.groupBy(inCircle, (file) =>
    inCircle
      .filter((other) => other === file || (reached.get(file)?.has(other) && reached.get(other)?.has(file)))
      .sort()
      .join(' '),
  );
  return [...groups.keys()].map((group) => group.split(' '));
}
