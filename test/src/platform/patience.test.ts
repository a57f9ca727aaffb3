import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveStoreUnavailable } from '../../../src/platform/live/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import { whenThere } from '../../../src/platform/patience.ts';

const log = createLog('silent');

function failing(error: Error, times: number) {
  let tries = 0;
  return { attempt: async () => (tries++ < times ? Promise.reject(error) : 'there'), tries: () => tries };
}

test('what passes is waited for', async () => {
  const { attempt } = failing(new LiveStoreUnavailable('refused'), 2);
  assert.equal(await whenThere('Redis', { ms: 60_000, log }, attempt), 'there');
});

test('what does not pass is not, and nothing is for longer than the bound', async () => {
  const wrong = failing(new Error('wrong password'), 1);
  await assert.rejects(whenThere('Redis', { ms: 60_000, log }, wrong.attempt), /wrong password/);
  const away = failing(new LiveStoreUnavailable('refused'), Number.POSITIVE_INFINITY);
  await assert.rejects(whenThere('Redis', { ms: 0, log }, away.attempt), /refused/);
  assert.equal(away.tries(), 1);
  await assert.rejects(whenThere('Redis', { ms: 100, log }, away.attempt), /refused/);
  assert.ok(away.tries() > 2);
});
