/** The KRW markets of a simulated Korean exchange: prices follow the same coins as on other exchanges, times a KRW rate. */
import { COINS, coinWalk, type Listing, type Walk } from '../market/listing.ts';
import { seedOf, unit } from '../market/seeded.ts';

/** KRW a USDT. Daily USD/KRW went from 1,315 to 1,475 in 2024-10 to 2025-01. */
const RATE: Walk = { name: 'USDTKRW', price: 1_350, volatility: 0.08 };
/** How far a market strays from what the coin and the rate make of it. */
const BASIS_VOLATILITY = 0.01;

type Row = [base: string, tickDecimals: number, trades: number, value: number];

/** Ticks as the exchanges' price steps have them at these prices; ADA is quiet enough for minutes without a trade. */
const KNOWN: Row[] = [
  ['BTC', -3, 0.8, 600_000],
  ['ETH', -3, 0.6, 450_000],
  ['XRP', 0, 0.6, 250_000],
  ['SOL', -2, 0.3, 300_000],
  ['DOGE', 0, 0.3, 150_000],
  ['ADA', 0, 0.02, 120_000],
  ['USDT', 0, 0.3, 400_000],
];

const LOT_DECIMALS = 8;

function listing(exchange: string, [base, tickDecimals, tradesPerSecond, tradeValue]: Row): Listing {
  const symbol = `KRW-${base}`;
  const coin = base === 'USDT' ? [] : [COINS[base] ? coinWalk(base) : invented(base)];
  const seedName = `${exchange}:${symbol}`;
  const basis = { name: seedName, price: 1, volatility: BASIS_VOLATILITY };
  const walks = [...coin, RATE, basis];
  return {
    ...{
      symbol,
      seedName,
      base,
      quote: 'KRW',
      tickDecimals,
      lotDecimals: LOT_DECIMALS,
      tradesPerSecond,
      tradeValue,
      walks,
    },
    price: walks.reduce((product, walk) => product * walk.price, 1),
  };
}

function invented(base: string): Walk {
  return { name: `${base}USDT`, price: 0.5 + 4 * unit(seedOf(base), 2), volatility: 0.8 };
}

/**
 * The listings for `symbols`: names ("KRW-BTC"), or how many to list: first the known ones, then KRW-SIM001 and on. Names
 * that are not known get an invented price. Throws RangeError for a name that is not a KRW market.
 */
export function krwListings(exchange: string, symbols: number | readonly string[]): Listing[] {
  const bases =
    typeof symbols !== 'number'
      ? [...new Set(symbols)].map((symbol) => {
          if (!/^KRW-[A-Z0-9]{1,20}$/.test(symbol)) throw new RangeError(`not a KRW market: ${symbol}`);
          return symbol.slice(4);
        })
      : Array.from(
          { length: symbols },
          (_, i) => KNOWN[i]?.[0] ?? `SIM${String(i - KNOWN.length + 1).padStart(3, '0')}`,
        );
  return bases.map((base) => listing(exchange, KNOWN.find(([known]) => known === base) ?? [base, 0, 0.3, 150_000]));
}
