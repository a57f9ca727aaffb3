import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, validate } from 'graphql';
import { buildTickgraphSchema } from '../../resolvers/index.ts';
import { CHANNELS, type ChannelName } from '../../schema/channels.ts';
import type { BookLevel } from '../../schema/market.ts';
import { SETTINGS } from '../../src/platform/config.ts';
import { bookChecksum } from '../../src/stream/book-view.ts';
import { projectText } from '../support/tree.ts';

const CHANNEL_OF = {
  klineUpdated: 'kline',
  tradeExecuted: 'trade',
  orderBookUpdated: 'orderbook',
  tickerUpdated: 'ticker',
  tickersUpdated: 'ticker',
  rankingUpdated: 'ranking',
  arbitrageSpreadUpdated: 'arbitrage',
  cdcEvent: 'cdc',
  feedStatusUpdated: 'feed',
} as const satisfies Record<string, ChannelName>;

const guide = await projectText('docs/clients.md');

test('every example of the guide fits the schema', () => {
  const schema = buildTickgraphSchema();
  const blocks = [...guide.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, text]) => text as string);
  const inCode = [...guide.matchAll(/query: '([^']+)'/g)].map(([, text]) => text as string);
  const inShell = [...guide.matchAll(/"query":"((?:[^"\\]|\\.)*)"/g)].map(
    ([, text]) => JSON.parse(`"${text}"`) as string,
  );
  assert.ok(blocks.length >= 7 && inCode.length === 1 && inShell.length === 2);
  for (const text of [...blocks, ...inCode, ...inShell]) {
    assert.deepEqual(validate(schema, parse(text)), [], text);
  }
});

const TOLD = `${SETTINGS.RESUME_BUFFER_EVENTS.default} events`;
const duration = (minutes: number): string =>
  minutes > 60 ? `${minutes / 60} hours` : `${minutes} minute${minutes === 1 ? '' : 's'}`;

test('the table of subscriptions is that of the schema and the channels', () => {
  const fields = buildTickgraphSchema().getSubscriptionType()?.getFields() ?? {};
  const expected = Object.entries(CHANNEL_OF).map(([name, channel]) => {
    const { hasSnapshot, retentionMs } = CHANNELS[channel];
    const args = new Map(fields[name]?.args.map((arg) => [arg.name, arg.defaultValue]));
    return [
      name,
      hasSnapshot ? 'the newest state' : 'the next event',
      // only who told a book knows what changed in its best levels
      args.has('after') ? (channel === 'orderbook' ? TOLD : duration(retentionMs / 60_000)) : '',
      args.has('onSlow') ? `\`${args.get('onSlow')}\`` : '',
      args.has('throttleMs') ? String(args.get('throttleMs')) : '',
    ];
  });
  const rows = [...guide.matchAll(/^\| `(\w+)` \| (the .+?) \| ?(.*?) \| ?(.*?) \| ?(.*?) ?\|$/gm)].map((row) =>
    row.slice(1).map((cell) => cell.trim()),
  );
  assert.deepEqual(rows.sort(), expected.sort());
  assert.deepEqual(Object.keys(CHANNEL_OF).sort(), Object.keys(fields).sort());
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
