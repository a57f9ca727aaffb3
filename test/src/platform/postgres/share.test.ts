import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Postgres, PostgresUnavailable } from '../../../../src/platform/postgres/postgres.ts';
import { shareOf } from '../../../../src/platform/postgres/share.ts';
import { until } from '../../../support/until.ts';

/** A database whose calls end when they are told to. */
function createDatabase() {
  const running: { text: string; end(error?: Error): void }[] = [];
  let most = 0;
  const query = (text: string) =>
    new Promise<never[]>((done, fail) => {
      const one = {
        text,
        end(error?: Error) {
          running.splice(running.indexOf(one), 1);
          if (error) fail(error);
          else done([]);
        },
      };
      running.push(one);
      most = Math.max(most, running.length);
    });
  const postgres = { query, transaction: () => query('transaction'), ping: () => query('ping') };
  return { postgres: postgres as unknown as Postgres, running, most: () => most };
}

test('no more than its part is used at once, and who came first is served first', async () => {
  const { postgres, running, most } = createDatabase();
  const share = shareOf(postgres, { atOnce: 2, waitMs: 5_000 });
  const order: string[] = [];
  const calls = ['a', 'b', 'c', 'd', 'e'].map((text) =>
    share.query(text).then(
      () => order.push(text),
      () => order.push(`${text} failed`),
    ),
  );
  await until('two to run', () => running.length === 2);
  // a call that fails gives its place back like any other
  for (const error of [undefined, new Error('broken'), undefined, undefined, undefined]) {
    await until('one to run', () => running.length > 0);
    running[0]?.end(error);
  }
  await Promise.all(calls);
  assert.deepEqual(order, ['a', 'b failed', 'c', 'd', 'e']);
  assert.equal(most(), 2);
});

test('who waits too long is told so and leaves the queue; the rest of the database is as before', async () => {
  const { postgres, running } = createDatabase();
  const share = shareOf(postgres, { atOnce: 1, waitMs: 20 });
  const first = share.transaction(async () => {});
  await assert.rejects(share.query('late'), PostgresUnavailable);
  assert.deepEqual(
    running.map(({ text }) => text),
    ['transaction'],
  );
  void share.ping();
  assert.equal(running.length, 2);
  running[0]?.end();
  await first;
  const next = share.query('next');
  await until('it to run', () => running.some(({ text }) => text === 'next'));
  for (const one of [...running]) one.end();
  await next;
});
