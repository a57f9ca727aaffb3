/** Candles: pages of them, the newest one, and each as it forms. */
import { Args, Authorized, Ctx, Query, Resolver, Root, Subscription } from 'type-graphql';
import { CHANNELS, klineStreamId } from '../schema/channels.ts';
import { Kline } from '../schema/gold/kline.ts';
import { IntervalArgs, KlinePageArgs, MarketArgs, StateStreamArgs } from '../schema/graphql/arguments.ts';
import { KlineConnection, KlineStreamEvent } from '../schema/graphql/kline.ts';
import { latestKlineKey } from '../schema/live/keys.ts';
import type { Interval, KlineEvent, MarketRef } from '../schema/market.ts';
import { type Delivered, eventOf } from '../src/stream/delivery.ts';
import { NewestEvent, wholeEvents } from '../src/stream/view.ts';
import { READER } from './authority.ts';
import { checkFirst, checkRange, checkStream, checkSymbol, MAX_KLINES, timePosition } from './checks.ts';
import type { Context } from './context.ts';
import { type KlinePageKey, klineOf, klineQuestion } from './kline-store.ts';
import { live } from './live.ts';

/** The page of a market's candles that the arguments ask for. Throws BAD_USER_INPUT. */
export function klinePageKey(market: MarketRef, interval: Interval, args: KlinePageArgs): KlinePageKey {
  const { from = null, to = null, order, first, after } = args;
  checkFirst(first, MAX_KLINES);
  checkRange(args);
  const { exchange, symbol } = market;
  const question = { market: { exchange, symbol }, interval, order };
  const position = timePosition(klineQuestion(question), after, 1);
  return { ...question, from, to, first, afterTime: position?.time ?? null };
}

@Resolver()
export class KlineResolver {
  @Authorized(READER)
  @Query(() => KlineConnection, { description: 'Candles of one market.' })
  klines(
    @Args(() => MarketArgs) market: MarketArgs,
    @Args(() => IntervalArgs) { interval }: IntervalArgs,
    @Args(() => KlinePageArgs) page: KlinePageArgs,
    @Ctx() { loaders }: Context,
  ): Promise<KlineConnection> {
    checkSymbol(market.symbol);
    return loaders.klines.load(klinePageKey(market, interval, page));
  }

  @Authorized(READER)
  @Query(() => Kline, {
    nullable: true,
    description: 'The newest candle, closed or forming; null where there is none.',
  })
  latestKline(
    @Args(() => MarketArgs) market: MarketArgs,
    @Args(() => IntervalArgs) { interval }: IntervalArgs,
    @Ctx() { loaders }: Context,
  ): Promise<Kline | null> {
    checkSymbol(market.symbol);
    return loaders.latestKline.load({ market, interval });
  }

  @Authorized(READER)
  @Subscription(() => KlineStreamEvent, {
    description: 'The newest candle, then each change of it and the ones that follow.',
    ...live((args: MarketArgs & IntervalArgs & StateStreamArgs) => {
      checkStream(args, CHANNELS.kline.onSlow);
      return {
        field: 'klineUpdated',
        channel: 'kline',
        id: klineStreamId(args, args.interval),
        latestKey: latestKlineKey(args, args.interval),
        view: 'all',
        createModel: () => new NewestEvent<KlineEvent>(),
        createView: wholeEvents,
      };
    }),
  })
  klineUpdated(
    @Root() delivered: Delivered<KlineEvent>,
    @Args(() => MarketArgs) _market: MarketArgs,
    @Args(() => IntervalArgs) _interval: IntervalArgs,
    @Args(() => StateStreamArgs) _stream: StateStreamArgs,
  ): KlineStreamEvent {
    const { body, ...event } = eventOf(delivered);
    return { ...event, kline: klineOf(body) };
  }
}
