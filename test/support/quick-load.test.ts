import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCommand } from './command.ts';
import { LOADERS } from './test-file.ts';
import { PROJECT } from './tree.ts';

/** Always the same, so that what is kept of it is replaced. */
const subject = join(PROJECT, '.cache/quick-load/subject/subject.ts');
after(() => rm(dirname(subject), { recursive: true, force: true }));

async function run(text: string): Promise<string> {
  await mkdir(dirname(subject), { recursive: true });
  await writeFile(subject, text);
  const { output } = await runCommand([process.execPath, '--import', LOADERS.quick, subject], { timeoutMs: 50_000 });
  return output.trim();
}

test('a module is compiled anew when its text has changed; decorators are those of tsconfig.json', async () => {
  const decorated = (what: string): string => `
    const told = (target: object, name: string): void => console.log('${what}', typeof target, name);
    class Row { @told declare value: string }
    console.log(Object.keys(new Row()).length);`;
  assert.equal(await run(decorated('one')), 'one object value\n0');
  assert.equal(await run(decorated('one')), 'one object value\n0');
  assert.equal(await run(decorated('two')), 'two object value\n0');
});

test('a stack names the line that was written', async () => {
  const here = /quick-load\.test\.ts:([0-9]+)/.exec(new Error('the line that is looked for').stack ?? '')?.[1];
  const lines = (await readFile(fileURLToPath(import.meta.url), 'utf8')).split('\n');
  assert.equal(Number(here), lines.findIndex((line) => line.includes('the line that is looked for')) + 1);
});
