/** gold.c2c_summary: what an asset was bought and sold for in a currency, by day; `C2cSummary` adds days up. */
import { Amount, Day, Integer, Table, Text } from '../columns.ts';

@Table({
  schema: 'gold',
  name: 'c2c_summary',
  type: 'C2cSummaryDay',
  description: 'A day of one asset and currency.',
})
export class C2cSummaryDay {
  @Text({ primary: true })
  asset!: string;

  @Text({ primary: true })
  fiat!: string;

  @Day({ primary: true })
  day!: string;

  @Integer({})
  orders!: number;

  @Amount({})
  buyAmount!: string;

  @Amount({})
  buyTotal!: string;

  @Amount({})
  sellAmount!: string;

  @Amount({})
  sellTotal!: string;

  /** As in the daily volume: the exchange's field `commission`, without `takerCommission`. */
  @Amount({})
  commission!: string;

  @Amount({})
  realisedMargin!: string;

  /** Sold without a known lot. */
  @Amount({})
  uncostedAmount!: string;
}
