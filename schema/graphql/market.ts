/** GraphQL types around markets; the market itself is the gold table `market`. */
import { Field, ObjectType } from 'type-graphql';
import { Market } from '../gold/market.ts';
import { PageInfo } from './page.ts';

@ObjectType('MarketConnection', { description: 'A page of markets.', simpleResolvers: true })
export class MarketConnection {
  @Field(() => [Market], { description: 'By exchange, then symbol.' })
  nodes!: Market[];

  @Field(() => PageInfo, { description: 'Where the page ends.' })
  pageInfo!: PageInfo;
}
