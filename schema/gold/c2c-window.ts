/** gold.c2c_window: merchant orders that were created and completed, minute by minute. */
import type { C2cTradeType as TradeType } from '../c2c.ts';
import { Amount, Choice, Integer, Table, Text, Time } from '../columns.ts';
import { C2cTradeType } from '../graphql/c2c-enums.ts';

@Table({
  schema: 'gold',
  name: 'c2c_window',
  type: 'C2cWindow',
  description:
    'Merchant orders of one minute, by when the change was committed. A minute in which nothing was created or completed has no row. A change that is known up to 5 minutes late is still counted, with a higher `revision`. Orders that were created or completed while changes were not captured are in no window: a snapshot tells what is, not what has changed.',
})
export class C2cWindow {
  @Time({ primary: true, description: 'Begin of the minute, inclusive.' })
  start!: Date | number;

  @Text({ primary: true, description: 'The fiat currency, e.g. VND.' })
  fiat!: string;

  @Choice(C2cTradeType, { primary: true, description: "The merchant's side." })
  tradeType!: TradeType;

  @Integer({ description: 'Orders that were created.' })
  orders!: number;

  @Amount({ description: 'Total price of those, in fiat.' })
  totalPrice!: string;

  @Integer({ description: 'Orders that became COMPLETED, among them those that were created so.' })
  completed!: number;

  @Amount({ description: 'Total price of those, in fiat.' })
  completedTotalPrice!: string;

  @Integer({ description: 'Grows with every change of this row: of two of one minute, the higher is the later word.' })
  revision!: number;
}
