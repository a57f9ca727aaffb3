/** gold.ticker_daily: every market's days, with trend and volatility. */
import { Amount, Bool, Choice, Day, Fraction, Table, Text, Time } from '../columns.ts';
import { Exchange } from '../graphql/enums.ts';
import type { Exchange as ExchangeName } from '../market.ts';

@Table({
  schema: 'gold',
  name: 'ticker_daily',
  type: 'TickerDaily',
  description: "One market's day, UTC: trend and volatility.",
})
export class TickerDaily {
  @Choice(Exchange, { primary: true, description: 'Where it was traded.' })
  exchange!: ExchangeName;

  @Text({ primary: true, description: 'Canonical symbol BASE-QUOTE, e.g. BTC-USDT.' })
  symbol!: string;

  @Day({ primary: true, description: 'The day, UTC.' })
  day!: string;

  @Amount({ description: 'First price.' })
  open!: string;

  @Amount({ description: 'Highest price.' })
  high!: string;

  @Amount({ description: 'Lowest price.' })
  low!: string;

  @Amount({ description: 'Last price.' })
  close!: string;

  @Amount({ description: 'Traded volume in the quote asset.' })
  quoteVolume!: string;

  @Fraction({ description: 'Change from the first price to the last, in percent.' })
  changePercent!: number;

  @Fraction({
    nullable: true,
    description:
      'Realised volatility of the day: the root of the sum of the squared logarithmic returns from minute to minute, e.g. 0.031 for 3.1 %; null where fewer than two minutes are known.',
  })
  volatility!: number | null;

  @Fraction({
    nullable: true,
    description:
      "Slope of the least-squares line through the logarithm of the minutes' closing prices, per day: 0.02 is a growth of about 2 % a day; null where fewer than two minutes are known.",
  })
  trend!: number | null;

  @Fraction({
    description:
      "Fraction 0..1 of the day's minutes that are known; while it lasts, of those that have begun. A hole is visible, never silently averaged over.",
  })
  coverage!: number;

  @Bool({ description: 'False while the day lasts.' })
  isClosed!: boolean;

  @Time({})
  eventTime!: Date | number;
}
