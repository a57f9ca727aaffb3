import assert from 'node:assert/strict';
import { test } from 'node:test';
import { C2cPaused } from '../../../ingestion/c2c/client.ts';
import { ALL_PIPELINES } from '../../../ingestion/pipelines/index.ts';
import { pauseAfter } from '../../../ingestion/pipelines/pauses.ts';
import { TaskFailed } from '../../../ingestion/task.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const failed = new TaskFailed('the store is away');

/** What all pauses of a pipeline's task come to, ms, by the chance that `random` stands for. */
function borne(name: 'daily_batch_processing' | 'retention', random: () => number): number {
  const { tries, backoff } = ALL_PIPELINES[name];
  let ms = 0;
  for (let attempt = 0; attempt + 1 < tries; attempt++) ms += pauseAfter(failed, attempt, backoff, NOW, random) ?? 0;
  return ms;
}

test('what comes once a day bears an outage of minutes, whatever chance says, and ends within the hour', () => {
  for (const name of ['daily_batch_processing', 'retention'] as const) {
    assert.ok(borne(name, () => 0) >= 7 * MINUTE, `${borne(name, () => 0)} ms`);
    assert.ok(borne(name, () => 0.999) <= 60 * MINUTE);
  }
});

test('pauses grow, keep to the cap and differ', () => {
  const backoff = { baseMs: 1_000, capMs: 8_000 };
  const at = (attempt: number, chance: number) => pauseAfter(failed, attempt, backoff, NOW, () => chance);
  assert.deepEqual(
    [0, 1, 2, 3, 4, 40].map((attempt) => at(attempt, 0)),
    [500, 1_000, 2_000, 4_000, 4_000, 4_000],
  );
  assert.deepEqual([at(0, 0.5), at(1, 0.5), at(9, 0.5)], [750, 1_500, 6_000]);
});

test('who knows when to come back is waited for, and given up where that is too long for this run', () => {
  const backoff = { baseMs: 1_000, capMs: 8_000 };
  const after = (error: Error) => pauseAfter(error, 0, backoff, NOW, () => 0);
  assert.equal(after(new C2cPaused(NOW + 10 * MINUTE)), 10 * MINUTE);
  assert.equal(after(Object.assign(new Error('429'), { retryAfterMs: 5 * MINUTE })), 5 * MINUTE);
  // over already, or sooner than the pause that there is anyway
  assert.equal(after(new C2cPaused(NOW - 1)), 500);
  assert.equal(after(new C2cPaused(NOW + 100)), 500);
  assert.equal(after(new C2cPaused(NOW + 3 * 24 * 60 * MINUTE)), null);
});
