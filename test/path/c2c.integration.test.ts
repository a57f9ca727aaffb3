import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { goldC2cDailyVolume } from '../../ingestion/gold/c2c-daily-volume.ts';
import { goldC2cSummary } from '../../ingestion/gold/c2c-summary.ts';
import { silverC2cOrders } from '../../ingestion/silver/c2c-order.ts';
import { C2C_STATUSES } from '../../schema/c2c.ts';
import { decimal } from '../../schema/decimal.ts';
import { type C2cSim, startC2cSim } from '../../sim/c2c/server.ts';
import * as operations from '../generated/graphql.ts';
import { dayIn, summariesOf, volumesOf } from '../ingestion/gold/c2c-oracle.ts';
import { openTaskWorld } from '../ingestion/silver/c2c-bronze.ts';
import { createWorld, type World } from '../resolvers/world.ts';
import { startRole } from '../support/role.ts';
import { seeded } from '../support/seeded.ts';
import { TASKS } from './c2c-child.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 4, 20, 9, 30);
const ZONE = 'Asia/Ho_Chi_Minh';

/** Where the process dies: in which task, at which place, how often that is passed before. */
const BOUNDARIES: readonly (readonly [task: number, point: string, passes: number])[] = [
  [0, 'after_landing', 3],
  [0, 'after_write', 1],
  [0, 'after_commit', 0],
  [1, 'after_write', 0],
  [1, 'after_commit', 0],
  [2, 'after_write', 0],
  [2, 'after_commit', 0],
  [3, 'after_write', 0],
  [3, 'after_commit', 0],
  [4, 'after_write', 0],
  [4, 'after_commit', 0],
];

for (const [seed, crashes] of [
  [1, BOUNDARIES],
  [2, [BOUNDARIES[1], BOUNDARIES[5]]],
  [3, [BOUNDARIES[3], BOUNDARIES[9]]],
] as const) {
  describe(`orders of a merchant with the seed ${seed}, from the exchange to a client`, () => {
    let sim: C2cSim;
    let database: Awaited<ReturnType<typeof openTaskWorld>>;
    let world: World;
    let folder: string;
    // the first has more than a window of 30 days
    const made = seed === 1 ? 3_500 : 1_500;
    let env: Record<string, string>;
    const random = seeded(seed);
    before(async () => {
      sim = await startC2cSim({ seed, startAt: START, orders: made, weight: 1_000_000 });
      folder = await mkdtemp(join(tmpdir(), 'tickgraph-c2c-'));
      database = await openTaskWorld();
      env = {
        DATABASE_URL: database.url,
        BINANCE_C2C_URL: sim.url,
        BINANCE_API_KEY: sim.key,
        BINANCE_API_SECRET: sim.secret,
        LANDING_URL: pathToFileURL(folder).href,
        SLEEP_INTERVAL: '0',
        FETCH_MODE: 'latest',
        C2C_TIME_ZONE: ZONE,
        BRONZE_CLEANUP_MODE: seed === 2 ? 'delete' : 'keep',
      };
      world = { ...createWorld(database.postgres, { C2C_TIME_ZONE: ZONE }), postgres: database.postgres };
    });
    after(async () => {
      await world?.stop();
      await database?.stop();
      await sim?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const all = async (): Promise<void> => {
      for (const task of TASKS) await database.run(task, env);
    };
    /** Does the task in a process that is killed there, then goes on as if nothing had been. */
    async function crash([at, point, passes]: (typeof BOUNDARIES)[number]): Promise<void> {
      for (const task of TASKS.slice(0, at)) await database.run(task, env);
      const name = TASKS[at]?.name as string;
      const child = startRole('test/path/c2c-child.ts', { ...env, CRASH_AT: point, CRASH_AFTER: String(passes) }, [
        name,
      ]);
      assert.equal(await child.exited, null, `${name} was to die at ${point}: ${child.output()}`);
    }
    /** Time goes on: orders come, statuses change, pages come twice, answers are of either generation. */
    function live(): void {
      sim.setNow(sim.now() + Math.floor((1 + random() * 20) * HOUR));
      sim.faults.generation((['older', 'newer', 'mixed'] as const)[Math.floor(random() * 3)] as 'mixed');
      const open = sim.orders().filter((order) => order.orderStatus === 'TRADING');
      for (const { orderNumber } of open.slice(0, 2))
        sim.change(orderNumber, { orderStatus: 'COMPLETED', commission: '0.5' });
      sim.add({ orderStatus: 'COMPLETED', createTime: sim.now() - Math.floor(random() * 3 * HOUR) });
      sim.add({ orderStatus: 'REVIEWING' });
      sim.add({ totalPrice: 'NONE' });
    }

    /** Every order, every figure, to the last digit. */
    async function reconcile(): Promise<void> {
      const orders = sim.orders().filter((order) => order.totalPrice !== 'NONE');
      assert.ok(orders.length >= made);
      const rejects = await database.postgres.query<{ order_number: string }>('SELECT * FROM silver.c2c_order_reject');
      const refused = sim.orders().filter((order) => order.totalPrice === 'NONE');
      assert.deepEqual(
        new Set(rejects.map((row) => row.order_number)),
        new Set(refused.map((order) => order.orderNumber)),
      );
      const shown: { orderNumber: string }[] = [];
      for (let after: string | null = null; ; ) {
        const page: operations.C2cOrdersQuery = await world.data(operations.C2cOrdersDocument, { first: 1000, after });
        assert.equal(page.c2cOrders.totalCount, orders.length);
        shown.push(...page.c2cOrders.nodes);
        if (!page.c2cOrders.pageInfo.hasNextPage) break;
        after = page.c2cOrders.pageInfo.endCursor ?? null;
      }
      const told = shown.map((order) => ({ ...order, payMethodName: null, counterPartNickName: null }));
      const byNumber = <T extends { orderNumber: string }>(list: T[]) =>
        list.sort((a, b) => (a.orderNumber < b.orderNumber ? -1 : 1));
      assert.deepEqual(
        byNumber(told),
        byNumber(
          orders.map((o) => ({
            ...{ orderNumber: o.orderNumber, advNo: o.advNo, tradeType: o.tradeType, asset: o.asset, fiat: o.fiat },
            ...{ fiatSymbol: o.fiatSymbol, amount: decimal(o.amount), totalPrice: decimal(o.totalPrice) },
            ...{ unitPrice: decimal(o.unitPrice), status: shownAs(o.orderStatus), rawStatus: o.orderStatus },
            ...{ createTime: new Date(o.createTime).toISOString(), commission: decimal(o.commission) },
            ...{ advertisementRole: o.advertisementRole, payMethodName: null, counterPartNickName: null },
          })),
        ),
      );
      const pairs = new Map(orders.map(({ asset, fiat }) => [`${asset} ${fiat}`, { asset, fiat }]));
      const volumes = volumesOf(orders, ZONE);
      const summaries = summariesOf(orders, ZONE);
      const dayOf = dayIn(ZONE);
      for (const { asset, fiat } of pairs.values()) {
        const { c2cDailyVolume } = await world.data(operations.C2cDailyVolumeDocument, { asset, fiat });
        const key = (v: { day: string; tradeType: string }): string => `${v.day} ${v.tradeType}`;
        assert.deepEqual(
          [...c2cDailyVolume].sort((a, b) => (key(a) < key(b) ? -1 : 1)),
          volumes
            .filter((v) => v.asset === asset && v.fiat === fiat)
            .map(({ trade_type, total_price, average_unit_price, completion_percent, ...same }) => ({
              ...{ ...same, tradeType: trade_type, totalPrice: total_price },
              ...{ averageUnitPrice: average_unit_price, completionPercent: completion_percent },
            })),
        );
        const days = summaries.filter((s) => s.asset === asset && s.fiat === fiat);
        for (const from of [null, new Date(START - 10 * DAY).toISOString()]) {
          const { c2cSummary } = await world.data(operations.C2cSummaryDocument, { asset, fiat, from });
          const counted = days.filter(({ day }) => from === null || day >= dayOf(Date.parse(from)));
          const sum = (of: (day: (typeof days)[number]) => string) =>
            counted.reduce((total, day) => total + scaled(of(day)), 0n);
          for (const [name, of] of [
            ['buyAmount', (d) => d.buy_amount],
            ['buyTotal', (d) => d.buy_total],
            ['sellAmount', (d) => d.sell_amount],
            ['sellTotal', (d) => d.sell_total],
            ['realisedMargin', (d) => d.realised_margin],
            ['commission', (d) => d.commission],
          ] as [keyof typeof c2cSummary, (d: (typeof days)[number]) => string][]) {
            assert.equal(scaled(String(c2cSummary[name])), sum(of), `${asset}-${fiat} ${name} since ${from}`);
          }
          assert.equal(
            c2cSummary.orders,
            counted.reduce((n, d) => n + d.orders, 0),
          );
        }
      }
    }

    test('every digit arrives, whatever dies on the way', { timeout: 240_000 }, async () => {
      for (const boundary of crashes) {
        live();
        await crash(boundary as (typeof BOUNDARIES)[number]);
      }
      live();
      await all();
      await reconcile();
    });

    test('pages that come twice and windows that overlap count once', async () => {
      live();
      sim.faults.duplicatePage(3);
      await all();
      // a list that moved while it was read is read again
      await all();
      await database.run(TASKS[0] as (typeof TASKS)[number], { ...env, FETCH_MODE: 'backfill' });
      await database.run(TASKS[0] as (typeof TASKS)[number], { ...env, FETCH_MODE: 'latest_month' });
      await all();
      const [told] = await database.postgres.query<{ events: number; orders: number }>(
        'SELECT (SELECT count(*) FROM bronze.raw_event)::int AS events, (SELECT count(*) FROM silver.c2c_order)::int AS orders',
      );
      assert.ok((told?.events ?? 0) > 2 * (told?.orders ?? 0), 'most orders were told more than once');
      await reconcile();
    });

    test('silver and gold made again from bronze are the same to the digit', async () => {
      const tables = ['silver.c2c_order', 'silver.c2c_order_reject', 'gold.c2c_daily_volume', 'gold.c2c_summary'];
      const contents = () =>
        Promise.all(
          tables.map((table) =>
            database.postgres.query(`SELECT (to_jsonb(t) - 'tx')::text AS row FROM ${table} t ORDER BY 1`),
          ),
        );
      const before = await contents();
      await database.forget();
      for (const task of [silverC2cOrders, goldC2cDailyVolume, goldC2cSummary]) await database.run(task, env);
      assert.deepEqual(await contents(), before);
      assert.ok((before[2]?.length ?? 0) > 100);
    });
  });
}

const shownAs = (status: string): string => (C2C_STATUSES.some((known) => known === status) ? status : 'UNKNOWN');

/** In units of 1e-18. */
function scaled(text: string): bigint {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole + fraction.padEnd(18, '0'));
  return text.startsWith('-') ? -value : value;
}
