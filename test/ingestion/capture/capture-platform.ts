/** What a reader of changes needs: a database with the project's tables, a log, and no more. */
import { MIGRATIONS } from '../../../migrations/index.ts';
import { topicSpecs } from '../../../schema/topics.ts';
import type { Broker } from '../../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../../src/platform/broker/kafka/broker.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { createLog, type Log } from '../../../src/platform/log.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import { openPostgres, type Sql } from '../../../src/platform/postgres/postgres.ts';
import { readSlot } from '../../../src/platform/postgres/slot.ts';
import { until } from '../../support/until.ts';

/** A pool on the database, migrated. */
export async function openCaptured(url: string) {
  const postgres = await openPostgres({ url, pool: 8, timeoutMs: 20_000, migrations: MIGRATIONS });
  await postgres.migrate();
  return postgres;
}

/** A client of Kafka with every topic made. */
export async function openTopics(brokers: readonly string[]): Promise<Broker> {
  const log = createLog('silent');
  const broker = await openKafkaBroker({
    ...{ brokers: [...brokers], clientId: 'test', sessionTimeoutMs: 6_000, timeoutMs: 5_000, log },
  });
  await broker.ensureTopics(topicSpecs().filter(({ name }) => name.startsWith('cdc.')));
  return broker;
}

/** A platform of these stores; the lease is short, so that a successor need not be waited for. */
export function platformOf(
  { postgres, broker }: Pick<Platform, 'postgres' | 'broker'>,
  env: Record<string, string> = {},
  log: Log = createLog('silent'),
): Platform {
  const config = readConfig({ LEASE_MS: '2000', STORE_TIMEOUT_MS: '5000', ...env });
  return { config, log, postgres, broker, live: createMemoryLiveStore() };
}

const COLUMNS = [
  ...['order_number', 'adv_no', 'trade_type', 'asset', 'fiat', 'fiat_symbol', 'amount', 'total_price', 'unit_price'],
  ...['order_status', 'create_time', 'commission', 'counter_part_nick_name', 'advertisement_role'],
].join(', ');

/** `INSERT` of orders with these numbers. */
export function insertOrders(...numbers: readonly string[]): string {
  const rows = numbers.map(
    (n) =>
      `('${n}','adv','BUY','USDT','VND','₫',12.340,1000000000000000000000.10,26000,'TRADING','2026-01-02 03:04:05.120+07',` +
      `0.00000001,'nick "${n}" \\ ñ','MAKER')`,
  );
  return `INSERT INTO public.c2c_order (${COLUMNS}) VALUES ${rows.join(', ')}`;
}

/** `INSERT` of the orders `<prefix>0` to `<prefix><count - 1>`, in one statement. */
export function insertMany(prefix: string, count: number): string {
  return `INSERT INTO public.c2c_order (${COLUMNS})
    SELECT '${prefix}' || i, 'adv', 'SELL', 'USDT', 'VND', '₫', i, i::numeric * 26000, 26000, 'PENDING', now(), 0, 'nick ' || i, 'TAKER'
    FROM generate_series(0, ${count - 1}) i`;
}

/** Lets the server give up a slot that nobody reads, as it does with one that holds back too much of the log. */
export async function loseSlot(sql: Sql, slot: string): Promise<void> {
  await sql.query(`ALTER SYSTEM SET idle_replication_slot_timeout = '1s'`);
  await sql.query('SELECT pg_reload_conf()');
  const isLost = async (): Promise<boolean | undefined> => {
    await sql.query('CHECKPOINT');
    return (await readSlot(sql, slot)).slot?.lost;
  };
  await until('the slot to be lost', isLost, { everyMs: 250 });
  await sql.query('ALTER SYSTEM RESET idle_replication_slot_timeout');
  await sql.query('SELECT pg_reload_conf()');
}
