/** Trades: pages of them, and each as it happens. */
import { Args, Authorized, Ctx, Query, Resolver, Subscription } from 'type-graphql';
import { CHANNELS } from '../schema/channels.ts';
import { EventStreamArgs, MarketArgs, TradePageArgs } from '../schema/graphql/arguments.ts';
import { TradeConnection, TradeStreamEvent } from '../schema/graphql/trade.ts';
import { type MarketRef, marketId, type TradeEvent } from '../schema/market.ts';
import type { LiveSource } from '../src/stream/source.ts';
import { NoState, nextEvents } from '../src/stream/view.ts';
import { READER } from './authority.ts';
import { checkFirst, checkRange, checkSymbol, MAX_PAGE, timePosition } from './checks.ts';
import type { Context } from './context.ts';
import { followed, live } from './live.ts';
import { tradeOf } from './trade-join.ts';
import { type TradePageKey, tradeQuestion } from './trade-store.ts';

/** The page of a market's trades that the arguments ask for. Throws BAD_USER_INPUT. */
export function tradePageKey({ exchange, symbol }: MarketRef, args: TradePageArgs): TradePageKey {
  const { from = null, to = null, first } = args;
  checkFirst(first, MAX_PAGE);
  checkRange(args);
  const market = { exchange, symbol };
  const position = timePosition(tradeQuestion(market), args.after, 2);
  return { market, first, from, to, after: position && { time: position.time, tradeId: position.rest[0] ?? '' } };
}

@Resolver()
export class TradeResolver {
  @Authorized(READER)
  @Query(() => TradeConnection, { description: 'Trades of one market, newest first.' })
  trades(
    @Args(() => MarketArgs) market: MarketArgs,
    @Args(() => TradePageArgs) page: TradePageArgs,
    @Ctx() { loaders }: Context,
  ): Promise<TradeConnection> {
    checkSymbol(market.symbol);
    return loaders.trades.load(tradePageKey(market, page));
  }

  @Authorized(READER)
  @Subscription(() => TradeStreamEvent, { description: 'Every trade from now on.', subscribe: followed })
  tradeExecuted(
    @Args(() => MarketArgs) market: MarketArgs,
    @Args(() => EventStreamArgs) stream: EventStreamArgs,
  ): LiveSource {
    return live(market, stream, {
      field: 'tradeExecuted',
      channel: 'trade',
      id: marketId(market),
      latestKey: null,
      view: 'all',
      createModel: () => new NoState<TradeEvent>(),
      createView: nextEvents<TradeEvent>,
      contentOf: (event) => ({ trade: tradeOf(event) }),
      mergeKey: CHANNELS.trade.mergeKey,
    });
  }
}
