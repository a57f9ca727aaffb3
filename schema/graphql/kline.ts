/** GraphQL types around candles; the candle itself is the gold table `kline`. */
import { Field, ObjectType } from 'type-graphql';
import { Kline } from '../gold/kline.ts';
import { Cursor } from '../scalars.ts';
import { PageInfo } from './page.ts';
import { StreamEvent } from './stream.ts';

@ObjectType('KlineConnection', { description: 'A page of candles.', simpleResolvers: true })
export class KlineConnection {
  @Field(() => [Kline], { description: 'In the order asked for.' })
  nodes!: Kline[];

  @Field(() => PageInfo, { description: 'Where the page ends.' })
  pageInfo!: PageInfo;

  @Field(() => Cursor, { description: 'Where klineUpdated continues after these rows.' })
  liveCursor!: () => string;
}

@ObjectType('KlineEvent', {
  implements: StreamEvent,
  description: 'A candle as it forms, and once more when it closes.',
  simpleResolvers: true,
})
export class KlineStreamEvent extends StreamEvent {
  @Field(() => Kline, { description: 'The candle.' })
  kline!: Kline;
}
