/** The part of the contract that GraphiQL's examples use, with made-up data that move. */
import { buildSchema, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLSchema } from 'graphql';

const SDL = `
  scalar Decimal
  scalar DateTime
  scalar Cursor
  enum Exchange { BINANCE UPBIT }
  enum Interval { M1 M5 }
  enum Side { BUY SELL }
  enum MarketStatus { TRADING HALTED }
  type Kline { openTime: DateTime! open: Decimal! high: Decimal! low: Decimal! close: Decimal! volume: Decimal! isClosed: Boolean! coverage: Float! }
  type Ticker { last: Decimal! changePercent24h: Float! volume24h: Decimal! quoteVolume24h: Decimal! time: DateTime! }
  type Trade { time: DateTime! side: Side! price: Decimal! quantity: Decimal! }
  type Level { price: Decimal! quantity: Decimal! }
  type Market { exchange: Exchange! symbol: String! status: MarketStatus! ticker: Ticker latestKline(interval: Interval! = M1): Kline }
  type Book { mid: Decimal spreadBps: Float imbalance: Float vwap(side: Side!, quantity: Decimal!): Decimal bids: [Level!]! asks: [Level!]! }
  type FeedHealth { symbol: String channel: String! connected: Boolean! freshnessMs: Int stale: Boolean! }
  type Markets { nodes: [Market!]! }
  type Klines { nodes: [Kline!]! liveCursor: Cursor! }
  type Trades { nodes: [Trade!]! }
  type KlineEvent { cursor: Cursor! sequence: String! kline: Kline! }
  type TradeEvent { sequence: String! trade: Trade! }
  type BookEvent { sequence: String! snapshot: Boolean! bids: [Level!]! asks: [Level!]! time: DateTime! }
  type TickerEvent { sequence: String! ticker: Ticker! }
  type Query {
    markets(first: Int! = 100): Markets!
    orderBook(exchange: Exchange!, symbol: String!, depth: Int! = 20): Book
    klines(exchange: Exchange!, symbol: String!, interval: Interval! = M1, first: Int! = 500): Klines!
    trades(exchange: Exchange!, symbol: String!, first: Int! = 50): Trades!
    feedHealth(exchange: Exchange): [FeedHealth!]!
  }
  type Subscription {
    klineUpdated(exchange: Exchange!, symbol: String!, interval: Interval! = M1): KlineEvent!
    tradeExecuted(exchange: Exchange!, symbol: String!): TradeEvent!
    orderBookUpdated(exchange: Exchange!, symbol: String!, depth: Int! = 20): BookEvent!
    tickerUpdated(exchange: Exchange!, symbol: String!): TickerEvent!
  }
`;

const time = '2026-01-02T03:04:05.678Z';
const level = { price: '67012.34', quantity: '0.5' };
const kline = {
  openTime: time,
  open: '67000',
  high: '67020',
  low: '66990',
  close: '67012.34',
  volume: '1.5',
  isClosed: false,
  coverage: 1,
};
const ticker = { last: '67012.34', changePercent24h: 1.25, volume24h: '100', quoteVolume24h: '6701234', time };
const trade = { time, side: 'BUY', price: '67012.34', quantity: '0.01' };
const book = { mid: '67012', spreadBps: 0.1, imbalance: 0.2, vwap: '67013', bids: [level], asks: [level] };

const QUERY: Record<string, unknown> = {
  markets: { nodes: [{ exchange: 'BINANCE', symbol: 'BTC-USDT', status: 'TRADING', ticker, latestKline: kline }] },
  orderBook: book,
  klines: { nodes: [kline], liveCursor: 'c' },
  trades: { nodes: [trade] },
  feedHealth: [{ symbol: 'BTC-USDT', channel: 'kline', connected: true, freshnessMs: 5, stale: false }],
};

const EVENTS: Record<string, (sequence: string) => unknown> = {
  klineUpdated: (sequence) => ({ sequence, cursor: `e.${sequence}`, kline }),
  tradeExecuted: (sequence) => ({ sequence, trade }),
  orderBookUpdated: (sequence) => ({ sequence, snapshot: sequence === '1', bids: [level], asks: [level], time }),
  tickerUpdated: (sequence) => ({ sequence, ticker }),
};

/** An event every 100 ms until nobody listens. */
function events(name: string, make: (sequence: string) => unknown): GraphQLFieldResolver<unknown, unknown> {
  return () => {
    let sequence = 0;
    let open = true;
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        if (sequence > 0) await new Promise((done) => setTimeout(done, 100));
        sequence += 1;
        return open ? { value: { [name]: make(String(sequence)) }, done: false } : { value: undefined, done: true };
      },
      async return() {
        open = false;
        return { value: undefined, done: true };
      },
    };
  };
}

export function exampleSchema(): GraphQLSchema {
  const schema = buildSchema(SDL);
  const fields = (type: GraphQLObjectType) => type.getFields();
  for (const [name, value] of Object.entries(QUERY)) fields(schema.getQueryType()!)[name]!.resolve = () => value;
  for (const [name, make] of Object.entries(EVENTS)) {
    fields(schema.getSubscriptionType()!)[name]!.subscribe = events(name, make);
  }
  return schema;
}
