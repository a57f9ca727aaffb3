/**
 * The book of one market, folded from the topic's snapshots and deltas, and what of them may be published. No I/O. Changes
 * are journaled, so that a batch whose write failed can be taken back.
 */
import { compareDigits, decimal } from '../../schema/decimal.ts';
import { LIVE_BOOK_DEPTH, type LiveBook } from '../../schema/live/book.ts';
import type { BookEvent, BookLevel } from '../../schema/market.ts';
import { isCrossed, PriceLevels } from '../price-levels.ts';

/**
 * `publish`: belongs on the stream; `gap` says that something before it is missing, `restart` that the sequence began anew.
 * `repeat`: says nothing new. `held`: can't be joined to what was published before; the next snapshot will be.
 */
export type Folded = { kind: 'publish'; gap: boolean; restart: boolean } | { kind: 'repeat' } | { kind: 'held' };

const REPEAT: Folded = { kind: 'repeat' };
const HELD: Folded = { kind: 'held' };
const NEWS: Folded = { kind: 'publish', gap: false, restart: false };
/** Levels a side that are kept; the farthest go first. A snapshot every minute brings them back if they matter again. */
const MAX_LEVELS = 20_000;

/** A snapshot side: spelled canonically, sorted, without empty levels. */
function sideOf(levels: readonly BookLevel[], direction: 1 | -1): PriceLevels {
  const side = new PriceLevels(direction, levels.map(spelled));
  while (side.size > MAX_LEVELS && side.farthest) side.set(side.farthest[0], '0');
  return side;
}

/** The level, spelled canonically. */
function spelled(level: BookLevel): BookLevel {
  const price = decimal(level[0]);
  const quantity = decimal(level[1]);
  return price === level[0] && quantity === level[1] ? level : [price, quantity];
}

/** True where both begin with the same levels, as deep as the shorter one and the live key go. */
function sameTop(a: PriceLevels, b: PriceLevels): boolean {
  const depth = Math.min(a.size, b.size, LIVE_BOOK_DEPTH);
  return (a.size === 0) === (b.size === 0) && a.startsWith(b.top(depth));
}

/** True where the levels are what the side has, as far as they go. */
function isKnown(side: PriceLevels, levels: readonly BookLevel[]): boolean {
  return (side.size === 0) === (levels.length === 0) && side.startsWith(levels);
}

/** What is kept of an event: its levels are in the book. */
type Newest = Omit<BookEvent, 'bids' | 'asks'>;

interface State {
  bids: PriceLevels;
  asks: PriceLevels;
  /** The newest event folded; null before the first snapshot. */
  event: Newest | null;
  /** False from a delta that did not fit until the next snapshot. */
  joined: boolean;
  /** True where an event was held: a subscriber has to be told. */
  missed: boolean;
  /** Offset of the newest snapshot folded. */
  snapshotOffset: bigint | null;
}

export class LiveBookFold {
  #state: State = {
    ...{ bids: new PriceLevels(-1), asks: new PriceLevels(1) },
    ...{ event: null, joined: false, missed: false, snapshotOffset: null },
  };
  #saved: State | null = null;
  /** What was there before each change. */
  #journal: { side: PriceLevels; price: string; quantity: string }[] = [];
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
  get newest(): Newest | null {
    return this.#state.event;
  }

  /** The best levels of each side, best first, at most `depth`. */
  top(depth: number): Pick<LiveBook, 'bids' | 'asks'> {
    const { bids, asks } = this.#state;
    return { bids: bids.top(depth), asks: asks.top(depth) };
  }

  /** The book after the newest event that was not held, as JSON of a LiveBook; null before the first. */
  current(): string | null {
    const { event, bids, asks } = this.#state;
    if (!event) return null;
    const { exchange, symbol, sequence, integrity, eventTime, receivedAt } = event;
    const known: Omit<LiveBook, 'bids' | 'asks'> = { exchange, symbol, sequence, integrity, eventTime, receivedAt };
    const sides = `"bids":${bids.topJson(LIVE_BOOK_DEPTH)},"asks":${asks.topJson(LIVE_BOOK_DEPTH)}`;
    return `${JSON.stringify(known).slice(0, -1)},${sides}}`;
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
    this.#takeBack(0);
    if (this.#saved) this.#state = this.#saved;
    this.keep();
  }

  #snapshot(event: BookEvent, offset: bigint): Folded {
    const state = this.#state;
    if (this.#saysNothingNew(event)) {
      // what lies beyond a snapshot's edge is not known any more
      this.#cut(state.bids, event.bids.length);
      this.#cut(state.asks, event.asks.length);
      const { bids: _bids, asks: _asks, ...newest } = event;
      state.event = newest;
      state.snapshotOffset = offset;
      return REPEAT;
    }
    const [bids, asks] = [sideOf(event.bids, -1), sideOf(event.asks, 1)];
    if (isCrossed(bids, asks)) return this.#hold();
    const known = state.event ?? this.#published;
    const ahead = known ? compareDigits(event.sequence, known.sequence) : 1;
    let restart = false;
    if (known && ahead <= 0) {
      // of a fold that has nothing yet, a snapshot as new as what was published is taken for that one
      const same = state.event ? state.joined && sameTop(bids, state.bids) && sameTop(asks, state.asks) : true;
      const unchanged = ahead === 0 && same;
      // the sequence began anew, or a fresh snapshot of the same moment knows levels that were beyond the last one's edge
      restart = !unchanged && (ahead === 0 ? event.eventTime >= known.eventTime : event.eventTime > known.eventTime);
      // while the fold is being rebuilt, an old snapshot is the state to go on from
      if (!unchanged && !restart && state.event) return REPEAT;
    }
    const gap = event.gap === true || state.missed;
    const silent = ahead <= 0 && !restart;
    this.#state = { bids, asks, event, joined: true, missed: false, snapshotOffset: offset };
    return silent ? REPEAT : { kind: 'publish', gap, restart };
  }

  /** The snapshot of the minute, mostly: it is compared with the book, not made into one. */
  #saysNothingNew({ sequence, bids, asks }: BookEvent): boolean {
    const { event, joined, ...known } = this.#state;
    return joined && event?.sequence === sequence && isKnown(known.bids, bids) && isKnown(known.asks, asks);
  }

  #delta(event: BookEvent): Folded {
    const state = this.#state;
    if (!state.event || !state.joined) return this.#hold();
    const { sequence } = state.event;
    if (compareDigits(event.sequence, sequence) <= 0) return REPEAT;
    if (event.previousSequence === null || compareDigits(event.previousSequence, sequence) !== 0) return this.#hold();
    const before = this.#journal.length;
    this.#set(state.bids, event.bids);
    this.#set(state.asks, event.asks);
    if (isCrossed(state.bids, state.asks)) {
      this.#takeBack(before);
      return this.#hold();
    }
    state.event = event;
    return NEWS;
  }

  #hold(): Folded {
    this.#state = { ...this.#state, joined: false, missed: true };
    return HELD;
  }

  #set(side: PriceLevels, changes: readonly BookLevel[]): void {
    for (const change of changes) {
      const level = spelled(change);
      this.#journal.push({ side, price: level[0], quantity: side.set(level[0], level[1], level) });
    }
    this.#cut(side, MAX_LEVELS);
  }

  /** Lets go of the farthest levels, down to `size` of them. */
  #cut(side: PriceLevels, size: number): void {
    while (side.size > size && side.farthest) {
      const [price, quantity] = side.farthest;
      side.set(price, '0');
      this.#journal.push({ side, price, quantity });
    }
  }

  /** Undoes the changes from the journal's entry `from` on, the newest first. */
  #takeBack(from: number): void {
    for (const { side, price, quantity } of this.#journal.splice(from).reverse()) side.set(price, quantity);
  }
}
