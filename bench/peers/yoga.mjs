/** GraphQL Yoga with its pub/sub, over graphql-ws as its documentation wires it. */
import { createServer } from 'node:http';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { CANDLE, drive, symbolOf } from '../fanout/servers/driver.ts';
import { typeDefs } from './schema.mjs';

const pubSub = createPubSub();
const yoga = createYoga({
  schema: createSchema({
    typeDefs,
    resolvers: {
      Subscription: {
        klineUpdated: { subscribe: (_, { symbol }) => pubSub.subscribe('kline', symbol), resolve: (kline) => kline },
      },
    },
  }),
  graphiql: false,
  logging: false,
});
const http = createServer(yoga);
useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    async onSubscribe(ctx, _id, params) {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
      });
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      return errors.length ? errors : args;
    },
  },
  new WebSocketServer({ server: http, path: yoga.graphqlEndpoint }),
);
http.listen(Number(process.env.PORT), '127.0.0.1', () =>
  drive((topic, volume) => {
    const symbol = symbolOf(topic);
    pubSub.publish('kline', symbol, { symbol, ...CANDLE, volume });
  }),
);
