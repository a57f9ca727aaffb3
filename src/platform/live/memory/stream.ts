/** One stream of the in-memory live store: the rules of an append, as the Lua of live-store-scripts.ts has them. */
import { randomUUID } from 'node:crypto';
import { type LiveAppend, type StreamEntry, type StreamPosition, TRIM_PER_APPEND } from '../store.ts';

/** Dropped entries are let go of in slices of at least this many. */
const COMPACT_AT = 1_024;

/** Entries of one stream in one delivery to a follower. */
export const READ_PER_STREAM = 512;

/** One life of the store, from one time that it was emptied to the next: the birth of each entry of one delivery. */
export type Life = readonly string[];

export function newLife(): Life {
  return Array<string>(READ_PER_STREAM).fill(randomUUID());
}

export class MemoryStream {
  /** Entries from `head` on are kept; their sequences are dense. */
  private entries: StreamEntry[] = [];
  private head = 0;
  private epoch: string | null = null;
  private offset = -1n;
  private newest: StreamPosition | null = null;
  private rank: string | null = null;
  private readonly ids = new Set<string>();

  constructor(readonly life: Life) {}

  /** Null where it has had no event. */
  get position(): StreamPosition | null {
    return this.newest;
  }

  get oldest(): bigint | null {
    return this.entries[this.head]?.sequence ?? null;
  }

  /** The new entry, or null for a redelivery or a repeat. */
  append(append: LiveAppend): StreamEntry | null {
    const { epoch, offset, version, payload, gap = null, time, logged = null } = append;
    if (this.epoch === epoch && offset <= this.offset) return null;
    this.epoch = epoch;
    this.offset = offset;
    if (this.isRepeat(version)) return null;
    const entry = { epoch, sequence: (this.newest?.sequence ?? 0n) + 1n, payload, gap, time, logged };
    this.newest = { epoch, sequence: entry.sequence };
    this.remember(version);
    this.entries.push(entry);
    this.drop(this.entries.length - this.head - append.maxLength);
    this.trim(time - append.retentionMs, TRIM_PER_APPEND);
    return entry;
  }

  /** Entries after `after`, oldest first, at most `count`. */
  read(after: bigint, count: number): StreamEntry[] {
    const { oldest } = this;
    if (oldest === null || count <= 0) return [];
    const skip = after < oldest ? 0 : Number(after - oldest) + 1;
    return this.entries.slice(this.head + skip, this.head + skip + count);
  }

  /** Drops leading entries older than `before` (epoch ms), at most `limit`. Returns how many. */
  trim(before: number, limit: number): number {
    let expired = 0;
    while (expired < limit && (this.entries[this.head + expired]?.time ?? Number.POSITIVE_INFINITY) < before) expired++;
    this.drop(expired);
    return expired;
  }

  private isRepeat(version: LiveAppend['version']): boolean {
    if (version.kind === 'recent') return this.ids.has(version.id);
    return version.kind === 'advance' && this.rank !== null && version.rank <= this.rank;
  }

  private remember(version: LiveAppend['version']): void {
    if (version.kind !== 'recent') {
      this.rank = version.rank;
      return;
    }
    this.ids.add(version.id);
    for (const id of this.ids) {
      if (this.ids.size <= version.keep) break;
      this.ids.delete(id);
    }
  }

  private drop(count: number): void {
    if (count <= 0) return;
    this.head += count;
    if (this.head >= COMPACT_AT && this.head * 2 >= this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
  }
}
