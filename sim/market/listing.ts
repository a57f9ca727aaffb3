/** What the simulation knows of a market, on any exchange; and the coins that every exchange's list is made of. */

/** A random walk that a price follows. The same name is the same walk on every exchange. */
export interface Walk {
  name: string;
  /** What it hovers about. */
  price: number;
  /** Standard deviation of a year's log return. */
  volatility: number;
}

export interface Listing {
  /** Native spelling, e.g. BTCUSDT. */
  symbol: string;
  /** Seeds its trades and its book; the symbol where left out. */
  seedName?: string;
  base: string;
  quote: string;
  /** The tick is 10^-tickDecimals (negative: a tick of thousands), the lot 10^-lotDecimals; together 8 at the most. */
  tickDecimals: number;
  lotDecimals: number;
  /** Price the market hovers about. */
  price: number;
  /** The price is the product of these. */
  walks: readonly Walk[];
  /** At rate 1. */
  tradesPerSecond: number;
  /** Median value of a trade in the quote asset. */
  tradeValue: number;
}

/** The price of a coin in USDT (invented), as one walk for all exchanges: so that their prices can be compared. */
export const COINS: Readonly<Record<string, { price: number; volatility: number }>> = {
  BTC: { price: 64_250, volatility: 0.5 },
  ETH: { price: 3_120, volatility: 0.65 },
  XRP: { price: 0.6124, volatility: 0.8 },
  SOL: { price: 148.4, volatility: 0.9 },
  BNB: { price: 571.3, volatility: 0.55 },
  DOGE: { price: 0.12431, volatility: 1 },
  ADA: { price: 0.4417, volatility: 0.8 },
  TRX: { price: 0.1253, volatility: 0.5 },
  LINK: { price: 14.27, volatility: 0.85 },
  DOT: { price: 6.214, volatility: 0.85 },
  LTC: { price: 83.6, volatility: 0.7 },
  AVAX: { price: 27.91, volatility: 0.95 },
  BCH: { price: 391.4, volatility: 0.8 },
  ETC: { price: 23.44, volatility: 0.8 },
  XLM: { price: 0.1043, volatility: 0.75 },
  USDC: { price: 1, volatility: 0.004 },
};

/** The walk of a coin in USDT. Throws RangeError for one that is not in the list. */
export function coinWalk(base: string): Walk {
  const coin = COINS[base];
  if (!coin) throw new RangeError(`no such coin: ${base}`);
  return { name: `${base}USDT`, ...coin };
}
