/** Merchant (C2C) orders as the exchange says them, and the statuses in the order in which they can follow each other. */

export const C2C_TRADE_TYPES = ['BUY', 'SELL'] as const;
export type C2cTradeType = (typeof C2C_TRADE_TYPES)[number];

/**
 * Statuses of Binance's C2C order history, earliest first: of two answers about one order the later status wins. The last
 * three end an order. Anything else is kept as it was said and shown as UNKNOWN.
 */
export const C2C_STATUSES = [
  'PENDING',
  'TRADING',
  'BUYER_PAYED',
  'DISTRIBUTING',
  'IN_APPEAL',
  'CANCELLED',
  'CANCELLED_BY_SYSTEM',
  'COMPLETED',
] as const;
export type C2cStatus = (typeof C2C_STATUSES)[number];

/** The source name of everything that came from Binance's C2C API, in the landing store and in bronze. */
export const C2C_SOURCE = 'binance_c2c';
