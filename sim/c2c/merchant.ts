/** The simulated merchant: all orders there are at a moment, and which of them the API shows. */
import { orderOf, type Side, type SimOrder, SLOT_MS, sketchOf, statusOf } from './order.ts';

/** Orders of the 18 months before the start. */
export const HISTORY = 50_000;

/** What lists are sorted by; how Binance sorts is not documented. */
export type Sorting = 'newest' | 'oldest' | 'changed';

export interface MerchantOptions {
  seed: number;
  /** Epoch ms; the history ends here. */
  startAt: number;
  /** Orders of the history; 50,000. */
  orders?: number;
  sorting?: Sorting;
}

interface Entry {
  createTime: number;
  tradeType: Side;
  /** Since when it is as it is. */
  changedAt: number;
  order(): SimOrder;
}

/** Six months before, at the same time of day (UTC); of a shorter month its last day. */
export function oldestShown(now: number): number {
  const at = new Date(now);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth() - 6, at.getUTCDate()];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(day, last)) + (now % 86_400_000);
}

export class Merchant {
  sorting: Sorting;
  readonly #seed: number;
  readonly #first: number;
  /** Orders that a test added. */
  readonly #added = new Map<string, SimOrder & { changedAt: number }>();
  /** Fields that a test changed. */
  readonly #changed = new Map<string, { changedAt: number; fields: Partial<SimOrder> }>();

  constructor({ seed, startAt, orders = HISTORY, sorting = 'newest' }: MerchantOptions) {
    this.#seed = seed;
    const last = Math.floor(startAt / SLOT_MS);
    this.#first = last - orders + (sketchOf(seed, last).createTime <= startAt ? 1 : 0);
    this.sorting = sorting;
  }

  /** Everything made up to `now`, oldest first, whether it is still shown or not. */
  orders(now: number): SimOrder[] {
    return this.#entries(0, now, now)
      .sort((a, b) => a.createTime - b.createTime)
      .map((entry) => entry.order());
  }

  /** Those of a window (epoch ms, both ends included) that are shown at `now`, sorted, one page of them, and how many there are. */
  page(
    { side, from, to, page, rows }: { side: Side | null; from: number; to: number; page: number; rows: number },
    now: number,
  ): { orders: SimOrder[]; total: number } {
    const shown = this.#entries(Math.max(from, oldestShown(now)), Math.min(to, now), now).filter(
      ({ tradeType }) => side === null || tradeType === side,
    );
    const key = (entry: Entry): number =>
      this.sorting === 'changed' ? -entry.changedAt : this.sorting === 'newest' ? -entry.createTime : entry.createTime;
    shown.sort((a, b) => key(a) - key(b));
    const orders = shown.slice((page - 1) * rows, page * rows).map((entry) => entry.order());
    return { orders, total: shown.length };
  }

  /** Adds an order, shown from now on even where it says that it was made earlier. Fields left out are those of a slot. */
  add(fields: Partial<SimOrder>, now: number): SimOrder {
    const like = orderOf(this.#seed, -1 - this.#added.size, now);
    const createTime = fields.createTime ?? now;
    const orderNumber = `21${createTime}${String(this.#added.size).padStart(5, '0')}`;
    const order = { ...like, orderNumber, createTime, orderStatus: 'PENDING', ...fields };
    this.#added.set(order.orderNumber, { ...order, changedAt: now });
    return order;
  }

  /** Changes fields of an order, e.g. its status. */
  change(orderNumber: string, fields: Partial<SimOrder>, now: number): void {
    const before = this.#changed.get(orderNumber)?.fields;
    this.#changed.set(orderNumber, { changedAt: now, fields: { ...before, ...fields } });
  }

  #entries(from: number, to: number, now: number): Entry[] {
    const entries: Entry[] = [];
    const last = Math.floor(to / SLOT_MS);
    for (let slot = Math.max(this.#first, Math.floor(from / SLOT_MS)); slot <= last; slot++) {
      const sketch = sketchOf(this.#seed, slot);
      if (sketch.createTime < from || sketch.createTime > to) continue;
      const changedAt = this.sorting === 'changed' ? statusOf(this.#seed, slot, now).since : 0;
      entries.push(this.#entry({ ...sketch, changedAt, order: () => orderOf(this.#seed, slot, now) }));
    }
    for (const { changedAt, ...order } of this.#added.values()) {
      const { createTime, tradeType } = order;
      if (createTime < from || createTime > to || changedAt > now) continue;
      entries.push(this.#entry({ createTime, tradeType, changedAt, order: () => order }));
    }
    return entries;
  }

  /** With what a test changed of it. */
  #entry(entry: Entry): Entry {
    if (this.#changed.size === 0) return entry;
    const { orderNumber } = entry.order();
    const changed = this.#changed.get(orderNumber);
    if (!changed) return entry;
    return { ...entry, changedAt: changed.changedAt, order: () => ({ ...entry.order(), ...changed.fields }) };
  }
}
