/** Mercurius with its own subscriptions (mqemitter) and its compiled executor. */
import Fastify from 'fastify';
import mercurius from 'mercurius';
import { CANDLE, drive, symbolOf } from '../fanout/servers/driver.ts';
import { typeDefs } from './schema.mjs';

const app = Fastify();
app.register(mercurius, {
  schema: typeDefs,
  resolvers: {
    Subscription: {
      klineUpdated: { subscribe: (_, { symbol }, { pubsub }) => pubsub.subscribe(`kline:${symbol}`) },
    },
  },
  subscription: { verifyClient: (_, next) => next(true) },
  jit: 1,
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
drive((topic, volume) => {
  const symbol = symbolOf(topic);
  app.graphql.pubsub.publish({ topic: `kline:${symbol}`, payload: { klineUpdated: { symbol, ...CANDLE, volume } } });
});
