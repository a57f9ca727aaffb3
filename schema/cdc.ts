/** Captured changes of tables: what is known of one, the tables that are shown, and what of their rows is personal. */
import { maskCounterparty } from './c2c.ts';

export const CDC_OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'READ', 'TRUNCATE'] as const;
export type CdcOperation = (typeof CDC_OPERATIONS)[number];

/** Column → value: decimals and whole numbers past 2^53 are text, instants ISO 8601 in UTC. */
export type CdcRow = Readonly<Record<string, unknown>>;

/** One change of one row, or the truncation of a table, as it was captured. */
export interface CdcChange {
  /** The same for every delivery of the change, another for every other change. */
  id: string;
  /** `schema.table`. */
  table: string;
  op: CdcOperation;
  /** Null for a truncation, and for a table without a primary key. */
  key: CdcRow | null;
  /** Of a change of the key, which comes as DELETE of the old one and CREATE of the new one: the other; else null. */
  relatedKey: CdcRow | null;
  /** What is known of the row before; null where nothing is. */
  before: CdcRow | null;
  after: CdcRow | null;
  changed: readonly string[];
  /** Columns that `after` lacks: the change left them as they were, and their value was not said. */
  unchanged: readonly string[];
  /** Null in an incremental snapshot. */
  lsn: string | null;
  txId: string | null;
  /** Place within the transaction, where the capture says it. */
  position: string | null;
  /** Which part of a snapshot it is of, as Debezium says it (`true`, `first`, `last`, `incremental`, …); null for none. */
  snapshot: string | null;
  /** When the transaction was committed or, of a snapshot, the row was read; epoch ms. */
  eventTime: number;
}

/** How a column's value is spelled, whatever encoding it comes in. */
export type ColumnKind = 'text' | 'decimal' | 'integer' | 'time';

export interface CapturedTable {
  readonly key: readonly string[];
  /** Columns whose type is known; another one is taken as it comes. */
  readonly columns: Readonly<Record<string, ColumnKind>>;
  /** Columns that a whole row has a value for. */
  readonly required: readonly string[];
}

export const C2C_ORDER_TABLE = 'public.c2c_order';

/** The tables whose changes are shown. */
export const CDC_TABLES: Readonly<Record<string, CapturedTable>> = {
  [C2C_ORDER_TABLE]: {
    key: ['order_number'],
    columns: {
      order_number: 'text',
      adv_no: 'text',
      trade_type: 'text',
      asset: 'text',
      fiat: 'text',
      fiat_symbol: 'text',
      amount: 'decimal',
      total_price: 'decimal',
      unit_price: 'decimal',
      order_status: 'text',
      create_time: 'time',
      commission: 'decimal',
      counter_part_nick_name: 'text',
      advertisement_role: 'text',
      pay_method_name: 'text',
      additional_kyc_verify: 'integer',
      taker_commission_rate: 'decimal',
      taker_commission: 'decimal',
      taker_amount: 'decimal',
      updated_at: 'time',
    },
    required: ['order_number', 'trade_type', 'asset', 'fiat', 'total_price', 'order_status', 'create_time'],
  },
};

/** Names of counterparties, as the tables and as Binance spell the field. */
export const PERSONAL_FIELDS: readonly string[] = ['counter_part_nick_name', 'counterPartNickName'];

/** A row for those below the merchant role. */
export function maskRow(row: CdcRow): CdcRow {
  if (!PERSONAL_FIELDS.some((name) => Object.hasOwn(row, name))) return row;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (!PERSONAL_FIELDS.includes(name) || value === null) return [name, value];
      return [name, typeof value === 'string' ? maskCounterparty(value) : '***'];
    }),
  );
}

/** A change for those below the merchant role. */
export function maskChange<C extends Pick<CdcChange, 'key' | 'relatedKey' | 'before' | 'after'>>(change: C): C {
  const { key, relatedKey, before, after } = change;
  return {
    ...change,
    key: key && maskRow(key),
    relatedKey: relatedKey && maskRow(relatedKey),
    before: before && maskRow(before),
    after: after && maskRow(after),
  };
}

/** What is said of the capture of a table, again and again, by who watches it. */
export interface CaptureStatus {
  /** When it was said, epoch ms. */
  at: number;
  /** Since when changes have not been captured, epoch ms; null where they are. */
  brokenSince: number | null;
}
