/** Order books: one at a moment, and as it changes. */
import { Arg, Args, Authorized, Ctx, FieldResolver, Query, Resolver, Root, Subscription } from 'type-graphql';
import { CHANNELS } from '../schema/channels.ts';
import { compareDecimals } from '../schema/decimal.ts';
import { badInput } from '../schema/errors.ts';
import { DepthArgs, MarketArgs, StateStreamArgs } from '../schema/graphql/arguments.ts';
import { Side } from '../schema/graphql/enums.ts';
import { OrderBook, OrderBookStreamEvent } from '../schema/graphql/orderbook.ts';
import { latestBookKey } from '../schema/live/keys.ts';
import { marketId, type Side as SideName } from '../schema/market.ts';
import { Decimal } from '../schema/scalars.ts';
import { type BookChange, BookModel, bookWindow } from '../src/stream/book-view.ts';
import { type Delivered, eventOf } from '../src/stream/delivery.ts';
import { READER } from './authority.ts';
import { orderBookOf, priceLevels, vwap } from './book-store.ts';
import { checkDepth, checkStream, checkSymbol } from './checks.ts';
import type { Context } from './context.ts';
import { live } from './live.ts';

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
    ...live((args: MarketArgs & DepthArgs & StateStreamArgs) => {
      checkDepth(args.depth);
      checkStream(args, CHANNELS.orderbook.onSlow);
      return {
        field: 'orderBookUpdated',
        channel: 'orderbook',
        id: marketId(args),
        latestKey: latestBookKey(args),
        view: `depth ${args.depth}`,
        createModel: () => new BookModel(),
        createView: (model: BookModel) => bookWindow(model, args.depth),
      };
    }),
  })
  orderBookUpdated(
    @Root() delivered: Delivered<BookChange>,
    @Args(() => MarketArgs) _market: MarketArgs,
    @Args(() => DepthArgs) _depth: DepthArgs,
    @Args(() => StateStreamArgs) _stream: StateStreamArgs,
  ): OrderBookStreamEvent {
    const { body, ...event } = eventOf(delivered);
    return { ...event, ...body, bids: priceLevels(body.bids), asks: priceLevels(body.asks) };
  }
}
