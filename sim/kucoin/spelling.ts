/** How KuCoin writes numbers: strings without superfluous zeros, JSON numbers with twenty decimals, stamps in ns. */
import { hash } from '../market/seeded.ts';
import type { Trade } from '../market/tape.ts';

/** `units` × 10^-`decimals`, e.g. (679960, 1) → "67996". */
export function plain(units: number | bigint, decimals: number): string {
  const negative = units < 0;
  const text = String(negative ? -units : units).padStart(decimals + 1, '0');
  const cut = text.length - decimals;
  const fraction = text.slice(cut).replace(/0+$/, '');
  return `${negative ? '-' : ''}${text.slice(0, cut)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The same with twenty decimals, as sums in the 24 h snapshots are written: 66842.90000000000000000000. */
export function padded(units: number | bigint, decimals: number): string {
  const [whole, fraction = ''] = plain(units, decimals).split('.');
  return `${whole}.${fraction.padEnd(20, '0')}`;
}

/** Epoch ns of a moment in epoch ms; what lies below the ms depends on `key`. As text: it is beyond 2^53. */
export function nanoseconds(ms: number, key: number): string {
  return `${ms}${String(hash(0, key, 11) % 1_000_000).padStart(6, '0')}`;
}

/** A trade's sequence: it grows with the trades by more than one at a time, and is beyond 2^53 as the real ones are now. */
export function tradeSequence(trade: Trade): string {
  return String(10_000_000_000_000_000n + BigInt(trade.id) * 3n + BigInt(hash(0, trade.id, 12) % 3));
}
