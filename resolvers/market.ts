/** Markets, and what hangs on one: every field of it is batched over the whole page. */
import { Args, Authorized, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { Kline } from '../schema/gold/kline.ts';
import { Market } from '../schema/gold/market.ts';
import {
  DepthArgs,
  IntervalArgs,
  KlinePageArgs,
  MarketArgs,
  MarketFilterArgs,
  MarketPageArgs,
  TradePageArgs,
} from '../schema/graphql/arguments.ts';
import { FeedHealth } from '../schema/graphql/feed.ts';
import { KlineConnection } from '../schema/graphql/kline.ts';
import { MarketConnection } from '../schema/graphql/market.ts';
import { OrderBook } from '../schema/graphql/orderbook.ts';
import { Ticker } from '../schema/graphql/ticker.ts';
import { TradeConnection } from '../schema/graphql/trade.ts';
import { READER } from './authority.ts';
import { orderBookOf } from './book-store.ts';
import { checkAsset, checkDepth, checkFirst, checkSymbol, MAX_PAGE, pagePosition } from './checks.ts';
import type { Context } from './context.ts';
import { klinePageKey } from './kline.ts';
import { listMarkets, marketQuestion } from './market-store.ts';
import { cutPage } from './page.ts';
import { tradePageKey } from './trade.ts';

@Resolver(() => Market)
export class MarketResolver {
  @Authorized(READER)
  @Query(() => MarketConnection, { description: 'Markets by exchange and symbol.' })
  async markets(
    @Args(() => MarketFilterArgs) { exchange = null, base = null, quote = null }: MarketFilterArgs,
    @Args(() => MarketPageArgs) { first, after }: MarketPageArgs,
    @Ctx() { platform, loaders }: Context,
  ): Promise<MarketConnection> {
    checkAsset('base', base);
    checkAsset('quote', quote);
    checkFirst(first, MAX_PAGE);
    const filter = { exchange, base, quote };
    const question = marketQuestion(filter);
    const rows = await listMarkets(platform.postgres, filter, pagePosition(question, after, 2), first + 1);
    const page = cutPage(rows, first, question, (m) => [m.exchange, m.symbol]);
    for (const market of page.nodes) loaders.market.prime(market, market);
    return page;
  }

  @Authorized(READER)
  @Query(() => Market, { nullable: true, description: 'One market; null where there is none of that symbol.' })
  market(@Args(() => MarketArgs) market: MarketArgs, @Ctx() { loaders }: Context): Promise<Market | null> {
    checkSymbol(market.symbol);
    return loaders.market.load(market);
  }

  @FieldResolver(() => Kline, { nullable: true, description: 'The newest candle, closed or forming.' })
  latestKline(
    @Root() market: Market,
    @Args(() => IntervalArgs) { interval }: IntervalArgs,
    @Ctx() { loaders }: Context,
  ): Promise<Kline | null> {
    return loaders.latestKline.load({ market, interval });
  }

  @FieldResolver(() => KlineConnection, { description: 'Its candles.' })
  klines(
    @Root() market: Market,
    @Args(() => IntervalArgs) { interval }: IntervalArgs,
    @Args(() => KlinePageArgs) page: KlinePageArgs,
    @Ctx() { loaders }: Context,
  ): Promise<KlineConnection> {
    return loaders.klines.load(klinePageKey(market, interval, page));
  }

  @FieldResolver(() => OrderBook, { nullable: true, description: 'Its order book now; null where there is none yet.' })
  async orderBook(
    @Root() market: Market,
    @Args(() => DepthArgs) { depth }: DepthArgs,
    @Ctx() { loaders }: Context,
  ): Promise<OrderBook | null> {
    checkDepth(depth);
    const latest = await loaders.book.load(market);
    return latest && orderBookOf(latest, depth);
  }

  @FieldResolver(() => TradeConnection, { description: 'Its trades, newest first.' })
  trades(
    @Root() market: Market,
    @Args(() => TradePageArgs) page: TradePageArgs,
    @Ctx() { loaders }: Context,
  ): Promise<TradeConnection> {
    return loaders.trades.load(tradePageKey(market, page));
  }

  @FieldResolver(() => Ticker, {
    nullable: true,
    description: 'Its last 24 hours in figures; null where none are known.',
  })
  ticker(@Root() market: Market, @Ctx() { loaders }: Context): Promise<Ticker | null> {
    return loaders.ticker.load(market);
  }

  @FieldResolver(() => [FeedHealth], { description: 'How its feeds are doing.' })
  async feeds(@Root() market: Market, @Ctx() { loaders }: Context): Promise<FeedHealth[]> {
    const feeds = await loaders.feeds.load(market.exchange);
    return feeds.filter((feed) => feed.symbol === market.symbol || feed.symbol === null);
  }
}
