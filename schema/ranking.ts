/** Rankings: every market that a metric is known of, in its order. */
import type { Exchange } from './market.ts';

export const RANKING_METRICS = ['CHANGE_PERCENT', 'QUOTE_VOLUME', 'VOLATILITY', 'MARKET_CAP'] as const;
export type RankingMetric = (typeof RANKING_METRICS)[number];

/** One market in a ranking: a tuple, as there are thousands in a message. */
export type RankingRow = [
  exchange: Exchange,
  symbol: string,
  /** What ranks: a percentage, USDT, a standard deviation, USDT. */
  value: string,
  /** In the market's quote asset. */
  price: string,
  changePercent: number,
  /** In the market's quote asset. */
  quoteVolume: string,
  /** In USDT; null where the supply or the price in USDT is not known. */
  marketCap: string | null,
  /** Of the figures, by the exchange's clock, epoch ms. */
  time: number,
];

export interface RankingEvent {
  metric: RankingMetric;
  /** Our clock; greater in every ranking of a metric. */
  computedAt: number;
  /** Time of the newest figure in it; `computedAt` where there is none. */
  eventTime: number;
  /** Markets that the metric is not known of, or whose figures are out of date. */
  leftOut: number;
  /** Greatest value first, equal ones by exchange and symbol. */
  rows: RankingRow[];
}
