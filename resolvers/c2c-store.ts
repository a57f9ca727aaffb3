/** Merchant orders from silver.c2c_order. */
import { C2C_STATUSES } from '../schema/c2c.ts';
import type { C2cOrder } from '../schema/graphql/c2c.ts';
import type { C2cOrderStatusName } from '../schema/graphql/c2c-enums.ts';
import type { Sql } from '../src/platform/postgres/postgres.ts';
import { required } from './availability.ts';

/** An order as the table has it: the name not masked. */
export type C2cOrderRow = Omit<C2cOrder, 'createTime'> & { createTime: Date };

export interface C2cOrderKey {
  tradeType: string | null;
  asset: string | null;
  fiat: string | null;
  status: readonly C2cOrderStatusName[] | null;
  /** Epoch ms; `from` inclusive, `to` exclusive. */
  from: number | null;
  to: number | null;
  advertisementRole: string | null;
}

/** The last row of the page before. */
export interface C2cOrderPlace {
  time: number;
  orderNumber: string;
}

const KNOWN = `ARRAY[${C2C_STATUSES.map((name) => `'${name}'`).join(', ')}]`;
const COLUMNS = `order_number AS "orderNumber", adv_no AS "advNo", trade_type AS "tradeType", asset, fiat,
  fiat_symbol AS "fiatSymbol", amount, total_price AS "totalPrice", unit_price AS "unitPrice",
  CASE WHEN order_status = ANY (${KNOWN}) THEN order_status ELSE 'UNKNOWN' END AS status, order_status AS "rawStatus",
  create_time AS "createTime", commission, advertisement_role AS "advertisementRole", pay_method_name AS "payMethodName",
  counter_part_nick_name AS "counterPartNickName"`;

/** The list that a page position belongs to. */
export function c2cOrderQuestion(key: C2cOrderKey): string {
  return `c2cOrders:${JSON.stringify(key)}`;
}

/** Conditions of a filter, and what their parameters are. */
function conditionsOf(key: C2cOrderKey): { conditions: string[]; params: unknown[] } {
  const params: unknown[] = [];
  const given = (value: unknown): string => `$${params.push(value)}`;
  const conditions = ['true'];
  if (key.tradeType !== null) conditions.push(`trade_type = ${given(key.tradeType)}`);
  if (key.asset !== null) conditions.push(`asset = ${given(key.asset)}`);
  if (key.fiat !== null) conditions.push(`fiat = ${given(key.fiat)}`);
  if (key.advertisementRole !== null) conditions.push(`advertisement_role = ${given(key.advertisementRole)}`);
  if (key.from !== null) conditions.push(`create_time >= ${given(new Date(key.from))}`);
  if (key.to !== null) conditions.push(`create_time < ${given(new Date(key.to))}`);
  if (key.status !== null) {
    const named = `order_status = ANY (${given(key.status.filter((name) => name !== 'UNKNOWN'))}::text[])`;
    conditions.push(key.status.includes('UNKNOWN') ? `(${named} OR order_status <> ALL (${KNOWN}))` : named);
  }
  return { conditions, params };
}

/** At most `limit` orders, newest first. Time and number of an order don't change, so a place in the list stays one. */
export function c2cOrderRows(
  sql: Sql,
  key: C2cOrderKey,
  after: C2cOrderPlace | null,
  limit: number,
): Promise<C2cOrderRow[]> {
  const { conditions, params } = conditionsOf(key);
  if (after !== null) {
    params.push(new Date(after.time), after.orderNumber);
    conditions.push(`(create_time, order_number) < ($${params.length - 1}, $${params.length})`);
  }
  params.push(limit);
  return required(
    sql.query<C2cOrderRow>(
      `SELECT ${COLUMNS} FROM silver.c2c_order WHERE ${conditions.join(' AND ')}
       ORDER BY create_time DESC, order_number DESC LIMIT $${params.length}`,
      params,
    ),
  );
}

/** How many orders there are. */
export async function countC2cOrders(sql: Sql, key: C2cOrderKey): Promise<number> {
  const { conditions, params } = conditionsOf(key);
  const [row] = await required(
    sql.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM silver.c2c_order WHERE ${conditions.join(' AND ')}`,
      params,
    ),
  );
  return row?.n ?? 0;
}

/** The orders with these numbers, in their order; null for one that is not there. */
export async function findC2cOrders(sql: Sql, numbers: readonly string[]): Promise<(C2cOrderRow | null)[]> {
  const rows = await required(
    sql.query<C2cOrderRow>(`SELECT ${COLUMNS} FROM silver.c2c_order WHERE order_number = ANY ($1::text[])`, [numbers]),
  );
  const found = new Map(rows.map((row) => [row.orderNumber, row]));
  return numbers.map((number) => found.get(number) ?? null);
}
