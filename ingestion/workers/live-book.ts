/**
 * The book of one market, folded from the topic's snapshots and deltas, and what of them may be published. No I/O. Changes
 * are journaled, so that a batch whose write failed can be taken back.
 */
import { decimal } from '../../schema/decimal.ts';
import { LIVE_BOOK_DEPTH, type LiveBook } from '../../schema/live/book.ts';
import type { BookEvent, BookLevel } from '../../schema/market.ts';
import { comparePrices } from '../exchanges/book.ts';

/**
 * `publish`: belongs on the stream; `gap` says that something before it is missing, `restart` that the sequence began anew.
 * `repeat`: says nothing new. `held`: can't be joined to what was published before; the next snapshot will be.
 */
export type Folded = { kind: 'publish'; gap: boolean; restart: boolean } | { kind: 'repeat' } | { kind: 'held' };

const REPEAT: Folded = { kind: 'repeat' };
const HELD: Folded = { kind: 'held' };
/** Levels a side that are kept; the farthest go first. A snapshot every minute brings them back if they matter again. */
const MAX_LEVELS = 20_000;

/** Best first: `direction` 1 sorts ascending (asks), -1 descending (bids). */
function place(levels: BookLevel[], direction: 1 | -1, price: string): { at: number; found: boolean } {
  let low = 0;
  let high = levels.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePrices(levels[middle]?.[0] ?? '', price) * direction < 0) low = middle + 1;
    else high = middle;
  }
  return { at: low, found: levels[low]?.[0] === price };
}

/** Sets a level's quantity ("0" removes it); returns what it was. */
function setLevel(levels: BookLevel[], direction: 1 | -1, price: string, quantity: string): string {
  const { at, found } = place(levels, direction, price);
  const before = found ? (levels[at]?.[1] ?? '0') : '0';
  if (quantity === '0') {
    // removing an absent level is normal: it lay outside the snapshot
    if (found) levels.splice(at, 1);
  } else if (found) levels[at] = [price, quantity];
  else levels.splice(at, 0, [price, quantity]);
  if (levels.length > MAX_LEVELS) levels.pop();
  return before;
}

const canonical = (levels: readonly BookLevel[]): BookLevel[] =>
  levels.map(([price, quantity]) => [decimal(price), decimal(quantity)]);

/** The levels of a snapshot side, sorted, without empty ones. */
function sorted(levels: readonly BookLevel[], direction: 1 | -1): BookLevel[] {
  const side = canonical(levels).filter(([, quantity]) => quantity !== '0');
  side.sort(([a], [b]) => comparePrices(a, b) * direction);
  return side.slice(0, MAX_LEVELS);
}

function crossed(bids: readonly BookLevel[], asks: readonly BookLevel[]): boolean {
  const [bid] = bids;
  const [ask] = asks;
  return bid !== undefined && ask !== undefined && comparePrices(bid[0], ask[0]) >= 0;
}

/** True where both begin with the same levels, as deep as the shorter one and the live key go. */
function sameTop(a: readonly BookLevel[], b: readonly BookLevel[]): boolean {
  const depth = Math.min(a.length, b.length, LIVE_BOOK_DEPTH);
  for (let i = 0; i < depth; i++) if (a[i]?.[0] !== b[i]?.[0] || a[i]?.[1] !== b[i]?.[1]) return false;
  return (a.length === 0) === (b.length === 0);
}

interface State {
  bids: BookLevel[];
  asks: BookLevel[];
  /** The newest event folded; null before the first snapshot. */
  event: BookEvent | null;
  /** False from a delta that did not fit until the next snapshot. */
  joined: boolean;
  /** True where an event was held: a subscriber has to be told. */
  missed: boolean;
  /** Offset of the newest snapshot folded. */
  snapshotOffset: bigint | null;
}

export class LiveBookFold {
  #state: State = { bids: [], asks: [], event: null, joined: false, missed: false, snapshotOffset: null };
  #saved: State | null = null;
  #journal: (() => void)[] = [];
  readonly #published: Pick<LiveBook, 'sequence' | 'eventTime'> | null;

  /** `published`: the newest state on the stream, from before this fold began; null where there is none. */
  constructor(published: Pick<LiveBook, 'sequence' | 'eventTime'> | null) {
    this.#published = published;
  }

  /** Reading from this offset on rebuilds the fold; null before its first snapshot. */
  get snapshotOffset(): bigint | null {
    return this.#state.snapshotOffset;
  }

  /** The newest event that was not held; null before the first. */
  get newest(): BookEvent | null {
    return this.#state.event;
  }

  /** All levels, best first, until the next event is folded: not a copy. */
  get levels(): Readonly<Pick<LiveBook, 'bids' | 'asks'>> {
    return this.#state;
  }

  /** The book after the newest event that was not held; null before the first. */
  current(): LiveBook | null {
    const { event, bids, asks } = this.#state;
    if (!event) return null;
    const { exchange, symbol, sequence, integrity, eventTime, receivedAt } = event;
    const [topBids, topAsks] = [bids.slice(0, LIVE_BOOK_DEPTH), asks.slice(0, LIVE_BOOK_DEPTH)];
    return { exchange, symbol, bids: topBids, asks: topAsks, sequence, integrity, eventTime, receivedAt };
  }

  /** Folds the next event of the topic. */
  fold(event: BookEvent, offset: bigint): Folded {
    this.#saved ??= { ...this.#state };
    return event.type === 'snapshot' ? this.#snapshot(event, offset) : this.#delta(event);
  }

  /** What was folded since the last `keep` is written: it stays. */
  keep(): void {
    this.#saved = null;
    this.#journal = [];
  }

  /** Takes back what was folded since the last `keep`. */
  undo(): void {
    for (const step of this.#journal.reverse()) step();
    if (this.#saved) this.#state = this.#saved;
    this.keep();
  }

  #snapshot(event: BookEvent, offset: bigint): Folded {
    const state = this.#state;
    const [bids, asks] = [sorted(event.bids, -1), sorted(event.asks, 1)];
    if (crossed(bids, asks)) return this.#hold();
    const known = state.event ?? this.#published;
    const ahead = known ? BigInt(event.sequence) - BigInt(known.sequence) : 1n;
    // of a fold that has nothing yet, a snapshot as new as what was published is taken for that one
    const same = state.event ? state.joined && sameTop(bids, state.bids) && sameTop(asks, state.asks) : true;
    let restart = false;
    if (known && ahead <= 0n) {
      const unchanged = ahead === 0n && same;
      // the sequence began anew, or a fresh snapshot of the same moment knows levels that were beyond the last one's edge
      restart = !unchanged && (ahead === 0n ? event.eventTime >= known.eventTime : event.eventTime > known.eventTime);
      // while the fold is being rebuilt, an old snapshot is the state to go on from
      if (!unchanged && !restart && state.event) return REPEAT;
    }
    const gap = event.gap === true || state.missed;
    const silent = ahead <= 0n && !restart;
    this.#state = { bids, asks, event, joined: true, missed: false, snapshotOffset: offset };
    return silent ? REPEAT : { kind: 'publish', gap, restart };
  }

  #delta(event: BookEvent): Folded {
    const state = this.#state;
    if (!state.event || !state.joined) return this.#hold();
    const sequence = BigInt(state.event.sequence);
    if (BigInt(event.sequence) <= sequence) return REPEAT;
    if (event.previousSequence === null || BigInt(event.previousSequence) !== sequence) return this.#hold();
    const before = this.#journal.length;
    this.#set(state.bids, -1, event.bids);
    this.#set(state.asks, 1, event.asks);
    if (crossed(state.bids, state.asks)) {
      for (const step of this.#journal.splice(before).reverse()) step();
      return this.#hold();
    }
    this.#state = { ...state, event };
    return { kind: 'publish', gap: false, restart: false };
  }

  #hold(): Folded {
    this.#state = { ...this.#state, joined: false, missed: true };
    return HELD;
  }

  #set(levels: BookLevel[], direction: 1 | -1, changes: readonly BookLevel[]): void {
    for (const [price, quantity] of canonical(changes)) {
      const before = setLevel(levels, direction, price, quantity);
      this.#journal.push(() => setLevel(levels, direction, price, before));
    }
  }
}
