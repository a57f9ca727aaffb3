/**
 * Two ingest processes and a work process on real Kafka, Redis and Postgres, each of which is frozen, killed or emptied in
 * turn, as is an ingest process. After each of it rows and live streams are what the exchange sent: nothing twice, nothing
 * missing. Nothing any process prints holds a password.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { streamKey } from '../../schema/channels.ts';
import { decimal } from '../../schema/decimal.ts';
import type { TradeEvent } from '../../schema/market.ts';
import { deadLetterTopic, RAW_FRAMES, type RawFrame, TOPICS } from '../../schema/topics.ts';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { openPostgres, type Postgres } from '../../src/platform/postgres/postgres.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { withService } from '../support/service.ts';
import { readTopics, type TopicReader } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';

const CANARY = 'canary-a93kd02';
const NATIVE = 'BTCUSDT';
const MARKET = 'binance:BTC-USDT';
const LEASE_MS = 2_000;
const OUTAGE_MS = 4_000;
const RECOVERY = { timeoutMs: 45_000, everyMs: 200 };
const ROLES = ['ingest-1', 'ingest-2', 'work-1'];

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

await withService(
  'the path while what it stands on fails',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
  () => {
    let kafka: TestKafka;
    let redis: TestRedis;
    let server: TestPostgres;
    let postgres: Postgres;
    let reader: TopicReader;
    let sim: BinanceSim;
    let settings: Record<string, string>;
    const roles = new Map<string, RoleProcess>();

    before(async () => {
      const user = ['--user', 'app', 'on', `>${CANARY}`, '~*', '&*', '+@all'];
      [kafka, redis, server] = await Promise.all([startKafka(), startRedis({ args: user }), startPostgres()]);
      postgres = await openPostgres({ url: server.url, pool: 2, timeoutMs: 3_000 });
      await postgres.query(`CREATE ROLE app LOGIN SUPERUSER PASSWORD '${CANARY}'`);
      sim = await startBinanceSim({
        symbols: [NATIVE],
        seed: 5,
        rate: 5,
        recordLimit: 100_000,
        weightLimit: 1_000_000,
      });
      const database = new URL(server.url);
      Object.assign(database, { username: 'app', password: CANARY });
      settings = {
        DATABASE_URL: database.href,
        REDIS_URL: redis.url.replace('//', `//app:${CANARY}@`),
        KAFKA_BROKERS: kafka.brokers.join(','),
        ACCESS_TOKENS: `${CANARY}-token:admin`,
        BINANCE_WS_URL: sim.wsUrl,
        BINANCE_REST_URL: sim.restUrl,
        MARKETS: MARKET,
        METRICS_PORT: '0',
        LEASE_MS: String(LEASE_MS),
        KAFKA_SESSION_TIMEOUT_MS: '3000',
        STORE_TIMEOUT_MS: '1500',
        BACKFILL_HOURS: '0',
        POSTGRES_POOL: '4',
        LOG_LEVEL: 'debug',
      };
      for (const name of ROLES) roles.set(name, startRole(`src/${name.split('-')[0]}.ts`, settings));
      await until('the first trades in silver', async () => (await rows()).length > 3, { timeoutMs: 90_000 });
    });

    after(async () => {
      await Promise.all([...roles.values()].map((role) => role.end('SIGKILL')));
      await reader?.close();
      await sim?.close();
      await server?.thaw();
      await postgres?.close();
      await Promise.all([server?.stop(), redis?.stop(), kafka?.stop()]);
    });

    const rows = (): Promise<Record<'trade_id' | 'price' | 'quantity', string>[]> =>
      postgres.query('SELECT trade_id, price, quantity FROM silver.trade ORDER BY trade_id::bigint');

    async function entries(): Promise<{ sequence: number; epoch: string; id: number; gap: boolean }[]> {
      const found = (await redis.command('XRANGE', streamKey('trade', MARKET), '-', '+')) as [string, string[]][];
      return found.map(([sequence, fields]) => ({
        sequence: Number.parseInt(sequence, 10),
        epoch: fields[3] as string,
        id: Number((JSON.parse(fields[7] as string) as TradeEvent).tradeId),
        gap: fields[8] === 'g' && fields[9] !== '',
      }));
    }

    function assertRunning(): void {
      for (const [name, role] of roles) assert.ok(role.running(), `${name} ended:\n${role.output().slice(-3_000)}`);
    }

    /** Messages of the topic that can't be read. */
    let unreadable = 0;

    /** What was sent until now arrives in silver and on the stream; both are exactly what was sent. */
    async function assertWhole(): Promise<void> {
      const mark = sim.sent(NATIVE).trades.at(-1)?.a as number;
      const stored = await until(
        `trade ${mark} in silver`,
        async () => {
          const all = await rows();
          assertRunning();
          return Number(all.at(-1)?.trade_id) >= mark && all.filter((row) => Number(row.trade_id) <= mark);
        },
        RECOVERY,
      );
      const sent = sim.sent(NATIVE).trades.filter((t) => t.a >= Number(stored[0]?.trade_id) && t.a <= mark);
      assert.deepEqual(
        stored.map((row) => [Number(row.trade_id), decimal(row.price), decimal(row.quantity)]),
        sent.map((t) => [t.a, decimal(t.p), decimal(t.q)]),
      );
      const stream = await until(
        `trade ${mark} on the stream`,
        async () => {
          const all = await entries();
          return (all.at(-1)?.id ?? 0) >= mark && all.filter((entry) => entry.id <= mark);
        },
        RECOVERY,
      );
      assert.deepEqual(
        stream.map((entry) => entry.id),
        sent.map((t) => t.a),
      );
      assert.deepEqual(
        stream.map((entry) => entry.sequence),
        stream.map((_, i) => i + 1),
      );
      const gaps = stream.filter((entry) => entry.gap).length;
      assert.equal(gaps, unreadable, 'each is told once');
      assertRunning();
    }

    const follower = (): Promise<string> =>
      until(
        'a holder of the market',
        async () => {
          const [row] = await postgres.query<{ holder: string }>(
            'SELECT holder FROM ops.lease WHERE name = $1 AND expires_at > clock_timestamp()',
            [`ingest:${MARKET}`],
          );
          return row?.holder;
        },
        RECOVERY,
      );

    test('all is well at first', { timeout: 90_000 }, async () => {
      // one that is still starting when a store is taken away ends with that as the reason
      for (const [name, role] of roles) {
        await until(`${name} to be up`, () => /"msg":"(working|ingesting)"/.test(role.output()), RECOVERY);
      }
      await assertWhole();
    });

    test('Postgres frozen: the processes live, go on, and nothing is lost', { timeout: 90_000 }, async () => {
      await server.freeze();
      await pause(OUTAGE_MS);
      await server.thaw();
      await assertWhole();
    });

    test('Postgres killed and started again', { timeout: 90_000 }, async () => {
      await server.restart();
      await assertWhole();
    });

    test('Redis emptied while all run: a new epoch, and the stream has everything again', {
      timeout: 90_000,
    }, async () => {
      const [before] = await entries();
      await redis.flush();
      await assertWhole();
      assert.notEqual((await entries())[0]?.epoch, before?.epoch);
      assert.equal(new Set((await entries()).map((entry) => entry.epoch)).size, 1);
    });

    test('Redis killed and empty again', { timeout: 90_000 }, async () => {
      const [before] = await entries();
      await redis.kill('SIGKILL');
      await pause(1_000);
      await redis.restart();
      await assertWhole();
      assert.notEqual((await entries())[0]?.epoch, before?.epoch);
    });

    test('Kafka frozen', { timeout: 90_000 }, async () => {
      await kafka.kill('SIGSTOP');
      await pause(OUTAGE_MS);
      await kafka.kill('SIGCONT');
      await assertWhole();
    });

    test('Kafka killed and started again', { timeout: 120_000 }, async () => {
      await kafka.restart();
      await assertWhole();
    });

    test('an ingest process frozen: another follows, and the woken one publishes nothing more of it', {
      timeout: 90_000,
    }, async () => {
      const topics = [RAW_FRAMES.name, deadLetterTopic(RAW_FRAMES.name), deadLetterTopic(TOPICS.trades.name)];
      reader = await readTopics(kafka.brokers, topics);
      const holder = await follower();
      const pid = Number(holder.split(':')[1]);
      assert.ok([...roles.values()].some((role) => role.pid === pid));
      process.kill(pid, 'SIGSTOP');
      const from = performance.now();
      let woken = 0;
      try {
        await until('another to follow', async () => (await follower()) !== holder, RECOVERY);
        assert.ok(performance.now() - from < LEASE_MS + 2_000, `${performance.now() - from} ms`);
        await assertWhole();
      } finally {
        woken = Date.now();
        process.kill(pid, 'SIGCONT');
      }
      await assertWhole();
      const all = (): RawFrame[] => reader.seen(RAW_FRAMES.name).map((message) => RAW_FRAMES.parse(message));
      await until('frames of a second later', () => all().some((frame) => frame.receivedAt > woken + 1_000), RECOVERY);
      const frames = all();
      // its first feed was the one that was frozen; what it may follow later is another
      const old = frames.filter((frame) => frame.connection.startsWith(`${holder.slice(-8)}-`));
      assert.ok(old.length > 10);
      const feeds = new Set(old.filter((f) => f.receivedAt < woken).map((f) => f.connection.split('-')[1]));
      assert.deepEqual(
        old
          .filter((frame) => frame.receivedAt >= woken && feeds.has(frame.connection.split('-')[1]))
          .map((frame) => `${frame.connection} ${frame.receivedAt - woken}`),
        [],
      );
    });

    test('what is malformed is kept with its reason, and what it should have said comes by REST', {
      timeout: 90_000,
    }, async () => {
      /** Who reads trades. */
      const GROUPS = ['live', 'silver', 'tickers'];
      await reader.send(TOPICS.trades.name, 'BTC', '{"no":"trade"}');
      unreadable++;
      sim.faults.malform('aggTrade', '{"e":"aggTrade","E":');
      sim.faults.malform('aggTrade', 'not even JSON \u0000');
      const kept = (topic: string) => reader.seen(deadLetterTopic(topic));
      await until('the frames in the dead letters', () => kept(RAW_FRAMES.name).length >= 2, RECOVERY);
      for (const { headers } of kept(RAW_FRAMES.name)) assert.match(headers.error ?? '', /\w/);
      assert.ok(kept(RAW_FRAMES.name).some(({ value }) => value?.includes('not even JSON')));
      const groups = await until(
        'the message in ops.dead_letter',
        async () => {
          const found = await postgres.query<{ group: string; reason: string; value: Buffer }>(
            `SELECT group_name AS "group", reason, value FROM ops.dead_letter WHERE topic = $1 ORDER BY 1`,
            [TOPICS.trades.name],
          );
          return found.length >= GROUPS.length && found;
        },
        RECOVERY,
      );
      assert.deepEqual(
        groups.map(({ group, value }) => [group, value.toString()]),
        GROUPS.map((group) => [group, '{"no":"trade"}']),
      );
      assert.ok(groups.every(({ reason }) => reason.length > 3));
      await until('the message in the topic', () => kept(TOPICS.trades.name).length >= GROUPS.length, RECOVERY);
      await assertWhole();
      await reader.close();
    });

    test('with everything frozen, a stop still ends in time', { timeout: 60_000 }, async () => {
      const extra = [startRole('src/work.ts', settings), startRole('src/ingest.ts', settings)];
      roles.set('work-2', extra[0] as RoleProcess).set('ingest-3', extra[1] as RoleProcess);
      await until(
        'both to be up',
        () => extra.every((role) => /"msg":"(working|ingesting)"/.test(role.output())),
        RECOVERY,
      );
      await Promise.all([server.freeze(), redis.kill('SIGSTOP'), kafka.kill('SIGSTOP')]);
      try {
        const from = performance.now();
        await Promise.all(extra.map((role) => role.end('SIGTERM')));
        assert.ok(performance.now() - from < 5_000, `${performance.now() - from} ms`);
      } finally {
        await Promise.all([server.thaw(), redis.kill('SIGCONT'), kafka.kill('SIGCONT')]);
      }
      for (const name of ['work-2', 'ingest-3']) {
        assert.ok(!roles.get(name)?.output().includes(CANARY));
        roles.delete(name);
      }
      await assertWhole();
    });

    test('an ordered stop ends each process with 0, and no process has said a password', {
      timeout: 30_000,
    }, async () => {
      const from = performance.now();
      assert.deepEqual(await Promise.all([...roles.values()].map((role) => role.end('SIGTERM'))), [0, 0, 0]);
      assert.ok(performance.now() - from < 5_000, `${performance.now() - from} ms`);
      for (const [name, role] of roles) {
        assert.ok(!role.output().includes(CANARY), `${name} printed a password`);
      }
    });
  },
);
