/** Order books: one at a moment, and as it changes. */
import { Arg, Args, Authorized, Ctx, FieldResolver, Query, Resolver, Root, Subscription } from 'type-graphql';
import { compareDecimals } from '../schema/decimal.ts';
import { badInput } from '../schema/errors.ts';
import { DepthArgs, MarketArgs, StateStreamArgs } from '../schema/graphql/arguments.ts';
import { Side } from '../schema/graphql/enums.ts';
import { OrderBook, OrderBookStreamEvent } from '../schema/graphql/orderbook.ts';
import { latestBookKey } from '../schema/live/keys.ts';
import { marketId, type Side as SideName } from '../schema/market.ts';
import { Decimal } from '../schema/scalars.ts';
import { BookMirror } from '../src/stream/book-mirror.ts';
import { type BookChange, BookModel, bookWindow, mergeBookChanges } from '../src/stream/book-view.ts';
import type { LiveSource } from '../src/stream/source.ts';
import { READER } from './authority.ts';
import { orderBookOf, priceLevels, vwap } from './book-store.ts';
import { checkDepth, checkSymbol } from './checks.ts';
import type { Context } from './context.ts';
import { followed, live } from './live.ts';

@Resolver(() => OrderBook)
export class OrderBookResolver {
  @Authorized(READER)
  @Query(() => OrderBook, { nullable: true, description: 'The order book now; null where there is none yet.' })
  async orderBook(
    @Args(() => MarketArgs) market: MarketArgs,
    @Args(() => DepthArgs) { depth }: DepthArgs,
    @Ctx() { loaders }: Context,
  ): Promise<OrderBook | null> {
    checkSymbol(market.symbol);
    checkDepth(depth);
    const latest = await loaders.book.load(market);
    return latest && orderBookOf(latest, depth);
  }

  @FieldResolver(() => Decimal, {
    nullable: true,
    description:
      'Average price to fill `quantity` of base on `side`, over all levels that are kept, whatever `depth` is; null where the book is too thin.',
  })
  vwap(
    @Root() { book }: OrderBook,
    @Arg('side', () => Side, { description: 'BUY takes asks, SELL takes bids.' }) side: SideName,
    @Arg('quantity', () => Decimal, { description: 'Quantity of the base asset, greater than 0.' }) quantity: string,
  ): string | null {
    if (compareDecimals(quantity, '0') <= 0) throw badInput('quantity', 'must be greater than 0');
    return vwap(book, side, quantity);
  }

  @Authorized(READER)
  @Subscription(() => OrderBookStreamEvent, {
    description: 'The order book, then what changes in its best `depth` levels.',
    subscribe: followed,
  })
  orderBookUpdated(
    @Args(() => MarketArgs) market: MarketArgs,
    @Args(() => DepthArgs) { depth }: DepthArgs,
    @Args(() => StateStreamArgs) stream: StateStreamArgs,
  ): LiveSource {
    checkDepth(depth);
    return live(market, stream, {
      field: 'orderBookUpdated',
      channel: 'orderbook',
      id: marketId(market),
      latestKey: latestBookKey(market),
      view: `depth ${depth}`,
      createModel: () => new BookModel(),
      createView: (model: BookModel) => bookWindow(model, depth),
      contentOf: ({ bids, asks, ...change }: BookChange) => ({
        ...change,
        bids: priceLevels(bids),
        asks: priceLevels(asks),
      }),
      // whatever a change is about, the later one takes the earlier in
      mergeKey: () => 'book',
      merge: mergeBookChanges,
      createMirror: () => new BookMirror(),
    });
  }
}
