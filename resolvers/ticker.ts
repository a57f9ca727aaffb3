/** 24 h figures: of one market, of many, and as they change. */
import { Args, Authorized, Ctx, Query, Resolver, Subscription } from 'type-graphql';
import { MarketArgs, MarketFilterArgs, MarketsStreamArgs, StateStreamArgs } from '../schema/graphql/arguments.ts';
import { Ticker, TickerStreamEvent } from '../schema/graphql/ticker.ts';
import { tickerKey } from '../schema/live/keys.ts';
import { type MarketRef, marketId, type TickerEvent } from '../schema/market.ts';
import { type LiveSource, liveSources } from '../src/stream/source.ts';
import { NewestEvent, type Question, wholeEvents } from '../src/stream/view.ts';
import { READER } from './authority.ts';
import { checkAsset, checkMarkets, checkSymbol, checkThrottle } from './checks.ts';
import type { Context } from './context.ts';
import { followed, live } from './live.ts';
import { listMarkets } from './market-store.ts';
import { tickerOf } from './ticker-store.ts';

/** Markets that one `tickers` looks at. */
const MAX_TICKERS = 5_000;

/** What follows the figures of a market. */
function questionOf(field: string, market: MarketRef): Question<TickerEvent, NewestEvent<TickerEvent>, TickerEvent> {
  return {
    field,
    channel: 'ticker',
    id: marketId(market),
    latestKey: tickerKey(market),
    view: 'all',
    createModel: () => new NewestEvent<TickerEvent>(),
    createView: wholeEvents<TickerEvent>,
    contentOf: (event) => ({ ticker: tickerOf(event) }),
    mergeKey: marketId,
  };
}

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
    return live(market, stream, questionOf('tickerUpdated', market));
  }

  @Authorized(READER)
  @Subscription(() => TickerStreamEvent, {
    description:
      "24 h figures of many markets in one subscription, from now on: each market's, then each change. An event is one market's; `cursor` and `sequence` are those that tickerUpdated has for it.",
    subscribe: followed,
  })
  tickersUpdated(@Args(() => MarketsStreamArgs) { markets, throttleMs, onSlow }: MarketsStreamArgs): LiveSource {
    checkMarkets(markets);
    checkThrottle(throttleMs);
    const questions = markets.map((market) => questionOf('tickersUpdated', market));
    return liveSources(questions, { onSlow, throttleMs });
  }
}
