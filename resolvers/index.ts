/** The executable schema: every resolver class, once. */
import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { StreamEvent } from '../schema/graphql/stream.ts';
import { ArbitrageResolver } from './arbitrage.ts';
import { checkRole } from './authority.ts';
import { C2cResolver } from './c2c.ts';
import { C2cFiguresResolver } from './c2c-figures.ts';
import { C2cWindowResolver } from './c2c-window.ts';
import { CdcResolver } from './cdc.ts';
import { CryptoPriceResolver } from './crypto-price.ts';
import { DataQualityResolver } from './data-quality.ts';
import { FeedResolver } from './feed.ts';
import { KlineResolver } from './kline.ts';
import { joinLiveCore } from './live.ts';
import { MarketResolver } from './market.ts';
import { OrderBookResolver } from './orderbook.ts';
import { PipelineResolver } from './pipeline.ts';
import { RankingResolver } from './ranking.ts';
import { TickerResolver } from './ticker.ts';
import { TickerDailyResolver } from './ticker-daily.ts';
import { TradeResolver } from './trade.ts';
import { noteWaitingFields } from './waiting-fields.ts';

const RESOLVERS = [
  ArbitrageResolver,
  C2cFiguresResolver,
  C2cResolver,
  C2cWindowResolver,
  CdcResolver,
  CryptoPriceResolver,
  DataQualityResolver,
  FeedResolver,
  KlineResolver,
  MarketResolver,
  OrderBookResolver,
  PipelineResolver,
  RankingResolver,
  TickerDailyResolver,
  TickerResolver,
  TradeResolver,
] as const;

const ROOTS = {
  Query:
    'What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX.',
  Mutation:
    'What can be done, over POST or a WebSocket, never by GET. A name that does not exist is refused with BAD_USER_INPUT, a caller whose role does not allow it with FORBIDDEN.',
  Subscription:
    'What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told.',
} as const;

// subscriptions name their stream themselves; type-graphql asks for one of these all the same
const noPubSub = {
  publish(): never {
    throw new Error('there is no pub/sub: events come from the live streams');
  },
  subscribe(): never {
    throw new Error('there is no pub/sub: events come from the live streams');
  },
};

/**
 * Builds the schema. Its context value is a `Context`; subscriptions are begun by the live core. Throws where a type is not
 * complete.
 */
export function buildTickgraphSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [...RESOLVERS],
    orphanedTypes: [StreamEvent],
    authChecker: checkRole,
    pubSub: noPubSub,
    validate: false,
  });
  noteWaitingFields(schema);
  joinLiveCore(schema);
  for (const [name, description] of Object.entries(ROOTS)) {
    const type = schema.getType(name);
    if (type) type.description = description;
  }
  return schema;
}
