/**
 * Numbers the changes of a book the way KuCoin does: every one takes a sequence, and so do changes that nobody sees (told as
 * price "0", about every third one in recordings). Most frames tell one change, a few several.
 */
import type { BookChange, Level } from '../market/book.ts';
import { hash } from '../market/seeded.ts';

/** One numbered change: price in ticks (0 where it only takes a number), size in lots (0 removes). */
export interface Change {
  price: number;
  size: number;
  sequence: number;
}

/** One frame's worth. */
export interface Update {
  first: number;
  last: number;
  bids: Change[];
  asks: Change[];
}

/** After how many frames of a hundred a hidden change follows, and how many hold several changes. */
const HIDDEN = 33;
const GROUPED = 12;

export class ChangeNumbers {
  private readonly seed: number;
  /** The number of the last change told. */
  sequence: number;

  /** Numbers go on after `sequence`. */
  constructor(seed: number, sequence: number) {
    this.seed = hash(seed, 404);
    this.sequence = sequence;
  }

  /** The frames that tell `change`, in order. */
  number(change: BookChange): Update[] {
    const updates: Update[] = [];
    const waiting = inOrder(change);
    while (waiting.length > 0) {
      const chance = hash(this.seed, this.sequence) % 100;
      const count = chance < GROUPED ? 2 + (chance % 3) : 1;
      updates.push(this.update(waiting.splice(0, count)));
      if (chance >= 100 - HIDDEN) updates.push(this.hidden());
    }
    return updates;
  }

  private update(changes: { side: 'bids' | 'asks'; level: Level }[]): Update {
    const update: Update = { first: this.sequence + 1, last: 0, bids: [], asks: [] };
    for (const { side, level } of changes) {
      update[side].push({ price: level[0], size: level[1], sequence: ++this.sequence });
      // in a frame of several, a number may be left out
      if (changes.length > 2 && update.bids.length + update.asks.length === 1) this.sequence++;
    }
    // a frame lists a side by price
    for (const side of [update.bids, update.asks]) side.sort((a, b) => a.price - b.price);
    update.last = this.sequence;
    return update;
  }

  private hidden(): Update {
    const sequence = ++this.sequence;
    const passed = [{ price: 0, size: 0, sequence }];
    const isBid = sequence % 2 === 0;
    return { first: sequence, last: sequence, bids: isBid ? passed : [], asks: isBid ? [] : passed };
  }
}

/** Removals first: a quote that moved away must be gone before the other side takes its place, or the book would cross. */
function inOrder(change: BookChange): { side: 'bids' | 'asks'; level: Level }[] {
  const all = (['bids', 'asks'] as const).flatMap((side) => change[side].map((level) => ({ side, level })));
  return [...all.filter(({ level }) => level[1] === 0), ...all.filter(({ level }) => level[1] !== 0)];
}
