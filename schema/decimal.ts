/**
 * Exact decimals as text. Money is never a float: values stay strings end to end and arithmetic is done by
 * decimal.js at a precision that no price, quantity or their product reaches.
 */
import { Decimal } from 'decimal.js';

// numeric in Postgres keeps more, but 60 significant digits hold price × quantity of every exchange exactly.
const Exact = Decimal.clone({ precision: 60, toExpNeg: -1000, toExpPos: 1000, rounding: Decimal.ROUND_HALF_EVEN });

const PLAIN = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
// exponent up to three digits: "1e9999" is not a price but an attack on memory
const SPELLED = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$/;

/**
 * The canonical spelling of a decimal: plain notation, no exponent, no superfluous zeros, no "-0".
 * Takes text in any spelling JSON or an exchange uses ("1.16539E8", "0.00077720"). Throws RangeError otherwise.
 */
export function decimal(text: string): string {
  // what is plain is spelled well
  if (text.length <= 100 && PLAIN.test(text)) {
    if (!text.includes('.')) return text === '-0' ? '0' : text;
    let end = text.length;
    while (text.charCodeAt(end - 1) === 48) end--;
    if (text.charCodeAt(end - 1) === 46) end--;
    const trimmed = text.slice(0, end);
    return trimmed === '-0' ? '0' : trimmed;
  }
  if (!isDecimal(text)) throw new RangeError(`not a decimal: ${text.slice(0, 40)}`);
  const value = new Exact(text);
  return value.isZero() ? '0' : value.toFixed();
}

/** True for text that `decimal` accepts. */
export function isDecimal(text: string): boolean {
  return text.length <= 100 && SPELLED.test(text);
}

/** -1, 0 or 1 as a is less than, equal to or greater than b. */
export function compareDecimals(a: string, b: string): number {
  return a === b ? 0 : new Exact(a).comparedTo(b);
}

/** Like `compareDecimals` for canonical decimals that are not negative, as prices are: fast enough for every level of a book. */
export function comparePrices(a: string, b: string): number {
  if (a === b) return 0;
  const [dotA, dotB] = [a.indexOf('.'), b.indexOf('.')];
  const wholeA = dotA < 0 ? a.length : dotA;
  const wholeB = dotB < 0 ? b.length : dotB;
  if (wholeA !== wholeB) return wholeA < wholeB ? -1 : 1;
  // as many whole digits: text order is numeric order, "." only ever meets "." or the end
  return a < b ? -1 : 1;
}

/** Exact sum. */
export function addDecimals(a: string, b: string): string {
  return new Exact(a).plus(b).toFixed();
}

export { Exact };
