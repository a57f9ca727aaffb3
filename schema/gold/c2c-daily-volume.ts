/** gold.c2c_daily_volume: the merchant's orders by day, asset, fiat and side. */
import type { C2cTradeType as TradeType } from '../c2c.ts';
import { Amount, Choice, Day, Fraction, Integer, Table, Text } from '../columns.ts';
import { C2cTradeType } from '../graphql/c2c-enums.ts';

@Table({
  schema: 'gold',
  name: 'c2c_daily_volume',
  type: 'C2cDailyVolume',
  description: 'Days are of the time zone in the setting C2C_TIME_ZONE (default UTC).',
})
export class C2cDailyVolume {
  @Day({ primary: true, description: 'The day on which the orders were made.' })
  day!: string;

  @Text({ primary: true, description: 'The crypto asset, e.g. USDT.' })
  asset!: string;

  @Text({ primary: true, description: 'The currency it was traded for, e.g. VND.' })
  fiat!: string;

  @Choice(C2cTradeType, { primary: true, description: "The merchant's side." })
  tradeType!: TradeType;

  @Integer({ description: 'Orders of any status.' })
  orders!: number;

  @Integer({ description: 'Those that are completed.' })
  completed!: number;

  @Integer({ description: 'Those that were cancelled, by whomever.' })
  cancelled!: number;

  @Amount({ description: 'What was traded of the asset, in completed orders.' })
  amount!: string;

  @Amount({ description: 'What was paid for it, in the currency, in completed orders.' })
  totalPrice!: string;

  @Amount({
    nullable: true,
    description:
      'totalPrice / amount, so weighted by amount; to 8 decimals, halves up. Null where no order is completed.',
  })
  averageUnitPrice!: string | null;

  @Amount({
    description:
      "Commission of completed orders, in the asset: the exchange's field `commission`, without `takerCommission`.",
  })
  commission!: string;

  @Integer({
    description: 'Counterparties of all the orders, as far as the names that the exchange shows tell them apart.',
  })
  counterparties!: number;

  @Fraction({ description: 'Completed orders in percent of all, also of those still under way.' })
  completionPercent!: number;
}
