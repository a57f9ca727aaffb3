/** The enums of merchant orders. */
import type { C2cStatus, C2cTradeType as TradeType } from '../c2c.ts';
import { describedEnum } from './enums.ts';

export const C2cTradeType = describedEnum<TradeType>('C2cTradeType', "The merchant's side of an order.", {
  BUY: 'The merchant buys the asset.',
  SELL: 'The merchant sells the asset.',
});

export type C2cOrderStatusName = C2cStatus | 'UNKNOWN';

export const C2cOrderStatus = describedEnum<C2cOrderStatusName>('C2cOrderStatus', 'How far an order is.', {
  PENDING: 'Made and not yet taken up.',
  TRADING: 'Waits for the payment.',
  BUYER_PAYED: 'The buyer says that the payment is made.',
  DISTRIBUTING: 'The asset is being released.',
  COMPLETED: 'Paid and released.',
  IN_APPEAL: 'One side has appealed to the exchange.',
  CANCELLED: 'Cancelled by one side.',
  CANCELLED_BY_SYSTEM: 'Cancelled by the exchange, usually for want of payment.',
  UNKNOWN: 'A status that this version does not know; `rawStatus` has it.',
});
