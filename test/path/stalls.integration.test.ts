/**
 * One ingest, one work and one api process on real Kafka, Redis and Postgres. A client of live trades hears while it
 * lasts that a process behind its stream is frozen or dead, and why; when that is over it is told, and goes on.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { MIGRATIONS } from '../../migrations/index.ts';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
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
const QUERY = `subscription { tradeExecuted(exchange: BINANCE, symbol: "BTC-USDT") {
  sequence gap { missed } trade { tradeId } } }`;

interface Heard {
  at: number;
  stale: Stall | null;
  /** Null where the result is no event. */
  tradeId: number | null;
}

/** Everything that one client of the trades hears. */
function listen(url: string) {
  const heard: Heard[] = [];
  const faults: unknown[] = [];
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  client.subscribe<{ tradeExecuted: { gap: object | null; trade: { tradeId: string } } }, { stale?: Stall | null }>(
    { query: QUERY },
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
    const roles = new Map<string, RoleProcess>();
    const start = (name: string): RoleProcess => {
      const role = startRole(`src/${name}.ts`, settings);
      roles.set(name, role);
      return role;
    };
    const role = (name: string): RoleProcess => roles.get(name) as RoleProcess;

    before(async () => {
      [kafka, redis, database] = await Promise.all([startKafka(), startRedis(), openTestDatabase(MIGRATIONS)]);
      sim = await startBinanceSim({ symbols: ['BTCUSDT'], seed: 3, rate: 5, recordLimit: 100_000 });
      const port = await freePort();
      settings = {
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        KAFKA_BROKERS: kafka.brokers.join(','),
        BINANCE_WS_URL: sim.wsUrl,
        BINANCE_REST_URL: sim.restUrl,
        MARKETS: 'binance:BTC-USDT',
        PORT: String(port),
        METRICS_PORT: '0',
        LEASE_MS: '2000',
        FEED_STALE_MS: String(STALE_MS),
        BACKFILL_HOURS: '0',
        POSTGRES_POOL: '4',
      };
      for (const name of ['ingest', 'work', 'api']) start(name);
      const url = `http://127.0.0.1:${port}`;
      await until('the API to be ready', async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 60_000 });
      client = listen(url);
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

    test('a work process frozen: nobody says how the feed is doing, until it wakes', { timeout: 70_000 }, async () => {
      const from = Date.now();
      process.kill(role('work').pid, 'SIGSTOP');
      try {
        await until('to be told', () => client.reason() === 'UNKNOWN', BOUND);
        assert.ok(Math.abs(client.since() - from) < 2 * STALE_MS, `since ${client.since() - from} ms`);
      } finally {
        process.kill(role('work').pid, 'SIGCONT');
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
