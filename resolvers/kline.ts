/** Candles: pages of them, the newest one, and each as it forms. */
import { Args, Authorized, Ctx, Query, Resolver, Subscription } from 'type-graphql';
import { CHANNELS, klineStreamId } from '../schema/channels.ts';
import { Kline } from '../schema/gold/kline.ts';
import { IntervalArgs, KlinePageArgs, MarketArgs, StateStreamArgs } from '../schema/graphql/arguments.ts';
import { KlineConnection, KlineStreamEvent } from '../schema/graphql/kline.ts';
import { latestKlineKey } from '../schema/live/keys.ts';
import type { Interval, KlineEvent, MarketRef } from '../schema/market.ts';
import type { LiveSource } from '../src/stream/source.ts';
import { NewestEvent, wholeEvents } from '../src/stream/view.ts';
import { READER } from './authority.ts';
import { checkFirst, checkRange, checkSymbol, MAX_KLINES, timePosition } from './checks.ts';
import type { Context } from './context.ts';
import { type KlinePageKey, klineOf, klineQuestion } from './kline-store.ts';
import { followed, live } from './live.ts';

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
    subscribe: followed,
  })
  klineUpdated(
    @Args(() => MarketArgs) market: MarketArgs,
    @Args(() => IntervalArgs) { interval }: IntervalArgs,
    @Args(() => StateStreamArgs) stream: StateStreamArgs,
  ): LiveSource {
    return live(market, stream, {
      field: 'klineUpdated',
      channel: 'kline',
      id: klineStreamId(market, interval),
      latestKey: latestKlineKey(market, interval),
      view: 'all',
      createModel: () => new NewestEvent<KlineEvent>(),
      createView: wholeEvents<KlineEvent>,
      contentOf: (event) => ({ kline: klineOf(event) }),
      mergeKey: CHANNELS.kline.mergeKey,
    });
  }
}
