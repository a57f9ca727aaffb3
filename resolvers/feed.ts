/** How the feeds are doing. */
import { Arg, Authorized, Ctx, Query, Resolver, Subscription } from 'type-graphql';
import { CHANNELS, feedStreamId } from '../schema/channels.ts';
import { Exchange } from '../schema/graphql/enums.ts';
import { FeedHealth, FeedStatusStreamEvent } from '../schema/graphql/feed.ts';
import { EXCHANGES, type Exchange as ExchangeName, type FeedStatusEvent } from '../schema/market.ts';
import { type LiveSource, liveSources } from '../src/stream/source.ts';
import { NoState, nextEvents } from '../src/stream/view.ts';
import { READER } from './authority.ts';
import type { Context } from './context.ts';
import { feedHealthOf } from './feed-store.ts';
import { followed } from './live.ts';

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

  @Authorized(READER)
  @Subscription(() => FeedStatusStreamEvent, {
    description:
      'What the feeds say of themselves from now on: every ten seconds, and whenever it changes. An event is one feed of one exchange; `cursor` and `sequence` are those of its exchange.',
    subscribe: followed,
  })
  feedStatusUpdated(
    @Arg('exchange', () => Exchange, { nullable: true, description: 'Only feeds of this exchange.' })
    exchange: ExchangeName | null | undefined,
    @Ctx() { platform }: Context,
  ): LiveSource {
    const exchanges = exchange ? [exchange] : EXCHANGES;
    const { onSlow, mergeKey } = CHANNELS.feed;
    const { FEED_STALE_MS } = platform.config;
    const questions = exchanges.map((one) => ({
      field: 'feedStatusUpdated',
      channel: 'feed' as const,
      id: feedStreamId(one),
      latestKey: null,
      view: 'all',
      createModel: () => new NoState<FeedStatusEvent>(),
      createView: nextEvents<FeedStatusEvent>,
      contentOf: (event: FeedStatusEvent) => ({ feed: feedHealthOf(event, Date.now(), FEED_STALE_MS) }),
      mergeKey: (event: FeedStatusEvent) => `${event.exchange}:${mergeKey(event)}`,
    }));
    return liveSources(questions, { onSlow, throttleMs: 0 });
  }
}
