/**
 * Order books on the live stream: the topic's snapshots and deltas as far as they join, and the folded book as the newest
 * state. The fold lives in memory only; it comes back by reading again from the oldest of the books' newest snapshots, of
 * which there is one a minute (what was published of that is dropped by the live store, by offset).
 */

import type { LiveBook } from '../../schema/live/book.ts';
import { latestBookKey } from '../../schema/live/keys.ts';
import type { BookEvent } from '../../schema/market.ts';
import type { AppendResult, LiveStore, LiveWrite } from '../../src/platform/live/store.ts';
import { LiveBookFold } from './live-book.ts';
import type { LiveView, MakeView, Planned, Publication, Withheld } from './live-view.ts';
import type { Item, WorkBatch } from './worker.ts';

/** A book without an event for this long is let go of, so that it does not hold back where reading begins again. */
const IDLE_MS = 10 * 60_000;

interface Held {
  fold: LiveBookFold;
  /** Broker's time of its newest event. */
  seenAt: number;
}

class BookView implements LiveView<BookEvent> {
  readonly #store: LiveStore;
  readonly #streamOf: (event: BookEvent) => string;
  readonly #books = new Map<string, Held>();
  #newest = 0;

  constructor(store: LiveStore, streamOf: (event: BookEvent) => string) {
    this.#store = store;
    this.#streamOf = streamOf;
  }

  async load(events: readonly BookEvent[]): Promise<void> {
    const fresh = new Map<string, BookEvent>();
    for (const event of events) {
      const stream = this.#streamOf(event);
      if (!this.#books.has(stream)) fresh.set(stream, event);
    }
    const latest = await this.#store.latest([...fresh.values()].map(latestBookKey));
    for (const [i, stream] of [...fresh.keys()].entries()) {
      const value = latest[i]?.value;
      const published = value ? (JSON.parse(value) as LiveBook) : null;
      this.#books.set(stream, { fold: new LiveBookFold(published), seenAt: 0 });
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
    // the folded book is large: once a batch is often enough
    for (const { item, publication } of this.#last(planned).values()) {
      const write = this.#write(item.payload);
      if (write) publication.writes.push(write);
    }
  }

  undo(): void {
    for (const { fold } of this.#books.values()) fold.undo();
  }

  async settle(
    planned: readonly Planned<BookEvent>[],
    results: readonly AppendResult[],
    batch: WorkBatch,
  ): Promise<void> {
    for (const { fold } of this.#books.values()) fold.keep();
    if (batch.atHead) {
      // a crash may have left the stream ahead of the newest state; at the head of the log both are where the fold is
      for (const [stream, { item, index }] of this.#last(planned)) {
        const write = results[index]?.sequence === null ? this.#write(item.payload) : null;
        if (write) await this.#store.put(stream, [write]);
      }
    }
    for (const [stream, { seenAt }] of this.#books) if (seenAt < this.#newest - IDLE_MS) this.#books.delete(stream);
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

  #write(event: BookEvent): LiveWrite | null {
    const book = this.#books.get(this.#streamOf(event))?.fold.current();
    return book ? { kind: 'latest', key: latestBookKey(book), value: JSON.stringify(book) } : null;
  }
}

export const bookView: MakeView<BookEvent> = (store, stream) => new BookView(store, stream);
