/** Envelopes of public.c2c_order as the settings in deploy/debezium make them: no schema, decimals and times as text. */
import { TOPICS } from '../../../schema/topics.ts';
import type { Broker, OutgoingMessage } from '../../../src/platform/broker/broker.ts';

export type Row = Record<string, unknown>;
export const TABLE = 'public.c2c_order';
/** A name that must be seen nowhere but where it may be. */
export const CANARY = 'Zanzibar-Canary-Nguyễn';
export const T = Date.UTC(2026, 2, 1, 12);
export const MINUTE = 60_000;

/** A row as it comes in an envelope. */
export function order(number: string, fields: Row = {}): Row {
  return {
    order_number: number,
    adv_no: '9001',
    trade_type: 'BUY',
    asset: 'USDT',
    fiat: 'VND',
    fiat_symbol: '₫',
    amount: '100.50',
    total_price: '2612500',
    unit_price: '26000',
    order_status: 'TRADING',
    create_time: '2026-03-01T11:58:00.123456Z',
    commission: '0',
    counter_part_nick_name: CANARY,
    advertisement_role: 'TAKER',
    pay_method_name: 'BANK',
    additional_kyc_verify: 0,
    taker_commission_rate: null,
    taker_commission: null,
    taker_amount: null,
    updated_at: '2026-03-01T12:00:00.000001Z',
    ...fields,
  };
}

export interface Options {
  /** Commit time, epoch ms. */
  time?: number;
  lsn?: number | null;
  txId?: number | null;
  snapshot?: unknown;
  transaction?: object | null;
  source?: Row;
}

/** An envelope; `op` as Debezium writes it. */
export function envelope(op: string, before: Row | null, after: Row | null, options: Options = {}): Row {
  const { time = T, lsn = 1_000, txId = 700, snapshot = 'false', transaction = null, source = {} } = options;
  const nanos = `${time}000000`;
  return {
    before,
    after,
    source: {
      ...{ version: '3.7.0.Final', connector: 'postgresql', name: 'cdc', ts_ms: time, snapshot, db: 'tickgraph' },
      ...{ sequence: `["${lsn}","${lsn}"]`, ts_us: time * 1_000, ts_ns: Number(nanos), schema: 'public' },
      ...{ table: 'c2c_order', txId, lsn, xmin: null, origin: null, origin_lsn: null, ...source },
    },
    transaction,
    op,
    ts_ms: time + 5,
    ts_ns: Number(nanos),
  };
}

export interface Given {
  key: string | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

/** A message of the topic. The key is that of the row, as the connector writes it. */
export function message(value: Row | string | null, key?: Row | null, headers: Record<string, string> = {}): Given {
  const row = typeof value === 'object' && value ? ((value.after ?? value.before) as Row | null | undefined) : null;
  const own = key === undefined && row ? { order_number: row.order_number } : (key ?? null);
  const text = typeof value === 'string' || value === null ? value : JSON.stringify(value);
  return { key: own && JSON.stringify(own), value: text === null ? null : Buffer.from(text), headers };
}

/** An order that is inserted, or changes: the commonest messages. */
export const created = (number: string, options: Options & { row?: Row } = {}): Given =>
  message(envelope('c', null, order(number, options.row), options));
export const updated = (number: string, from: Row, to: Row, options: Options = {}): Given =>
  message(envelope('u', order(number, from), order(number, to), options));
export const deleted = (number: string, options: Options = {}): Given =>
  message(envelope('d', order(number), null, options));

/** Sends to the topic, in order. */
export async function send(broker: Broker, messages: readonly OutgoingMessage[]): Promise<void> {
  await broker.send(TOPICS.cdc.name, messages);
}
