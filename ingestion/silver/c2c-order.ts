/** bronze.raw_event → silver.c2c_order: every answer about an order judged, of each order the one that counts. */
import { C2C_SOURCE } from '../../schema/c2c.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Task } from '../task.ts';
import { C2C_ORDERS, STATUS_ORDER } from './c2c-order-statement.ts';
import { type Part, type Walk, walk } from './raw-events.ts';

interface Answer {
  rows: number;
  orders: number;
  rejects: number;
  /** Rows by the check that they failed. */
  failed: Record<string, number>;
  tx: string | null;
  id: string | null;
}

const WALK: Walk = {
  step: 'silver.c2c_order',
  partRows: 2_500,
  async make(sql, from, limit): Promise<Part> {
    const [made] = await sql.query<Answer>(C2C_ORDERS, [C2C_SOURCE, from.tx, from.id, limit, STATUS_ORDER]);
    if (!made) throw new Error('no answer');
    metrics.rows.inc({ table: 'silver.c2c_order' }, made.orders);
    for (const [check, failed] of Object.entries(made.failed)) {
      metrics.qualityFailed.inc({ dataset: 'c2c_order', check }, failed);
    }
    return {
      rowsIn: made.rows,
      rowsOut: made.orders + made.rejects,
      next: made.tx === null || made.id === null ? null : { tx: made.tx, id: made.id },
    };
  },
};

/**
 * Fills silver.c2c_order and silver.c2c_order_reject from what is new in bronze, and says in ops.data_quality_result
 * (dataset c2c_order) what was found. rowsOut counts orders changed and contents rejected.
 */
export const silverC2cOrders: Task = { name: 'silver_c2c_orders', run: (context) => walk(WALK, context) };
