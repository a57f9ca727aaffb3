/** A client written from the guide alone has a right book at every event, whatever it asks for and whatever breaks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBooks } from './book-run.ts';

test('a copy of a book is right at every event: every depth, policy and rate, with losses, cuts and resumes', {
  timeout: 55_000,
}, async () => {
  const seen = await copyBooks({ updates: 16_000, seed: 7, perTurn: 40, throttles: [0, 50, 100] });
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `${what}: ${JSON.stringify(seen)}`);
});
