/** Division in SQL that is exact to the last digit shown: numeric's own rounds the quotient before it can be rounded. */

/** Decimal places of averages, costs and margins. */
export const SCALE = 8;
const ONE = `1${'0'.repeat(SCALE)}`;
const UNIT = `0.${'0'.repeat(SCALE - 1)}1`;

/** SQL of numerator / denominator at `SCALE` places, halves up. Neither is negative, the denominator is above zero. */
export function quotient(numerator: string, denominator: string): string {
  return `trim_scale(div(2 * (${numerator}) * ${ONE} + (${denominator}), 2 * (${denominator})) * ${UNIT})`;
}
