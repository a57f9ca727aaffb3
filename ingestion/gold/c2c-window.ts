/**
 * gold.c2c_window: orders created and completed, by the minute in which the change was committed. A row grows by what is
 * new in silver.cdc_record, in the transaction that makes it new; so what is delivered again counts once.
 *
 * Created is an order whose row was inserted (a change of its number is none); completed one whose row was inserted as
 * COMPLETED or became so. A snapshot, a deletion and a truncation change no window.
 */
import { C2C_TRADE_TYPES } from '../../schema/c2c.ts';
import { C2C_ORDER_TABLE, type CdcChange } from '../../schema/cdc.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

/** A change this much older than the newest one is kept, and its window stays as it is. */
export const LATE_MS = 5 * 60_000;
const MINUTE = 60_000;

export interface Counted {
  /** Begin of the minute, epoch ms. */
  start: number;
  fiat: string;
  tradeType: string;
  totalPrice: string;
  created: boolean;
  completed: boolean;
}

/** What a change adds to its window; null where that is nothing. */
export function countedOf({ table, op, before, after, relatedKey, eventTime }: CdcChange): Counted | null {
  if (table !== C2C_ORDER_TABLE || !after) return null;
  const created = op === 'CREATE' && relatedKey === null;
  const was = before?.order_status ?? null;
  const becomes = created || (op === 'UPDATE' && was !== null && was !== 'COMPLETED');
  const completed = becomes && after.order_status === 'COMPLETED';
  const { fiat, trade_type: side, total_price: total } = after;
  const isKnown = typeof fiat === 'string' && typeof total === 'string';
  if (!(created || completed) || !isKnown || !C2C_TRADE_TYPES.some((type) => type === side)) return null;
  const start = eventTime - (eventTime % MINUTE);
  return { start, fiat, tradeType: String(side), totalPrice: total, created, completed };
}

const ADD = `
  INSERT INTO gold.c2c_window AS w (start, fiat, trade_type, orders, total_price, completed, completed_total_price, revision)
  SELECT start, fiat, trade_type, count(*) FILTER (WHERE created), coalesce(sum(total) FILTER (WHERE created), 0),
    count(*) FILTER (WHERE completed), coalesce(sum(total) FILTER (WHERE completed), 0), 1
  FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::numeric[], $5::boolean[], $6::boolean[])
    AS c (start, fiat, trade_type, total, created, completed)
  GROUP BY start, fiat, trade_type ORDER BY start, fiat, trade_type
  ON CONFLICT (start, fiat, trade_type) DO UPDATE SET
    orders = w.orders + excluded.orders, total_price = w.total_price + excluded.total_price,
    completed = w.completed + excluded.completed,
    completed_total_price = w.completed_total_price + excluded.completed_total_price, revision = w.revision + 1`;

/** Adds to the windows; those that it changes get a higher revision. */
export async function addToWindows(sql: Sql, counted: readonly Counted[]): Promise<void> {
  if (counted.length === 0) return;
  await sql.query(ADD, [
    counted.map((c) => new Date(c.start).toISOString()),
    counted.map((c) => c.fiat),
    counted.map((c) => c.tradeType),
    counted.map((c) => c.totalPrice),
    counted.map((c) => c.created),
    counted.map((c) => c.completed),
  ]);
}
