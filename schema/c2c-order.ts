/** One order as Binance's C2C history says it, checked: what both generations of the answer have, and what only newer ones do. */
import { z } from 'zod';
import { C2C_TRADE_TYPES, type C2cTradeType } from './c2c.ts';

/** Decimals as said, ids as text, times epoch ms. What is null only newer answers say. */
export interface C2cOrder {
  orderNumber: string;
  advNo: string;
  tradeType: C2cTradeType;
  asset: string;
  fiat: string;
  fiatSymbol: string;
  amount: string;
  totalPrice: string;
  unitPrice: string;
  /** As said; see C2C_STATUSES for those that are known. */
  orderStatus: string;
  createTime: number;
  commission: string;
  counterPartNickName: string;
  advertisementRole: string;
  payMethodName: string | null;
  additionalKycVerify: number | null;
  takerCommissionRate: string | null;
  takerCommission: string | null;
  takerAmount: string | null;
}

/** Plain, not negative, and of a size that stays exact everywhere after. */
const Dec = z.string().regex(/^[0-9]{1,20}(\.[0-9]{1,18})?$/, 'not a decimal');
const Positive = Dec.refine((text) => /[1-9]/.test(text), 'not above zero');
/** Epoch ms between 2009 and 2100. */
const Time = z.number().int().min(1_230_768_000_000).max(4_102_444_800_000);
const said = z.string().max(200);
const blank = <T extends z.ZodType>(inner: T) => z.preprocess((value) => (value === '' ? undefined : value), inner);
const later = <T extends z.ZodType>(inner: T) => blank(inner.nullish().transform((value) => value ?? null));

// the texts of what fails name no value: the name of the counterparty must reach no log
const Order: z.ZodType<C2cOrder> = z.object({
  orderNumber: z.string().regex(/^[0-9A-Za-z_-]{1,64}$/, 'not a number of an order'),
  advNo: said.nullish().transform((value) => value ?? ''),
  tradeType: z.enum(C2C_TRADE_TYPES),
  asset: z.string().regex(/^[A-Z0-9]{1,20}$/, 'not an asset'),
  fiat: z.string().regex(/^[A-Z]{3}$/, 'not a currency'),
  fiatSymbol: said.nullish().transform((value) => value ?? ''),
  amount: Positive,
  totalPrice: Positive,
  unitPrice: Positive,
  orderStatus: z.string().min(1).max(64),
  createTime: Time,
  commission: blank(Dec.nullish().transform((value) => value ?? '0')),
  counterPartNickName: said.nullish().transform((value) => value ?? ''),
  advertisementRole: said.nullish().transform((value) => value ?? ''),
  payMethodName: later(said),
  additionalKycVerify: later(z.number().int().min(0).max(999)),
  takerCommissionRate: later(Dec),
  takerCommission: later(Dec),
  takerAmount: later(Dec),
}) as z.ZodType<C2cOrder>;

export type ParsedC2cOrder = { order: C2cOrder } | { reason: string };

/**
 * The order that a value says, unknown fields left out, or why it is none: the fields that are wrong, without their values.
 * Never throws.
 */
export function parseC2cOrder(value: unknown): ParsedC2cOrder {
  const result = Order.safeParse(value);
  if (result.success) return { order: result.data };
  const reasons = result.error.issues.map(({ path, message }) => `${path.join('.') || 'order'}: ${message}`);
  return { reason: reasons.join('; ').slice(0, 400) };
}
