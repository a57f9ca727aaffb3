/** 24 h figures: of one market, of many, and as they change. */
import { Args, Authorized, Ctx, Query, Resolver, Subscription } from 'type-graphql';
import { CHANNELS } from '../schema/channels.ts';
import { MarketArgs, MarketFilterArgs, StateStreamArgs } from '../schema/graphql/arguments.ts';
import { Ticker, TickerStreamEvent } from '../schema/graphql/ticker.ts';
import { tickerKey } from '../schema/live/keys.ts';
import { marketId, type TickerEvent } from '../schema/market.ts';
import type { LiveSource } from '../src/stream/source.ts';
import { NewestEvent, wholeEvents } from '../src/stream/view.ts';
import { READER } from './authority.ts';
import { checkAsset, checkSymbol } from './checks.ts';
import type { Context } from './context.ts';
import { followed, live } from './live.ts';
import { listMarkets } from './market-store.ts';
import { tickerOf } from './ticker-store.ts';

/** Markets that one `tickers` looks at. */
const MAX_TICKERS = 5_000;

@Resolver()
export class TickerResolver {
  @Authorized(READER)
  @Query(() => Ticker, { nullable: true, description: '24 h figures of one market; null where none are known.' })
  ticker(@Args(() => MarketArgs) market: MarketArgs, @Ctx() { loaders }: Context): Promise<Ticker | null> {
    checkSymbol(market.symbol);
    return loaders.ticker.load(market);
  }

  @Authorized(READER)
  @Query(() => [Ticker], {
    description: '24 h figures of every market that has any, by exchange and symbol; at most 5,000.',
  })
  async tickers(
    @Args(() => MarketFilterArgs) { exchange = null, base = null, quote = null }: MarketFilterArgs,
    @Ctx() { platform, loaders }: Context,
  ): Promise<Ticker[]> {
    checkAsset('base', base);
    checkAsset('quote', quote);
    const markets = await listMarkets(platform.postgres, { exchange, base, quote }, null, MAX_TICKERS);
    const found = await Promise.all(markets.map((market) => loaders.ticker.load(market)));
    return found.filter((ticker) => ticker !== null);
  }

  @Authorized(READER)
  @Subscription(() => TickerStreamEvent, {
    description: '24 h figures of one market, now and with each change.',
    subscribe: followed,
  })
  tickerUpdated(
    @Args(() => MarketArgs) market: MarketArgs,
    @Args(() => StateStreamArgs) stream: StateStreamArgs,
  ): LiveSource {
    return live(market, stream, {
      field: 'tickerUpdated',
      channel: 'ticker',
      id: marketId(market),
      latestKey: tickerKey(market),
      view: 'all',
      createModel: () => new NewestEvent<TickerEvent>(),
      createView: wholeEvents<TickerEvent>,
      contentOf: (event) => ({ ticker: tickerOf(event) }),
      mergeKey: CHANNELS.ticker.mergeKey,
    });
  }
}
