/**
 * Where a price in KRW differs from one in USDT: by the coin's own premium, and by what USDT itself costs more (or less)
 * in KRW than a dollar does, the "kimchi premium".
 *
 *     krw / (usdt × reference) = (krw / (usdt × fx)) × (fx / reference)
 *     1 + total                = (1 + coin)          × (1 + usdt)
 */
import { ONE, shown, units } from './fixed.ts';

const PLACES = 8;

export interface Premium {
  /** Of the coin's price in KRW over its price in USDT at the venue's own rate. */
  coinPercent: string;
  /** Of USDT's price in KRW over the reference rate. */
  usdtPercent: string;
  totalPercent: string;
}

/** `krw`, `usdt`: prices of one coin; `fx`: KRW per USDT; `reference`: KRW per USD. All positive decimals; throws RangeError. */
export function premiumOf(krw: string, usdt: string, fx: string, reference: string): Premium {
  const [k, u, f, r] = [units(krw), units(usdt), units(fx), units(reference)];
  if (k <= 0n || u <= 0n || f <= 0n || r <= 0n) throw new RangeError('a price or rate is not positive');
  const percent = (n: bigint, d: bigint): string => shown({ n: (n - d) * 100n, d }, PLACES);
  return {
    coinPercent: percent(k * ONE, u * f),
    usdtPercent: percent(f, r),
    totalPercent: percent(k * ONE, u * r),
  };
}
