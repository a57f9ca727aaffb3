/** Changes as clients see them: pages, the live stream, what each role may see, and the way from one to the other. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { readEnvelope } from '../../ingestion/cdc/envelope.ts';
import { addRecords } from '../../ingestion/cdc/records.ts';
import type { CdcChange, CdcOperation } from '../../schema/cdc.ts';
import { CHANNELS, streamKey } from '../../schema/channels.ts';
import type { Caller } from '../../src/platform/access.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import { type LiveAppend, LiveStoreUnavailable } from '../../src/platform/live/store.ts';
import {
  C2cWindowsDocument,
  CdcEventDocument,
  type CdcEventSubscription,
  CdcRecordsDocument,
  type CdcRecordsQuery,
} from '../generated/graphql.ts';
import {
  CANARY,
  created,
  deleted,
  envelope,
  type Given,
  MINUTE,
  message,
  order,
  T,
  TABLE,
  updated,
} from '../ingestion/cdc/envelopes.ts';
import { TestOutlet } from '../support/outlet.ts';
import { createWorld, openWorld, type World } from './world.ts';

const STREAM = streamKey('cdc', TABLE);
const MERCHANT: Caller = { role: 'merchant', local: false };
const ADMIN: Caller = { role: 'admin', local: false };
const READER: Caller = { role: 'reader', local: false };

const changeOf = (given: Given): CdcChange => readEnvelope(given) ?? assert.fail('tells nothing');
/** The n-th order that is made. */
const numbered = (n: number): CdcChange => changeOf(created(String(n), { lsn: n }));

let offset = 0n;
function append(change: CdcChange): LiveAppend {
  offset += 1n;
  const { version, retentionMs, maxLength } = CHANNELS.cdc;
  assert.equal(version.kind, 'recent');
  return {
    ...{
      stream: STREAM,
      epoch: 'e',
      offset,
      payload: JSON.stringify(change),
      time: Date.now(),
      retentionMs,
      maxLength,
      writes: [],
    },
    version: { kind: 'recent', id: version.id(change), keep: version.keep },
  };
}

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.stop());
beforeEach(async () => {
  await world.postgres.query('TRUNCATE silver.cdc_record, gold.c2c_window RESTART IDENTITY');
});

const store = (...changes: CdcChange[]) => addRecords(world.postgres, changes);
const page = (first: number, more: { op?: CdcOperation[]; after?: string | null } = {}) => ({
  table: TABLE,
  first,
  ...more,
});
const lsns = (connection: CdcRecordsQuery['cdcRecords']): number[] => connection.nodes.map(({ lsn }) => Number(lsn));

describe('pages', () => {
  test('newest first, and right while rows arrive', async () => {
    await store(...Array.from({ length: 10 }, (_, i) => numbered(i + 1)));
    const seen: number[] = [];
    let after: string | null = null;
    let next = 11;
    do {
      const { cdcRecords }: CdcRecordsQuery = await world.data(CdcRecordsDocument, page(3, { after }));
      seen.push(...lsns(cdcRecords));
      after = cdcRecords.pageInfo.hasNextPage ? (cdcRecords.pageInfo.endCursor ?? null) : null;
      await store(numbered(next++));
      // not the ones that the stream is waited for with
      if (seen.length === 0)
        await world.postgres.query(`UPDATE silver.cdc_record SET received_at = now() - interval '1 minute'`);
    } while (after !== null || seen.length === 0);
    assert.deepEqual(seen.slice(-9), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1].slice(1));
    assert.equal(new Set(seen).size, seen.length);
  });

  test('a record as it was captured, and only of the operations asked for', async () => {
    await store(
      changeOf(created('1', { lsn: 1 })),
      changeOf(updated('1', {}, { order_status: 'COMPLETED' }, { lsn: 2 })),
      changeOf(deleted('1', { lsn: 3 })),
      changeOf(message(envelope('t', null, null, { lsn: 4 }))),
      changeOf(message(envelope('r', null, order('2'), { lsn: null, txId: null, snapshot: 'incremental' }))),
    );
    await world.postgres.query(`UPDATE silver.cdc_record SET received_at = now() - interval '1 minute'`);
    const { cdcRecords } = await world.data(CdcRecordsDocument, page(10));
    assert.deepEqual(
      cdcRecords.nodes.map(({ op, lsn }) => [op, lsn]),
      [
        ['READ', null],
        ['TRUNCATE', '4'],
        ['DELETE', '3'],
        ['UPDATE', '2'],
        ['CREATE', '1'],
      ],
    );
    const update = cdcRecords.nodes[3];
    assert.deepEqual(
      [update?.changed, update?.key, update?.txId, update?.sourceTime],
      [['order_status'], { order_number: '1' }, '700', new Date(T).toISOString()],
    );
    assert.equal(update?.after?.total_price, '2612500');
    assert.deepEqual([cdcRecords.nodes[1]?.key, cdcRecords.nodes[1]?.after], [null, null]);
    const some = await world.data(CdcRecordsDocument, page(10, { op: ['TRUNCATE', 'CREATE'] }));
    assert.deepEqual(
      some.cdcRecords.nodes.map(({ op }) => op),
      ['TRUNCATE', 'CREATE'],
    );
  });

  test('bad arguments are named', async () => {
    const refusal = async (variables: object): Promise<unknown[]> => {
      const { code, argument } = await world.refusal(CdcRecordsDocument, { ...page(10), ...variables } as never);
      return [code, argument];
    };
    assert.deepEqual(await refusal({ table: 'public.nothing' }), ['BAD_USER_INPUT', 'table']);
    assert.deepEqual(await refusal({ op: [] }), ['BAD_USER_INPUT', 'op']);
    assert.deepEqual(await refusal({ first: 1_001 }), ['BAD_USER_INPUT', 'first']);
    const { cdcRecords } = await world.data(CdcRecordsDocument, page(10, { op: ['CREATE'] }));
    assert.equal(cdcRecords.pageInfo.endCursor, null);
    assert.deepEqual(await refusal({ after: 'x' }), ['BAD_USER_INPUT', 'after']);
    await assert.rejects(
      world.follow(CdcEventDocument, { table: 'public.nothing' } as never),
      /table: must be a captured table/,
    );
    await assert.rejects(world.follow(CdcEventDocument, { table: TABLE, op: [] } as never), /op: must name/);
  });
});

test('windows: newest first, of the range and currency', async () => {
  await world.postgres.query(
    `INSERT INTO gold.c2c_window SELECT $1::timestamptz + n * interval '1 minute', fiat, 'BUY', n, n * 1.10, 1, 0.5, 3
     FROM generate_series(0, 2) n, unnest(ARRAY['VND', 'KRW']) fiat`,
    [new Date(T)],
  );
  const all = await world.data(C2cWindowsDocument, {});
  assert.deepEqual(
    all.c2cWindows.map(({ fiat, orders }) => [fiat, orders]),
    [
      ['KRW', 2],
      ['VND', 2],
      ['KRW', 1],
      ['VND', 1],
      ['KRW', 0],
      ['VND', 0],
    ],
  );
  const at = (n: number): string => new Date(T + n * MINUTE).toISOString();
  const some = await world.data(C2cWindowsDocument, { from: at(1), to: at(2), fiat: 'VND' });
  assert.deepEqual(some.c2cWindows, [
    {
      ...{ start: at(1), end: at(2), fiat: 'VND', tradeType: 'BUY', orders: 1, totalPrice: '1.1' },
      ...{ completed: 1, completedTotalPrice: '0.5', revision: 3 },
    },
  ]);
  assert.equal((await world.refusal(C2cWindowsDocument, { from: at(2), to: at(1) })).argument, 'from');
  assert.equal((await world.refusal(C2cWindowsDocument, { fiat: 'dong' })).argument, 'fiat');
});

describe('live', () => {
  /** A stream of its own: one that nobody wrote to. */
  const apart = () => createWorld(world.postgres, { MAX_SUBSCRIBER_QUEUE: '10' }, createMemoryLiveStore());

  test('only the operations asked for, and on from a cursor with nothing missed', async () => {
    const { live, follow, stop } = apart();
    const some = await follow(CdcEventDocument, { table: TABLE, op: ['UPDATE', 'TRUNCATE'] } as never);
    const all = await follow(CdcEventDocument, { table: TABLE } as never);
    await live.append(
      [
        numbered(1),
        changeOf(updated('1', {}, { amount: '1' }, { lsn: 2 })),
        changeOf(deleted('1', { lsn: 3 })),
        changeOf(message(envelope('t', null, null, { lsn: 4 }))),
        changeOf(updated('2', {}, { amount: '1' }, { lsn: 5 })),
      ].map(append),
    );
    const wanted = [await some.next(), await some.next()].map(({ cdcEvent }) => [
      cdcEvent.record.lsn,
      cdcEvent.sequence,
      cdcEvent.gap,
    ]);
    assert.deepEqual(wanted, [
      ['2', '2', null],
      ['4', '4', null],
    ]);
    const first = await all.next();
    const cursor = first.cdcEvent.cursor;
    await all.stop();
    const again = await follow(CdcEventDocument, { table: TABLE, after: cursor } as never);
    const rest = [await again.next(), await again.next(), await again.next(), await again.next()].map(
      ({ cdcEvent }) => cdcEvent,
    );
    assert.deepEqual(
      rest.map(({ record, start, gap }) => [record.lsn, start, gap]),
      [
        ['2', 'RESUMED', null],
        ['3', null, null],
        ['4', null, null],
        ['5', null, null],
      ],
    );
    const filtered = await follow(CdcEventDocument, { table: TABLE, after: cursor, op: ['DELETE'] } as never);
    assert.equal((await filtered.next()).cdcEvent.record.lsn, '3');
    await stop();
  });

  test('who reads too slowly is cut off with its last cursor, and goes on from there', async () => {
    const { live, follow, stop } = apart();
    const outlet = new TestOutlet();
    outlet.room = 3;
    const slow = await follow(CdcEventDocument, { table: TABLE } as never, outlet);
    for (let i = 1; i <= 40; i++) await live.append([append(numbered(i))]);
    const got = [await slow.next(), await slow.next(), await slow.next()].map(({ cdcEvent }) =>
      Number(cdcEvent.record.lsn),
    );
    assert.deepEqual(got, [1, 2, 3]);
    const error = await slow.raw().then(
      () => assert.fail('went on'),
      (one: { extensions: Record<string, unknown> }) => one.extensions,
    );
    assert.equal(error.code, 'SLOW_CONSUMER');
    const back = await follow(CdcEventDocument, { table: TABLE, after: error.cursor } as never);
    const rest = [];
    for (let i = 4; i <= 40; i++) rest.push(Number((await back.next()).cdcEvent.record.lsn));
    assert.deepEqual(
      rest,
      Array.from({ length: 37 }, (_, i) => i + 4),
    );
    await stop();
  });

  test('a cursor is good for 24 hours, and as long as the stream has what follows it', async () => {
    const { live, follow, stop } = apart();
    const ago = (hours: number, change: CdcChange): LiveAppend => ({
      ...append(change),
      time: Date.now() - hours * 60 * MINUTE,
    });
    const watching = await follow(CdcEventDocument, { table: TABLE } as never);
    const cursors: string[] = [];
    for (const [i, hours] of [25, 24.5, 23.9, 12].entries()) {
      await live.append([ago(hours, numbered(i + 1))]);
      cursors.push((await watching.next()).cdcEvent.cursor);
    }
    await live.append([append(numbered(5))]);
    const follows = async (cursor: string | undefined): Promise<unknown> => {
      // memory of its own: what the store has decides
      const other = createWorld(world.postgres, {}, live);
      const stream = await other.follow(CdcEventDocument, { table: TABLE, after: cursor } as never);
      const { value } = await stream
        .raw()
        .catch((error: { extensions: { code: string } }) => ({ value: error.extensions.code }));
      await other.core.stop();
      return typeof value === 'string' ? value : (value?.data as CdcEventSubscription | undefined)?.cdcEvent.record.lsn;
    };
    assert.deepEqual(await Promise.all(cursors.map(follows)), ['CURSOR_EXPIRED', '3', '4', '5']);
    await stop();
  });

  test('a cursor whose events are gone is refused, and never half a replay', async () => {
    const { live, follow, stop } = apart();
    await live.append([numbered(1), numbered(2), numbered(3)].map(append));
    const one = await follow(CdcEventDocument, { table: TABLE } as never);
    await live.append([append(numbered(4))]);
    const { cursor } = (await one.next()).cdcEvent;
    await one.stop();
    await live.append([append(numbered(5))]);
    await live.trim(STREAM, Date.now() + 1_000);
    await live.append([append(numbered(6))]);
    const gone = await follow(CdcEventDocument, { table: TABLE, after: cursor } as never);
    await assert.rejects(
      gone.raw(),
      ({ extensions }: { extensions: { code: string } }) => extensions.code === 'CURSOR_EXPIRED',
    );
    await stop();
  });
});

describe('names of counterparties', () => {
  test('readers see the first letter, merchants and admins the name; in pages and live, before and after', async () => {
    const { live, follow, ask, stop } = createWorld(world.postgres, {}, createMemoryLiveStore());
    const change = changeOf(
      updated('1', { counter_part_nick_name: `${CANARY}1` }, { counter_part_nick_name: `${CANARY}2` }),
    );
    await store(change);
    await world.postgres.query(`UPDATE silver.cdc_record SET received_at = now() - interval '1 minute'`);
    const shown: [Caller, string, string][] = [
      [READER, 'Z***', 'Z***'],
      [MERCHANT, `${CANARY}1`, `${CANARY}2`],
      [ADMIN, `${CANARY}1`, `${CANARY}2`],
    ];
    for (const [caller, before, after] of shown) {
      const { data } = await ask(CdcRecordsDocument, page(10) as never, caller);
      const [record] = data?.cdcRecords.nodes ?? [];
      assert.deepEqual(
        [record?.before?.counter_part_nick_name, record?.after?.counter_part_nick_name],
        [before, after],
        caller.role,
      );
      if (caller === READER) assert.ok(!JSON.stringify(data).includes('Canary'));
    }
    // the same question of three roles: each hears its own, in whatever order they ask
    const followed: { next(): Promise<CdcEventSubscription> }[] = [];
    for (const [caller] of shown)
      followed.push(await follow(CdcEventDocument, { table: TABLE } as never, undefined, caller));
    await live.append([append(change)]);
    for (const [i, [caller, before, after]] of shown.entries()) {
      const { cdcEvent }: CdcEventSubscription = (await followed[i]?.next()) ?? assert.fail('nothing');
      const { record } = cdcEvent;
      assert.deepEqual(
        [record.before?.counter_part_nick_name, record.after?.counter_part_nick_name],
        [before, after],
        caller.role,
      );
      assert.deepEqual(record.changed, ['counter_part_nick_name']);
    }
    await stop();
  });
});

describe('a page hands over to the stream', () => {
  /** What a client has that asks a page of `first` and goes on at its cursor, in order. */
  async function handedOver(
    one: ReturnType<typeof createWorld>,
    first: number,
    count: number,
    op?: CdcOperation[],
  ): Promise<number[]> {
    const { cdcRecords } = await one.data(CdcRecordsDocument, page(first, { op }) as never);
    const stream = await one.follow(CdcEventDocument, { table: TABLE, op, after: cdcRecords.liveCursor } as never);
    const all = lsns(cdcRecords).reverse();
    while (all.length < count) all.push(Number((await stream.next()).cdcEvent.record.lsn));
    await stream.stop();
    return all;
  }
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

  for (const [tableHas, streamHas] of [
    [0, 0],
    [0, 5],
    [5, 0],
    [5, 5],
    [3, 8],
    [8, 3],
    [1, 8],
    [8, 1],
  ] as const) {
    test(`the table has ${tableHas}, the stream ${streamHas}: no hole and no repeat`, async () => {
      const one = createWorld(world.postgres, {}, createMemoryLiveStore());
      await store(...upTo(tableHas).map(numbered));
      await one.live.append(upTo(streamHas).map(numbered).map(append));
      const rest = upTo(10).slice(streamHas).map(numbered);
      const reading = handedOver(one, 100, 10);
      setTimeout(() => void one.live.append(rest.map(append)), 50);
      assert.deepEqual(await reading, upTo(10));
      await one.stop();
    });
  }

  test('with the operations asked for, whichever of the two is behind', async () => {
    const one = createWorld(world.postgres, {}, createMemoryLiveStore());
    const all = upTo(12).map((n) => (n % 3 === 0 ? changeOf(deleted(String(n), { lsn: n })) : numbered(n)));
    await store(...all.slice(0, 4));
    await one.live.append(all.slice(0, 8).map(append));
    const reading = handedOver(one, 100, 4, ['DELETE']);
    setTimeout(() => void one.live.append(all.slice(8).map(append)), 50);
    assert.deepEqual(await reading, [3, 6, 9, 12]);
    await one.stop();
  });

  test('pages go on below what the table does not have yet', async () => {
    const one = createWorld(world.postgres, {}, createMemoryLiveStore());
    await store(...upTo(3).map(numbered));
    await one.live.append(upTo(6).map(numbered).map(append));
    const seen: number[] = [];
    let after: string | null = null;
    for (let i = 0; i < 6; i++) {
      const { cdcRecords }: CdcRecordsQuery = await one.data(CdcRecordsDocument, page(1, { after }) as never);
      seen.push(...lsns(cdcRecords));
      after = cdcRecords.pageInfo.endCursor ?? null;
      if (i === 1) await store(...upTo(6).map(numbered));
    }
    assert.deepEqual(seen, [6, 5, 4, 3, 2, 1]);
    await one.stop();
  });

  test('a page after a change that is no longer kept is refused, and does not begin anew', async () => {
    const one = createWorld(world.postgres, {}, createMemoryLiveStore());
    await store(...upTo(5).map(numbered));
    await world.postgres.query(`UPDATE silver.cdc_record SET received_at = now() - interval '1 minute'`);
    const { cdcRecords } = await one.data(CdcRecordsDocument, page(2) as never);
    const after = cdcRecords.pageInfo.endCursor ?? null;
    await world.postgres.query('DELETE FROM silver.cdc_record WHERE lsn = 4');
    const { code, argument } = await one.refusal(CdcRecordsDocument, page(2, { after }) as never);
    assert.deepEqual([code, argument], ['BAD_USER_INPUT', 'after']);
    // while the stream can't be asked it may be there
    const away = createWorld(world.postgres, {}, createMemoryLiveStore());
    away.liveFailing.error = new LiveStoreUnavailable('away');
    assert.equal((await away.refusal(CdcRecordsDocument, page(2, { after }) as never)).code, 'STORE_UNAVAILABLE');
    await one.stop();
    await away.stop();
  });

  test('where table and stream do not meet, rather a repeat than a hole', async () => {
    const one = createWorld(world.postgres, {}, createMemoryLiveStore());
    await store(numbered(1));
    await one.live.append(upTo(2_500).map(numbered).map(append));
    await one.live.trim(STREAM, Date.now() - 60_000);
    const { cdcRecords } = await one.data(CdcRecordsDocument, page(1) as never);
    const stream = await one.follow(CdcEventDocument, { table: TABLE, after: cdcRecords.liveCursor } as never);
    assert.equal((await stream.next()).cdcEvent.record.lsn, '1');
    await one.stop();
  });

  test('without the live store the rows are there, and the cursor says what is wrong', async () => {
    await store(numbered(1));
    const one = createWorld(world.postgres, {}, createMemoryLiveStore());
    one.liveFailing.error = new LiveStoreUnavailable('away');
    const plain = await one.ask(`{ cdcRecords(table: "${TABLE}") { nodes { lsn } } }`);
    assert.deepEqual(plain, { data: { cdcRecords: { nodes: [{ lsn: '1' }] } } });
    assert.equal((await one.refusal(CdcRecordsDocument, page(1) as never)).code, 'STORE_UNAVAILABLE');
    one.liveFailing.error = null;
    await one.stop();
  });
});
