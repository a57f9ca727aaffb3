/** The sink public.c2c_order: the newest known state of each order. An upsert that changes nothing writes nothing. */
import type { C2cOrder } from '../../schema/c2c-order.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { STATUS_ORDER } from '../silver/c2c-order-statement.ts';

const COLUMNS: Readonly<Record<string, readonly [type: string, of: (order: C2cOrder) => unknown]>> = {
  order_number: ['text', (o) => o.orderNumber],
  adv_no: ['text', (o) => o.advNo],
  trade_type: ['text', (o) => o.tradeType],
  asset: ['text', (o) => o.asset],
  fiat: ['text', (o) => o.fiat],
  fiat_symbol: ['text', (o) => o.fiatSymbol],
  amount: ['numeric', (o) => o.amount],
  total_price: ['numeric', (o) => o.totalPrice],
  unit_price: ['numeric', (o) => o.unitPrice],
  order_status: ['text', (o) => o.orderStatus],
  create_time: ['timestamptz', (o) => new Date(o.createTime).toISOString()],
  commission: ['numeric', (o) => o.commission],
  counter_part_nick_name: ['text', (o) => o.counterPartNickName],
  advertisement_role: ['text', (o) => o.advertisementRole],
  pay_method_name: ['text', (o) => o.payMethodName],
  additional_kyc_verify: ['integer', (o) => o.additionalKycVerify],
  taker_commission_rate: ['numeric', (o) => o.takerCommissionRate],
  taker_commission: ['numeric', (o) => o.takerCommission],
  taker_amount: ['numeric', (o) => o.takerAmount],
};

const names = Object.keys(COLUMNS);
/** What an answer of the older generation does not say stays as it is known. */
const LATER = ['pay_method_name', 'additional_kyc_verify', 'taker_commission_rate', 'taker_commission', 'taker_amount'];
const of = (table: string): string => names.map((name) => `${table}.${name}`).join(', ');
const status = (table: string): string =>
  `coalesce(array_position($1::text[], ${table}.order_status), array_position($1::text[], 'UNKNOWN'))`;
const rank = (table: string): string => `${status(table)}, ${table}.updated_at`;
const value = (name: string): string => (LATER.includes(name) ? `coalesce(g.${name}, t.${name})` : `g.${name}`);

/** A text as a column can hold it; in silver it is the same. */
const storable = (said: unknown): unknown =>
  typeof said === 'string' ? said.toWellFormed().replaceAll('\0', '\ufffd') : said;

/** Of two answers the later status wins, of equal ones the newer answer; `t` is what is stored, `g` what is given. */
const CHANGES = `(${rank('g')}) >= (${rank('t')}) AND (${of('t')}) IS DISTINCT FROM (${names.map(value).join(', ')})`;
const inConflict = (text: string): string => text.replaceAll('g.', 'excluded.');

// rows that change nothing are left out before the insert: even a conflict that does nothing locks its row, which is written
const UPSERT = `WITH given AS (
  SELECT DISTINCT ON (order_number) * FROM (
    SELECT *, $2::timestamptz AS updated_at FROM unnest(${names.map((name, i) => `$${i + 3}::${COLUMNS[name]?.[0]}[]`).join(', ')})
      WITH ORDINALITY AS u (${names.join(', ')}, place)
  ) g ORDER BY order_number, ${status('g')} DESC, place DESC
), changed AS (
  SELECT ${of('g')}, g.updated_at FROM given g LEFT JOIN public.c2c_order t USING (order_number)
  WHERE t.order_number IS NULL OR (${CHANGES})
), written AS (
  INSERT INTO public.c2c_order AS t (${names.join(', ')}, updated_at) SELECT * FROM changed ORDER BY order_number
  ON CONFLICT (order_number) DO UPDATE SET ${names
    .filter((name) => name !== 'order_number')
    .map((name) => `${name} = ${inConflict(value(name))}`)
    .join(', ')}, updated_at = greatest(t.updated_at, excluded.updated_at)
  WHERE ${inConflict(CHANGES)} RETURNING 1
) SELECT count(*)::int AS n FROM written`;

/**
 * Writes what the orders of one answer say that is new; `askedAt` is when it was asked for, epoch ms. Resolves with how many
 * rows changed. Throws what the database says.
 */
export async function upsertOrders(sql: Sql, orders: readonly C2cOrder[], askedAt: number): Promise<number> {
  if (orders.length === 0) return 0;
  const arrays = Object.values(COLUMNS).map(([, read]) => orders.map((order) => storable(read(order))));
  const [answer] = await sql.query<{ n: number }>(UPSERT, [STATUS_ORDER, new Date(askedAt).toISOString(), ...arrays]);
  return answer?.n ?? 0;
}
