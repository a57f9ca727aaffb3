/** GraphQL types of spreads between two exchanges. */
import { ArgsType, Field, ID, Int, ObjectType } from 'type-graphql';
import type { NotExecutableReason as Reason } from '../arbitrage.ts';
import type { Exchange as ExchangeName, Interval as IntervalName } from '../market.ts';
import { DateTime, Decimal } from '../scalars.ts';
import { RangeArgs } from './arguments.ts';
import { Exchange, Interval, NotExecutableReason } from './enums.ts';
import { PriceLevel } from './orderbook.ts';
import { StreamEvent } from './stream.ts';

@ArgsType()
export class SpreadFilterArgs {
  @Field(() => String, { nullable: true, description: 'Only spreads of this base asset, e.g. BTC.' })
  base?: string | null;

  @Field(() => Decimal, {
    nullable: true,
    description: 'Only spreads of this size, in USDT: one of those that are worked out; left out: all of them.',
  })
  notional?: string | null;

  @Field(() => Decimal, { nullable: true, description: 'Only spreads whose `netPercent` is at least this.' })
  minNetPercent?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: 'Only spreads that could be traded now.' })
  executableOnly!: boolean;
}

@ArgsType()
export class SpreadHistoryArgs extends RangeArgs {
  @Field(() => String, { description: 'The base asset, e.g. BTC.' })
  base!: string;

  @Field(() => Decimal, { nullable: true, description: 'Only this size, in USDT.' })
  notional?: string | null;

  @Field(() => Exchange, { nullable: true, description: 'Only spreads that buy here.' })
  buy?: ExchangeName | null;

  @Field(() => Exchange, { nullable: true, description: 'Only spreads that sell here.' })
  sell?: ExchangeName | null;

  @Field(() => Interval, { defaultValue: 'M1', description: 'Length of the buckets.' })
  interval!: IntervalName;

  @Field(() => Int, { defaultValue: 500, description: 'Buckets at the most, 1 to 1,000.' })
  first!: number;
}

@ObjectType('ArbitrageLeg', { description: 'One side of a spread, with its working.', simpleResolvers: true })
export class ArbitrageLeg {
  @Field(() => Exchange, { description: 'Where it would be traded.' })
  exchange!: ExchangeName;

  @Field(() => String, { description: 'Its market, BASE-QUOTE.' })
  symbol!: string;

  @Field(() => Decimal, { description: "Average executable price for the size, in the leg's own quote." })
  price!: string;

  @Field(() => [PriceLevel], { description: 'Book levels that the price is made of, best first.' })
  levels!: PriceLevel[];

  @Field(() => String, {
    nullable: true,
    description: 'Sequence of the book that was walked: `bookSequence` of orderBook at that moment.',
  })
  bookSequence!: string | null;

  @Field(() => Decimal, { description: "Taker's fee, in percent." })
  takerFeePercent!: string;

  @Field(() => Int, { description: 'Milliseconds since the book was last heard of, at `time`.' })
  ageMs!: number;
}

@ObjectType('ArbitrageSpread', {
  description:
    'What buying a base asset on one exchange and selling it on another would bring, after depth, fees and currency.',
  simpleResolvers: true,
})
export class ArbitrageSpread {
  @Field(() => ID, { description: 'base:buy>sell:notional, stable; for normalised client caches.' })
  id!: string;

  @Field(() => String, { description: 'The asset that both legs trade.' })
  base!: string;

  @Field(() => ArbitrageLeg, { description: 'The leg that buys: it walks the asks.' })
  buy!: ArbitrageLeg;

  @Field(() => ArbitrageLeg, { description: 'The leg that sells: it walks the bids.' })
  sell!: ArbitrageLeg;

  @Field(() => Decimal, {
    description:
      'Size the prices hold for, in USDT; both legs trade the base quantity that the buy leg gets for it. Where a book ends before, the numbers hold for what there is, and THIN_BOOK says so.',
  })
  notional!: string;

  @Field(() => Decimal, { description: 'Base asset that both legs trade.' })
  quantity!: string;

  @Field(() => Decimal, { description: 'sell / buy - 1, in percent, both legs walked through their books.' })
  grossPercent!: string;

  @Field(() => Decimal, { description: 'grossPercent - netPercent: what the fees take.' })
  feePercent!: string;

  @Field(() => Decimal, { nullable: true, description: 'KRW per USDT; null only when no leg is quoted in KRW.' })
  fxRate!: string | null;

  @Field(() => Exchange, {
    nullable: true,
    description: "Whose USDT-KRW book the rate is the middle of: the KRW leg's own exchange unless its rate is old.",
  })
  fxExchange!: ExchangeName | null;

  @Field(() => Decimal, {
    description: '(sell x (1 - sellFee)) / (buy x (1 + buyFee)) - 1, in percent, both legs walked through their books.',
  })
  netPercent!: string;

  @Field(() => Decimal, { description: 'In USDT.' })
  netProfit!: string;

  @Field(() => Decimal, {
    nullable: true,
    description:
      "The coin's price in KRW over its price in USDT, at fxRate, in percent; null unless one leg is in KRW.",
  })
  coinPremiumPercent!: string | null;

  @Field(() => Decimal, {
    nullable: true,
    description: 'fxRate over the reference rate of KRW per USD (REFERENCE_FX), in percent; null where none is set.',
  })
  usdtPremiumPercent!: string | null;

  @Field(() => Boolean, { description: 'True where nothing stands in the way of trading it.' })
  executable!: boolean;

  @Field(() => [NotExecutableReason], { description: 'What stands in the way.' })
  notExecutable!: readonly Reason[];

  @Field(() => DateTime, { description: 'When it was worked out.' })
  time!: number;
}

@ObjectType('ArbitrageSpreadEvent', {
  implements: StreamEvent,
  description: 'A spread that changed.',
  simpleResolvers: true,
})
export class ArbitrageSpreadStreamEvent extends StreamEvent {
  @Field(() => Boolean, { description: 'False once, when a spread that matched the filter no longer does.' })
  matches!: boolean;

  @Field(() => ArbitrageSpread, { description: 'The spread as it is now.' })
  spread!: ArbitrageSpread;
}

@ObjectType('ArbitrageBucket', {
  description: 'A spread over an interval: of its samples, one a second, of seconds in which both books were there.',
  simpleResolvers: true,
})
export class ArbitrageBucket {
  @Field(() => String, { description: 'The base asset.' })
  base!: string;

  @Field(() => Decimal, { description: 'Size, in USDT.' })
  notional!: string;

  @Field(() => Exchange, { description: 'Where it would be bought.' })
  buyExchange!: ExchangeName;

  @Field(() => String, { description: 'Market of the leg that buys.' })
  buySymbol!: string;

  @Field(() => Exchange, { description: 'Where it would be sold.' })
  sellExchange!: ExchangeName;

  @Field(() => String, { description: 'Market of the leg that sells.' })
  sellSymbol!: string;

  @Field(() => DateTime, { description: 'First moment of the bucket.' })
  openTime!: Date;

  @Field(() => Interval, { description: 'Length of the bucket.' })
  interval!: IntervalName;

  @Field(() => Decimal, { description: 'Average of the net spreads, in percent.' })
  averageNetPercent!: string;

  @Field(() => Decimal, { description: 'Smallest net spread.' })
  minNetPercent!: string;

  @Field(() => Decimal, { description: 'Greatest net spread.' })
  maxNetPercent!: string;

  @Field(() => Decimal, { description: 'Standard deviation of the net spreads, of the whole and not of a sample.' })
  stddevNetPercent!: string;

  @Field(() => Int, { description: 'Seconds that are counted; 60 a minute where nothing was missing.' })
  samples!: number;
}
