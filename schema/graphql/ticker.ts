/** GraphQL types of 24 h figures. */
import { Field, Float, ObjectType } from 'type-graphql';
import type { Exchange as ExchangeName } from '../market.ts';
import { DateTime, Decimal } from '../scalars.ts';
import { Exchange } from './enums.ts';
import { StreamEvent } from './stream.ts';

@ObjectType('Ticker', {
  description:
    'The last 24 hours of a market in figures, made of its own minutes; where fewer than 24 hours of them are known, of those that are.',
  simpleResolvers: true,
})
export class Ticker {
  @Field(() => Exchange, { description: 'Where it is traded.' })
  exchange!: ExchangeName;

  @Field(() => String, { description: 'Canonical symbol BASE-QUOTE, e.g. BTC-USDT.' })
  symbol!: string;

  @Field(() => Decimal, { description: 'Price of the newest trade.' })
  last!: string;

  @Field(() => Decimal, { description: 'Price 24 hours ago, or at the first minute known since.' })
  open!: string;

  @Field(() => Decimal, { description: 'Highest price.' })
  high!: string;

  @Field(() => Decimal, { description: 'Lowest price.' })
  low!: string;

  @Field(() => Decimal, { description: 'Traded volume in the base asset.' })
  volume24h!: string;

  @Field(() => Decimal, { description: 'Traded volume in the quote asset.' })
  quoteVolume24h!: string;

  @Field(() => Float, { description: 'Change of the price in percent.' })
  changePercent24h!: number;

  @Field(() => Float, {
    nullable: true,
    description:
      'Fraction, 0 to 1, of the minutes of these 24 hours that are known: below 1 after an outage that is not made good yet, or where the market is younger. Null where the figures come from the table.',
  })
  coverage?: number | null;

  @Field(() => DateTime, { description: "What moment the figures are true for, by the exchange's clock." })
  time!: Date | number;
}

@ObjectType('TickerEvent', { implements: StreamEvent, description: 'New 24 h figures.', simpleResolvers: true })
export class TickerStreamEvent extends StreamEvent {
  @Field(() => Ticker, { description: 'The figures.' })
  ticker!: Ticker;
}
