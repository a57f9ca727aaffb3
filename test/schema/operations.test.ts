import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { generate } from '@graphql-codegen/cli';
import { buildSchema, parse, validate } from 'graphql';
import config from '../../codegen.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

test('every operation of the tests fits the committed schema', async () => {
  const schema = buildSchema(await read('schema/schema.graphql'));
  const files = await readdir(new URL('test/operations/', root));
  assert.ok(files.length > 0);
  for (const file of files) {
    assert.deepEqual(validate(schema, parse(await read(`test/operations/${file}`))), [], file);
  }
});

test('the typed operations are up to date (npm run codegen)', async () => {
  const outputs = (await generate({ ...config, cwd: root.pathname, silent: true }, false)) as {
    filename: string;
    content: string;
  }[];
  assert.ok(outputs.length > 0);
  for (const { filename, content } of outputs) {
    assert.equal(await read(filename.replace(root.pathname, '')), content, filename);
  }
});
