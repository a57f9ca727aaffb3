/** One partition of the in-memory log: dense offsets, bounded by age and by bytes, compacted where its topic says so. */
import type { Message, OutgoingMessage } from '../broker.ts';

/** What a message costs beside its value; a guess that keeps the bound honest for small ones. */
const OVERHEAD_BYTES = 200;
/** How far a full partition is trimmed, so that it is not trimmed again with the next message. */
const TRIMMED_TO = 0.75;

export interface Retention {
  retentionMs: number;
  maxBytes: number;
  compacted: boolean;
}

export class MemoryPartition {
  /** Offset of the next message. */
  high = 0n;
  /** First offset still kept. */
  low = 0n;
  #messages: Message[] = [];
  /** How many at the front of #messages are gone already. */
  #gone = 0;
  #bytes = 0;
  readonly #retention: Retention;

  constructor(retention: Retention) {
    this.#retention = retention;
  }

  append({ key, value, headers }: OutgoingMessage, timestamp: number): void {
    const message: Message = { key, value, headers: headers ?? {}, offset: this.high, timestamp };
    this.#messages.push(message);
    this.high += 1n;
    this.#bytes += size(message);
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

  /** Up to `max` messages with an offset of `from` or more. */
  read(from: bigint, max: number): Message[] {
    let [start, end] = [this.#gone, this.#messages.length];
    while (start < end) {
      const middle = (start + end) >> 1;
      if ((this.#messages[middle]?.offset ?? from) < from) start = middle + 1;
      else end = middle;
    }
    return this.#messages.slice(start, start + max);
  }

  #dropWhile(drop: (oldest: Message) => boolean): void {
    for (let oldest = this.#messages[this.#gone]; oldest && drop(oldest); oldest = this.#messages[this.#gone]) {
      this.#bytes -= size(oldest);
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
    this.#messages = [...newest.values()]
      .filter((m) => m.value !== null)
      .sort((a, b) => (a.offset < b.offset ? -1 : 1));
    this.#gone = 0;
    this.#bytes = this.#messages.reduce((sum, m) => sum + size(m), 0);
  }
}

function size({ key, value }: Message): number {
  return OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
}
