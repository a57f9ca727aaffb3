/** GraphQL types of merchant orders. */
import { ArgsType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { C2cTradeType as TradeType } from '../c2c.ts';
import { DateTime, Decimal } from '../scalars.ts';
import { RangeArgs } from './arguments.ts';
import { C2cOrderStatus, type C2cOrderStatusName, C2cTradeType } from './c2c-enums.ts';
import { PageInfo } from './page.ts';

@ObjectType('C2cOrder', {
  description: "One of the merchant's own C2C (P2P) orders, as the exchange said it last.",
  simpleResolvers: true,
})
export class C2cOrder {
  @Field(() => ID, { description: "The exchange's number of the order." })
  orderNumber!: string;

  @Field(() => String, { description: 'Number of the advertisement that it came of.' })
  advNo!: string;

  @Field(() => C2cTradeType, { description: "The merchant's side." })
  tradeType!: TradeType;

  @Field(() => String, { description: 'The crypto asset, e.g. USDT.' })
  asset!: string;

  @Field(() => String, { description: 'The currency, ISO 4217, e.g. VND.' })
  fiat!: string;

  @Field(() => String, { description: 'How the exchange writes the currency, e.g. ₫.' })
  fiatSymbol!: string;

  @Field(() => Decimal, { description: 'Quantity of the asset.' })
  amount!: string;

  @Field(() => Decimal, { description: 'What it costs in the currency.' })
  totalPrice!: string;

  @Field(() => Decimal, { description: 'Price of one unit in the currency.' })
  unitPrice!: string;

  @Field(() => C2cOrderStatus, { description: 'How far it is.' })
  status!: C2cOrderStatusName;

  @Field(() => String, { description: 'The status in the words of the exchange.' })
  rawStatus!: string;

  @Field(() => DateTime, { description: 'When it was made.' })
  createTime!: Date | number;

  @Field(() => Decimal, { description: "The exchange's field `commission`, in the asset, without `takerCommission`." })
  commission!: string;

  @Field(() => String, { description: 'MAKER where the advertisement is the merchant’s own, else TAKER.' })
  advertisementRole!: string;

  @Field(() => String, { nullable: true, description: 'Way of payment; null where the exchange did not say it.' })
  payMethodName!: string | null;

  @Field(() => String, { description: 'Masked unless the caller holds the merchant role.' })
  counterPartNickName!: string;
}

@ObjectType('C2cOrderConnection', { description: 'A page of orders.', simpleResolvers: true })
export class C2cOrderConnection {
  @Field(() => [C2cOrder], { description: 'Newest first.' })
  nodes!: C2cOrder[];

  @Field(() => PageInfo, { description: 'Where the page ends.' })
  pageInfo!: PageInfo;

  @Field(() => Int, { description: 'Orders on all pages, at this moment.' })
  totalCount!: () => Promise<number>;
}

@ObjectType('C2cSummary', {
  description:
    'What an asset was bought and sold for in a currency. Amounts and totals are of completed orders; days are of the time zone in the setting C2C_TIME_ZONE.',
  simpleResolvers: true,
})
export class C2cSummary {
  @Field(() => DateTime, { description: 'Begin of the first day counted: `from` rounded down to a whole day.' })
  from!: Date;

  @Field(() => DateTime, { description: 'End of the last day counted: `to` rounded up to a whole day.' })
  to!: Date;

  @Field(() => String, { description: 'The currency, e.g. VND.' })
  fiat!: string;

  @Field(() => String, { description: 'The crypto asset, e.g. USDT.' })
  asset!: string;

  @Field(() => Decimal, { description: 'What was bought of the asset.' })
  buyAmount!: string;

  @Field(() => Decimal, { description: 'What was paid for it.' })
  buyTotal!: string;

  @Field(() => Decimal, { description: 'What was sold of the asset.' })
  sellAmount!: string;

  @Field(() => Decimal, { description: 'What it was sold for.' })
  sellTotal!: string;

  @Field(() => Decimal, {
    nullable: true,
    description: 'buyTotal / buyAmount, to 8 decimals, halves up; null where nothing was bought.',
  })
  averageBuyPrice!: string | null;

  @Field(() => Decimal, {
    nullable: true,
    description: 'sellTotal / sellAmount, to 8 decimals, halves up; null where nothing was sold.',
  })
  averageSellPrice!: string | null;

  @Field(() => Decimal, {
    nullable: true,
    description:
      'How much more a unit was sold for than bought, in percent of the price it was bought for, worked out of the totals; to 8 decimals, halves away from zero. Null where one of the two is missing.',
  })
  spreadPercent!: string | null;

  @Field(() => Decimal, {
    description:
      'What the sales of these days brought less what the sold amounts had cost, by FIFO: each sale consumes the earliest amounts bought before it, on whatever day, and not consumed yet. What is sold beyond them has no known cost and counts neither as revenue nor as cost. Before commission, which is in the asset.',
  })
  realisedMargin!: string;

  @Field(() => Decimal, {
    description:
      "Commission of completed orders, in the asset: the exchange's field `commission`, without `takerCommission`.",
  })
  commission!: string;

  @Field(() => Int, { description: 'Orders of any status.' })
  orders!: number;
}

@InputType('C2cOrderFilter', { description: 'Which orders; what is left out filters nothing.' })
export class C2cOrderFilter {
  @Field(() => C2cTradeType, { nullable: true, description: 'Only of this side.' })
  tradeType?: TradeType | null;

  @Field(() => String, { nullable: true, description: 'Only of this asset, e.g. USDT.' })
  asset?: string | null;

  @Field(() => String, { nullable: true, description: 'Only in this currency, e.g. VND.' })
  fiat?: string | null;

  @Field(() => [C2cOrderStatus], {
    nullable: true,
    description: 'Only with one of these statuses; UNKNOWN stands for every status that this version does not know.',
  })
  status?: C2cOrderStatusName[] | null;

  @Field(() => DateTime, { nullable: true, description: 'Made at this time or later.' })
  from?: number | null;

  @Field(() => DateTime, { nullable: true, description: 'Made before this time.' })
  to?: number | null;

  @Field(() => String, { nullable: true, description: 'Only with this role in the advertisement, e.g. MAKER.' })
  advertisementRole?: string | null;
}

@ArgsType()
export class C2cOrderPageArgs {
  @Field(() => C2cOrderFilter, { nullable: true, description: 'Which orders.' })
  filter?: C2cOrderFilter | null;

  @Field(() => Int, { defaultValue: 50, description: 'Page size, 1 to 1,000.' })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Page position: `endCursor` of the page before, with the same filter.',
  })
  after?: string | null;
}

@ArgsType()
export class C2cVolumeArgs extends RangeArgs {
  @Field(() => String, { nullable: true, description: 'Only of this asset, e.g. USDT.' })
  asset?: string | null;

  @Field(() => String, { nullable: true, description: 'Only in this currency, e.g. VND.' })
  fiat?: string | null;

  @Field(() => C2cTradeType, { nullable: true, description: 'Only of this side.' })
  tradeType?: TradeType | null;
}

@ArgsType()
export class C2cSummaryArgs extends RangeArgs {
  @Field(() => String, { description: 'The crypto asset, e.g. USDT.' })
  asset!: string;

  @Field(() => String, { description: 'The currency, e.g. VND.' })
  fiat!: string;
}
