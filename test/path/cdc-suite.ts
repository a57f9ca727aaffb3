/**
 * From the table to a subscriber while everything on the way is killed in turn: every change arrives, those of a row in the
 * order in which they were made, none of them twice. Run for each source of changes.
 */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSlot } from '../../src/platform/postgres/slot.ts';
import { insertOrders, loseSlot } from '../ingestion/capture/capture-platform.ts';
import { until } from '../support/until.ts';
import { audited, byKey } from './cdc-audit.ts';
import { type CdcWorld, doEverything, startCdcWorld, startLoad, toldChanges } from './cdc-world.ts';

/** Who captures: Kafka Connect or our own reader, as a process of its own. */
export interface Capture {
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
  /** What an operator's supervisor does after a while with what does not run by itself. */
  revive(): Promise<void>;
  /** Where it says that it captures nothing until somebody decides; null while it does not. */
  alarm(): Promise<string | null>;
  /** The documented way back from a slot that is lost or was moved. */
  wayBack(): Promise<void>;
  /** What it has printed lately. */
  output(): Promise<string>;
  stop(): Promise<void>;
}

export interface CdcSource {
  slot: string;
  /** What can be had besides, for this source alone. */
  more?: (world: () => CdcWorld) => void;
  work: 'off' | 'debezium';
  begin(world: CdcWorld): Promise<Capture>;
}

const RECOVERY = { timeoutMs: 60_000, everyMs: 250 };
const LARGE = 20_000;

/** The newest alarm that a process has printed and not called off. */
export function alarmIn(output: string): string | null {
  const lines = output.split('\n');
  const broken = lines.findLastIndex((line) => /changes (?:are NOT captured|may be missing)/.test(line));
  const well = lines.findLastIndex((line) => line.includes('changes are captured again'));
  return broken > well ? (lines[broken] ?? null) : null;
}

export function cdcSuite({ slot, work, begin, more }: CdcSource): void {
  let world: CdcWorld;
  let capture: Capture;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tickgraph-copy-'));
    // the server reads it as its own user
    await chmod(folder, 0o755);
    world = await startCdcWorld(work);
    capture = await begin(world);
    await until('the snapshot', () => world.subscriber.events.length >= 5, RECOVERY);
  });
  after(async () => {
    await capture?.stop();
    await world?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Waits until the subscriber was told everything, and holds it to the record. */
  async function allArrives(): Promise<void> {
    const expected = await audited(world.postgres);
    await until(
      `${expected.length} changes`,
      async () => {
        await capture.revive();
        return toldChanges(world).length >= expected.length;
      },
      RECOVERY,
    ).catch(async (error) => {
      const [seen, has] = [byKey(toldChanges(world)), toldChanges(world).length];
      const missing = [...byKey(expected)].filter(([key, all]) => all.join() !== seen.get(key)?.join()).slice(0, 5);
      const logs = `${world.work.output().slice(-6_000)}\n${await capture.output()}`;
      throw new Error(`has ${has} of ${expected.length}; not yet: ${JSON.stringify(missing)}\n${logs}`, {
        cause: error,
      });
    });
    const [told, done] = [byKey(toldChanges(world)), byKey(expected)];
    assert.equal(toldChanges(world).length, expected.length, 'nothing twice');
    assert.deepEqual([...told.keys()].sort(), [...done.keys()].sort());
    for (const [key, all] of done) assert.deepEqual(told.get(key), all, key);
    assert.deepEqual(world.subscriber.faults, []);
    const numbers = world.subscriber.events.map(({ cdcEvent }) => BigInt(cdcEvent.sequence));
    assert.ok(
      numbers.every((n, i) => i === 0 || n === (numbers[i - 1] ?? 0n) + 1n),
      'numbered without a hole',
    );
    assert.ok(world.subscriber.events.every(({ cdcEvent }) => cdcEvent.gap === null));
  }

  /** Does `fault` in the middle of load, which goes on for a while after it. */
  async function underLoad(name: string, fault: () => Promise<void>): Promise<void> {
    const load = startLoad(world.postgres, name);
    try {
      await until('some load', () => load.done() > 40, RECOVERY);
      await fault();
      const before = load.done();
      await until('load after it', () => load.done() > before + 40, RECOVERY);
    } finally {
      await load.stop();
    }
    await allArrives();
  }

  test('the rows that are there already come as a snapshot', () => {
    const read = world.subscriber.events.map(({ cdcEvent: { record } }) => record);
    assert.deepEqual(
      read.map(({ op }) => op),
      ['READ', 'READ', 'READ', 'READ', 'READ'],
    );
    assert.deepEqual(
      new Set(read.map(({ key }) => key?.order_number)),
      new Set(['old0', 'old1', 'old2', 'old3', 'old4']),
    );
  });

  test('insert, update, delete, another key, COPY, a large transaction, truncate', async () => {
    await doEverything(world.postgres, folder, LARGE);
    await allArrives();
    // there is one writer, so the order of all is known
    assert.deepEqual(toldChanges(world), await audited(world.postgres));
  });

  test('who captures is killed', () =>
    underLoad('capture', async () => {
      await capture.kill();
      await capture.start();
    }));

  test('the broker is killed', () => underLoad('broker', () => world.kafka.restart()));

  test('the worker is killed', () => underLoad('worker', () => world.restartWork()));

  test('the database is killed', () => underLoad('postgres', () => world.server.restart()));

  /** Breaks the slot while nobody reads it, sees that told and nothing go on, then goes the way back. */
  async function brokenSlot(breakIt: () => Promise<unknown>): Promise<void> {
    await capture.kill();
    await until('the slot to be free', async () => !(await readSlot(world.postgres, slot)).slot?.active, RECOVERY);
    await world.postgres.query(insertOrders(`missed${world.subscriber.events.length}`));
    // whoever watches the slot has seen that nobody reads it
    await new Promise((next) => setTimeout(next, 3_000));
    await breakIt();
    const before = world.subscriber.events.length;
    await capture.start();
    const said = await until('the alarm', () => capture.alarm(), RECOVERY);
    assert.equal(world.subscriber.events.length, before, said);
    await capture.wayBack();
    const [row] = await world.postgres.query<{ n: number }>('SELECT count(*)::int AS n FROM public.c2c_order');
    const read = (): number =>
      world.subscriber.events.slice(before).filter(({ cdcEvent }) => cdcEvent.record.op === 'READ').length;
    await until('the whole table', () => read() >= (row?.n ?? 0), RECOVERY);
    await world.postgres.query(insertOrders(`back${before}`));
    const isBack = (): boolean => toldChanges(world).some(({ key }) => key === `back${before}`);
    await until('changes again', isBack, RECOVERY);
    await until('the end of the alarm', async () => (await capture.alarm()) === null, RECOVERY);
  }

  test('a slot that was moved ahead is told, and there is a way back', () =>
    brokenSlot(async () => {
      await world.postgres.query(insertOrders('between'));
      await world.postgres.query('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [slot]);
    }));

  test('a slot that was lost is told, and there is a way back', () => brokenSlot(() => loseSlot(world.postgres, slot)));
  more?.(() => world);
}
