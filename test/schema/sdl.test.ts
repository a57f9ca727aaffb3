import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { buildTickgraphSchema } from '../../resolvers/index.ts';

const here = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8');
const schema = buildTickgraphSchema();

test('the committed SDL is what the resolvers say (npm run emit-schema)', async () => {
  assert.equal(await here('../../schema/schema.graphql'), `${printSchema(lexicographicSortSchema(schema))}\n`);
});

/** Names of everything in the schema that has no description. */
function undescribed(of: GraphQLSchema): string[] {
  const missing: string[] = [];
  const look = (name: string, { description }: { description?: string | null }): void => {
    if (!description?.trim()) missing.push(name);
  };
  const lookArgs = (name: string, args: readonly GraphQLArgument[]): void => {
    for (const arg of args) look(`${name}(${arg.name})`, arg);
  };
  for (const type of Object.values(of.getTypeMap())) {
    if (type.name.startsWith('__') || isSpecifiedScalarType(type)) continue;
    look(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) look(`${type.name}.${value.name}`, value);
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        look(`${type.name}.${field.name}`, field);
        lookArgs(`${type.name}.${field.name}`, field.args);
      }
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) look(`${type.name}.${field.name}`, field);
    }
  }
  return missing;
}

test('every type, field, argument and enum value is described', () => {
  assert.deepEqual(undescribed(schema), []);
  assert.deepEqual(undescribed(buildSchema('type Query { a(b: Int): Int }')), ['Query', 'Query.a', 'Query.a(b)']);
});

/** Paths of the breaking changes from one SDL to another. */
async function breaking(from: string, to: string): Promise<string[]> {
  const changes = await diff(buildSchema(from), buildSchema(to));
  return changes
    .filter((change) => change.criticality.level === CriticalityLevel.Breaking)
    .map((change) => `${change.type} ${change.path}`)
    .sort();
}

describe('clients written against the baseline go on working', () => {
  test('breaking changes are those that are declared', async () => {
    const declared = JSON.parse(await here('./breaking-changes.json')) as string[];
    assert.deepEqual(
      await breaking(await here('./baseline.graphql'), await here('../../schema/schema.graphql')),
      declared,
    );
  });

  test('a dropped field and a changed type would be noticed', async () => {
    const before = 'type Query { a: Int! b: Int }';
    assert.deepEqual(await breaking(before, 'type Query { a: Int! b: Int c(d: Int): Int }'), []);
    assert.deepEqual(await breaking(before, 'type Query { a: Int }'), [
      'FIELD_REMOVED Query.b',
      'FIELD_TYPE_CHANGED Query.a',
    ]);
  });
});

test('what the contract promises for this part exists, with the same types, nullability and defaults', async () => {
  const missing = await breaking(await here('./contract.graphql'), printSchema(schema));
  assert.deepEqual(missing, []);
  const changed = (await diff(buildSchema(await here('./contract.graphql')), schema))
    .filter(({ type }) => /_TYPE_CHANGED|DEFAULT_CHANGED/.test(type))
    .map((change) => `${change.type} ${change.path}`);
  assert.deepEqual(changed, []);
});
