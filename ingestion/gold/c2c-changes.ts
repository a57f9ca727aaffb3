/** What a gold table of C2C orders has to make anew: what changed in silver.c2c_order since the last time. */
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { horizonOf, lockProgress, saveProgress } from '../../src/platform/postgres/progress.ts';
import type { Task, TaskContext, TaskResult } from '../task.ts';
import { fault } from '../workers/fault.ts';

interface Position {
  system: string;
  tx: string;
  /** The days of the table are of this time zone. */
  timeZone: string;
}

export interface C2cGold {
  readonly name: string;
  /** The table, which is the step in ops.watermark too. */
  readonly table: string;
  /**
   * Makes anew what orders written or moved by transactions from `since` on are part of. `alive` is to be called between
   * statements: it throws when the run is given up.
   */
  make(sql: Sql, since: string, timeZone: string, alive: () => void): Promise<TaskResult>;
}

/** Orders now and places where an order was before; $1 is the first transaction that counts. */
export const CHANGED = `(SELECT asset, fiat, create_time FROM silver.c2c_order WHERE tx >= $1::xid8
  UNION SELECT asset, fiat, create_time FROM silver.c2c_order_moved WHERE tx >= $1::xid8)`;

/**
 * A task that makes the table in one transaction with its position. Without one, in another database or for days of another
 * time zone the table is made from its beginning; until then readers see it as it was.
 */
export function c2cGoldTask({ name, table, make }: C2cGold): Task {
  async function run({ platform, signal }: TaskContext): Promise<TaskResult> {
    const timeZone = platform.config.C2C_TIME_ZONE;
    const alive = (): void => signal.throwIfAborted();
    const result = await platform.postgres.transaction(async (sql) => {
      alive();
      const known = await lockProgress<Position>(sql, table);
      const { system, tx } = await horizonOf(sql);
      const since = known?.system === system && known.timeZone === timeZone ? known.tx : null;
      if (since === null) await sql.query(`DELETE FROM ${table}`);
      const made = await make(sql, since ?? '0', timeZone, alive);
      fault('after_write');
      await saveProgress(sql, table, { system, tx, timeZone });
      return made;
    });
    fault('after_commit');
    return result;
  }
  return { name, run };
}
