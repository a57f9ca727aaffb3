/** What one operation reads more than once: asked for together, read together, remembered until it is answered. */
import DataLoader from 'dataloader';
import type { Kline } from '../schema/gold/kline.ts';
import type { Market } from '../schema/gold/market.ts';
import type { FeedHealth } from '../schema/graphql/feed.ts';
import type { KlineConnection } from '../schema/graphql/kline.ts';
import type { Ticker } from '../schema/graphql/ticker.ts';
import type { TradeConnection } from '../schema/graphql/trade.ts';
import { type Exchange, type MarketRef, marketId } from '../schema/market.ts';
import type { Latest } from '../src/platform/live/store.ts';
import type { Platform } from '../src/platform/platform.ts';
import { latestBooks } from './book-store.ts';
import { type C2cOrderRow, findC2cOrders } from './c2c-store.ts';
import { feedsOf } from './feed-store.ts';
import { type KlinePageKey, klinePages, type LatestKlineKey, latestKlines } from './kline-store.ts';
import { findMarkets } from './market-store.ts';
import { tickers } from './ticker-store.ts';
import { type TradePageKey, tradePages } from './trade-store.ts';

export interface Loaders {
  market: DataLoader<MarketRef, Market | null, string>;
  latestKline: DataLoader<LatestKlineKey, Kline | null, string>;
  klines: DataLoader<KlinePageKey, KlineConnection, string>;
  trades: DataLoader<TradePageKey, TradeConnection, string>;
  ticker: DataLoader<MarketRef, Ticker | null, string>;
  book: DataLoader<MarketRef, Latest | null, string>;
  feeds: DataLoader<Exchange, FeedHealth[]>;
  c2cOrder: DataLoader<string, C2cOrderRow | null>;
}

/** Keys of one call to a store. */
const MAX_BATCH = 1_000;

function loader<Key, Value>(
  load: (keys: readonly Key[]) => Promise<Value[]>,
  nameOf: (key: Key) => string,
): DataLoader<Key, Value, string> {
  return new DataLoader(load, { cacheKeyFn: nameOf, maxBatchSize: MAX_BATCH });
}

function nameOfPage({ market, ...page }: { market: MarketRef }): string {
  return `${marketId(market)} ${JSON.stringify(page)}`;
}

/** The loaders of one operation. */
export function createLoaders(platform: Pick<Platform, 'config' | 'live' | 'postgres'>): Loaders {
  const { config, live, postgres } = platform;
  return {
    market: loader((markets) => findMarkets(postgres, markets), marketId),
    latestKline: loader(
      (keys) => latestKlines(platform, keys),
      (key) => `${marketId(key.market)}:${key.interval}`,
    ),
    klines: loader((keys: readonly KlinePageKey[]) => klinePages(platform, keys), nameOfPage),
    trades: loader((keys: readonly TradePageKey[]) => tradePages(platform, keys), nameOfPage),
    ticker: loader((markets) => tickers(platform, markets), marketId),
    book: loader((markets) => latestBooks(live, markets), marketId),
    feeds: new DataLoader((exchanges) =>
      Promise.all(exchanges.map((exchange) => feedsOf(live, exchange, config.FEED_STALE_MS))),
    ),
    c2cOrder: loader((numbers) => findC2cOrders(postgres, numbers), String),
  };
}
