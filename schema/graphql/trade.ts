/** GraphQL types of executed trades. */
import { Field, ID, ObjectType } from 'type-graphql';
import type { Exchange as ExchangeName, Side as SideName } from '../market.ts';
import { Cursor, DateTime, Decimal } from '../scalars.ts';
import { Exchange, Side } from './enums.ts';
import { PageInfo } from './page.ts';
import { StreamEvent } from './stream.ts';

@ObjectType('Trade', { description: 'One executed trade.', simpleResolvers: true })
export class Trade {
  @Field(() => ID, { description: 'exchange:symbol:tradeId, stable; for normalised client caches.' })
  id!: string;

  @Field(() => Exchange, { description: 'Where it was traded.' })
  exchange!: ExchangeName;

  @Field(() => String, { description: 'Canonical symbol BASE-QUOTE, e.g. BTC-USDT.' })
  symbol!: string;

  @Field(() => String, { description: "The exchange's own id of the trade, as text." })
  tradeId!: string;

  @Field(() => Decimal, { description: 'Price of one unit of base in quote.' })
  price!: string;

  @Field(() => Decimal, { description: 'Quantity of the base asset.' })
  quantity!: string;

  @Field(() => Side, { description: 'Side of the taker.' })
  side!: SideName;

  @Field(() => DateTime, { description: "When it was executed, by the exchange's clock." })
  time!: Date | number;
}

@ObjectType('TradeConnection', { description: 'A page of trades.', simpleResolvers: true })
export class TradeConnection {
  @Field(() => [Trade], { description: 'Newest first.' })
  nodes!: Trade[];

  @Field(() => PageInfo, { description: 'Where the page ends.' })
  pageInfo!: PageInfo;

  @Field(() => Cursor, { description: 'Where tradeExecuted continues after these rows.' })
  liveCursor!: () => string;
}

@ObjectType('TradeEvent', { implements: StreamEvent, description: 'One trade as it happened.', simpleResolvers: true })
export class TradeStreamEvent extends StreamEvent {
  @Field(() => Trade, { description: 'The trade.' })
  trade!: Trade;
}
