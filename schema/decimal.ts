/**
 * Exact decimals as text. Money is never a float: values stay strings end to end and arithmetic is done by
 * decimal.js at a precision that no price, quantity or their product reaches.
 */
import { Decimal } from 'decimal.js';

// numeric in Postgres keeps more, but 60 significant digits hold price × quantity of every exchange exactly.
const Exact = Decimal.clone({ precision: 60, toExpNeg: -1000, toExpPos: 1000, rounding: Decimal.ROUND_HALF_EVEN });

/** Characters of a decimal, in the spelling that is taken and in the canonical one. */
const MAX_LENGTH = 100;
const PLAIN = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
const NOT_NEGATIVE = /^(?:0|[1-9][0-9]{0,49})(?:\.[0-9]{1,49})?$/;
const [ZERO, ONE, NINE, DOT, MINUS, SMALL_E, LARGE_E] = [48, 49, 57, 46, 45, 101, 69];
// exponent up to three digits: "1e9999" is not a price but an attack on memory
const SPELLED = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$/;

/**
 * The canonical spelling of a decimal: plain notation, no exponent, no superfluous zeros, no "-0".
 * Takes text in any spelling JSON or an exchange uses ("1.16539E8", "0.00077720"). Throws RangeError otherwise.
 */
export function decimal(text: string): string {
  if (isCanonical(text)) return text;
  // what is plain is spelled well
  if (text.length <= MAX_LENGTH && PLAIN.test(text)) {
    if (!text.includes('.')) return text === '-0' ? '0' : text;
    let end = text.length;
    while (text.charCodeAt(end - 1) === 48) end--;
    if (text.charCodeAt(end - 1) === 46) end--;
    const trimmed = text.slice(0, end);
    return trimmed === '-0' ? '0' : trimmed;
  }
  const spelled = plainSpelling(text);
  if (spelled === null) throw new RangeError(`not a decimal: ${text.slice(0, 40)}`);
  return spelled;
}

/** True for text that `decimal` accepts. */
export function isDecimal(text: string): boolean {
  return isCanonical(text) || (text.length <= MAX_LENGTH && PLAIN.test(text)) || plainSpelling(text) !== null;
}

/** The canonical spelling of any other one; null where there is none, or none that is short enough to be taken itself. */
function plainSpelling(text: string): string | null {
  if (text.length > MAX_LENGTH || !SPELLED.test(text)) return null;
  const value = new Exact(text);
  const plain = value.isZero() ? '0' : value.toFixed();
  return plain.length <= MAX_LENGTH ? plain : null;
}

/** True for a canonical decimal that is not negative: nearly all there are, and seen by looking at each character once. */
function isCanonical(text: string): boolean {
  const { length } = text;
  if (length === 0 || length > MAX_LENGTH) return false;
  let dot = -1;
  for (let i = 0; i < length; i++) {
    const char = text.charCodeAt(i);
    if (char >= ZERO && char <= NINE) continue;
    if (char !== DOT || dot >= 0) return false;
    dot = i;
  }
  if (dot === 0 || (dot > 0 && text.charCodeAt(length - 1) === ZERO)) return false;
  // "1." and "007" are other spellings
  return dot !== length - 1 && (text.charCodeAt(0) !== ZERO || length === 1 || dot === 1);
}

/** -1, 0 or 1 as the decimal is below, equal to or above zero, in any spelling that `isDecimal` takes. */
export function signOfDecimal(text: string): -1 | 0 | 1 {
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char >= ONE && char <= NINE) return text.charCodeAt(0) === MINUS ? -1 : 1;
    // an exponent makes nothing of nothing
    if (char === SMALL_E || char === LARGE_E) break;
  }
  return 0;
}

/** -1, 0 or 1 as a is less than, equal to or greater than b. */
export function compareDecimals(a: string, b: string): number {
  if (a === b) return 0;
  if (NOT_NEGATIVE.test(a) && NOT_NEGATIVE.test(b)) return comparePrices(decimal(a), decimal(b));
  return new Exact(a).comparedTo(b);
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

/** The same for whole numbers as digits, such as sequences and ids. */
export function compareDigits(a: string, b: string): number {
  if (a === b) return 0;
  if (a.charCodeAt(0) === ZERO || b.charCodeAt(0) === ZERO) {
    const [x, y] = [BigInt(a), BigInt(b)];
    return x === y ? 0 : x < y ? -1 : 1;
  }
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a < b ? -1 : 1;
}

/** Exact sum. */
export function addDecimals(a: string, b: string): string {
  return new Exact(a).plus(b).toFixed();
}

export { Exact };
