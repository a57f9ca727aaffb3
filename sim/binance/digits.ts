/** The spelling of whole units with the eight decimals that Binance writes. */

/**
 * `units` × 10^-`decimals` with exactly eight decimals, e.g. (5800103, 2) → "58001.03000000". `decimals` is at most 8.
 */
export function digits(units: number | bigint, decimals: number): string {
  const negative = units < 0;
  const text = String(negative ? -units : units).padStart(decimals + 1, '0');
  const cut = text.length - decimals;
  return `${negative ? '-' : ''}${text.slice(0, cut)}.${text.slice(cut).padEnd(8, '0')}`;
}
