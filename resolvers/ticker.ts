/** 24 h figures: of one market, of many, and as they change. */
import { Args, Authorized, Ctx, Query, Resolver, Root, Subscription } from 'type-graphql';
import { CHANNELS } from '../schema/channels.ts';
import { MarketArgs, MarketFilterArgs, StateStreamArgs } from '../schema/graphql/arguments.ts';
import { Ticker, TickerStreamEvent } from '../schema/graphql/ticker.ts';
import { tickerKey } from '../schema/live/keys.ts';
import { marketId, type TickerEvent } from '../schema/market.ts';
import { type Delivered, eventOf } from '../src/stream/delivery.ts';
import { NewestEvent, wholeEvents } from '../src/stream/view.ts';
import { READER } from './authority.ts';
import { checkAsset, checkStream, checkSymbol } from './checks.ts';
import type { Context } from './context.ts';
import { live } from './live.ts';
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
    ...live((args: MarketArgs & StateStreamArgs) => {
      checkStream(args, CHANNELS.ticker.onSlow);
      return {
        field: 'tickerUpdated',
        channel: 'ticker',
        id: marketId(args),
        latestKey: tickerKey(args),
        view: 'all',
        createModel: () => new NewestEvent<TickerEvent>(),
        createView: wholeEvents<TickerEvent>,
      };
    }),
  })
  tickerUpdated(
    @Root() delivered: Delivered<TickerEvent>,
    @Args(() => MarketArgs) _market: MarketArgs,
    @Args(() => StateStreamArgs) _stream: StateStreamArgs,
  ): TickerStreamEvent {
    const { body, ...event } = eventOf(delivered);
    return { ...event, ticker: tickerOf(body) };
  }
}
