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

/** The first character of a name as people count them, so that half an emoji or a bare accent is never what is left. */
const LETTERS = new Intl.Segmenter('und', { granularity: 'grapheme' });
const MASK = '***';
/** As Binance itself masks: up to two letters, then nothing but the mask. */
const MASKED = /^.{0,2}\*{2,}$/su;

/**
 * A counterparty's name for those below the merchant role: its first letter and `***`, whatever its length. A name that is
 * masked already (`ab***`) stays as it is, an empty one stays empty. Masking twice changes nothing.
 */
export function maskCounterparty(name: string): string {
  if (name === '' || MASKED.test(name)) return name;
  const [first] = LETTERS.segment(name);
  return `${first?.segment ?? ''}${MASK}`;
}
