/** The subscription that the peers serve, as SDL. */
export const typeDefs = /* GraphQL */ `
  type Query { nothing: String }
  type Kline {
    symbol: String! interval: String! openTime: String! open: String! high: String! low: String! close: String!
    volume: String! isClosed: Boolean!
  }
  type Subscription { klineUpdated(symbol: String!): Kline! }
`;
