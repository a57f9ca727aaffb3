/** Two API nodes behind a plain TCP balancer: restarted in turn, and without Redis, with its data and without. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { MIGRATIONS } from '../../migrations/index.ts';
import { openRedisLiveStore } from '../../src/platform/live/redis/store.ts';
import type { LiveAppend, LiveStore } from '../../src/platform/live/store.ts';
import { createLog } from '../../src/platform/log.ts';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { trade, tradeAppend } from '../resolvers/samples.ts';
import { type Balancer, startBalancer } from '../support/balancer.ts';
import { prepareKafka, sharedKafka } from '../support/kafka.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { withService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { emptyTally, problemsOf } from './oracle-check.ts';
import { OracleClient } from './oracle-client.ts';

const CLIENTS = 40;
/** A node may take this long to say that the store is away: the client's own timeouts are shorter. */
const TOLD_MS = 3_000;
const SLOW = { timeoutMs: 60_000, everyMs: 50 };

await withService(
  'API nodes behind a balancer',
  () => Promise.all([prepareKafka(), prepareOwnRedis()]),
  () => {
    let kafka: Awaited<ReturnType<typeof sharedKafka>>;
    let redis: TestRedis;
    let database: Awaited<ReturnType<typeof openTestDatabase>>;
    let live: LiveStore;
    let balancer: Balancer;
    let ports: number[];
    let settings: Record<string, string>;
    const nodes: RoleProcess[] = [];
    let clients: OracleClient[] = [];
    let produced = 0;

    const startNode = (i: number): void => {
      nodes[i] = startRole('src/api.ts', { ...settings, PORT: String(ports[i]) });
    };
    const ready = (i: number) =>
      until(`node ${i} to live`, async () => (await fetch(`http://127.0.0.1:${ports[i]}/healthz`)).ok, SLOW);

    before(async () => {
      // what is acknowledged is on disk: as an operator runs it
      const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
      [kafka, redis, database] = await Promise.all([sharedKafka(), startRedis({ args }), openTestDatabase(MIGRATIONS)]);
      live = await openRedisLiveStore({ url: redis.url, timeoutMs: 2_000, log: createLog('silent') });
      ports = [await freePort(), await freePort()];
      balancer = await startBalancer(ports);
      settings = {
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        KAFKA_BROKERS: kafka.brokers.join(','),
        MARKETS: 'binance:BTC-USDT',
        STORE_TIMEOUT_MS: '1500',
        POSTGRES_POOL: '3',
      };
      for (const i of [0, 1]) startNode(i);
      await Promise.all([ready(0), ready(1)]);
    });

    after(async () => {
      for (const client of clients) client.stop();
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
      await live?.close();
      await balancer?.stop();
      await Promise.all([database?.stop(), redis?.stop(), kafka?.stop()]);
    });

    beforeEach(async () => {
      for (const client of clients) client.stop();
      clients = Array.from({ length: CLIENTS }, (_, i) => {
        const plan = { name: `client ${i}`, what: 'trade', symbol: 'BTC-USDT', onSlow: 'DROP_WITH_GAP', heavy: false };
        const url = `ws://127.0.0.1:${balancer.port}/graphql`;
        return new OracleClient(plan as OracleClient['plan'], [url], Math.random);
      });
      for (const client of clients) client.connect();
      await until(
        'every client to follow',
        async () => {
          await append(1);
          return clients.every((client) => client.heard.some(({ kind }) => kind === 'event'));
        },
        SLOW,
      );
    });

    const appendOf = (n: number, epoch: string): LiveAppend => ({
      ...tradeAppend(trade(Date.UTC(2026, 0, 1) + n, String(n), { quantity: String(n) })),
      offset: BigInt(n),
      epoch,
    });
    let epoch = 'e1';
    async function append(count: number): Promise<void> {
      const some = Array.from({ length: count }, () => appendOf(++produced, epoch));
      await live.append(some);
    }

    /** Everybody has everything from its first event on; returns what was told besides. */
    async function assertWhole() {
      await until(
        'every client to have the last event',
        () => clients.every(({ heard }) => heard.some((one) => one.kind === 'event' && one.n === produced)),
        SLOW,
      ).catch(() => {});
      const tally = emptyTally();
      assert.deepEqual(
        clients.flatMap((client) => problemsOf(client, produced, new Map(), tally)),
        [],
      );
      assert.deepEqual([tally.told, tally.uncounted, tally.expired], [0, 0, 0]);
      return tally;
    }

    const heardStale = (reason: string | null) => () =>
      clients.every(({ heard }) => {
        const last = heard.findLast((one) => one.kind === 'stale');
        return last?.kind === 'stale' && (last.stale?.reason ?? null) === reason;
      });

    test('restarted in turn while events go on, they lose none for anybody', { timeout: 120_000 }, async () => {
      let going = true;
      const producing = (async () => {
        while (going) {
          await append(1);
          await new Promise((done) => setTimeout(done, 10));
        }
      })();
      try {
        for (const i of [0, 1]) {
          assert.equal(await nodes[i]?.end('SIGTERM'), 0, nodes[i]?.output().slice(-2_000));
          await append(20);
          startNode(i);
          await ready(i);
        }
      } finally {
        going = false;
        await producing;
      }
      await append(1);
      const { resumed } = await assertWhole();
      // each node had some of them, and all came back to the one that was left
      assert.ok(resumed >= CLIENTS, String(resumed));
      const codes = clients.flatMap(({ closes }) => [...closes.keys()]);
      assert.ok(codes.includes(1012));
      assert.deepEqual(
        codes.filter((code) => code !== 1012 && code !== 1006),
        [],
      );
    });

    test('Redis frozen: told at once and while it lasts; afterwards all is made good', {
      timeout: 90_000,
    }, async () => {
      await redis.kill('SIGSTOP');
      await until('everybody to be told', heardStale('STORE'), SLOW);
      await redis.kill('SIGCONT');
      await append(10);
      await until('everybody to be told that it is over', heardStale(null), SLOW);
      await assertWhole();
    });

    test('Redis stopped and back with its data: told at once; afterwards all is made good', {
      timeout: 90_000,
    }, async () => {
      const from = performance.now();
      await redis.kill('SIGTERM');
      await until('everybody to be told', heardStale('STORE'), SLOW);
      assert.ok(performance.now() - from < TOLD_MS, `${performance.now() - from} ms`);
      await redis.restart();
      await append(10);
      await until('everybody to be told that it is over', heardStale(null), SLOW);
      await assertWhole();
    });

    test('Redis back without its data: what comes again from the log is told to nobody twice', {
      timeout: 90_000,
    }, async () => {
      const [, folder] = (await redis.command('CONFIG', 'GET', 'dir')) as [string, string];
      await redis.kill('SIGKILL');
      await until('everybody to be told', heardStale('STORE'), SLOW);
      await rm(join(folder, 'appendonlydir'), { recursive: true });
      await redis.restart();
      await until('everybody to be told that it is over', heardStale(null), SLOW);
      epoch = 'e2';
      const again = Array.from({ length: produced + 5 }, (_, i) => appendOf(i + 1, epoch));
      produced += 5;
      for (let i = 0; i < again.length; i += 100) await live.append(again.slice(i, i + 100));
      await assertWhole();
    });
  },
);
