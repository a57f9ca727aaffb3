/**
 * What kafkajs fetched of one partition and no handler took yet. It lets kafkajs's one fetch loop go on at once, so that
 * a slow or failing partition holds up neither the others nor the heartbeats; a full one is paused.
 */
import type { Batch as FetchedBatch, IHeaders, KafkaMessage } from 'kafkajs';
import type { Message } from '../broker.ts';
import { FILLER_HEADER } from './codecs.ts';

/** What a message costs beside its value. */
const OVERHEAD_BYTES = 200;

export class Fetched {
  /** Offset that the next fetched batch must begin its search at; null until reading began. */
  expected: bigint | null = null;
  highWatermark = 0n;
  #messages: Message[] = [];
  #bytes = 0;
  /** Where reading begins anew after the log was replaced by a shorter one. */
  #restartAt: bigint | null = null;
  #paused = false;
  readonly #maxBytes: number;
  readonly #pause: (paused: boolean) => void;

  /** `pause` is told when the partition shall not be fetched for now, and when it shall again. */
  constructor(maxBytes: number, pause: (paused: boolean) => void) {
    this.#maxBytes = maxBytes;
    this.#pause = pause;
  }

  /**
   * Takes a batch in. Where it was not fetched from the expected offset, kafkajs found that one out of range and went to
   * the log's start: resolves with both offsets then, else null.
   */
  accept(batch: FetchedBatch): { wanted: bigint; resumedAt: bigint } | null {
    const fetchedFrom = BigInt((batch as FetchedBatch & { fetchedOffset: string }).fetchedOffset);
    const wanted = this.expected ?? fetchedFrom;
    this.expected = BigInt(batch.lastOffset()) + 1n;
    this.highWatermark = BigInt(batch.highWatermark);
    // an older log's messages mean nothing in the new one's order
    if (fetchedFrom < wanted) {
      this.#messages = [];
      this.#bytes = 0;
      this.#restartAt = fetchedFrom;
    }
    for (const message of batch.messages) {
      if (message.headers?.[FILLER_HEADER] !== undefined) continue;
      this.#messages.push(messageOf(message));
      this.#bytes += OVERHEAD_BYTES + (message.value?.length ?? 0);
    }
    if (!this.#paused && this.#bytes > this.#maxBytes) {
      this.#paused = true;
      this.#pause(true);
    }
    return fetchedFrom === wanted ? null : { wanted, resumedAt: fetchedFrom };
  }

  /** As PartitionSource.read; what is before `from` is forgotten. */
  read(from: bigint, max: number): { from: bigint; messages: readonly Message[] } {
    const start = this.#restartAt ?? from;
    this.#restartAt = null;
    const past = this.#messages.findIndex(({ offset }) => offset >= start);
    for (const { value } of this.#messages.splice(0, past < 0 ? this.#messages.length : past)) {
      this.#bytes -= OVERHEAD_BYTES + (value?.length ?? 0);
    }
    if (this.#paused && this.#bytes < this.#maxBytes / 2) {
      this.#paused = false;
      this.#pause(false);
    }
    return { from: start, messages: this.#messages.slice(0, max) };
  }
}

function messageOf({ offset, key, value, headers, timestamp }: KafkaMessage): Message {
  return {
    offset: BigInt(offset),
    key: key?.toString() ?? null,
    value,
    headers: headers ? textHeaders(headers) : {},
    timestamp: Number(timestamp),
  };
}

/** A header given more than once has the last of its values. */
function textHeaders(headers: IHeaders): Record<string, string> {
  for (const name in headers) if (typeof headers[name] !== 'string') return lastTexts(headers);
  return headers as Record<string, string>;
}

function lastTexts(headers: IHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value.at(-1) : (value ?? ''))]),
  );
}
