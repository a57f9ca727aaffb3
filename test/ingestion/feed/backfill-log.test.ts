import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackfillLog } from '../../../ingestion/feed/backfill-log.ts';
import type { Log } from '../../../src/platform/log.ts';
import { MINUTE, minute, START } from '../workers/market-events.ts';

function backfill() {
  const lines: string[] = [];
  const clock = { now: START + 24 * 60 * MINUTE };
  const info = ({ done, total, markets, of }: Record<string, number>, text: string) =>
    lines.push(`${text}: ${done}/${total}, ${markets}/${of}`);
  return { lines, clock, log: createBackfillLog({ info } as unknown as Log, () => clock.now) };
}

test('a day of two markets: a line every five seconds, and one at the end', () => {
  const { lines, clock, log } = backfill();
  const markets = ['BTC-USDT', 'ETH-USDT'].map((symbol) => ({ exchange: 'BINANCE', symbol }) as const);
  for (const market of markets) log.begin(market, START);
  for (const market of markets) {
    for (let i = 0; i < 24 * 60; i++) {
      clock.now += 2;
      log.note(minute(START + i * MINUTE, market));
    }
  }
  assert.equal(lines[0], 'filling in candles: 1/2874, 0/2');
  assert.equal(lines.at(-1), 'candles are filled in: 2874/2874, 2/2');
  assert.equal(lines.length, 3, lines.join('\n'));
});

test('what is followed live says nothing, a hole of an hour does', () => {
  const { lines, clock, log } = backfill();
  for (let i = 0; i < 20; i++) log.note(minute(clock.now - MINUTE + i, { isClosed: i % 2 === 0 }));
  assert.deepEqual(lines, []);
  const from = clock.now - 60 * MINUTE;
  for (let at = from; at < clock.now; at += MINUTE) log.note(minute(at));
  assert.deepEqual(lines, ['filling in candles: 1/57, 0/1', 'candles are filled in: 57/57, 1/1']);
});

test('a market that is given up holds up nobody', () => {
  const { lines, clock, log } = backfill();
  log.begin({ exchange: 'BINANCE', symbol: 'ETH-USDT' }, START);
  log.forget({ exchange: 'BINANCE', symbol: 'ETH-USDT' });
  for (let at = clock.now - 20 * MINUTE; at < clock.now; at += MINUTE) log.note(minute(at));
  assert.equal(lines.at(-1), 'candles are filled in: 17/17, 1/1');
});
