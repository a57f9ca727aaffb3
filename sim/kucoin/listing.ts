/** The markets a simulated KuCoin lists: real names; increments as the exchange told them or alike. */
import { coinWalk, type Listing, type Walk } from '../market/listing.ts';

type Row = [base: string, tick: number, lot: number, trades: number, value: number];

const ROWS: Row[] = [
  ['BTC', 1, 8, 2, 700],
  ['ETH', 2, 7, 1.6, 500],
  ['XRP', 5, 4, 1, 200],
  ['SOL', 3, 4, 1.3, 300],
  ['DOGE', 5, 4, 0.9, 150],
  ['KCS', 3, 4, 0.6, 120],
];

/** KuCoin's own coin is nobody else's. */
const KCS: Walk = { name: 'KCSUSDT', price: 10.42, volatility: 0.55 };

/** How far prices here stray from those elsewhere: some tenths of a percent. */
function basis(symbol: string): Walk {
  return { name: `KUCOIN ${symbol}`, price: 1, volatility: 0.008 };
}

function listing([base, tickDecimals, lotDecimals, tradesPerSecond, tradeValue]: Row): Listing {
  const walk = base === 'KCS' ? KCS : coinWalk(base);
  const symbol = `${base}-USDT`;
  const walks = [walk, basis(symbol)];
  return {
    symbol,
    base,
    quote: 'USDT',
    tickDecimals,
    lotDecimals,
    price: walk.price,
    walks,
    tradesPerSecond,
    tradeValue,
  };
}

/** The listings for native names, or the first `symbols` of them. Throws RangeError for one that is not listed. */
export function kucoinListings(symbols: number | string[]): Listing[] {
  if (typeof symbols === 'number') return ROWS.slice(0, symbols).map(listing);
  return [...new Set(symbols)].map((symbol) => {
    const row = ROWS.find(([base]) => `${base}-USDT` === symbol);
    if (!row) throw new RangeError(`not a symbol this KuCoin lists: ${symbol}`);
    return listing(row);
  });
}
