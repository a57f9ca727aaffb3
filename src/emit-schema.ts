/** Writes the API's schema to schema/schema.graphql, which is committed and never edited by hand. */
import { writeFile } from 'node:fs/promises';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildTickgraphSchema } from '../resolvers/index.ts';

const text = printSchema(lexicographicSortSchema(buildTickgraphSchema()));
await writeFile(new URL('../schema/schema.graphql', import.meta.url), `${text}\n`);
