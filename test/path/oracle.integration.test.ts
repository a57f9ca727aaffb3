/**
 * Two API and two worker processes on real Kafka, Redis and Postgres, two hundred clients of random policies, pauses and
 * filters, and some that keep copies of order books. Sockets are cut, API nodes and workers killed, a partition moved and Redis emptied, at seeded moments. Whatever happens
 * to a client: what it received and what it was told to have missed is what is in the topic, once and in order, and at the
 * end it is where the topic is. ORACLE_SECONDS and ORACLE_SEED make it longer and another.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MIGRATIONS } from '../../migrations/index.ts';
import type { Broker } from '../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../src/platform/broker/kafka/broker.ts';
import { createLog } from '../../src/platform/log.ts';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { seeded } from '../support/seeded.ts';
import { withService } from '../support/service.ts';
import { readTopics } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';
import { startBooks } from './oracle-books.ts';
import { emptyTally, problemsOf, type Wanted, wantedBy } from './oracle-check.ts';
import { type ClientPlan, OracleClient, type SpreadFilter } from './oracle-client.ts';
import { KIND_TOPICS, KINDS, type Kind, SYMBOLS, startProducer } from './oracle-producer.ts';

const SECONDS = Number(process.env.ORACLE_SECONDS ?? 60);
const SEED = Number(process.env.ORACLE_SEED ?? 1);
const CLIENTS = 200;
const HEAVY = 12;
const POLICIES = ['CONFLATE', 'DROP_WITH_GAP', 'DISCONNECT'] as const;
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Which spread it is, in the check's own words. */
const idOf = ({ base, buy, sell, notional }: Record<string, { exchange: string }>): string =>
  [base, buy?.exchange, sell?.exchange, notional].join();

/** An own spelling of the live streams' keys. */
const streamOf = (kind: Kind, symbol: string): string => {
  if (kind === 'spread') return 'live:arbitrage:{all}';
  const [base, quote] = symbol.split('-');
  return `live:${kind}:binance:{${base}}-${quote}${kind === 'kline' ? ':1m' : ''}`;
};
const FIGURES = { trade: 'quantity', ticker: 'last', kline: 'close', spread: 'netProfit' } as const;
/** The figure that numbers an event. */
const figureOf = (kind: Kind, payload: Record<string, string>): number => Number(payload[FIGURES[kind]]);

await withService(
  'what two hundred clients are told',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
  () => {
    let kafka: TestKafka;
    let redis: TestRedis;
    let database: Awaited<ReturnType<typeof openTestDatabase>>;
    let broker: Broker;
    let settings: Record<string, string>;
    let ports: number[];
    const roles = new Map<string, RoleProcess>();
    const clients: OracleClient[] = [];
    let books: ReturnType<typeof startBooks>;
    const random = seeded(SEED);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const anyFilter = (): SpreadFilter => ({
      base: random() < 0.3 ? null : (pick(SYMBOLS).split('-')[0] as string),
      minNetPercent: pick([null, '-0.5', '0', '0.25']),
      executableOnly: random() < 0.5,
    });

    function start(name: string): void {
      const isApi = name.startsWith('api');
      const port = isApi ? String(ports[Number(name.at(-1)) - 1]) : '0';
      const args = isApi ? [] : ['--only=live'];
      roles.set(name, startRole(`src/${isApi ? 'api' : 'work'}.ts`, { ...settings, PORT: port }, args));
    }

    before(async () => {
      [kafka, redis, database] = await Promise.all([startKafka(), startRedis(), openTestDatabase(MIGRATIONS)]);
      ports = [await freePort(), await freePort()];
      settings = {
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        KAFKA_BROKERS: kafka.brokers.join(','),
        MARKETS: SYMBOLS.map((symbol) => `binance:${symbol}`).join(','),
        METRICS_PORT: '0',
        KAFKA_SESSION_TIMEOUT_MS: '3000',
        STORE_TIMEOUT_MS: '2000',
        POSTGRES_POOL: '3',
        MAX_SUBSCRIBER_QUEUE: '20',
        RESUME_BUFFER_EVENTS: '100',
        SOCKET_BUFFER_BYTES: '16384',
        MAX_QUERY_ALIASES: '1000',
        MAX_QUERY_TOKENS: '5000',
        LOG_LEVEL: 'info',
      };
      broker = await openKafkaBroker({
        ...{ brokers: kafka.brokers, clientId: 'oracle', sessionTimeoutMs: 6_000, timeoutMs: 5_000 },
        log: createLog('silent'),
      });
      for (const name of ['work-1', 'work-2', 'api-1', 'api-2']) start(name);
      for (const port of ports) {
        await until('the API to live', async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok, {
          timeoutMs: 60_000,
        });
      }
    });

    after(async () => {
      for (const client of [...clients, ...(books?.clients ?? [])]) client.stop();
      await Promise.all([...roles.values()].map((role) => role.end('SIGKILL')));
      await broker?.close();
      await Promise.all([database?.stop(), redis?.stop(), kafka?.stop()]);
    });

    /** What the live store has where, looked at again and again: it is emptied meanwhile. */
    const stored = new Map<string, Map<string, number>>();
    async function look(kind: Kind, symbol: string): Promise<void> {
      const stream = streamOf(kind, symbol);
      const found = await redis.command('XREVRANGE', stream, '+', '-', 'COUNT', '60').catch(() => []);
      const places = stored.get(stream) ?? new Map<string, number>();
      stored.set(stream, places);
      for (const [id, fields] of found as [string, string[]][]) {
        const at = (name: string): string => fields[fields.indexOf(name) + 1] as string;
        const n = figureOf(kind, JSON.parse(at('p')) as Record<string, string>);
        places.set(`${at('e')}/${id.split('-')[0]}`, n);
      }
    }

    const actions: Record<string, () => Promise<void>> = {
      async 'sockets cut'() {
        for (const client of [...clients, ...books.clients]) if (random() < 0.3) client.cut();
      },
      async 'an API node killed'() {
        const name = pick(['api-1', 'api-2']);
        await roles.get(name)?.end('SIGKILL');
        await pause(500);
        start(name);
      },
      async 'Redis emptied'() {
        await redis.kill('SIGKILL');
        await pause(500 + random() * 1_000);
        await redis.restart();
      },
      async 'a worker killed'() {
        const name = pick(['work-1', 'work-2']);
        await roles.get(name)?.end('SIGKILL');
        await pause(500);
        start(name);
      },
      async 'partitions moved'() {
        start('work-3');
        await pause(4_000);
        await roles.get('work-3')?.end('SIGTERM');
      },
    };

    test(`${SECONDS} s, seed ${SEED}`, { timeout: (SECONDS + 240) * 1_000 }, async (t) => {
      const faults: unknown[] = [];
      const producer = startProducer(broker, SEED, (error) => faults.push(error));
      const urls = ports.map((port) => `ws://127.0.0.1:${port}/graphql`);
      books = startBooks({ broker, urls, seed: SEED, onError: (error) => faults.push(error) });
      for (let i = 0; i < CLIENTS; i++) {
        const heavy = i < HEAVY;
        const heavyWhat = i % 4 === 3 ? 'spread' : 'trade';
        const what: Kind = heavy ? heavyWhat : random() < 0.5 ? 'trade' : pick(['ticker', 'kline', 'spread', 'spread']);
        const filter = what === 'spread' ? anyFilter() : null;
        const onSlow = heavy ? (POLICIES[i % 3] as (typeof POLICIES)[number]) : pick(POLICIES);
        const plan: ClientPlan = { name: `client ${i}`, what, symbol: pick(SYMBOLS), filter, onSlow, heavy };
        const client = new OracleClient(plan, urls, seeded(SEED * 1_000 + i));
        clients.push(client);
        client.connect();
      }
      await until(
        'every client to hear something',
        () => clients.every((c) => c.heard.some((h) => h.kind === 'event')) && books.haveBegun(),
        {
          timeoutMs: 60_000,
        },
      );

      const looking = setInterval(() => {
        for (const kind of KINDS) for (const symbol of SYMBOLS) void look(kind, symbol);
      }, 1_000);
      const pausing = setInterval(() => {
        for (const client of clients) {
          if (random() < (client.plan.heavy ? 0.12 : 0.02)) client.pause(1_000 + random() * 9_000);
        }
        books.pauseSome(random);
      }, 1_000);
      const from = performance.now();
      const left = (): number => SECONDS * 1_000 - (performance.now() - from);
      const done: string[] = [];
      let waiting: string[] = [];
      while (left() > 0) {
        await pause(Math.min(left(), 2_000 + random() * 5_000));
        if (left() <= 0) break;
        // each before any again, in another order every time
        if (waiting.length === 0) waiting = Object.keys(actions).sort(() => random() - 0.5);
        const name = waiting.pop() as string;
        done.push(`${name} ${Math.round((performance.now() - from) / 1_000)}`);
        await actions[name]?.();
      }
      clearInterval(pausing);

      // all is well again: somebody who began anew needs something to hear
      await pause(8_000);
      await Promise.all([producer.stop(), books.stop()]);
      assert.deepEqual(faults, []);
      const names = KINDS.map((kind) => KIND_TOPICS[kind].name);
      const reader = await readTopics(kafka.brokers, names);
      let total = -1;
      await until(
        'the end of the topics',
        async () => {
          const now = names.reduce((sum, name) => sum + reader.seen(name).length, 0);
          const ended = now === total && now > 0;
          total = now;
          return ended;
        },
        { everyMs: 2_000, timeoutMs: 60_000 },
      );
      const produced = new Map<string, number>();
      const spreads: Parameters<typeof wantedBy>[1][number][] = [];
      for (const kind of KINDS) {
        for (const { value } of reader.seen(KIND_TOPICS[kind].name)) {
          const payload = JSON.parse(String(value));
          const stream = streamOf(kind, payload.symbol);
          // the check relies on it: one, two, three
          const before = produced.get(stream) ?? 0;
          const n = figureOf(kind, payload);
          assert.ok(n === before + 1 || n <= before, `${stream}: ${n} after ${before}`);
          if (kind === 'spread' && n > before) spreads.push({ ...payload, n, id: idOf(payload) });
          produced.set(stream, Math.max(before, n));
        }
      }
      await reader.close();
      const endOf = ({ plan }: OracleClient): number => produced.get(streamOf(plan.what, plan.symbol)) ?? 0;
      const wanted = new Map<OracleClient, Wanted>();
      for (const client of clients) {
        const { filter } = client.plan;
        if (filter) wanted.set(client, wantedBy(filter, spreads));
      }
      const isThere = (client: OracleClient): boolean => {
        const last = client.heard.findLast((one) => one.kind === 'event');
        const all = wanted.get(client);
        return last?.kind === 'event' && (all ? all.get(last.n)?.place === all.size : last.n === endOf(client));
      };
      await until('every client to be at the end', () => clients.every(isThere) && books.areThere(), {
        timeoutMs: 60_000,
      }).catch(() => {});
      clearInterval(looking);

      const tally = emptyTally();
      const problems = clients.flatMap((client) => {
        const places = stored.get(streamOf(client.plan.what, client.plan.symbol)) ?? new Map<string, number>();
        return problemsOf(client, endOf(client), places, tally, wanted.get(client) ?? null);
      });
      problems.push(...books.problems());
      const closes: Record<number, number> = {};
      for (const client of clients) for (const [code, n] of client.closes) closes[code] = (closes[code] ?? 0) + n;
      t.diagnostic(JSON.stringify({ produced: total, ...tally, closes, books: books.tally(), done }));
      if (problems.length > 0) {
        const logs = [...roles].map(([name, role]) => `${name}:\n${role.output().slice(-3_000)}`);
        assert.fail(`${problems.length} problems\n${problems.slice(0, 30).join('\n')}\n${logs.join('\n')}`);
      }
      for (const [name, role] of roles) if (name !== 'work-3') assert.ok(role.running(), `${name} ended`);
      assert.ok(tally.received > CLIENTS * 10 && tally.resumed > 0, JSON.stringify(tally));
      assert.equal(tally.repeatedAfterExpiry, 0, 'who begins anew hears nothing again');
    });
  },
);
