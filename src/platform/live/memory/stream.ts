/** One stream of the in-memory live store: the rules of an append, as the Lua of live-store-scripts.ts has them. */
import { randomUUID } from 'node:crypto';
import type { Standing } from '../following.ts';
import { type LiveAppend, type StreamEntry, TRIM_PER_APPEND } from '../store.ts';
import { type Pack, pack, unpack } from './pack.ts';

/** Dropped entries leave room at the front; it is closed at so many. */
const COMPACT_AT = 1_024;
/** What an entry takes beside its texts. */
const OVERHEAD = 150;
/** What is left of a stream that makes room for others, so that it need not do so again with the next entry. */
const SHRUNK_TO = 0.75;
/** Entries of one pack, and those that stay as they are behind it: the newest ones, and what came last. */
const [PACKED, LOOSE, LOOSE_MS] = [128, 32, 2_000];

/** Entries of one stream in one delivery to a follower. */
export const READ_PER_STREAM = 512;

/** One life of the store, from one time that it was emptied to the next: the birth of each entry of one delivery. */
export type Life = readonly string[];

export function newLife(): Life {
  return Array<string>(READ_PER_STREAM).fill(randomUUID());
}

/** What all streams of a store hold together, about. */
export interface Held {
  bytes: number;
}

/** Who is told that a stream has a new entry. */
export interface Watcher {
  appended(): void;
}

/** In the place of a dropped entry. */
const GONE: StreamEntry = { epoch: '', sequence: -1n, payload: '', gap: null, time: 0, logged: null };

export class MemoryStream {
  /** Replaced when somebody comes or goes. */
  watchers: readonly Watcher[] = [];
  /** The oldest entries; how many of the first pack are dropped already. */
  private packs: Pack[] = [];
  private dropped = 0;
  /** What follows: entries from `head` on. The sequences of all that is kept are dense. */
  private entries: StreamEntry[] = [];
  private head = 0;
  /** How many are kept. */
  private count = 0;
  private isPacking = false;
  private epoch: string | null = null;
  private offset = -1n;
  private newest: Standing | null = null;
  private rank: string | null = null;
  private readonly ids = new Set<string>();
  private bytes = 0;
  /** When the oldest entry was written, epoch ms: to tell that it is kept without looking at it. */
  private since = Number.POSITIVE_INFINITY;

  constructor(
    readonly life: Life,
    private readonly held: Held = { bytes: 0 },
  ) {}

  /** What its entries take, about; a character of text counts as a byte. */
  get size(): number {
    return this.bytes;
  }

  /** Null where it has had no event. */
  get position(): Standing | null {
    return this.newest;
  }

  get oldest(): bigint | null {
    return this.newest && this.count > 0 ? this.newest.sequence - BigInt(this.count - 1) : null;
  }

  /** The new entry, or null for a redelivery or a repeat. */
  append(append: LiveAppend): StreamEntry | null {
    const { epoch, offset, version, payload, gap = null, time, logged = null } = append;
    if (this.epoch === epoch && offset <= this.offset) return null;
    this.epoch = epoch;
    this.offset = offset;
    if (this.isRepeat(version)) return null;
    const sequence = this.newest === null ? 1n : this.newest.sequence + 1n;
    const entry = { epoch, sequence, payload, gap, time, logged };
    this.newest = { epoch, sequence, birth: this.life[0] as string };
    this.remember(version);
    this.entries.push(entry);
    if (this.count === 0) this.since = time;
    this.count += 1;
    this.account(sizeOf(entry));
    if (this.count > append.maxLength) this.drop(this.count - append.maxLength);
    if (this.since < time - append.retentionMs) this.trim(time - append.retentionMs, TRIM_PER_APPEND);
    this.settle(time);
    for (let i = 0; i < this.watchers.length; i++) this.watchers[i]?.appended();
    return entry;
  }

  /** Entries after `after`, oldest first, at most `count`. */
  read(after: bigint, count: number): StreamEntry[] {
    const { newest } = this;
    if (newest === null || count <= 0) return [];
    const wanted = Number(newest.sequence - after);
    const loose = this.entries.length - this.head;
    // who keeps up wants the last few
    if (wanted <= loose || this.count === loose) {
      const from = this.entries.length - Math.min(wanted, loose);
      return wanted <= 0 ? [] : this.entries.slice(from, from + count);
    }
    const oldest = newest.sequence - BigInt(this.count - 1);
    const packed = this.readPacked(after < oldest ? oldest : after + 1n, count);
    const left = count - packed.length;
    return left > 0 ? [...packed, ...this.entries.slice(this.head, this.head + left)] : packed;
  }

  /** Drops leading entries older than `before` (epoch ms), at most `limit`. Returns how many. */
  trim(before: number, limit: number): number {
    let expired = 0;
    while (expired < limit && this.since < before) {
      this.drop(1);
      expired++;
    }
    return expired;
  }

  /** Makes room: drops its oldest entries, a part of what it holds, but never the newest one. Returns how many. */
  shrink(): number {
    const before = this.count;
    const left = this.bytes * SHRUNK_TO;
    while (this.count > 1 && this.bytes > left) this.drop((this.packs[0]?.times.length ?? 1) - this.dropped);
    return before - this.count;
  }

  /** Packs what is no longer new at `now` (epoch ms), in the background. */
  settle(now: number): void {
    const end = this.head + PACKED;
    if (this.isPacking || this.entries.length < end + LOOSE) return;
    const last = this.entries[end - 1];
    if (!last || last.time > now - LOOSE_MS) return;
    const chosen = this.entries.slice(this.head, end);
    const adopt = (made: Pack | null): void => {
      this.isPacking = false;
      // some may have been dropped meanwhile
      if (!made || this.entries[this.head] !== chosen[0]) return;
      this.leave(PACKED);
      this.packs.push(made);
      this.account(made.size);
      this.settle(now);
    };
    this.isPacking = true;
    pack(chosen).then(adopt, () => adopt(null));
  }

  private account(change: number): void {
    this.bytes += change;
    this.held.bytes += change;
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

  private oldestTime(): number {
    return this.packs[0]?.times[this.dropped] ?? this.entries[this.head]?.time ?? Number.POSITIVE_INFINITY;
  }

  /** Those of the packed ones that have a sequence of `from` or more, at most `count`. */
  private readPacked(from: bigint, count: number): StreamEntry[] {
    const found: StreamEntry[] = [];
    for (const one of this.packs) {
      if (found.length >= count) break;
      const skip = Number(from - one.first);
      if (skip < one.times.length) found.push(...unpack(one).slice(Math.max(0, skip)));
    }
    return found.slice(0, count);
  }

  /** Drops the oldest. */
  private drop(count: number): void {
    this.count -= count;
    this.forget(count);
    this.since = this.oldestTime();
  }

  /** Lets go of the oldest, packed ones first. */
  private forget(count: number): void {
    let left = count;
    for (let first = this.packs[0]; first && left > 0; first = this.packs[0]) {
      const dropped = Math.min(left, first.times.length - this.dropped);
      this.dropped += dropped;
      left -= dropped;
      if (this.dropped < first.times.length) return;
      this.packs.shift();
      this.dropped = 0;
      this.account(-first.size);
    }
    this.leave(left);
  }

  /** Lets go of the oldest that are not packed. */
  private leave(count: number): void {
    for (const end = this.head + count; this.head < end; this.head++) {
      this.account(-sizeOf(this.entries[this.head] ?? GONE));
      this.entries[this.head] = GONE;
    }
    if (this.head < COMPACT_AT || this.head * 2 < this.entries.length) return;
    this.entries = this.entries.slice(this.head);
    this.head = 0;
  }
}

function sizeOf(entry: StreamEntry): number {
  return entry === GONE ? 0 : OVERHEAD + entry.payload.length + (entry.gap?.length ?? 0);
}
