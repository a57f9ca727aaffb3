import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rememberedCharacters } from '../../schema/json-values.ts';
import { RecentValues } from '../../schema/recent-values.ts';
import { TOPICS } from '../../schema/topics.ts';

/** Two generations of 2 Mi characters. */
const BOUND = 2 * 2_097_152;

/** The characters of the texts that are found of those given. */
function found(recent: RecentValues<number>, texts: Iterable<string>): number {
  let length = 0;
  for (const text of new Set(texts)) if (recent.find(text)) length += text.length;
  return length;
}

test('what is kept is never above its bound, whatever the texts', () => {
  const size = fc.oneof(
    { weight: 6, arbitrary: fc.nat(3_000) },
    { weight: 3, arbitrary: fc.nat(200_000) },
    { weight: 1, arbitrary: fc.integer({ min: 1_000_000, max: 2_300_000 }) },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), size), { maxLength: 120 }), (wanted) => {
      const recent = new RecentValues<number>();
      const texts: string[] = [];
      for (const [payload, [start, length]] of wanted.entries()) {
        const text = `${start}`.padEnd(length, 'x');
        texts.push(text);
        recent.keep({ text, payload, isOurs: true, isPlain: true });
        assert.ok(recent.length <= BOUND, `${recent.length} characters`);
        // one that would be all there is room for is not kept
        assert.equal(recent.find(text)?.payload, text.length > BOUND / 2 ? undefined : payload);
      }
      assert.ok(found(recent, texts) <= recent.length);
    }),
    { numRuns: 60 },
  );
});

test('a million small texts stay within the bound, and the newest are known', () => {
  const recent = new RecentValues<number>();
  let most = 0;
  for (let n = 0; n < 1_000_000; n++) {
    recent.keep({
      text: `{"a price that is said":"58001.03","sequence":${n}}`,
      payload: n,
      isOurs: true,
      isPlain: true,
    });
    most = Math.max(most, recent.length);
  }
  assert.ok(most <= BOUND && most > 200_000, `${most} characters`);
  assert.equal(recent.find('{"a price that is said":"58001.03","sequence":999999}')?.payload, 999_999);
  assert.equal(recent.find('{"a price that is said":"58001.03","sequence":1}'), undefined);
});

test('what all topics remember is told', () => {
  const before = rememberedCharacters();
  const T0 = Date.UTC(2026, 0, 1);
  const value = TOPICS.trades.encode({
    ...{ exchange: 'BINANCE', symbol: 'BTC-USDT', eventTime: T0, receivedAt: T0, tradeId: '1' },
    ...{ price: '58001.03', quantity: '0.1', side: 'SELL' },
  });
  assert.equal(rememberedCharacters(), before + value.length);
});
