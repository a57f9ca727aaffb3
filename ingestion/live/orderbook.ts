/**
 * Order books on the live stream: the topic's snapshots and deltas as far as they join, and the folded book as the newest
 * state. The fold lives in memory only; it comes back by reading again from the oldest of the books' newest snapshots, of
 * which there is one a minute (what was published of that is dropped by the live store, by offset).
 */

import type { LiveBook } from '../../schema/live/book.ts';
import { latestBookKey } from '../../schema/live/keys.ts';
import type { BookEvent } from '../../schema/market.ts';
import type { AppendResult, LiveStore, LiveWrite } from '../../src/platform/live/store.ts';
import type { Item, WorkBatch } from '../workers/worker.ts';
import { LiveBookFold } from './book-fold.ts';
import type { LiveView, MakeView, Planned, Publication, Withheld } from './view.ts';

/** A book without an event for this long is let go of, so that it does not hold back where reading begins again. */
const IDLE_MS = 10 * 60_000;
/**
 * A newest state is a thousand levels long, a change a handful. So one book's is written again no sooner than this for each
 * book of the partition, which bounds the writes a second however many books there are; ms.
 */
const SPACING_MS = 4;
const LEAST_SPACING_MS = 50;

interface Held {
  /** Live key of its newest state. */
  key: string;
  fold: LiveBookFold;
  /** Broker's time of its newest event. */
  seenAt: number;
  /** When its newest state was written, monotonic ms. */
  writtenAt: number;
  /** Sequence of its newest event on the stream, where the newest state still has to follow it there. */
  due: bigint | null;
}

class BookView implements LiveView<BookEvent> {
  readonly #store: LiveStore;
  readonly #streamOf: (event: BookEvent) => string;
  readonly #books = new Map<string, Held>();
  #newest = 0;
  /** True while the folds are ahead of the stream. */
  #inHand = false;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(store: LiveStore, streamOf: (event: BookEvent) => string) {
    this.#store = store;
    this.#streamOf = streamOf;
  }

  async load(events: readonly BookEvent[]): Promise<void> {
    this.#inHand = true;
    const fresh = new Map<string, BookEvent>();
    for (const event of events) {
      const stream = this.#streamOf(event);
      if (!this.#books.has(stream)) fresh.set(stream, event);
    }
    const keys = [...fresh.values()].map(latestBookKey);
    const latest = await this.#store.latest(keys);
    for (const [i, stream] of [...fresh.keys()].entries()) {
      const value = latest[i]?.value;
      const fold = new LiveBookFold(value ? (JSON.parse(value) as LiveBook) : null);
      const key = keys[i] as string;
      this.#books.set(stream, { key, fold, seenAt: 0, writtenAt: Number.NEGATIVE_INFINITY, due: null });
    }
  }

  plan({ payload, message }: Item<BookEvent>): Publication | Withheld {
    const held = this.#books.get(this.#streamOf(payload));
    if (!held) throw new Error(`stream not loaded: ${this.#streamOf(payload)}`);
    held.seenAt = message.timestamp;
    this.#newest = Math.max(this.#newest, message.timestamp);
    const folded = held.fold.fold(payload, message.offset);
    return folded.kind === 'publish' ? { writes: [], gap: folded.gap, restart: folded.restart } : folded.kind;
  }

  complete(planned: readonly Planned<BookEvent>[]): void {
    const before = performance.now() - this.#spacing;
    for (const [stream, { publication }] of this.#last(planned)) {
      const held = this.#books.get(stream);
      const write = held && held.writtenAt <= before ? writeOf(held) : null;
      if (write) publication.writes.push(write);
    }
  }

  undo(): void {
    this.#inHand = false;
    for (const { fold } of this.#books.values()) fold.undo();
  }

  async settle(
    planned: readonly Planned<BookEvent>[],
    results: readonly AppendResult[],
    batch: WorkBatch,
  ): Promise<void> {
    for (const { fold } of this.#books.values()) fold.keep();
    const now = performance.now();
    for (const [stream, { publication, index }] of this.#last(planned)) {
      const held = this.#books.get(stream);
      if (!held) continue;
      const sequence = results[index]?.sequence ?? null;
      const isWritten = publication.writes.length > 0;
      if (sequence !== null) {
        held.due = isWritten ? null : sequence;
        if (isWritten) held.writtenAt = now;
      } else if (batch.atHead) {
        // a crash may have left the stream ahead of the newest state; at the head of the log both are where the fold is
        const write = writeOf(held);
        if (write) await this.#store.put(stream, [write]);
      }
    }
    this.#inHand = false;
    this.#schedule();
    for (const [stream, { seenAt }] of this.#books) if (seenAt < this.#newest - IDLE_MS) this.#books.delete(stream);
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
    if (this.#closed || this.#timer || ![...this.#books.values()].some(({ due }) => due !== null)) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#writeDue().then(() => this.#schedule());
    }, this.#spacing);
    this.#timer.unref();
  }

  async #writeDue(): Promise<void> {
    for (const [stream, held] of this.#books) {
      const { due } = held;
      // a batch in hand says anew what is due
      if (this.#inHand || this.#closed) return;
      const write = due === null ? null : writeOf(held);
      if (due === null || !write) continue;
      try {
        await this.#store.put(stream, [write], due);
      } catch {
        // it stays due
        return;
      }
      if (held.due === due) held.due = null;
      held.writtenAt = performance.now();
    }
  }

  replayFrom(next: bigint): bigint {
    let from = next;
    for (const { fold } of this.#books.values()) {
      if (fold.snapshotOffset !== null && fold.snapshotOffset < from) from = fold.snapshotOffset;
    }
    return from;
  }

  #last(planned: readonly Planned<BookEvent>[]): Map<string, Planned<BookEvent> & { index: number }> {
    return new Map(planned.map((one, index) => [this.#streamOf(one.item.payload), { ...one, index }]));
  }
}

function writeOf({ key, fold }: Held): LiveWrite | null {
  const value = fold.current();
  return value === null ? null : { kind: 'latest', key, value };
}

export const bookView: MakeView<BookEvent> = (store, stream) => new BookView(store, stream);
