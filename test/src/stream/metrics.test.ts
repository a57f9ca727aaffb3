/** What is measured of each subscription field, against what a few clients live through. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamKey } from '../../../schema/channels.ts';
import { encodeCursor } from '../../../schema/cursor.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { type LiveStore, LiveStoreUnavailable } from '../../../src/platform/live/store.ts';
import { registry } from '../../../src/platform/metrics.ts';
import { TestOutlet } from '../../support/outlet.ts';
import { until } from '../../support/until.ts';
import { coreOn, ID, tick } from './fixture.ts';

/** The figures of one field as they are scraped, by name and the labels besides the field. */
async function figures(field: string): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line.includes(`field="${field}"`));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', labels = '', value] = /^tickgraph_(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
      const others = labels.split(',').filter((label) => !label.startsWith('field='));
      return [[name, ...others].join(' '), Number(value)];
    }),
  );
}
const cursor = (sequence: number, epoch = 'e1'): string =>
  encodeCursor(streamKey('trade', ID), { epoch, sequence: BigInt(sequence) });

test('subscribers, cohorts, executions, encodings, deliveries, bytes, gaps, resumes, queues and the time to the socket', async () => {
  const live = createMemoryLiveStore();
  const { core, follow } = coreOn(live, { MAX_SUBSCRIBER_QUEUE: '2', RESUME_BUFFER_EVENTS: '0' });
  const now = Date.now();
  const late = (n: number) => ({
    ...tick('trade', n),
    payload: JSON.stringify({ n, tradeId: `${n}`, eventTime: now - 400 }),
  });
  const slow = new TestOutlet();
  slow.room = 1;
  const [first, second] = [
    await follow('happenings'),
    await follow('happenings'),
    await follow('happenings', {}, slow),
  ];
  await live.append([1, 2, 3, 4, 5].map(late));
  await until('all to be told', () => [first, second].every(({ outlet }) => outlet.frames.length === 5));
  const seen = await figures('happenings');
  assert.equal(seen.subscribers, 3);
  assert.equal(seen.cohorts, 1);
  // the first event says LIVE to all three; the other four are as they are
  assert.equal(seen.executions_total, 5);
  assert.equal(seen.encodings_total, 5);
  assert.equal(seen.deliveries_total, 5 + 5 + 1);
  const bytes = [first, second].flatMap(({ outlet }) => outlet.frames).reduce((sum, frame) => sum + frame.length, 0);
  assert.equal(seen.delivered_bytes_total, bytes + (slow.frames[0]?.length ?? 0));
  assert.equal(seen.queued_events, 2);
  assert.equal(seen.end_to_end_seconds_count, 5);
  assert.ok((seen.end_to_end_seconds_sum ?? 0) >= 5 * 0.4 && (seen.end_to_end_seconds_sum ?? 0) < 5 * 10);
  assert.equal(seen['gaps_told_total reason="SLOW"'], undefined);
  slow.read(10);
  await until('the slow one to have the rest', () => slow.frames.length === 3);
  const after = await figures('happenings');
  assert.equal(after.queued_events, 0);
  assert.equal(after['gaps_told_total reason="SLOW"'], 1);

  // each way that a resume can end
  await (await follow('happenings', { after: cursor(3) })).next();
  const expired = await follow('happenings', { after: cursor(3, 'other') });
  await assert.rejects(expired.raw());
  const outcomes = await figures('happenings');
  assert.equal(outcomes['resumes_total outcome="resumed"'], 1);
  assert.equal(outcomes['resumes_total outcome="expired"'], 1);

  await core.stop();
  const ended = await figures('happenings');
  assert.deepEqual([ended.subscribers, ended.cohorts, ended.queued_events], [0, 0, 0]);
});

test('a resume that ends in a reset, and one that fails, are counted as such', async () => {
  const live = createMemoryLiveStore();
  await live.append([1, 2, 3].map((n) => tick('ticker', n)));
  const { core, follow } = coreOn(live);
  const old = encodeCursor(streamKey('ticker', ID), { epoch: 'old', sequence: 1n });
  assert.equal((await (await follow('state', { after: old })).next()).start, 'RESET');
  assert.equal((await figures('state'))['resumes_total outcome="reset"'], 1);
  await core.stop();

  const broken = Object.create(live, {
    read: { value: () => Promise.reject(new LiveStoreUnavailable('away')) },
  }) as LiveStore;
  const other = coreOn(broken);
  const known = encodeCursor(streamKey('ticker', ID), { epoch: 'e1', sequence: 1n });
  await assert.rejects((await other.follow('state', { after: known })).raw());
  assert.equal((await figures('state'))['resumes_total outcome="failed"'], 1);
  await other.core.stop();
});
