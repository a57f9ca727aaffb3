import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MIGRATIONS } from '../../../../migrations/index.ts';
import { createLog } from '../../../../src/platform/log.ts';
import {
  acquireLease,
  holderName,
  keepLease,
  type Lease,
  releaseLeases,
  renewLeases,
  workWhileLeased,
} from '../../../../src/platform/postgres/lease.ts';
import { type Postgres, PostgresUnavailable } from '../../../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../../../support/postgres.ts';
import { until } from '../../../support/until.ts';

const log = createLog('silent');
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let postgres: Postgres;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  postgres = database.postgres;
});
after(() => database.stop());

/** The database for one of several, who may be cut off from it. */
function mortalStore(): Postgres & { cut: boolean } {
  return {
    ...postgres,
    cut: false,
    query(text, params) {
      return this.cut ? Promise.reject(new PostgresUnavailable('gone')) : postgres.query(text, params);
    },
  };
}

test('a lease has one holder until it is given back, and every holder a greater fence', async () => {
  const first = await acquireLease(postgres, 'one', 'a', 60_000);
  assert.equal(first?.isHeld(), true);
  assert.equal(await acquireLease(postgres, 'one', 'b', 60_000), null);
  await releaseLeases(postgres, [first as Lease]);
  assert.equal(first?.isHeld(), false);
  const second = await acquireLease(postgres, 'one', 'b', 60_000);
  assert.equal(second?.isHeld(), true);
  assert.ok((second?.fence ?? 0n) > (first?.fence ?? 0n));
});

test('a lease that is not renewed lapses for its holder no later than another gets it', async () => {
  const lease = await acquireLease(postgres, 'lapse', 'a', 400);
  const successor = await until('the successor', async () => {
    const got = await acquireLease(postgres, 'lapse', 'b', 60_000);
    if (got) assert.equal(lease?.isHeld(), false, 'two holders at once');
    return got;
  });
  assert.equal(successor.isHeld(), true);
  await renewLeases(postgres, [lease as Lease], 60_000);
  assert.equal(lease?.isHeld(), false, 'lost for good');
});

test('a renewed lease stays', async () => {
  const lease = (await acquireLease(postgres, 'stay', 'a', 500)) as Lease;
  const from = performance.now();
  while (performance.now() - from < 1_200) {
    await renewLeases(postgres, [lease], 500);
    assert.equal(lease.isHeld(), true);
    assert.equal(await acquireLease(postgres, 'stay', 'b', 500), null);
    await new Promise((done) => setTimeout(done, 50));
  }
});

test('a thing done once moves to another process when its holder vanishes, within the lease time', async () => {
  const ms = 1_000;
  const mortal = mortalStore();
  const events: string[] = [];
  let lease: Lease | null = null;
  const keep = (holder: string, store: Postgres) =>
    keepLease({
      ...{ postgres: store, name: 'singleton', holder, ms, log },
      onAcquired(got) {
        if (holder === 'b') assert.equal(lease?.isHeld(), false);
        if (holder === 'a') lease = got;
        events.push(`${holder}+`);
      },
      onLost: () => events.push(`${holder}-`),
    });
  const a = keep('a', mortal);
  await until('a to hold it', () => events.length === 1);
  const b = keep('b', postgres);
  mortal.cut = true;
  const from = performance.now();
  await until('b to hold it', () => events.includes('b+'));
  assert.ok(performance.now() - from <= ms + 100, `${performance.now() - from} ms`);
  await until('a to know', () => events.includes('a-'));
  await a.stop();
  await b.stop();
  assert.ok(await acquireLease(postgres, 'singleton', 'c', ms), 'given back');
});

test('work goes on in one process at a time, and has ended before another begins it', async () => {
  const ms = 1_000;
  const [at, fences]: [Set<string>, bigint[]] = [new Set(), []];
  const mortal = mortalStore();
  const start = (who: string, store: Postgres) =>
    workWhileLeased({
      ...{ postgres: store, name: 'work', ms, log },
      async work(lease, signal) {
        assert.equal(lease.isHeld(), true);
        at.add(who);
        fences.push(lease.fence);
        await new Promise((done) => signal.addEventListener('abort', done));
        // what it has in hand takes its time
        await new Promise((done) => setTimeout(done, 100));
        at.delete(who);
      },
    });
  const a = start('a', mortal);
  await until('a to work', () => at.has('a'));
  const b = start('b', postgres);
  // a stop ends the work, and only then gives the lease back
  await a.stop();
  assert.equal(at.has('a'), false);
  await until('b to work', () => at.has('b'));
  // a lease that is lost ends it too; it begins again with the next one
  const c = start('c', mortal);
  await b.stop();
  await until('c to work', () => at.has('c'));
  mortal.cut = true;
  await until('c to end', () => !at.has('c'));
  mortal.cut = false;
  await until('c to work again', () => at.has('c'));
  await c.stop();
  assert.equal(at.size, 0);
  assert.deepEqual(
    fences,
    [...new Set(fences)].sort((one, other) => (one < other ? -1 : 1)),
  );
  assert.ok(await acquireLease(postgres, 'work', 'd', ms), 'given back');
});

test('no two holders share a name', () => {
  const names = new Set(Array.from({ length: 1_000 }, holderName));
  assert.equal(names.size, 1_000);
  for (const name of names) assert.match(name, /^.+:[0-9]+:[0-9a-f]{8}$/);
});
