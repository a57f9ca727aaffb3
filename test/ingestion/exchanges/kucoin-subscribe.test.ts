import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kucoin } from '../../../ingestion/exchanges/kucoin.ts';

interface Message {
  id: number;
  topic: string;
}

/** Plays an exchange that knows all but `gone`: what it subscribes, and what is given up. */
function play(symbols: readonly string[], gone: ReadonlySet<string>) {
  const plan = kucoin.connect(
    { url: 'ws://x' },
    symbols.map((symbol) => kucoin.assume(symbol)),
  );
  const queue = plan.messages.map((text) => JSON.parse(text) as Message);
  const subscribed = new Set<string>();
  const without = new Set<string>();
  let sent = 0;
  for (let message = queue.shift(); message; message = queue.shift()) {
    sent++;
    const [topic, list = ''] = message.topic.split(':') as [string, string];
    const names = list.split(',');
    if (names.every((name) => !gone.has(name.replace('_1min', '')))) {
      for (const name of names) subscribed.add(`${topic}:${name}`);
      continue;
    }
    const less = plan.narrow?.(String(message.id)) ?? assert.fail('no way on');
    queue.push(...less.messages.map((text) => JSON.parse(text) as Message));
    for (const symbol of less.without) without.add(symbol);
  }
  return { plan, subscribed, without: [...without], sent };
}

const SYMBOLS = Array.from({ length: 75 }, (_, i) => `C${i}-USDT`);

test('markets that are gone are found by halving, and all the others subscribed', () => {
  const { subscribed, without, sent } = play(SYMBOLS, new Set(['C17-USDT']));
  assert.deepEqual(without, ['C17-USDT']);
  assert.equal(subscribed.size, 4 * 74);
  // the exchange takes a hundred in ten seconds, and five a second are sent
  assert.ok(sent <= 4 * 15, `${sent} messages`);
});

test('all of them gone leaves nothing, and ends', () => {
  const { subscribed, without } = play(SYMBOLS.slice(0, 5), new Set(SYMBOLS));
  assert.equal(subscribed.size, 0);
  assert.deepEqual(without.sort(), SYMBOLS.slice(0, 5).sort());
});

test('a refusal of what was not asked, or for another reason than an unknown topic, ends the connection', () => {
  assert.equal(play(SYMBOLS, new Set()).plan.narrow?.('99'), null);
  const context = { receivedAt: 0, market: () => undefined };
  const said = (code: number) =>
    kucoin.normalize(Buffer.from(`{"id":"1","type":"error","code":${code},"data":"no"}`), context).control;
  assert.deepEqual(said(404), { kind: 'refused', reason: '404 no', id: '1' });
  assert.deepEqual(said(509), { kind: 'refused', reason: '509 no' });
});
