/** The watch over a slot that somebody else reads: what it knows outlives it, and an operator can end its alarm. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { DEBEZIUM_SLOT } from '../../../ingestion/capture/capture.ts';
import type { Broken } from '../../../ingestion/capture/position.ts';
import type { SlotHealth } from '../../../ingestion/capture/status.ts';
import { watchSlot } from '../../../ingestion/capture/watch.ts';
import { callOff } from '../../../ingestion/capture/watched.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { Running } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { dropSlot } from '../../../src/platform/postgres/slot.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { withService } from '../../support/service.ts';
import { until } from '../../support/until.ts';
import { insertOrders, loseSlot, openCaptured } from './capture-platform.ts';

let server: TestPostgres | undefined;

await withService(
  'the watch over a slot',
  async () => {
    server = await startPostgres();
  },
  () => {
    let postgres: Postgres;
    const running: Running[] = [];

    before(async () => {
      postgres = await openCaptured(server?.url ?? '');
    });
    after(async () => {
      await postgres?.close();
      await server?.stop();
    });
    afterEach(async () => {
      for (const one of running.splice(0)) await one.stop();
      await dropSlot(postgres, DEBEZIUM_SLOT);
      await postgres.query('DELETE FROM ops.watermark');
    });

    /** A process that watches; the alarms that it raised, one for each look. */
    function watching(): { told: (Broken | null)[]; health: SlotHealth[]; stop(): Promise<void> } {
      const told: (Broken | null)[] = [];
      const health: SlotHealth[] = [];
      const watch = watchSlot({
        ...{ postgres, log: createLog('silent'), slot: DEBEZIUM_SLOT },
        alarm: (reason) => void told.push(reason),
        say: async (found) => void health.push(found),
      });
      running.push(watch);
      return { told, health, stop: () => watch.stop() };
    }
    const make = () => postgres.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [DEBEZIUM_SLOT]);
    async function move(): Promise<void> {
      await postgres.query(insertOrders(`missed${Math.random()}`));
      await postgres.query('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [DEBEZIUM_SLOT]);
    }
    const looked = (told: readonly unknown[], times: number) =>
      until(`${times} looks`, () => told.length >= times, { timeoutMs: 20_000 });

    test('a slot that was never there is no alarm; one that was, and is gone after a restart, is', async () => {
      const none = watching();
      await new Promise((next) => setTimeout(next, 1_500));
      assert.deepEqual(none.told, []);
      await make();
      await looked(none.told, 1);
      assert.equal(none.told[0], null);
      await until('it to be said', () => none.health.length > 0);
      assert.deepEqual(none.health[0], { read: false, broken: false });
      await none.stop();
      await dropSlot(postgres, DEBEZIUM_SLOT);
      const next = watching();
      await looked(next.told, 1);
      assert.equal(next.told[0], 'slot_missing');
      await until('it to be said', () => next.health.length > 0);
      assert.deepEqual(next.health[0], { read: false, broken: true });
    });

    test('a slot that is gone is told where changes were captured, whoever watched it', async () => {
      await postgres.query(
        `INSERT INTO silver.cdc_record (id, table_name, op, changed, unchanged, source_time, received_at)
         VALUES ('x', 'public.c2c_order', 'TRUNCATE', '[]', '[]', now(), now())`,
      );
      const { told } = watching();
      await looked(told, 1);
      assert.equal(told[0], 'slot_missing');
      await postgres.query('TRUNCATE silver.cdc_record');
    });

    test('one that was moved while nobody watched is told after the restart, and again after the next', async () => {
      await make();
      const first = watching();
      await looked(first.told, 2);
      assert.deepEqual(first.told.slice(0, 2), [null, null]);
      await first.stop();
      await move();
      for (let i = 0; i < 2; i++) {
        const next = watching();
        await looked(next.told, 2);
        assert.deepEqual(new Set(next.told), new Set(['slot_ahead']));
        await next.stop();
      }
    });

    test('one that was lost and is made anew is well, however quick that was', async () => {
      await make();
      const { told } = watching();
      await looked(told, 1);
      await loseSlot(postgres, DEBEZIUM_SLOT);
      await until('the alarm', () => told.at(-1) === 'slot_lost');
      await postgres.query(insertOrders('lost'));
      await postgres.query(
        `DO $$ BEGIN PERFORM pg_drop_replication_slot('${DEBEZIUM_SLOT}'); END $$;
         SELECT pg_create_logical_replication_slot('${DEBEZIUM_SLOT}', 'pgoutput')`,
      );
      await until('the end of the alarm', () => told.at(-1) !== 'slot_lost' && told.at(-1) !== 'slot_missing');
      assert.equal(told.at(-1), null);
    });

    test('all that watch tell it until an operator has seen it, or the slot was made anew', async () => {
      await make();
      const both = [watching(), watching()];
      for (const { told } of both) await looked(told, 1);
      await move();
      for (const { told } of both) await until('the alarm', () => told.at(-1) === 'slot_ahead');
      await callOff(postgres);
      for (const { told } of both) await until('the end of the alarm', () => told.at(-1) === null);
      await move();
      for (const { told } of both) await until('the next alarm', () => told.at(-1) === 'slot_ahead');
      await dropSlot(postgres, DEBEZIUM_SLOT);
      for (const { told } of both) await until('that it is gone', () => told.at(-1) === 'slot_missing');
      await make();
      for (const { told } of both) await until('that all is well', () => told.at(-1) === null);
    });
  },
);
