/** KRW per USDT, newest of each exchange, and which of them a leg is converted at. No I/O, no time of its own. */
import type { FxEvent } from '../../schema/arbitrage.ts';
import { decimal, Exact } from '../../schema/decimal.ts';
import type { LiveBook } from '../../schema/live/book.ts';
import type { Exchange } from '../../schema/market.ts';

/** The market whose book is the rate. */
export const FX_SYMBOL = 'USDT-KRW';

/** The rate that a USDT-KRW book says; null where a side is empty. */
export function fxOf({ exchange, bids, asks, sequence, eventTime, receivedAt }: LiveBook): FxEvent | null {
  const [bid] = bids[0] ?? [];
  const [ask] = asks[0] ?? [];
  if (bid === undefined || ask === undefined) return null;
  // a half of a sum is exact
  const mid = decimal(new Exact(bid).plus(ask).div(2).toFixed());
  return { exchange, bid, ask, mid, bookSequence: sequence, eventTime, receivedAt };
}

/** How far back rates are remembered: a worker that was away reads books of back then. */
const MEMORY_MS = 15 * 60_000;

export class Rates {
  /** Per exchange, oldest first. */
  readonly #known = new Map<Exchange, FxEvent[]>();

  /** Takes a rate unless a newer one of that exchange is known; true where it was taken. */
  take(rate: FxEvent): boolean {
    const known = this.#known.get(rate.exchange) ?? [];
    const newest = known.at(-1);
    if (newest && newest.receivedAt >= rate.receivedAt) return false;
    known.push(rate);
    const forgotten = known.findIndex(({ receivedAt }) => receivedAt >= rate.receivedAt - MEMORY_MS);
    // by halves, as this is done for every rate
    if (forgotten > known.length / 2) known.splice(0, forgotten);
    this.#known.set(rate.exchange, known);
    return true;
  }

  /** Receipt of the newest rate of all, epoch ms; 0 where none is known. */
  get newestAt(): number {
    return Math.max(0, ...[...this.#known.values()].map((known) => known.at(-1)?.receivedAt ?? 0));
  }

  /**
   * The rate at `now` (epoch ms) for a leg on `exchange`: its own while that is not further than `maxAgeMs` from `now`, else
   * the nearest of all, for KRW can be changed wherever somebody offers. Null where none is known.
   */
  rateFor(exchange: Exchange, now: number, maxAgeMs: number): FxEvent | null {
    const away = (rate: FxEvent): number => Math.abs(now - rate.receivedAt);
    const own = this.#at(exchange, now);
    if (own && away(own) <= maxAgeMs) return own;
    let nearest: FxEvent | null = null;
    for (const other of this.#known.keys()) {
      const rate = this.#at(other, now);
      if (rate && (nearest === null || away(rate) < away(nearest))) nearest = rate;
    }
    return nearest;
  }

  /** What was known of an exchange at `now`; the first that is known where that came later. */
  #at(exchange: Exchange, now: number): FxEvent | null {
    const known = this.#known.get(exchange) ?? [];
    return known.findLast(({ receivedAt }) => receivedAt <= now) ?? known[0] ?? null;
  }
}
