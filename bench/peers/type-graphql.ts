/** The documented stack: type-graphql's subscriptions with a `topicId`, its default pub/sub, graphql-ws on ws. */
import 'reflect-metadata';
import { createServer } from 'node:http';
import { createPubSub } from '@graphql-yoga/subscription';
import { useServer } from 'graphql-ws/use/ws';
import { Arg, buildSchema, Field, ObjectType, Query, Resolver, Root, Subscription } from 'type-graphql';
import { WebSocketServer } from 'ws';
import { CANDLE, drive, symbolOf } from '../fanout/servers/driver.ts';

@ObjectType()
class Kline {
  @Field(() => String)
  symbol!: string;

  @Field(() => String)
  interval!: string;

  @Field(() => String)
  openTime!: string;

  @Field(() => String)
  open!: string;

  @Field(() => String)
  high!: string;

  @Field(() => String)
  low!: string;

  @Field(() => String)
  close!: string;

  @Field(() => String)
  volume!: string;

  @Field(() => Boolean)
  isClosed!: boolean;
}

const pubSub = createPubSub<{ kline: [id: string, kline: Kline] }>();

@Resolver()
class KlineResolver {
  @Query(() => String)
  nothing(): string {
    return '';
  }

  @Subscription(() => Kline, { topics: 'kline', topicId: ({ args }) => args.symbol as string })
  klineUpdated(@Root() kline: Kline, @Arg('symbol', () => String) _symbol: string): Kline {
    return kline;
  }
}

const schema = await buildSchema({ resolvers: [KlineResolver], pubSub, validate: false });
const http = createServer();
useServer({ schema }, new WebSocketServer({ server: http, path: '/graphql' }));
http.listen(Number(process.env.PORT), '127.0.0.1', () =>
  drive((topic, volume) => {
    const symbol = symbolOf(topic);
    pubSub.publish('kline', symbol, { symbol, ...CANDLE, volume });
  }),
);
