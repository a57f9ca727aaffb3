import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BookEvent, TradeEvent } from '../../schema/market.ts';
import { RecentValues } from '../../schema/recent-values.ts';
import { BadMessage, TOPICS } from '../../schema/topics.ts';

const T0 = Date.UTC(2026, 0, 1);
const trade = (id: number): TradeEvent => ({
  ...{ exchange: 'BINANCE', symbol: 'BTC-USDT', eventTime: T0 + id, receivedAt: T0 + id, tradeId: String(id) },
  ...{ price: '58001.03', quantity: '0.1', side: 'SELL' },
});
const book = (sequence: number, levels: number): BookEvent => ({
  ...{ exchange: 'BINANCE', symbol: 'BTC-USDT', eventTime: T0, receivedAt: T0, type: 'snapshot' },
  bids: Array.from({ length: levels }, (_, i) => [String(58_000 - i), '1']),
  ...{ asks: [], sequence: String(sequence), previousSequence: null, integrity: 'SEQUENCED' },
});

test('every reader of a value gets what was written, whoever wrote it', () => {
  for (const payload of [trade(1), { ...trade(2), gap: true }, { ...trade(3), more: 1 } as TradeEvent]) {
    const value = TOPICS.trades.encode(payload);
    const { more: _, ...wanted } = payload as TradeEvent & { more?: number };
    assert.deepEqual(TOPICS.trades.parse(value), wanted);
    assert.deepEqual(TOPICS.trades.parse(Buffer.from(value)), wanted);
    assert.equal(TOPICS.trades.json(TOPICS.trades.parse(value), value), JSON.stringify(wanted));
  }
});

test('a value is read once, by its bytes', () => {
  const bytes = Buffer.from(JSON.stringify(trade(10)));
  const first = TOPICS.trades.parse(bytes);
  assert.equal(TOPICS.trades.parse(Buffer.from(bytes)), first);
  const other = Buffer.from(JSON.stringify(trade(11)));
  assert.deepEqual(TOPICS.trades.parse(other), trade(11));
});

test('JSON is ours, whatever the spelling that was read', () => {
  const spelled = Buffer.from(JSON.stringify(trade(20), null, 2));
  for (let i = 0; i < 2; i++) {
    const payload = TOPICS.trades.parse(spelled);
    assert.deepEqual(payload, trade(20));
    assert.equal(TOPICS.trades.json(payload, spelled), JSON.stringify(trade(20)));
  }
});

test('what was refused is refused again, also where the writer is here', () => {
  const bad = TOPICS.trades.encode({ ...trade(30), price: 'much' });
  for (let i = 0; i < 2; i++) {
    assert.throws(() => TOPICS.trades.parse(bad), new BadMessage('price: not a decimal'));
  }
  assert.throws(() => TOPICS.trades.parse(null), new BadMessage('value: null'));
  assert.throws(() => TOPICS.trades.parse(Buffer.from('{')), new BadMessage('value: not JSON'));
});

test('whole books among changes: no text stands for another', () => {
  for (let n = 0; n < 20_000; n++) {
    const event = book(n, n % 500 === 0 ? 400 : 2);
    const value = TOPICS.orderbook.encode(event);
    assert.equal(TOPICS.orderbook.parse(value).sequence, String(n));
  }
});

test('of texts that fall on one place the newest is known', () => {
  const recent = new RecentValues<number>();
  const texts = Array.from({ length: 50_000 }, (_, i) => `{"n":${i}}`);
  for (const [payload, text] of texts.entries()) recent.keep({ text, payload, isOurs: true, isPlain: true });
  let known = 0;
  for (const [payload, text] of texts.entries()) {
    const found = recent.find(text);
    if (!found) continue;
    known++;
    assert.equal(found.payload, payload);
  }
  assert.ok(known > 4_000 && known <= 8_192, `${known} are known`);
  assert.equal(recent.find(texts.at(-1) as string)?.payload, 49_999);
});
