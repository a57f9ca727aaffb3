/**
 * Exact arithmetic on whole numbers: a decimal is its value × 10^18 as a bigint, and a quotient stays a fraction until it
 * is shown. Nothing is rounded on the way, so that an order between two results is the order of what they stand for.
 */

/** Decimal places that a number may have: more than any exchange gives a price or a quantity. */
export const PLACES = 18;
export const ONE = 10n ** BigInt(PLACES);

const PLAIN = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;

/** A decimal in plain notation as units of 10^-18. Throws RangeError for anything else, and for more places than that. */
export function units(text: string): bigint {
  const [, sign, whole, fraction = ''] = PLAIN.exec(text) ?? [];
  if (whole === undefined || fraction.length > PLACES)
    throw new RangeError(`not a decimal of ${PLACES} places: ${text}`);
  const value = BigInt(whole + fraction.padEnd(PLACES, '0'));
  return sign ? -value : value;
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
  const scaled = floorOf({ n: n * 10n ** BigInt(places), d });
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(places + 1, '0');
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '');
  const whole = digits.slice(0, digits.length - places);
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return scaled < 0n ? `-${text}` : text;
}
