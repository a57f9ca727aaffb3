/** The code blocks of docs/clients.md that have a file name, as files that can be imported and run. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT, projectText } from '../support/tree.ts';

/** Under the project, so that packages are found. */
const FOLDER = join(PROJECT, '.cache/clients');

/** Shows each event; the function returned ends it. */
export type Follow = (
  url: string,
  query: string,
  variables: Record<string, unknown>,
  show: (event: Record<string, unknown>) => void,
) => () => void;

/** The text of the block with this file name. Throws where there is none. */
export async function recipe(name: string): Promise<string> {
  const guide = await projectText('docs/clients.md');
  for (const [, file, text] of guide.matchAll(/```\w+ (\S+)\n([\s\S]*?)```/g)) if (file === name) return text as string;
  throw new Error(`docs/clients.md has no ${name}`);
}

/** Writes the block to a file and returns its path. */
export async function recipeFile(name: string): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const file = join(FOLDER, name.replace(/\.js$/, '.mjs'));
  await writeFile(file, await recipe(name));
  return file;
}

/** The module that the block is. */
export async function recipeModule<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(await recipeFile(name)).href)) as T;
}
