/**
 * All orders of a window, page by page, though the pages move while they are read.
 *
 * Why none is missed. The window's end is fixed before its first page, so that an order made later is in no page of it and
 * moves nothing. What can move a page is an order of the window that comes to be seen late, or one that changes its place in
 * the list (by what it is sorted is not said). Neither takes an order out of the list; the far end, where orders older than
 * six months fall off, is a window of its own. So whatever has been seen is a part of what there is at the end of a walk, and
 * `total` says how much that is: as many different orders seen as there are in total means all of them. With fewer, the
 * window is walked again, and what the walks have seen counts together. Where `total` counts something else, a walk that
 * brings nothing new, from its first page to its last under the same total, has seen all: an order that is only pushed back by
 * others lies on the page being read or on a later one.
 */
import type { C2cPage } from './answer.ts';
import { ROWS } from './client.ts';
import { halves, type Window } from './windows.ts';

/** Larger windows are cut in two: a walk of many pages gives them much time to move. */
const MOST_ORDERS = 5_000;
/** Pages of one walk; beyond that, what is said of the total is not so, and the window is cut. */
const MOST_PAGES = 2 * (MOST_ORDERS / ROWS);
const MOST_WALKS = 5;

/** Asks for one page of a window, from 1 on, and does with it what is to be done. Resolves with what it said. */
export type ReadPage<P extends C2cPage> = (window: Window, page: number) => Promise<P>;

interface Walk {
  /** Orders not seen before. */
  fresh: number;
  firstTotal: number | null;
  lastTotal: number | null;
  pages: number;
  /** False where it was given up before its end. */
  whole: boolean;
}

/** What tells an order from another; what is none is known by its text. */
function identity(order: unknown): string {
  const { orderNumber } = (order ?? {}) as { orderNumber?: unknown };
  return typeof orderNumber === 'string' ? orderNumber : JSON.stringify(order);
}

/** Reads windows of one side. It learns whether `total` counts that side alone. */
export class WindowReader<P extends C2cPage> {
  readonly #read: ReadPage<P>;
  #totalCounts = true;

  constructor(read: ReadPage<P>) {
    this.#read = read;
  }

  /** Reads every page. Resolves with false where the list would not stand still: another time it will. */
  async read(window: Window): Promise<boolean> {
    const seen = new Set<string>();
    for (let walks = 1; walks <= MOST_WALKS; walks++) {
      const walk = await this.#walk(window, seen);
      if (walk === null) {
        const parts = halves(window) as [Window, Window];
        return (await this.read(parts[0])) && (await this.read(parts[1]));
      }
      const { fresh, firstTotal, lastTotal, pages, whole } = walk;
      if (!whole) continue;
      if (lastTotal === null && (pages === 1 || fresh === 0)) return true;
      if (this.#totalCounts && lastTotal !== null && seen.size >= lastTotal) return true;
      if (!this.#totalCounts && firstTotal === lastTotal) return true;
      if (fresh === 0 && walks > 1 && firstTotal === lastTotal) {
        this.#totalCounts = false;
        return true;
      }
    }
    return false;
  }

  /** Every page once; null where the window must be cut. */
  async #walk(window: Window, seen: Set<string>): Promise<Walk | null> {
    const before = seen.size;
    let firstTotal: number | null = null;
    for (let page = 1; ; page++) {
      const { orders, total } = await this.#read(window, page);
      if (page === 1) {
        firstTotal = total;
        if (total !== null && total > MOST_ORDERS && halves(window)) return null;
      }
      for (const order of orders) seen.add(identity(order));
      // whatever the total counts, behind a full page there may be another
      const whole = orders.length === 0 || (orders.length < ROWS && page * ROWS >= (total ?? 0));
      if (whole || page >= MOST_PAGES) {
        if (!whole && page * ROWS >= (total ?? 0) && halves(window)) return null;
        return { fresh: seen.size - before, firstTotal, lastTotal: total, pages: page, whole };
      }
    }
  }
}
