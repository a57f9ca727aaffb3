/** GraphQL types of rankings. */
import { ArgsType, Field, Float, Int, ObjectType } from 'type-graphql';
import { Market } from '../gold/market.ts';
import type { Exchange as ExchangeName } from '../market.ts';
import type { RankingMetric as Metric } from '../ranking.ts';
import { DateTime, Decimal } from '../scalars.ts';
import { Exchange, RankingMetric, SortDirection } from './enums.ts';
import { StreamEvent } from './stream.ts';

@ArgsType()
export class RankingArgs {
  @Field(() => RankingMetric, { defaultValue: 'CHANGE_PERCENT', description: 'What ranks.' })
  by!: Metric;

  @Field(() => SortDirection, {
    defaultValue: 'DESC',
    description: 'DESC: greatest first. ASC: smallest first, e.g. the losers by CHANGE_PERCENT.',
  })
  direction!: 'ASC' | 'DESC';

  @Field(() => Exchange, { nullable: true, description: 'Only markets of this exchange.' })
  exchange?: ExchangeName | null;

  @Field(() => String, { nullable: true, description: 'Only markets of this quote asset, e.g. KRW.' })
  quote?: string | null;

  @Field(() => Int, {
    defaultValue: 20,
    description: 'Entries at the most: 1 to 1,000 of the query, 1 to 100 of the subscription.',
  })
  first!: number;
}

@ObjectType('RankingEntry', { description: "A market's place in a ranking, and its figures.", simpleResolvers: true })
export class RankingEntry {
  @Field(() => Int, {
    description: 'Place in the list asked for, from 1; equal values are in order of exchange and symbol.',
  })
  rank!: number;

  @Field(() => Market, {
    description: 'The market. In an event, only what the exchange says of it: no fields that other data hangs on.',
  })
  market!: Market;

  @Field(() => Decimal, { description: 'The metric that ranks; QUOTE_VOLUME and MARKET_CAP are in USDT.' })
  value!: string;

  @Field(() => Decimal, { description: 'Price of the last trade, in the quote asset.' })
  price!: string;

  @Field(() => Float, { description: 'Change of the price over 24 hours, in percent.' })
  changePercent!: number;

  @Field(() => Decimal, { description: 'Traded in 24 hours, in the quote asset.' })
  quoteVolume!: string;

  @Field(() => Decimal, {
    nullable: true,
    description:
      'Price times circulating supply, in USDT; null where the supply or the price in USDT is not known. Needs a supply table in the settings.',
  })
  marketCap!: string | null;

  @Field(() => DateTime, { description: "What moment the figures are true for, by the exchange's clock." })
  time!: Date | number;
}

@ObjectType('RankingEvent', {
  implements: StreamEvent,
  description: 'The ranking now. There is one when a figure of any market has changed, at most one a second.',
  simpleResolvers: true,
})
export class RankingStreamEvent extends StreamEvent {
  @Field(() => [RankingEntry], { description: 'In the order asked for, at most `first`.' })
  entries!: RankingEntry[];
}
