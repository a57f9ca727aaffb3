import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { buildSchema, parse, validate } from 'graphql';
import { readConfig } from '../../src/platform/config.ts';
import { createDocuments, isRefused } from '../../src/platform/graphql/documents.ts';
import { EXAMPLES } from '../../web/graphiql/examples.ts';

const sdl = await readFile(new URL('../../schema/schema.graphql', import.meta.url), 'utf8');
const schema = buildSchema(sdl);

describe('the operations GraphiQL opens with', () => {
  for (const { name, query, variables } of EXAMPLES) {
    test(`${name} fits the schema and the limits, under the name of its tab`, () => {
      const document = parse(query);
      assert.deepEqual(validate(schema, document), []);
      const [operation] = document.definitions;
      assert.ok(operation && 'name' in operation && operation.name?.value === name);
      const documents = createDocuments(schema, readConfig({}));
      const prepared = documents.prepare(query, true);
      assert.ok(!isRefused(prepared));
      assert.equal(documents.admit(prepared, variables, true), null);
    });
  }
});
