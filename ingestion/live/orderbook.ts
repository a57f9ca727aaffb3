/**
 * Order books on the live stream: the topic's snapshots and deltas as far as they join, and the folded book as the newest
 * state. The fold lives in memory only; it comes back by reading again from the oldest of the books' newest snapshots, of
 * which there is one a minute (what was published of that is dropped by the live store, by offset).
 */

import type { LiveBook } from '../../schema/live/book.ts';
import { latestBookKey } from '../../schema/live/keys.ts';
import type { BookEvent } from '../../schema/market.ts';
import type { AppendResult, LiveStore, LiveWrite } from '../../src/platform/live/store.ts';
import type { WorkBatch } from '../workers/worker.ts';
import { LiveBookFold } from './book-fold.ts';
import type { LiveItem, LiveView, MakeView, Planned, Publication, Withheld } from './view.ts';

/** A book without an event for this long is let go of, so that it does not hold back where reading begins again. */
const IDLE_MS = 10 * 60_000;
/**
 * A newest state is a thousand levels long, a change a handful. So one book's is written again no sooner than this for each
 * book of the partition, which bounds the writes a second however many books there are; ms.
 */
const SPACING_MS = 4;
const LEAST_SPACING_MS = 50;

/** All books are gone over this often. */
const REVIEW_MS = 1_000;

interface Held {
  /** Live key of its newest state. */
  key: string;
  fold: LiveBookFold;
  /** Broker's time of its newest event. */
  seenAt: number;
  /** When its newest state was written, monotonic ms. */
  writtenAt: number;
}

class BookView implements LiveView<BookEvent> {
  readonly #store: LiveStore;
  readonly #books = new Map<string, Held>();
  /** Books that the batch in hand has changed: a partition has many more. */
  readonly #touched = new Set<Held>();
  /** Streams whose newest state still has to follow their newest event, and that event's sequence. */
  readonly #due = new Map<string, bigint>();
  #newest = 0;
  /** When the books were last gone over, monotonic ms, and the oldest snapshot that was found. */
  #reviewedAt = Number.NEGATIVE_INFINITY;
  #oldestSnapshot: bigint | null = null;
  /** True while the folds are ahead of the stream. */
  #inHand = false;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(store: LiveStore) {
    this.#store = store;
  }

  async load(items: readonly LiveItem<BookEvent>[]): Promise<void> {
    this.#inHand = true;
    const fresh = new Map<string, BookEvent>();
    for (const { stream, payload } of items) if (!this.#books.has(stream)) fresh.set(stream, payload);
    const keys = [...fresh.values()].map(latestBookKey);
    const latest = await this.#store.latest(keys);
    for (const [i, stream] of [...fresh.keys()].entries()) {
      const value = latest[i]?.value;
      const fold = new LiveBookFold(value ? (JSON.parse(value) as LiveBook) : null);
      const key = keys[i] as string;
      this.#books.set(stream, { key, fold, seenAt: 0, writtenAt: Number.NEGATIVE_INFINITY });
    }
  }

  plan({ payload, message, stream }: LiveItem<BookEvent>): Publication | Withheld {
    const held = this.#books.get(stream);
    if (!held) throw new Error(`stream not loaded: ${stream}`);
    held.seenAt = message.timestamp;
    this.#touched.add(held);
    this.#newest = Math.max(this.#newest, message.timestamp);
    const folded = held.fold.fold(payload, message.offset);
    return folded.kind === 'publish' ? { writes: [], gap: folded.gap, restart: folded.restart } : folded.kind;
  }

  complete(planned: readonly Planned<BookEvent>[]): void {
    const before = performance.now() - this.#spacing;
    for (const [stream, index] of lastOf(planned)) {
      const held = this.#books.get(stream);
      const write = held && held.writtenAt <= before ? writeOf(held) : null;
      if (write) planned[index]?.publication.writes.push(write);
    }
  }

  undo(): void {
    this.#inHand = false;
    for (const { fold } of this.#touched) fold.undo();
    this.#touched.clear();
  }

  async settle(
    planned: readonly Planned<BookEvent>[],
    results: readonly AppendResult[],
    batch: WorkBatch,
  ): Promise<void> {
    for (const { fold } of this.#touched) fold.keep();
    this.#touched.clear();
    const now = performance.now();
    for (const [stream, index] of lastOf(planned)) {
      const held = this.#books.get(stream);
      if (!held) continue;
      const sequence = results[index]?.sequence ?? null;
      const isWritten = (planned[index]?.publication.writes.length ?? 0) > 0;
      if (sequence !== null) {
        if (isWritten) held.writtenAt = now;
        if (isWritten) this.#due.delete(stream);
        else this.#due.set(stream, sequence);
      } else if (batch.atHead) {
        // a crash may have left the stream ahead of the newest state; at the head of the log both are where the fold is
        const write = writeOf(held);
        if (write) await this.#store.put(stream, [write]);
      }
    }
    this.#inHand = false;
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  get #spacing(): number {
    return Math.max(LEAST_SPACING_MS, SPACING_MS * this.#books.size);
  }

  /** What no further event takes along is written by itself. */
  #schedule(): void {
    if (this.#closed || this.#timer || this.#due.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#writeDue().then(() => this.#schedule());
    }, this.#spacing);
    this.#timer.unref();
  }

  async #writeDue(): Promise<void> {
    for (const [stream, sequence] of this.#due) {
      // a batch in hand says anew what is due
      if (this.#inHand || this.#closed) return;
      const held = this.#books.get(stream);
      const write = held ? writeOf(held) : null;
      try {
        if (write) await this.#store.put(stream, [write], sequence);
      } catch {
        // it stays due
        return;
      }
      if (this.#due.get(stream) === sequence) this.#due.delete(stream);
      if (held) held.writtenAt = performance.now();
    }
  }

  replayFrom(next: bigint): bigint {
    // later snapshots lie further on, so one found before is never too far: more is read again than need be
    if (this.#oldestSnapshot === null || performance.now() - this.#reviewedAt >= REVIEW_MS) this.#review();
    return this.#oldestSnapshot !== null && this.#oldestSnapshot < next ? this.#oldestSnapshot : next;
  }

  #review(): void {
    this.#reviewedAt = performance.now();
    this.#oldestSnapshot = null;
    for (const [stream, { fold, seenAt }] of this.#books) {
      const { snapshotOffset: offset } = fold;
      if (seenAt < this.#newest - IDLE_MS) this.#books.delete(stream);
      else if (offset !== null && offset < (this.#oldestSnapshot ?? offset + 1n)) this.#oldestSnapshot = offset;
    }
  }
}

/** Where each stream's newest event is. */
function lastOf(planned: readonly Planned<BookEvent>[]): Map<string, number> {
  const last = new Map<string, number>();
  for (let i = 0; i < planned.length; i++) last.set((planned[i] as Planned<BookEvent>).item.stream, i);
  return last;
}

function writeOf({ key, fold }: Held): LiveWrite | null {
  const value = fold.current();
  return value === null ? null : { kind: 'latest', key, value };
}

export const bookView: MakeView<BookEvent> = (store) => new BookView(store);
