/** How the feeds are doing. */
import { Arg, Authorized, Ctx, Query, Resolver } from 'type-graphql';
import { Exchange } from '../schema/graphql/enums.ts';
import { FeedHealth } from '../schema/graphql/feed.ts';
import { EXCHANGES, type Exchange as ExchangeName } from '../schema/market.ts';
import { READER } from './authority.ts';
import type { Context } from './context.ts';

@Resolver()
export class FeedResolver {
  @Authorized(READER)
  @Query(() => [FeedHealth], { description: 'How the feeds are doing, by exchange, market and channel.' })
  async feedHealth(
    @Arg('exchange', () => Exchange, { nullable: true, description: 'Only feeds of this exchange.' })
    exchange: ExchangeName | null | undefined,
    @Ctx() { loaders }: Context,
  ): Promise<FeedHealth[]> {
    const exchanges = exchange ? [exchange] : EXCHANGES;
    return (await Promise.all(exchanges.map((one) => loaders.feeds.load(one)))).flat();
  }
}
