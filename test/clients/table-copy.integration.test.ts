/** The copy of a table that the guide tells client developers to write, with sockets cut under it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readEnvelope } from '../../ingestion/cdc/envelope.ts';
import { addRecords } from '../../ingestion/cdc/records.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { CHANNELS, streamKey } from '../../schema/channels.ts';
import { created, deleted, envelope, type Given, message, order, TABLE, updated } from '../ingestion/cdc/envelopes.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { seeded } from '../support/seeded.ts';
import { until } from '../support/until.ts';
import { type Follow, recipeModule } from './recipes.ts';
import { type Served, serve } from './served.ts';

type Ask = (query: string, variables: object) => Promise<unknown>;
interface Copy {
  rows: Map<string, Record<string, unknown>>;
  cursor: string | null;
  load(ask: Ask): Promise<void>;
  take(event: object): void;
}

const QUERY = `subscription ($after: Cursor) { cdcEvent(table: "${TABLE}", after: $after) {
  cursor gap { missed } record { op key after unchanged } } }`;

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let served: Served;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  served = await serve({}, database.postgres);
});
after(async () => {
  await served.stop();
  await database.stop();
});

test('table-copy.js: the rows of the table at every rest', { timeout: 80_000 }, async () => {
  const random = seeded(8);
  /** Amount by order number. */
  const rows = new Map<string, string>();
  let lsn = 0;
  const { version, retentionMs, maxLength } = CHANNELS.cdc;

  function change(): Given {
    lsn += 1;
    const number = String(Math.floor(random() * 30));
    const known = rows.get(number);
    const amount = String(1 + Math.floor(random() * 1_000));
    const fate = random();
    if (fate < 0.01) {
      rows.clear();
      return message(envelope('t', null, null, { lsn }));
    }
    if (known && fate < 0.3) {
      rows.delete(number);
      return deleted(number, { lsn });
    }
    rows.set(number, amount);
    if (fate > 0.95)
      return message(
        envelope('r', null, order(number, { amount }), {
          lsn: null,
          txId: null,
          snapshot: 'incremental',
          time: Date.now(),
        }),
      );
    return known ? updated(number, { amount: known }, { amount }, { lsn }) : created(number, { lsn, row: { amount } });
  }
  let offset = 0n;
  async function happen(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const one = readEnvelope(change()) ?? assert.fail();
      offset += 1n;
      const store = addRecords(database.postgres, [one]);
      if (random() < 0.5) await store;
      assert.ok(version.kind === 'recent');
      await served.live.append([
        {
          ...{ stream: streamKey('cdc', TABLE), epoch: 'e', offset, payload: JSON.stringify(one), time: Date.now() },
          ...{ retentionMs, maxLength, writes: [], version: { kind: 'recent', id: one.id, keep: version.keep } },
        },
      ]);
      await store;
    }
  }

  const { follow } = await recipeModule<{ follow: Follow }>('graphql-ws.js');
  const { TableCopy } = await recipeModule<{ TableCopy: new () => Copy }>('table-copy.js');
  const ask: Ask = async (query, variables) => {
    const response = await fetch(`${served.direct}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  };
  // more than a page
  await happen(1_200);
  const copy = new TableCopy();
  const [loaded] = await Promise.all([copy.load(ask), happen(50)]);
  assert.equal(loaded, undefined);
  const gaps: unknown[] = [];
  const stop = follow(served.ws, QUERY, { after: copy.cursor }, (event) => {
    if (event.gap) gaps.push(event.gap);
    copy.take(event);
  });
  const amounts = (): string[] =>
    [...copy.rows]
      .map(([key, row]) => `${(JSON.parse(key) as { order_number: string }).order_number} ${row.amount}`)
      .sort();
  for (let round = 0; round < 4; round++) {
    await happen(60);
    if (round < 3) await served.cut();
    await happen(20);
    const expected = [...rows].map(([number, amount]) => `${number} ${amount}`).sort();
    await until('the same rows', () => amounts().join() === expected.join(), { timeoutMs: 15_000 });
  }
  assert.deepEqual(gaps, []);
  stop();
});
