/** The markets a simulated Binance lists: real names and precisions, invented prices; any number more on request. */
import { coinWalk, type Listing } from '../market/listing.ts';
import { hash, seedOf, unit } from '../market/seeded.ts';

type Row = [base: string, tick: number, lot: number, trades: number, value: number];

const KNOWN: Row[] = [
  ['BTC', 2, 5, 3, 900],
  ['ETH', 2, 4, 2.5, 700],
  ['XRP', 4, 1, 1.5, 250],
  ['SOL', 2, 3, 2, 400],
  ['BNB', 2, 3, 1.2, 350],
  ['DOGE', 5, 0, 1.5, 200],
  ['ADA', 4, 1, 1, 180],
  ['TRX', 4, 1, 0.8, 150],
  ['LINK', 2, 2, 0.7, 160],
  ['DOT', 3, 2, 0.6, 140],
  ['LTC', 2, 3, 0.5, 150],
  ['AVAX', 2, 2, 0.7, 160],
  ['BCH', 1, 3, 0.3, 170],
  ['ETC', 2, 2, 0.2, 120],
  ['XLM', 4, 0, 0.2, 90],
  ['USDC', 4, 0, 0.5, 800],
];

const QUOTES = ['USDT', 'USDC', 'FDUSD', 'TUSD', 'BTC', 'ETH', 'BNB', 'EUR', 'TRY', 'BRL'];

function known([base, tickDecimals, lotDecimals, tradesPerSecond, tradeValue]: Row): Listing {
  const walk = coinWalk(base);
  const precision = { tickDecimals, lotDecimals, price: walk.price, walks: [walk] };
  return { symbol: `${base}USDT`, base, quote: 'USDT', ...precision, tradesPerSecond, tradeValue };
}

function invented(symbol: string): Listing {
  const quote = QUOTES.find((q) => symbol.length > q.length && symbol.endsWith(q));
  if (!quote || !/^[A-Z0-9]+$/.test(symbol)) throw new RangeError(`not a symbol Binance could list: ${symbol}`);
  const seed = seedOf(symbol);
  const magnitude = (hash(seed, 1) % 5) - 2;
  const price = (1 + 8 * unit(seed, 2)) * 10 ** magnitude;
  return {
    symbol,
    base: symbol.slice(0, -quote.length),
    quote,
    tickDecimals: 3 - Math.min(1, Math.max(-2, magnitude)),
    lotDecimals: Math.max(0, magnitude),
    price,
    walks: [{ name: symbol, price, volatility: 0.6 + 0.5 * unit(seed, 3) }],
    tradesPerSecond: 0.2 + 1.3 * unit(seed, 4),
    tradeValue: 80 + 200 * unit(seed, 5),
  };
}

/**
 * The listings for `symbols`: names ("BTCUSDT"; unknown ones are invented from their name), or how many to list: first the
 * known ones, then SIM001USDT and on. Throws RangeError for a name without a quote asset Binance has.
 */
export function listings(symbols: number | string[]): Listing[] {
  if (typeof symbols !== 'number') {
    return [...new Set(symbols)].map((s) => {
      const row = KNOWN.find(([base]) => `${base}USDT` === s);
      return row ? known(row) : invented(s);
    });
  }
  const rows = KNOWN.slice(0, symbols).map(known);
  for (let i = 1; rows.length < symbols; i++) rows.push(invented(`SIM${String(i).padStart(3, '0')}USDT`));
  return rows;
}
