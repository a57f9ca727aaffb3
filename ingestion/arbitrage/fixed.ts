/**
 * Exact arithmetic on whole numbers: a decimal is its value × 10^18 as a bigint, and a quotient stays a fraction until it
 * is shown. Nothing is rounded on the way, so that an order between two results is the order of what they stand for.
 */

/** Decimal places that a number may have: more than any exchange gives a price or a quantity. */
export const PLACES = 18;
export const ONE = 10n ** BigInt(PLACES);

const PLAIN = /^-?[0-9]+(?:\.[0-9]+)?$/;

const ZERO = '0'.charCodeAt(0);
/** Powers of ten by exponent. */
const TENS = Array.from({ length: PLACES + 1 }, (_, places) => 10n ** BigInt(places));
/** Digits that a double holds exactly: several times faster to read than as a bigint. */
const SAFE_DIGITS = 15;

/** A decimal in plain notation as units of 10^-18. Throws RangeError for anything else, and for more places than that. */
export function units(text: string): bigint {
  const dot = text.indexOf('.');
  const scale = TENS[dot < 0 ? PLACES : PLACES - (text.length - dot - 1)];
  if (scale === undefined || !PLAIN.test(text)) throw new RangeError(`not a decimal of ${PLACES} places: ${text}`);
  const digits = dot < 0 ? text : text.slice(0, dot) + text.slice(dot + 1);
  return (digits.length <= SAFE_DIGITS ? BigInt(Number(digits)) : BigInt(digits)) * scale;
}

/** A fraction; the denominator is positive. */
export interface Ratio {
  readonly n: bigint;
  readonly d: bigint;
}

/** The greatest whole number that is not above n / d. */
function floorOf({ n, d }: Ratio): bigint {
  const quotient = n / d;
  return n < 0n && quotient * d !== n ? quotient - 1n : quotient;
}

/** A fraction as a canonical decimal of at most `places` places, rounded down, so that no rounding can turn an order round. */
export function shown({ n, d }: Ratio, places: number): string {
  const scaled = floorOf({ n: n * (TENS[places] ?? 10n ** BigInt(places)), d });
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(places + 1, '0');
  const point = digits.length - places;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === ZERO) end--;
  const whole = digits.slice(0, point);
  const text = end === point ? whole : `${whole}.${digits.slice(point, end)}`;
  return scaled < 0n ? `-${text}` : text;
}
