/** The stream of changes and what the library underneath would do by itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Log } from '../../../../src/platform/log.ts';
import { formatLsn, parseLsn } from '../../../../src/platform/postgres/lsn.ts';
import { openPostgres, type Postgres, PostgresUnavailable } from '../../../../src/platform/postgres/postgres.ts';
import {
  type ChangeMessage,
  type Changes,
  type ChangesOptions,
  openChanges,
} from '../../../../src/platform/postgres/replication.ts';
import { createSlot, dropSlot, readSlot } from '../../../../src/platform/postgres/slot.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { withService } from '../../../support/service.ts';
import { until } from '../../../support/until.ts';

let server: TestPostgres | undefined;

await withService(
  'the stream of changes',
  async () => {
    server = await startPostgres();
  },
  () => {
    const slot = 'stream_test';
    let db: Postgres;
    const running: Changes[] = [];

    before(async () => {
      db = await openPostgres({ url: server?.url ?? '', pool: 6, timeoutMs: 20_000 });
      await db.query('CREATE TABLE t (id int PRIMARY KEY, at timestamptz, n numeric, b bigint, s text)');
      await db.query('ALTER TABLE t REPLICA IDENTITY FULL');
      await db.query('CREATE PUBLICATION p FOR TABLE t');
    });
    after(async () => {
      for (const changes of running) await changes.stop();
      await db?.close();
      await server?.stop();
    });

    async function freshSlot(): Promise<bigint> {
      for (const changes of running.splice(0)) await changes.stop();
      await until('the slot to be free', async () => !(await readSlot(db, slot)).slot?.active);
      await dropSlot(db, slot);
      const snapshot = await createSlot({ url: server?.url ?? '', slot, timeoutMs: 10_000 });
      await snapshot.close();
      return snapshot.at;
    }
    function open(from: bigint, options: Partial<ChangesOptions> = {}) {
      const seen: { lsn: bigint; message: ChangeMessage }[] = [];
      const changes = openChanges({
        ...{ url: server?.url ?? '', slot, publication: 'p', from, silenceMs: 20_000 },
        onMessage: async (lsn, message) => void seen.push({ lsn, message }),
        onIdle: () => {},
        ...options,
      });
      running.push(changes);
      return { seen, changes };
    }
    const inserted = (seen: readonly { message: ChangeMessage }[]) =>
      seen.flatMap(({ message }) => (message.tag === 'insert' ? [message.new] : []));

    test('positions are written and read as PostgreSQL does', () => {
      for (const text of ['0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF']) assert.equal(formatLsn(parseLsn(text)), text);
      assert.throws(() => parseLsn('nonsense'), RangeError);
    });

    test('values are the text that PostgreSQL wrote', async () => {
      const { seen } = open(await freshSlot());
      await db.query(`INSERT INTO t VALUES (1, '2026-01-02 03:04:05.123456+07', 1e20, 9007199254740993, U&'\\FEFFx')`);
      const [row] = await until('the row', () => (inserted(seen).length > 0 ? inserted(seen) : null));
      assert.deepEqual(
        { ...row },
        {
          id: '1',
          at: '2026-01-01 20:04:05.123456+00',
          n: '100000000000000000000',
          b: '9007199254740993',
          s: '\ufeffx',
        },
      );
    });

    test('nothing is confirmed by itself, and what was confirmed does not come again', async () => {
      const { seen, changes } = open(await freshSlot());
      const before = (await readSlot(db, slot)).slot?.confirmed ?? 0n;
      await db.query('INSERT INTO t SELECT i FROM generate_series(10, 19) i');
      await db.query('INSERT INTO t VALUES (20)');
      await until('both transactions', () => seen.filter(({ message }) => message.tag === 'commit').length === 2);
      assert.equal((await readSlot(db, slot)).slot?.confirmed, before);
      const [first] = seen.filter(({ message }) => message.tag === 'commit');
      const at = first?.lsn ?? 0n;
      changes.confirm(at);
      await until('the position', async () => (await readSlot(db, slot)).slot?.confirmed === at);
      await changes.stop();
      await until('the slot to be free', async () => !(await readSlot(db, slot)).slot?.active);
      const again = open(0n);
      await until('the rest', () => inserted(again.seen).length > 0);
      assert.deepEqual(
        inserted(again.seen).map(({ id }) => id),
        ['20'],
      );
    });

    test('a commit that begins right where the last one ended is not taken for confirmed', async () => {
      // both transactions have written their rows, then nothing but their commits comes: the second begins where the first ends
      const from = await freshSlot();
      let adjacent: { end: bigint; ids: string[] } | null = null;
      for (let round = 0; round < 20 && !adjacent; round++) {
        const id = 1000 + round * 2;
        const { seen, changes } = open(round === 0 ? from : 0n);
        let [go, ready] = [(): void => {}, 0];
        const both = new Promise<void>((done) => {
          go = done;
        });
        const one = (n: number): Promise<void> =>
          db.transaction(async (sql) => {
            await sql.query('SET LOCAL synchronous_commit = off');
            await sql.query('INSERT INTO t VALUES ($1)', [n]);
            ready += 1;
            if (ready === 2) go();
            await both;
          });
        await Promise.all([one(id), one(id + 1)]);
        await until('both', () => seen.filter(({ message }) => message.tag === 'commit').length >= 2);
        const commits = seen.flatMap(({ lsn, message }) =>
          message.tag === 'commit' ? [{ end: lsn, begin: parseLsn(message.commitLsn ?? '0/0') }] : [],
        );
        const [a, b] = commits.slice(-2);
        if (a && b && a.end === b.begin) {
          adjacent = { end: a.end, ids: inserted(seen).map((row) => String(row.id)) };
          changes.confirm(a.end);
          await until('the position', async () => (await readSlot(db, slot)).slot?.confirmed === a.end);
        } else if (b) changes.confirm(b.end);
        await changes.stop();
        await until('the slot to be free', async () => !(await readSlot(db, slot)).slot?.active);
      }
      assert.ok(adjacent, 'no two commits were next to each other');
      const { seen } = open(0n);
      await until('the second transaction', () => inserted(seen).length === 1);
      assert.equal(inserted(seen)[0]?.id, adjacent.ids.at(-1));
    });

    test('a handler that fails ends the stream, and the next message is not handed over', async () => {
      let calls = 0;
      const { changes } = open(await freshSlot(), {
        onMessage: async (_, message) => {
          if (message.tag !== 'insert') return;
          calls += 1;
          throw new Error('no room');
        },
      });
      await db.query('INSERT INTO t SELECT i FROM generate_series(2000, 2100) i');
      await assert.rejects(changes.ended, /no room/);
      assert.equal(calls, 1);
    });

    test('a stream is over when what it handles is handled', async () => {
      let [release, got, done] = [(): void => {}, false, false];
      const gate = new Promise<void>((open) => {
        release = open;
      });
      const { changes } = open(await freshSlot(), {
        onMessage: async (_, message) => {
          if (message.tag !== 'insert') return;
          got = true;
          await gate;
          done = true;
        },
      });
      await db.query('INSERT INTO t VALUES (2200)');
      await until('the row', () => got);
      const stopped = changes.stop().then(() => done);
      await changes.ended;
      setTimeout(release, 200);
      assert.equal(await stopped, true);
    });

    test('a slot that waits for a transaction can be given up, and says that it waits', async () => {
      await freshSlot();
      await dropSlot(db, slot);
      const said: string[] = [];
      const log = { info: (_: unknown, text: string) => void said.push(text) } as unknown as Log;
      const ended = new AbortController();
      await db.transaction(async (sql) => {
        await sql.query('INSERT INTO t VALUES (2300)');
        const making = createSlot({ url: server?.url ?? '', slot, timeoutMs: 10_000, signal: ended.signal, log });
        const refused = assert.rejects(making);
        await until('the word that it waits', () => said.length === 1);
        ended.abort();
        await refused;
        await until('the half-made slot to be gone', async () => (await readSlot(db, slot)).slot === null);
      });
      await (await createSlot({ url: server?.url ?? '', slot, timeoutMs: 10_000 })).close();
    });

    test('the slot of another database is left alone', async () => {
      await freshSlot();
      await db.query('CREATE DATABASE elsewhere');
      const url = new URL(server?.url ?? '');
      url.pathname = '/elsewhere';
      const other = await openPostgres({ url: url.href, pool: 1, timeoutMs: 20_000 });
      await dropSlot(other, slot);
      await other.close();
      assert.notEqual((await readSlot(db, slot)).slot, null);
    });

    test('a slow handler holds the server back: memory stays small', async () => {
      let release = (): void => {};
      const gate = new Promise<void>((done) => {
        release = done;
      });
      let got = 0;
      const { seen } = open(await freshSlot(), {
        onMessage: async (lsn, message) => {
          if (message.tag === 'insert') {
            if (got++ === 0) await gate;
          } else seen.push({ lsn, message });
        },
      });
      const heap = process.memoryUsage();
      await db.query(`INSERT INTO t (id, s) SELECT i, repeat('x', 1000) FROM generate_series(100000, 199999) i`);
      await until('the first row', () => got === 1);
      await new Promise((next) => setTimeout(next, 1_500));
      const now = process.memoryUsage();
      const grown = now.heapUsed + now.external + now.arrayBuffers - heap.heapUsed - heap.external - heap.arrayBuffers;
      assert.ok(grown < 40_000_000, `${grown} bytes of 100 MB are here already`);
      release();
      await until('all rows', () => got === 100_000, { timeoutMs: 60_000 });
    });

    test('a server that vanishes, and one that answers no more, are told', async () => {
      const frozen = open(await freshSlot(), { silenceMs: 5_000 });
      await until('the slot to be read', async () => (await readSlot(db, slot)).slot?.active);
      await server?.freeze();
      try {
        await assert.rejects(frozen.changes.ended, PostgresUnavailable);
      } finally {
        await server?.thaw();
      }
      await until('the slot to be free', async () => !(await readSlot(db, slot)).slot?.active, { timeoutMs: 30_000 });
      const killed = open(0n);
      await until('the slot to be read', async () => (await readSlot(db, slot)).slot?.active);
      await server?.restart();
      await assert.rejects(killed.changes.ended, PostgresUnavailable);
    });

    test('a server that shuts down in order is not kept waiting', async () => {
      const hurried: bigint[] = [];
      const { changes } = open(await until('the slot', () => freshSlot()), {
        onIdle: (lsn, asked) => {
          if (!asked) return;
          hurried.push(lsn);
          void changes.stop();
        },
      });
      await until('the slot to be read', async () => (await readSlot(db, slot)).slot?.active);
      await db.query('INSERT INTO t VALUES (3000)');
      await server?.kill('SIGINT');
      await changes.ended.catch(() => {});
      const gone = (): boolean => {
        try {
          process.kill(server?.pid ?? 0, 0);
          return false;
        } catch {
          return true;
        }
      };
      await until('the server to end', gone, { timeoutMs: 15_000 });
      assert.ok(hurried.length > 0, 'it asked for our position');
    });
  },
);
