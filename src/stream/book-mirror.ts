/** The copy of a book that throttled subscribers have, so that what came and went between two beats is not sent. */
import type { BookLevel } from '../../schema/market.ts';
import type { BookChange } from './book-view.ts';
import type { Mirror } from './view.ts';

type Levels = Map<string, string>;

function set(side: Levels, levels: readonly BookLevel[]): void {
  for (const [price, quantity] of levels) {
    if (quantity === '0') side.delete(price);
    else side.set(price, quantity);
  }
}

const news = (side: Levels, levels: readonly BookLevel[]): BookLevel[] =>
  levels.filter(([price, quantity]) => (side.get(price) ?? '0') !== quantity);

export class BookMirror implements Mirror<BookChange> {
  private readonly bids: Levels = new Map();
  private readonly asks: Levels = new Map();
  /** False until a whole book was told. */
  private known = false;

  take(change: BookChange): void {
    if (change.snapshot) {
      this.bids.clear();
      this.asks.clear();
      this.known = true;
    }
    set(this.bids, change.bids);
    set(this.asks, change.asks);
  }

  trim(change: BookChange): BookChange {
    if (change.snapshot || !this.known) return change;
    return { ...change, bids: news(this.bids, change.bids), asks: news(this.asks, change.asks) };
  }

  forget(): void {
    this.known = false;
  }
}
