/** The nouns of the arbitrage path: rates between the quotes, and spreads between two exchanges. Decimals are canonical strings. */
import { type BookLevel, type Exchange, marketId } from './market.ts';

/** KRW per USDT on one exchange, from its own USDT-KRW book. */
export interface FxEvent {
  exchange: Exchange;
  bid: string;
  ask: string;
  mid: string;
  /** The book's sequence. */
  bookSequence: string;
  /** Exchange's clock and ours, of the book, epoch ms. */
  eventTime: number;
  receivedAt: number;
}

/** Why a spread could not be traded now. */
export const NOT_EXECUTABLE = ['STALE_LEG', 'THIN_BOOK', 'FEED_GAP', 'STALE_FX'] as const;
export type NotExecutableReason = (typeof NOT_EXECUTABLE)[number];

export interface ArbitrageLeg {
  exchange: Exchange;
  symbol: string;
  /** Average executable price for the quantity, in the leg's own quote. */
  price: string;
  /** Levels of the book that the price is made of, best first. */
  levels: BookLevel[];
  bookSequence: string;
  takerFeePercent: string;
  /** Of the book, at `eventTime`. */
  ageMs: number;
}

/** What buying a notional of a base on one exchange and selling it on another would bring. */
export interface ArbitrageEvent {
  base: string;
  buy: ArbitrageLeg;
  sell: ArbitrageLeg;
  /** USDT. */
  notional: string;
  /** Base asset that both legs trade. */
  quantity: string;
  grossPercent: string;
  feePercent: string;
  netPercent: string;
  /** USDT. */
  netProfit: string;
  /** KRW per USDT; null where no leg is in KRW. */
  fxRate: string | null;
  /** Whose rate that is. */
  fxExchange: Exchange | null;
  /** Premiums of the KRW leg over the USDT leg, in percent; null unless exactly one leg is in KRW. */
  coinPremiumPercent: string | null;
  /** Of USDT in KRW over the reference rate; null where no reference rate is set. */
  usdtPremiumPercent: string | null;
  notExecutable: NotExecutableReason[];
  /** What the result before it said, so that a reader without a memory can tell what stopped matching; null for the first. */
  previous: { netPercent: string; notExecutable: NotExecutableReason[] } | null;
  /** When it was worked out, our clock, epoch ms. */
  eventTime: number;
  /** False where it says the same as the one before: said for the averages. */
  changed: boolean;
  /** True once a second: what the averages count. */
  sampled: boolean;
}

/** `BTC:binance:BTC-USDT>upbit:BTC-KRW:1000`: which spread it is, whenever it was worked out. */
export function arbitrageId(spread: {
  base: string;
  buy: Pick<ArbitrageLeg, 'exchange' | 'symbol'>;
  sell: Pick<ArbitrageLeg, 'exchange' | 'symbol'>;
  notional: string;
}): string {
  return `${spread.base}:${marketId(spread.buy)}>${marketId(spread.sell)}:${spread.notional}`;
}
