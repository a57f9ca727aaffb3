/** A book that changes as a market does, by a seed, as the worker writes it; with losses on request. */

import { latestBookKey } from '../../schema/live/keys.ts';
import type { BookEvent, BookLevel, MarketRef } from '../../schema/market.ts';
import { marketId } from '../../schema/market.ts';
import type { LiveAppend } from '../../src/platform/live/store.ts';
import { append } from '../resolvers/samples.ts';

/** Whole steps of the price around the middle that levels are put at. */
const SPREAD = 160;
const STEP = 0.25;

/** A generator of numbers from 0 to below 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class BookMarket {
  private readonly bids = new Map<number, string>();
  private readonly asks = new Map<number, string>();
  private middle = 40_000;
  private sequence = 0;
  private epoch = 1;

  constructor(
    readonly market: MarketRef,
    private readonly random: () => number,
    private readonly keeps = 20_000,
  ) {
    for (let i = 1; i <= SPREAD; i++) {
      this.bids.set(this.middle - i, this.quantity());
      this.asks.set(this.middle + i, this.quantity());
    }
  }

  /** The book of `depth` levels as the text that checksums are of. */
  text(depth: number): string {
    const side = (levels: BookLevel[]): string =>
      levels
        .slice(0, depth)
        .map(([p, q]) => `${p}:${q}`)
        .join(',');
    return `${side(this.levels(this.bids, -1))}|${side(this.levels(this.asks, 1))}`;
  }

  get updates(): number {
    return this.sequence;
  }

  snapshot(gap?: { missed: number | null; reason: string }): LiveAppend {
    return this.entry('snapshot', this.levels(this.bids, -1), this.levels(this.asks, 1), gap && JSON.stringify(gap));
  }

  /** Some levels change; now and then the price moves. */
  change(): LiveAppend {
    const bids = new Map<number, string>();
    const asks = new Map<number, string>();
    if (this.random() < 0.1) this.move(this.random() < 0.5 ? 1 : -1, bids, asks);
    const count = 1 + Math.floor(this.random() * 6);
    for (let i = 0; i < count; i++) {
      // most of it happens near the best prices
      const away = 1 + Math.floor(this.random() ** 3 * SPREAD);
      const isBid = this.random() < 0.5;
      const [side, changed] = isBid ? [this.bids, bids] : [this.asks, asks];
      const price = this.middle + (isBid ? -away : away);
      const quantity = this.random() < 0.3 ? '0' : this.quantity();
      if (quantity === '0') side.delete(price);
      else side.set(price, quantity);
      changed.set(price, quantity);
    }
    return this.entry('delta', this.written(bids), this.written(asks));
  }

  /** Events are lost before us: the book is another one, and a snapshot says so. */
  lose(): LiveAppend {
    for (let i = 0; i < 5; i++) this.change();
    return this.snapshot({ missed: null, reason: 'FEED_GAP' });
  }

  /** The log began anew. */
  restart(): LiveAppend {
    this.epoch += 1;
    return this.snapshot();
  }

  private move(by: 1 | -1, bids: Map<number, string>, asks: Map<number, string>): void {
    this.middle += by;
    const [gone, changed, new_] = by > 0 ? [this.asks, asks, bids] : [this.bids, bids, asks];
    if (gone.delete(this.middle)) changed.set(this.middle, '0');
    const filled = by > 0 ? this.bids : this.asks;
    const price = this.middle - by;
    filled.set(price, this.quantity());
    new_.set(price, filled.get(price) as string);
  }

  private entry(type: BookEvent['type'], bids: BookLevel[], asks: BookLevel[], gap?: string): LiveAppend {
    this.sequence += 1;
    const stamps = {
      ...this.market,
      integrity: 'SEQUENCED' as const,
      sequence: String(this.sequence),
      eventTime: Date.now(),
      receivedAt: Date.now(),
    };
    const event: BookEvent = { ...stamps, type, bids, asks, previousSequence: String(this.sequence - 1) };
    const latest = { ...stamps, bids: this.levels(this.bids, -1), asks: this.levels(this.asks, 1) };
    const one = append('orderbook', marketId(this.market), event, { key: latestBookKey(this.market), latest, gap });
    return { ...one, epoch: `e${this.epoch}`, maxLength: this.keeps };
  }

  private levels(side: Map<number, string>, direction: 1 | -1): BookLevel[] {
    const sorted = [...side].sort(([a], [b]) => (a - b) * direction);
    return this.written(new Map(sorted));
  }

  private written(side: Map<number, string>): BookLevel[] {
    return [...side].map(([price, quantity]) => [String(price * STEP), quantity]);
  }

  private quantity(): string {
    return String((1 + Math.floor(this.random() * 1_000_000)) / 1_000);
  }
}
