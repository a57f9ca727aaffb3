/** One partition of the in-memory log: dense offsets, bounded by age and by bytes, compacted where its topic says so. */
import type { Message, OutgoingMessage } from '../broker.ts';

/** What a message costs beside its value, its key and its headers' texts; a guess that keeps the bound honest for small ones. */
const OVERHEAD_BYTES = 200;
/** And each of its headers. */
const HEADER_BYTES = 32;
/** How far a full partition is trimmed, so that it is not trimmed again with the next message. */
const TRIMMED_TO = 0.75;
/** Values are copied one behind the other: a small one would keep the whole slab alive that it was cut from. */
const BLOCK_BYTES = 65_536;
/** A larger value that has its bytes to itself stays where it is. */
const LARGE_BYTES = 16_384;

export interface Retention {
  retentionMs: number;
  maxBytes: number;
  compacted: boolean;
}

/** What all partitions of a log hold together. */
export interface Held {
  bytes: number;
}

type Headers = Record<string, string>;

/** A message without its own view of its bytes, which takes more room than most values. */
interface Kept {
  readonly offset: bigint;
  readonly timestamp: number;
  readonly key: string | null;
  readonly headers: Headers;
  readonly bytes: Buffer | null;
  readonly start: number;
  readonly end: number;
}

const NO_HEADERS: Headers = Object.freeze({});
const NO_BYTES = Buffer.alloc(0);
const GONE: Kept = { offset: -1n, timestamp: 0, key: null, headers: NO_HEADERS, bytes: null, start: 0, end: 0 };

export class MemoryPartition {
  /** Offset of the next message. */
  high = 0n;
  /** First offset still kept. */
  low = 0n;
  #messages: Kept[] = [];
  /** How many at the front of #messages are gone already. */
  #gone = 0;
  #bytes = 0;
  #block = NO_BYTES;
  /** How much of #block is written. */
  #used = 0;
  readonly #retention: Retention;
  readonly #held: Held;

  constructor(retention: Retention, held: Held = { bytes: 0 }) {
    this.#retention = retention;
    this.#held = held;
  }

  /** What its messages take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  append({ key, value, headers = NO_HEADERS }: OutgoingMessage, timestamp: number): void {
    const message: Kept = { offset: this.high, timestamp, key, headers, ...this.#place(value) };
    this.#messages.push(message);
    this.high += 1n;
    this.#account(size(message));
    if (this.#bytes <= this.#retention.maxBytes) return;
    if (this.#retention.compacted) this.#compact();
    this.#dropWhile(() => this.#bytes > this.#retention.maxBytes * TRIMMED_TO);
  }

  /** Drops what is older than the topic keeps. */
  expire(now: number): void {
    if (this.#retention.compacted) return;
    const oldest = now - this.#retention.retentionMs;
    this.#dropWhile((message) => message.timestamp < oldest);
  }

  /** What its messages before an offset take, about. */
  bytesBefore(offset: bigint): number {
    const [before, all] = [Number(offset - this.low), Number(this.high - this.low)];
    return all > 0 ? this.#bytes * Math.min(1, Math.max(0, before / all)) : 0;
  }

  /** Makes room: drops its oldest messages before an offset, a part of what it holds. Returns how many. */
  shrink(before: bigint): number {
    const { low } = this;
    const left = this.#bytes * TRIMMED_TO;
    if (this.#retention.compacted) this.#compact();
    this.#dropWhile(({ offset }) => offset < before && this.#bytes > left);
    return Number(this.low - low);
  }

  /** Up to `max` messages with an offset of `from` or more. */
  read(from: bigint, max: number): Message[] {
    let [start, end] = [this.#gone, this.#messages.length];
    while (start < end) {
      const middle = (start + end) >> 1;
      if ((this.#messages[middle]?.offset ?? from) < from) start = middle + 1;
      else end = middle;
    }
    return this.#messages.slice(start, start + max).map(seen);
  }

  /** Where the bytes of a value are from here on. */
  #place(value: Buffer | null): Pick<Kept, 'bytes' | 'start' | 'end'> {
    if (value === null) return { bytes: null, start: 0, end: 0 };
    const { length } = value;
    if (length > LARGE_BYTES) {
      if (value.buffer.byteLength <= length * 2) return { bytes: value, start: 0, end: length };
      const bytes = Buffer.allocUnsafeSlow(length);
      return { bytes, start: 0, end: value.copy(bytes) };
    }
    if (this.#used + length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += value.copy(this.#block, start);
    return { bytes: this.#block, start, end: this.#used };
  }

  #account(change: number): void {
    this.#bytes += change;
    this.#held.bytes += change;
  }

  #dropWhile(drop: (oldest: Kept) => boolean): void {
    for (let oldest = this.#messages[this.#gone]; oldest && drop(oldest); oldest = this.#messages[this.#gone]) {
      this.#account(-size(oldest));
      this.#messages[this.#gone] = GONE;
      this.#gone += 1;
      this.low = oldest.offset + 1n;
    }
    if (this.#gone * 2 <= this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#gone);
    this.#gone = 0;
  }

  /** Keeps the newest message of each key; as in Kafka, offsets stay what they were and the log's start too. */
  #compact(): void {
    const newest = new Map(this.#messages.slice(this.#gone).map((m) => [m.key, m]));
    this.#block = NO_BYTES;
    this.#used = 0;
    // copied anew: each would keep a block alive
    this.#messages = [...newest.values()]
      .filter((m) => m.bytes !== null)
      .sort((a, b) => (a.offset < b.offset ? -1 : 1))
      .map((m) => ({ ...m, ...this.#place(seen(m).value) }));
    this.#gone = 0;
    this.#account(this.#messages.reduce((sum, m) => sum + size(m), 0) - this.#bytes);
  }
}

function seen({ key, headers, offset, timestamp, bytes, start, end }: Kept): Message {
  return { key, value: bytes?.subarray(start, end) ?? null, headers, offset, timestamp };
}

function size({ key, headers, start, end }: Kept): number {
  let bytes = OVERHEAD_BYTES + (key?.length ?? 0) + end - start;
  for (const name in headers) bytes += HEADER_BYTES + (headers[name]?.length ?? 0);
  return bytes;
}
