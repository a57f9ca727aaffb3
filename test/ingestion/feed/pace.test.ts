import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPace } from '../../../ingestion/feed/pace.ts';

const STALE = 15_000;

test('a connection that was busy and falls silent has stalled', () => {
  const pace = createPace(STALE);
  for (let at = 0; at <= 60_000; at += 100) pace.heard(at);
  assert.equal(pace.isOdd(60_000 + STALE - 1), false);
  assert.equal(pace.isOdd(60_000 + STALE + 1), true);
});

test('a connection of markets that trade now and then may be silent for hours', () => {
  const pace = createPace(STALE);
  for (const at of [0, 10, 20, 9_000, 9_010, 40_000, 41_000, 42_000]) pace.heard(at);
  assert.equal(pace.isOdd(42_000 + 3_600_000), false);
});

test('the burst that a subscription begins with is no pace', () => {
  const pace = createPace(STALE);
  for (let at = 0; at < 2_000; at += 10) pace.heard(at);
  assert.equal(pace.isOdd(60_000), false);
});

test('after a pause it must have been busy again for long before its silence counts', () => {
  const pace = createPace(STALE);
  for (let at = 0; at <= 60_000; at += 100) pace.heard(at);
  for (let at = 64_000; at <= 70_000; at += 100) pace.heard(at);
  assert.equal(pace.isOdd(70_000 + STALE + 1), false);
});
