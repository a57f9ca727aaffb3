/** Answers about C2C orders put into bronze as its loader does, and what the tasks are handed. */

import type { Task, TaskResult } from '../../../ingestion/task.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { C2C_SOURCE } from '../../../schema/c2c.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import type { Postgres, Sql } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../../support/postgres.ts';

export const T0 = Date.UTC(2026, 2, 1, 9, 30);
export const DAY = 86_400_000;

/** An order as the exchange's documentation has it, first generation. */
export function answer(orderNumber: string, given: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    orderNumber,
    advNo: '11218246497340923904',
    tradeType: 'SELL',
    asset: 'USDT',
    fiat: 'VND',
    fiatSymbol: '₫',
    amount: '10.00000000',
    totalPrice: '250000.00000000',
    unitPrice: '25000',
    orderStatus: 'COMPLETED',
    createTime: T0,
    commission: '0.01',
    counterPartNickName: 'ab***',
    advertisementRole: 'MAKER',
    ...given,
  };
}

export interface Call {
  id: string;
  /** When the answer came, epoch ms. */
  at: number;
  orders: readonly unknown[];
}

function timeOf(order: unknown, fallback: number): number {
  const time = (order as { createTime?: unknown } | null)?.createTime;
  return typeof time === 'number' && time > 0 && time < 4e12 ? time : fallback;
}

/** Puts answers into bronze.raw_event. */
export async function putBronze(sql: Sql, calls: readonly Call[]): Promise<void> {
  const rows = calls.flatMap(({ id, at, orders }) =>
    orders.map((order, i) => ({
      event_id: `${id}:${i}`,
      symbol: `${(order as Record<string, unknown> | null)?.asset}-${(order as Record<string, unknown> | null)?.fiat}`,
      ts_event: new Date(timeOf(order, at)).toISOString(),
      payload: order,
      call_id: id,
      received_at: new Date(at).toISOString(),
    })),
  );
  await sql.query(
    `INSERT INTO bronze.raw_event (event_id, source, symbol, ts_event, payload, call_id, received_at)
     SELECT event_id, $1, symbol, ts_event, payload, call_id, received_at FROM jsonb_to_recordset($2::jsonb)
       AS r (event_id text, symbol text, ts_event timestamptz, payload jsonb, call_id text, received_at timestamptz)
     ON CONFLICT DO NOTHING`,
    [C2C_SOURCE, JSON.stringify(rows)],
  );
}

/** A database and what runs tasks on it. */
export async function openTaskWorld(env: NodeJS.ProcessEnv = {}) {
  const database = await openTestDatabase(MIGRATIONS);
  const { postgres } = database;
  return {
    url: database.url,
    postgres,
    stop: () => database.stop(),
    run: (task: Task, more: NodeJS.ProcessEnv = {}) => runTask(postgres, task, { ...env, ...more }),
    put: (...calls: Call[]) => putBronze(postgres, calls),
    /** Takes everything away but bronze, as before a rebuild. */
    async forget() {
      await postgres.query(
        `TRUNCATE silver.c2c_order, silver.c2c_order_moved, silver.c2c_order_reject, gold.c2c_daily_volume, gold.c2c_summary`,
      );
      await postgres.query(
        `DELETE FROM ops.watermark WHERE step IN ('silver.c2c_order', 'gold.c2c_daily_volume', 'gold.c2c_summary')`,
      );
    },
  };
}

/** Runs a task as a pipeline does. */
export function runTask(postgres: Postgres, task: Task, env: NodeJS.ProcessEnv = {}): Promise<TaskResult> {
  const log = createLog('silent');
  const platform = { config: readConfig(env), log, postgres } as unknown as Platform;
  return task.run({ platform, log, signal: new AbortController().signal, progress: () => {} });
}
