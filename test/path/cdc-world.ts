/** Everything from the table to a subscriber, as processes of their own on real stores; who captures is the caller's. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { insertMany, insertOrders, openCaptured } from '../ingestion/capture/capture-platform.ts';
import { startKafka, type TestKafka } from '../support/kafka.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { prepareCapture } from '../support/prepare-sql.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { until } from '../support/until.ts';
import { type Done, startAudit } from './cdc-audit.ts';

const QUERY = `subscription { cdcEvent(table: "public.c2c_order") {
  sequence start gap { missed } record { op key before after } } }`;

type Row = Record<string, unknown> | null;

export interface CdcData {
  cdcEvent: {
    sequence: string;
    start: string | null;
    gap: { missed: string } | null;
    record: { op: string; key: Row; before: Row; after: Row };
  };
}

export interface CdcWorld {
  kafka: TestKafka;
  server: TestPostgres;
  redis: TestRedis;
  postgres: Postgres;
  settings: Record<string, string>;
  work: RoleProcess;
  api: RoleProcess;
  subscriber: Subscriber<CdcData>;
  /** The password of the role `dbz`. */
  password: string;
  restartWork(): Promise<void>;
  /** Calls `listener` with every event from now on. */
  onEvent(listener: (event: CdcData) => void): void;
  stop(): Promise<void>;
}

/**
 * `source`: CDC_SOURCE of the worker process. The table has five rows already, which the subscriber gets as READ. With `audit`
 * the database keeps a record of what is done to it. Throws when a part does not start; nothing is left running then.
 */
export async function startCdcWorld(source: 'off' | 'debezium', { audit = true } = {}): Promise<CdcWorld> {
  const begun: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of begun.splice(0).reverse()) await end();
  };
  try {
    return await startAll(source, audit, begun, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startAll(
  source: 'off' | 'debezium',
  audit: boolean,
  begun: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<CdcWorld> {
  const kafka = await startKafka();
  begun.push(() => kafka.stop());
  const server = await startPostgres();
  begun.push(() => server.stop());
  const redis = await startRedis();
  begun.push(() => redis.stop());
  const postgres = await openCaptured(server.url);
  begun.push(() => postgres.close());
  const password = 'dbz0secret';
  await prepareCapture(postgres, password);
  await postgres.query(insertMany('old', 5));
  if (audit) await startAudit(postgres);
  const port = await freePort();
  const settings = {
    DATABASE_URL: server.url,
    REDIS_URL: redis.url,
    KAFKA_BROKERS: kafka.brokers.join(','),
    ACCESS_TOKENS: 'test-token-admin:admin',
    METRICS_PORT: '0',
    LEASE_MS: '3000',
    KAFKA_SESSION_TIMEOUT_MS: '6000',
    STORE_TIMEOUT_MS: '3000',
    POSTGRES_POOL: '4',
    MAX_SUBSCRIBER_QUEUE: '1000000',
    LOG_LEVEL: 'info',
  };
  const startWork = (): RoleProcess =>
    startRole('src/work.ts', { ...settings, CDC_SOURCE: source }, ['--only=cdc,live,capture']);
  const work = startWork();
  const api = startRole('src/api.ts', { ...settings, PORT: String(port) });
  begun.push(() => Promise.all([world.work.end('SIGKILL'), api.end('SIGKILL')]));
  const url = `http://127.0.0.1:${port}`;
  const subscriber: Subscriber<CdcData> = { events: [], faults: [], stop: async () => {} };
  const listeners: ((event: CdcData) => void)[] = [];
  const world: CdcWorld = {
    ...{ kafka, server, redis, postgres, settings, work, api, subscriber, password, stop },
    onEvent(listener) {
      listeners.push(listener);
    },
    async restartWork() {
      await world.work.end('SIGKILL');
      world.work = startWork();
    },
  };
  const ready = async (): Promise<boolean> => {
    if (!work.running() || !api.running()) throw new Error(`${work.output()}${api.output()}`.slice(-3_000));
    return work.output().includes('"working"') && (await fetch(`${url}/healthz`)).ok;
  };
  await until('the processes', ready, { timeoutMs: 60_000, everyMs: 200 });
  world.subscriber = subscribe<CdcData>(url, QUERY, {}, (event) => {
    for (const listener of listeners) listener(event);
  });
  begun.push(() => world.subscriber.stop());
  return world;
}

/** What the subscriber was told, without the snapshot's rows. */
export function toldChanges({ subscriber }: CdcWorld): Done[] {
  return subscriber.events.flatMap(({ cdcEvent: { record } }) => {
    if (record.op === 'READ') return [];
    const row = record.after ?? record.before;
    return [{ op: record.op, key: String(record.key?.order_number ?? ''), amount: String(row?.amount ?? '') }];
  });
}

/** One of everything that can be done to a table. */
export async function doEverything(postgres: Postgres, folder: string, large: number): Promise<void> {
  const T = 'public.c2c_order';
  await postgres.query(insertOrders('one'));
  await postgres.query(`UPDATE ${T} SET amount = 2 WHERE order_number = 'one'`);
  await postgres.query(`UPDATE ${T} SET order_number = 'uno' WHERE order_number = 'one'`);
  await postgres.query(`DELETE FROM ${T} WHERE order_number = 'uno'`);
  await postgres.query(insertOrders('a', 'b', 'c'));
  const file = join(folder, `copied-${large}.csv`);
  const lines = Array.from(
    { length: 500 },
    (_, i) => `copied${i},adv,BUY,BTC,KRW,₩,${i}.5,1,1,TRADING,2026-01-01T00:00:00Z,0,nick,MAKER\n`,
  );
  await writeFile(file, lines.join(''), { mode: 0o644 });
  await postgres.query(
    `COPY ${T} (order_number, adv_no, trade_type, asset, fiat, fiat_symbol, amount, total_price, unit_price, order_status,
       create_time, commission, counter_part_nick_name, advertisement_role) FROM '${file}' (FORMAT csv)`,
  );
  await postgres.query(insertMany('large', large));
  await postgres.query(`TRUNCATE ${T}`);
  await postgres.query(insertOrders('after'));
}

export interface Load {
  /** Transactions that were committed so far. */
  done(): number;
  stop(): Promise<void>;
}

/** Two writers, each on its own orders, until it is stopped; what fails on the way is tried no more. */
export function startLoad(postgres: Postgres, name: string): Load {
  const T = 'public.c2c_order';
  let going = true;
  let done = 0;
  const writer = async (who: string): Promise<void> => {
    for (let i = 0; going; i++) {
      const key = `${name}-${who}-${i % 40}`;
      const texts = [
        insertMany(`${key}-${i}-`, 3),
        `UPDATE ${T} SET amount = amount + 1 WHERE order_number LIKE '${name}-${who}-${(i * 7) % 40}-%'`,
        `DELETE FROM ${T} WHERE order_number LIKE '${name}-${who}-${(i * 3) % 40}-%1'`,
      ];
      try {
        await postgres.query(texts[i % texts.length] ?? '');
        done += 1;
      } catch {
        // the server is away
      }
      await new Promise((next) => setTimeout(next, 10));
    }
  };
  const writers = [writer('p'), writer('q')];
  return {
    done: () => done,
    async stop() {
      going = false;
      await Promise.all(writers);
    },
  };
}
