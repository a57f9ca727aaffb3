/** What time it is at an exchange, also while nothing happens there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExchangeClock } from '../../../ingestion/feed/exchange-clock.ts';

const MINUTE = 60_000;
const waitMs = (ms: number) => new Promise((done) => setTimeout(done, ms));

test('time goes on by what passes here, never ahead of it, and not after the end of a recording', async () => {
  const now = 1_790_000_000_000;
  const clock = createExchangeClock(() => now);
  assert.deepEqual([clock.now(), clock.time()], [null, null]);
  // their clock is behind ours, and stays so
  clock.note(now - 2 * MINUTE);
  const from = performance.now();
  await waitMs(30);
  assert.equal(clock.now(), now - 2 * MINUTE);
  const passed = (clock.time() ?? 0) - (now - 2 * MINUTE);
  assert.ok(passed >= 29 && passed <= performance.now() - from + 2, String(passed));

  const recorded = createExchangeClock(() => now);
  recorded.note(now - 400 * 86_400_000);
  await waitMs(30);
  assert.equal(recorded.time(), recorded.now());
});
