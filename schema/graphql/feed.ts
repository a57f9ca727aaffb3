/** GraphQL type of a feed's health. */
import { Field, Int, ObjectType } from 'type-graphql';
import type { Exchange as ExchangeName } from '../market.ts';
import { DateTime } from '../scalars.ts';
import { Exchange } from './enums.ts';
import { StreamEvent } from './stream.ts';

@ObjectType('FeedHealth', {
  description: 'How one feed is doing: exchange, channel and market.',
  simpleResolvers: true,
})
export class FeedHealth {
  @Field(() => Exchange, { description: 'Where it comes from.' })
  exchange!: ExchangeName;

  @Field(() => String, { nullable: true, description: 'Its market; null for a feed of the whole exchange.' })
  symbol!: string | null;

  @Field(() => String, { description: 'What it carries: kline, trade, orderbook or ticker.' })
  channel!: string;

  @Field(() => Boolean, {
    description: 'True while its connection is open; false also where nobody speaks for it any more.',
  })
  connected!: boolean;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When the newest event was received, known to the second (of the channel ticker to ten seconds); null before the first.',
  })
  lastEventAt!: Date | number | null;

  @Field(() => Int, { nullable: true, description: 'Milliseconds since then.' })
  freshnessMs!: number | null;

  @Field(() => Boolean, {
    description:
      'True where its data must be taken for outdated: nothing came for FEED_STALE_MS where something must, or nobody has spoken for it so long. Told at most two seconds later.',
  })
  stale!: boolean;

  @Field(() => Int, { description: 'Losses noticed since it was started.' })
  gaps!: number;

  @Field(() => Int, { description: 'Reconnects since it was started.' })
  reconnects!: number;
}

@ObjectType('FeedStatusEvent', {
  implements: StreamEvent,
  description: 'What a feed says of itself. Its stream is that of its exchange.',
  simpleResolvers: true,
})
export class FeedStatusStreamEvent extends StreamEvent {
  @Field(() => FeedHealth, { description: 'How the feed is doing.' })
  feed!: FeedHealth;
}
