/**
 * One ingest, one api and two work processes on real Kafka, Redis and Postgres. A client of live trades hears while it
 * lasts that a process behind its stream is frozen or dead, and why; when that is over it is told, and goes on.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { MIGRATIONS } from '../../migrations/index.ts';
import { TOPICS } from '../../schema/topics.ts';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { createPartitioner } from '../../src/platform/broker/partitioner.ts';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import type { Stall } from '../../src/stream/stall.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { withService } from '../support/service.ts';
import { until } from '../support/until.ts';

const STALE_MS = 3_000;
/** A silence is told after its bound, and two looks a second apart. */
const BOUND = { timeoutMs: STALE_MS + 12_000, everyMs: 50 };
const RECOVERY = { timeoutMs: 40_000, everyMs: 100 };
/** The partitions of their topics differ, so that one of them is with another process than the feeds' status. */
const BASES = ['BTC', 'ETH'] as const;
const queryOf = (base: string): string => `subscription { tradeExecuted(exchange: BINANCE, symbol: "${base}-USDT") {
  sequence gap { missed } trade { tradeId } } }`;

interface Heard {
  at: number;
  stale: Stall | null;
  /** Null where the result is no event. */
  tradeId: number | null;
}

/** Everything that one client of a market's trades hears. */
function listen(url: string, base: string) {
  const heard: Heard[] = [];
  const faults: unknown[] = [];
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  client.subscribe<{ tradeExecuted: { gap: object | null; trade: { tradeId: string } } }, { stale?: Stall | null }>(
    { query: queryOf(base) },
    {
      next({ data, errors, extensions }) {
        if (errors || data?.tradeExecuted.gap) faults.push(errors ?? data);
        const tradeId = data ? Number(data.tradeExecuted.trade.tradeId) : null;
        heard.push({ at: Date.now(), stale: extensions?.stale ?? null, tradeId });
      },
      error: (error) => faults.push(error),
      complete() {},
    },
  );
  return {
    faults,
    trades: () => heard.flatMap(({ tradeId }) => tradeId ?? []),
    /** What the newest result says of the stream. */
    reason: (): string | null => heard.at(-1)?.stale?.reason ?? null,
    since: (): number => Date.parse(heard.at(-1)?.stale?.since ?? ''),
    stop: () => client.dispose(),
  };
}

await withService(
  'stalls of the path',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
  () => {
    let kafka: TestKafka;
    let redis: TestRedis;
    let database: Awaited<ReturnType<typeof openTestDatabase>>;
    let sim: BinanceSim;
    let settings: Record<string, string>;
    let client: ReturnType<typeof listen>;
    /** The work process that has the client's trades; the other one has the feeds' status. */
    let holder: string;
    const WORK = ['work', 'work-live'] as const;
    const ports = new Map<string, number>();
    const roles = new Map<string, RoleProcess>();
    const start = (name: string): void => {
      const own = { METRICS_PORT: String(ports.get(name) ?? 0) };
      const args = name === 'work-live' ? ['--only=live'] : [];
      roles.set(name, startRole(`src/${name.split('-')[0]}.ts`, { ...settings, ...own }, args));
    };
    const role = (name: string): RoleProcess => roles.get(name) as RoleProcess;
    const signal = (names: readonly string[], sign: NodeJS.Signals): void => {
      for (const name of names) process.kill(role(name).pid, sign);
    };

    /** True where a work process has written what came in a partition to the live store. */
    async function has(name: string, topic: string, partition: number): Promise<boolean> {
      const text = await (await fetch(`http://127.0.0.1:${ports.get(name)}/metrics`)).text();
      const labels = ['group="live"', `topic="${topic}"`, `partition="${partition}"`];
      const lines = text.split('\n').filter((line) => line.startsWith('tickgraph_worker_lag_messages{'));
      return lines.some((line) => labels.every((label) => line.includes(label)));
    }

    /** A market whose trades are with another process than the feeds' status, and that process. */
    async function apart(): Promise<{ base: string; name: string } | null> {
      const partitionOf = createPartitioner();
      const { name: topic, partitions } = TOPICS.trades;
      for (const [speaker, other] of [WORK, [...WORK].reverse() as [string, string]] as const) {
        if (!(await has(speaker, TOPICS.feedStatus.name, 0))) continue;
        for (const base of BASES) {
          if (await has(other, topic, partitionOf(base, partitions))) return { base, name: other };
        }
      }
      return null;
    }

    before(async () => {
      [kafka, redis, database] = await Promise.all([startKafka(), startRedis(), openTestDatabase(MIGRATIONS)]);
      sim = await startBinanceSim({
        symbols: BASES.map((base) => `${base}USDT`),
        seed: 3,
        rate: 5,
        recordLimit: 100_000,
      });
      const port = await freePort();
      settings = {
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        KAFKA_BROKERS: kafka.brokers.join(','),
        BINANCE_WS_URL: sim.wsUrl,
        BINANCE_REST_URL: sim.restUrl,
        MARKETS: BASES.map((base) => `binance:${base}-USDT`).join(),
        PORT: String(port),
        // longer than it takes to tell that a process hangs: else its partitions are with the other one by then
        KAFKA_SESSION_TIMEOUT_MS: '30000',
        LEASE_MS: '2000',
        FEED_STALE_MS: String(STALE_MS),
        BACKFILL_HOURS: '0',
        POSTGRES_POOL: '4',
      };
      for (const name of WORK) ports.set(name, await freePort());
      for (const name of ['ingest', ...WORK, 'api']) start(name);
      const url = `http://127.0.0.1:${port}`;
      await until('the API to be ready', async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 90_000 });
      const found = await until('a market and the status of feeds with different processes', apart, {
        timeoutMs: 90_000,
        everyMs: 500,
      });
      holder = found.name;
      client = listen(url, found.base);
      await until('trades', () => client.trades().length > 3 && client.reason() === null, { timeoutMs: 60_000 });
    });

    after(async () => {
      await client?.stop();
      await Promise.all([...roles.values()].map((one) => one.end('SIGKILL')));
      await sim?.close();
      await Promise.all([database?.stop(), redis?.stop(), kafka?.stop()]);
    });

    async function assertGoesOn(): Promise<void> {
      const count = client.trades().length;
      await until('trades again', () => client.trades().length > count + 3 && client.reason() === null, RECOVERY);
    }

    test('an ingest process frozen: FEED, until it wakes', { timeout: 70_000 }, async () => {
      const from = Date.now();
      process.kill(role('ingest').pid, 'SIGSTOP');
      try {
        await until('to be told', () => client.reason() === 'FEED', BOUND);
        assert.ok(Math.abs(client.since() - from) < STALE_MS, `since ${client.since() - from} ms`);
      } finally {
        process.kill(role('ingest').pid, 'SIGCONT');
      }
      await assertGoesOn();
    });

    test('the work process that has the trades frozen, the feed is heard: WORKER, until it wakes', {
      timeout: 70_000,
    }, async () => {
      const from = Date.now();
      signal([holder], 'SIGSTOP');
      try {
        await until('to be told', () => client.reason() === 'WORKER', BOUND);
        assert.ok(Math.abs(client.since() - from) < STALE_MS, `since ${client.since() - from} ms`);
        const told = client.since();
        await new Promise((done) => setTimeout(done, STALE_MS));
        assert.deepEqual([client.reason(), client.since()], ['WORKER', told]);
      } finally {
        signal([holder], 'SIGCONT');
      }
      await assertGoesOn();
    });

    test('all work processes frozen: nobody says how the feed is doing, until they wake', {
      timeout: 70_000,
    }, async () => {
      const from = Date.now();
      signal(WORK, 'SIGSTOP');
      try {
        await until('to be told', () => client.reason() === 'UNKNOWN', BOUND);
        assert.ok(Math.abs(client.since() - from) < 2 * STALE_MS, `since ${client.since() - from} ms`);
      } finally {
        signal(WORK, 'SIGCONT');
      }
      await assertGoesOn();
    });

    test('an ingest process killed: FEED, until another follows; no trade is missing in all this', {
      timeout: 70_000,
    }, async () => {
      await role('ingest').end('SIGKILL');
      await until('to be told', () => client.reason() === 'FEED', BOUND);
      start('ingest');
      await assertGoesOn();
      const trades = client.trades();
      const first = trades[0] as number;
      assert.deepEqual(
        trades,
        trades.map((_, i) => first + i),
      );
      assert.deepEqual(client.faults, []);
    });
  },
);
