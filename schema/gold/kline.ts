/** gold.kline: candles of all intervals. */
import { Field, ID } from 'type-graphql';
import { Amount, Bool, Choice, Fraction, Integer, Table, Text, Time } from '../columns.ts';
import { Exchange, Interval } from '../graphql/enums.ts';
import type { Exchange as ExchangeName, Interval as IntervalName } from '../market.ts';
import { DateTime } from '../scalars.ts';

@Table({ schema: 'gold', name: 'kline', type: 'Kline', description: 'A candle: what was traded in one interval.' })
export class Kline {
  @Field(() => ID, { description: 'exchange:symbol:interval:openTime in ms, stable; for normalised client caches.' })
  id!: string;

  @Choice(Exchange, { primary: true, description: 'Where it was traded.' })
  exchange!: ExchangeName;

  @Text({ primary: true, description: 'Canonical symbol BASE-QUOTE, e.g. BTC-USDT.' })
  symbol!: string;

  @Choice(Interval, { primary: true, description: 'Length of the candle.' })
  interval!: IntervalName;

  @Time({ primary: true, description: 'First millisecond of the candle.' })
  openTime!: Date | number;

  @Field(() => DateTime, { description: 'Last millisecond of the candle.' })
  closeTime!: Date | number;

  @Amount({ description: 'First price.' })
  open!: string;

  @Amount({ description: 'Highest price.' })
  high!: string;

  @Amount({ description: 'Lowest price.' })
  low!: string;

  @Amount({ description: 'Last price.' })
  close!: string;

  @Amount({ description: 'Base-asset volume.' })
  volume!: string;

  @Amount({ description: 'Quote-asset volume.' })
  quoteVolume!: string;

  @Integer({ nullable: true, description: 'Number of trades; null where the exchange does not tell.' })
  tradeCount!: number | null;

  @Bool({ description: 'False while the candle is still forming.' })
  isClosed!: boolean;

  @Fraction({
    description:
      "Fraction 0..1 of the interval's minutes that are known; a minute confirmed empty counts as known. A hole is visible, never silently averaged over.",
  })
  coverage!: number;

  @Time({})
  eventTime!: Date | number;
}
