/** Processes that begin before their stores do, or lose them while they begin: they wait, say for what, and then work. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { MIGRATIONS } from '../../migrations/index.ts';
import { prepareKafka, sharedKafka } from '../support/kafka.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { withService } from '../support/service.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const STORES = ['PostgreSQL', 'Kafka', 'Redis'] as const;
const SLOW = { timeoutMs: 60_000, everyMs: 20 };

await withService(
  'stores that are not there at the start',
  () => Promise.all([prepareKafka(), prepareOwnRedis()]),
  () => {
    let kafka: Awaited<ReturnType<typeof sharedKafka>>;
    let redis: TestRedis;
    let database: Awaited<ReturnType<typeof openTestDatabase>>;
    let proxies: Record<(typeof STORES)[number], TcpProxy>;
    let settings: Record<string, string>;
    let role: RoleProcess | undefined;

    /** The url of a store, by way of its proxy. */
    const through = (url: string, { port }: TcpProxy): string => {
      const at = new URL(url);
      at.host = `127.0.0.1:${port}`;
      return at.href;
    };
    const portOf = (url: string): number => Number(new URL(url).port);

    before(async () => {
      [kafka, redis, database] = await Promise.all([sharedKafka(), startRedis(), openTestDatabase(MIGRATIONS)]);
      proxies = {
        PostgreSQL: await startTcpProxy(portOf(database.url)),
        Kafka: await startTcpProxy(portOf(`kafka://${kafka.brokers[0]}`)),
        Redis: await startTcpProxy(portOf(redis.url)),
      };
      settings = {
        DATABASE_URL: through(database.url, proxies.PostgreSQL),
        REDIS_URL: through(redis.url, proxies.Redis),
        KAFKA_BROKERS: `127.0.0.1:${proxies.Kafka.port}`,
        METRICS_PORT: '0',
        PORT: '0',
        STORE_TIMEOUT_MS: '1000',
      };
    });
    beforeEach(() => Promise.all(STORES.map((store) => proxies[store].set('refuse'))));
    afterEach(() => role?.end('SIGKILL'));
    after(async () => {
      await Promise.all(Object.values(proxies ?? {}).map((proxy) => proxy.stop()));
      await Promise.all([database?.stop(), redis?.stop(), kafka?.stop()]);
    });

    const says = (what: string) =>
      until(
        what,
        () => {
          assert.ok(!role?.output().includes('"msg":"ended"'), role?.output().slice(-3_000));
          return role?.output().includes(`"msg":"${what}"`);
        },
        SLOW,
      );

    for (const [name, up] of [
      ['work', 'working'],
      ['api', 'serving'],
    ] as const) {
      test(`${name}: each is waited for by name`, { timeout: 90_000 }, async () => {
        role = startRole(`src/${name}.ts`, settings);
        for (const store of STORES) {
          await says(`waiting for ${store}`);
          assert.ok(!role.output().includes(`"msg":"${up}"`));
          await proxies[store].set('pass');
        }
        await says(up);
        assert.equal(await role.end('SIGTERM'), 0);
      });
    }

    test('work: PostgreSQL goes away between the first look at it and the last', { timeout: 90_000 }, async () => {
      for (const store of ['PostgreSQL', 'Kafka'] as const) await proxies[store].set('pass');
      role = startRole('src/work.ts', settings);
      await says('waiting for Redis');
      await proxies.PostgreSQL.set('refuse');
      await proxies.Redis.set('pass');
      await says('waiting for the queue of pipelines');
      await proxies.PostgreSQL.set('pass');
      await says('working');
    });

    test('beyond the bound it ends with that as the reason, and a stop is not kept waiting', async () => {
      role = startRole('src/api.ts', { ...settings, START_PATIENCE_MS: '500' });
      assert.equal(await role.exited, 1);
      assert.match(role.output(), /"msg":"ended"/);
      assert.match(role.output(), /PostgresUnavailable/);
      role = startRole('src/api.ts', settings);
      await says('waiting for PostgreSQL');
      assert.equal(await role.end('SIGTERM'), 0);
    });
  },
);
