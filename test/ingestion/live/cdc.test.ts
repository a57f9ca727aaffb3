import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { readEnvelope } from '../../../ingestion/cdc/envelope.ts';
import { live as liveWorker } from '../../../ingestion/workers/live.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import type { CdcChange } from '../../../schema/cdc.ts';
import { CHANNELS, streamKey } from '../../../schema/channels.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import type { LiveAppend } from '../../../src/platform/live/store.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import { created, deleted, envelope, type Given, message, order, send, TABLE, updated } from '../cdc/envelopes.ts';
import { drained, memoryPlatform } from '../workers/worker-platform.ts';

const STREAM = streamKey('cdc', TABLE);

describe('changes on the live stream', () => {
  let platform: Platform;
  let running: Running;
  beforeEach(async () => {
    platform = await memoryPlatform();
    running = await runWorker(liveWorker, platform, assert.fail);
  });
  afterEach(async () => {
    await running.stop();
    await platform.broker.close();
  });

  /** What the stream has after these; `missing` names the changes before which one could not be read. */
  async function told(messages: readonly Given[], missing: readonly number[] = []): Promise<CdcChange[]> {
    await send(platform.broker, [...messages]);
    await drained(platform.broker, 'live', [TOPICS.cdc.name]);
    const entries = await platform.live.read(STREAM, 0n, 10_000);
    assert.deepEqual(
      entries.map(({ sequence, gap }) => [sequence, gap]),
      entries.map((_, i) => [BigInt(i + 1), missing.includes(i + 1) ? '{"missed":null,"reason":"FEED_GAP"}' : null]),
    );
    return entries.map(({ payload }) => JSON.parse(payload) as CdcChange);
  }

  test('each change once, with its rows; what tells none leaves no trace, what can not be read is said to be missing', async () => {
    const all = [
      created('1', { lsn: 1 }),
      message({ ts_ms: Date.now() }, { serverName: 'cdc' }),
      updated('1', {}, { amount: '7' }, { lsn: 2 }),
      message('{"op"', null),
      deleted('1', { lsn: 3 }),
      message(null, { order_number: '1' }),
      message(envelope('t', null, null, { lsn: 4 })),
    ];
    const first = await told(all, [3]);
    assert.deepEqual(
      first.map(({ op, lsn }) => [op, lsn]),
      [
        ['CREATE', '1'],
        ['UPDATE', '2'],
        ['DELETE', '3'],
        ['TRUNCATE', '4'],
      ],
    );
    assert.deepEqual(
      [first[1]?.before?.amount, first[1]?.after?.amount, first[1]?.changed],
      ['100.5', '7', ['amount']],
    );
    assert.deepEqual(await told([...all, ...all.slice(2)], [3]), first);
  });

  test('rows that share an LSN, and snapshots that have one or none, all get through', async () => {
    const statement = Array.from({ length: 50 }, (_, i) => created(String(i), { lsn: 7 }));
    const initial = Array.from({ length: 50 }, (_, i) =>
      message(envelope('r', null, order(String(i)), { snapshot: 'true', lsn: 5 })),
    );
    const incremental = Array.from({ length: 50 }, (_, i) =>
      message(envelope('r', null, order(String(i)), { snapshot: 'incremental', lsn: null, txId: null })),
    );
    // transactions that overlapped: the later one began earlier
    const overlapped = [created('a', { lsn: 90, txId: 2 }), created('b', { lsn: 80, txId: 1 })];
    assert.equal((await told([...statement, ...initial, ...incremental, ...overlapped])).length, 152);
  });

  test('a large value that was not sent is left out and named', async () => {
    const [change] = await told([
      message(envelope('u', null, order('1', { pay_method_name: '__debezium_unavailable_value' }))),
    ]);
    assert.deepEqual(
      [change?.unchanged, change?.after && 'pay_method_name' in change.after],
      [['pay_method_name'], false],
    );
  });
});

test('a transaction of 100,000 rows delivered again after all of it was told repeats nothing', async () => {
  const live = createMemoryLiveStore();
  const { version, maxLength, retentionMs } = CHANNELS.cdc;
  assert.ok(version.kind === 'recent');
  const sample = readEnvelope(created('1')) ?? assert.fail();
  const append = (n: number, offset: number): LiveAppend => ({
    ...{
      stream: STREAM,
      epoch: 'e',
      offset: BigInt(offset),
      payload: '{}',
      time: 0,
      retentionMs,
      maxLength,
      writes: [],
    },
    version: { kind: 'recent', id: version.id({ ...sample, id: `change-${n}` }), keep: version.keep },
  });
  const rows = Array.from({ length: 100_000 }, (_, i) => i);
  await live.append(rows.map((n) => append(n, n)));
  // those of others in between
  await live.append(rows.slice(0, 50_000).map((n) => append(1_000_000 + n, 100_000 + n)));
  const again = await live.append(rows.map((n) => append(n, 200_000 + n)));
  assert.ok(again.every(({ sequence }) => sequence === null));
  await live.close();
});
