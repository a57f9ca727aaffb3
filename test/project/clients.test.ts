import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, validate } from 'graphql';
import { buildTickgraphSchema } from '../../resolvers/index.ts';
import type { BookLevel } from '../../schema/market.ts';
import { bookChecksum } from '../../src/stream/book-view.ts';
import { projectText } from '../support/tree.ts';

const guide = await projectText('docs/clients.md');

test('every example of the guide fits the schema', () => {
  const schema = buildTickgraphSchema();
  const blocks = [...guide.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, text]) => text as string);
  const inCode = [...guide.matchAll(/query: '([^']+)'/g)].map(([, text]) => text as string);
  const inShell = [...guide.matchAll(/"query":"((?:[^"\\]|\\.)*)"/g)].map(
    ([, text]) => JSON.parse(`"${text}"`) as string,
  );
  assert.ok(blocks.length >= 7 && inCode.length === 1 && inShell.length === 1);
  for (const text of [...blocks, ...inCode, ...inShell]) {
    assert.deepEqual(validate(schema, parse(text)), [], text);
  }
});

test('the checksums of the guide are right', () => {
  const rows = [...guide.matchAll(/\| `([^`]*)\\\|([^`]*)` \| `([0-9]+)` \|/g)];
  assert.equal(rows.length, 3);
  const side = (text: string): BookLevel[] =>
    text
      .split(',')
      .filter(Boolean)
      .map((l) => l.split(':') as BookLevel);
  for (const [, bids, asks, checksum] of rows) {
    assert.equal(bookChecksum(side(bids as string), side(asks as string)), checksum);
  }
});
