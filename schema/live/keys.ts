/**
 * The live keys besides the streams: the newest state of each market, one function per family. `{base}` in braces is the
 * cluster hash tag (see `hashTag`).
 */
import { ARBITRAGE_STREAM, hashTag, rankingStreamId } from '../channels.ts';
import { type Exchange, INTERVAL_LABELS, type Interval, type MarketRef, marketId } from '../market.ts';
import type { RankingMetric } from '../ranking.ts';

/** How the names of all live keys begin, streams included. */
export const LIVE_FAMILIES: readonly string[] = [
  ...['live:', 'crypto:', 'orderbook:', 'trades:', 'ticker:', 'feed:', 'heard:', 'ranking:', 'arbitrage:', 'capture:'],
];

/** Newest candle, open or closed: `crypto:binance:{BTC}-USDT:1m:latest`. */
export function latestKlineKey(market: MarketRef, interval: Interval): string {
  return `crypto:${hashTag(marketId(market))}:${INTERVAL_LABELS[interval]}:latest`;
}

/** One minute's candle, kept for a day: `crypto:binance:{BTC}-USDT:1m:1617570180000`. */
export function minuteKlineKey(market: MarketRef, openTime: number): string {
  return `crypto:${hashTag(marketId(market))}:1m:${openTime}`;
}

/** Newest folded book: `orderbook:binance:{BTC}-USDT:latest`. */
export function latestBookKey(market: MarketRef): string {
  return `orderbook:${hashTag(marketId(market))}:latest`;
}

/** Newest trades, newest first, capped: `trades:binance:{BTC}-USDT:list`. */
export function tradeListKey(market: MarketRef): string {
  return `trades:${hashTag(marketId(market))}:list`;
}

/** Newest ticker: `ticker:binance:{BTC}-USDT`. */
export function tickerKey(market: MarketRef): string {
  return `ticker:${hashTag(marketId(market))}`;
}

/** Newest status of every feed of an exchange, a hash with the field `<symbol or *>:<channel>`: `feed:{binance}`. */
export function feedKey(exchange: Exchange): string {
  return `feed:{${exchange.toLowerCase()}}`;
}

/** When the newest event of each feed was received, epoch ms, a hash with the field `<symbol>:<channel>`: `heard:{binance}`. */
export function heardKey(exchange: Exchange): string {
  return `heard:{${exchange.toLowerCase()}}`;
}

/** How the capture of a table's changes is doing, a hash whose field `status` is a CaptureStatus: `capture:{public.c2c_order}`. */
export function captureKey(table: string): string {
  return `capture:{${table}}`;
}

/** Newest ranking by a metric: `ranking:{quote_volume}`. */
export function rankingKey(metric: RankingMetric): string {
  return `ranking:${hashTag(rankingStreamId({ metric }))}`;
}

/** Newest spreads of a base, a hash with the field `arbitrageId`: `arbitrage:BTC:{all}`, tagged as their one stream is. */
export function arbitrageKey(base: string): string {
  return `arbitrage:${base}:{${ARBITRAGE_STREAM}}`;
}
