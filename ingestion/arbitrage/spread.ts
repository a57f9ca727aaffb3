/**
 * What buying on one exchange and selling on another would bring: both legs walk their books for the same quantity of the
 * base asset, pay the taker's fee, and meet in one currency. Pure and exact.
 *
 *     gross = sell / buy − 1        net = sell × (1 − sellFee) / (buy × (1 + buyFee)) − 1
 *
 * `buy` and `sell` are the legs' average executable prices in USDT, or in KRW where both are: one rate for both legs would
 * cancel out. As both trade the same quantity, the prices' ratio is that of what is paid and what is got.
 */
import type { BookLevel, Exchange } from '../../schema/market.ts';
import { ONE, type Ratio, shown, units } from './fixed.ts';
import { type Bought, type Side, type Walk, walk } from './walk.ts';

/** Quotes that can be compared: a dollar coin other than USDT has a price of its own, and is not taken for one. */
export const QUOTES = ['USDT', 'KRW'] as const;
export type Quote = (typeof QUOTES)[number];

export function isQuote(text: string): text is Quote {
  return (QUOTES as readonly string[]).includes(text);
}

/** The book's side that a leg takes from, and its fee. */
export interface LegBook {
  exchange: Exchange;
  quote: Quote;
  /** Asks of the leg that buys, bids of the one that sells; best first. */
  side: Side;
  /** Taker's fee in percent, e.g. "0.1". */
  feePercent: string;
}

/** One leg's working. */
export interface LegResult {
  /** Average executable price in the leg's own quote. */
  price: string;
  /** The book's levels that the price is made of, as they stand in the book. */
  levels: BookLevel[];
}

export interface SpreadResult {
  /** Base asset that both legs trade. */
  quantity: string;
  buy: LegResult;
  sell: LegResult;
  grossPercent: string;
  /** gross − net. */
  feePercent: string;
  netPercent: string;
  /** In USDT. */
  netProfit: string;
  /** True where a book ended before the notional was reached: the numbers hold for what there is. */
  thin: boolean;
}

/** Places of what is shown. Rounded down: a profit is never shown better than it is. */
const PERCENT_PLACES = 8;
const MONEY_PLACES = 8;
const AMOUNT_PLACES = 18;

const HUNDRED = 100n * ONE;

const times = (a: Ratio, b: Ratio): Ratio => ({ n: a.n * b.n, d: a.d * b.d });
const over = (a: Ratio, b: Ratio): Ratio => ({ n: a.n * b.d, d: a.d * b.n });
const minus = (a: Ratio, b: Ratio): Ratio => ({ n: a.n * b.d - b.n * a.d, d: a.d * b.d });
const SAME: Ratio = { n: 1n, d: 1n };

/** An amount in units as a decimal. */
const amount = ({ n, d }: Ratio, places: number): string => shown({ n, d: d * ONE }, places);
/** A ratio as percent above 1. */
const percent = ({ n, d }: Ratio): string => shown({ n: (n - d) * 100n, d }, PERCENT_PLACES);

function legResult({ side }: LegBook, { value, levels }: Walk, quantity: Ratio): LegResult {
  return { price: shown(over(value, quantity), AMOUNT_PLACES), levels: side.levels.slice(0, levels) };
}

/** What both legs trade: what the notional buys, or as much as both books have. `cost`: of it, and its name. */
function trade(buy: Side, sell: Side, name: string, cost: Ratio): { bought: Bought; sold: Walk; thin: boolean } | null {
  const bought = buy.bought(name, cost);
  const sold = bought && walk(sell, bought.quantity);
  if (bought && sold) return { bought, sold, thin: false };
  const [offered, wanted] = [buy.offered(), sell.offered()];
  const quantity = { n: offered < wanted ? offered : wanted, d: 1n };
  const [allBought, allSold] = [walk(buy, quantity), walk(sell, quantity)];
  if (quantity.n === 0n || !allBought || !allSold) return null;
  return { bought: { ...allBought, quantity }, sold: allSold, thin: true };
}

/**
 * The spread of a notional (USDT, a decimal). `fx`: KRW per USDT, needed where a leg is in KRW. Null where a side is empty,
 * or a rate is needed and there is none. Throws RangeError for a level, fee or rate that is no decimal or not positive.
 */
export function spreadOf(buy: LegBook, sell: LegBook, notional: string, fx: string | null): SpreadResult | null {
  if (fx === null && (buy.quote === 'KRW' || sell.quote === 'KRW')) return null;
  const rate = fx === null ? SAME : { n: units(fx), d: ONE };
  if (rate.n <= 0n) throw new RangeError(`not a rate: ${fx}`);
  const usdt: Ratio = { n: units(notional), d: 1n };
  const inKrw = buy.quote === 'KRW';
  const traded = trade(buy.side, sell.side, inKrw ? `${notional}x${fx}` : notional, inKrw ? times(usdt, rate) : usdt);
  if (!traded) return null;
  const { bought, sold, thin } = traded;
  const { quantity } = bought;
  // both in USDT
  const paid = buy.quote === 'KRW' ? over(bought.value, rate) : bought.value;
  const got = sell.quote === 'KRW' ? over(sold.value, rate) : sold.value;
  const paidWithFee = times(paid, { n: HUNDRED + units(buy.feePercent), d: HUNDRED });
  const gotAfterFee = times(got, { n: HUNDRED - units(sell.feePercent), d: HUNDRED });
  const grossPercent = percent(over(got, paid));
  const netPercent = percent(over(gotAfterFee, paidWithFee));
  return {
    quantity: amount(quantity, AMOUNT_PLACES),
    buy: legResult(buy, bought, quantity),
    sell: legResult(sell, sold, quantity),
    grossPercent,
    feePercent: shown({ n: units(grossPercent) - units(netPercent), d: ONE }, PERCENT_PLACES),
    netPercent,
    netProfit: amount(minus(gotAfterFee, paidWithFee), MONEY_PLACES),
    thin,
  };
}
