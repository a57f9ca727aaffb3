/** Where logs begin and end, and where groups are. */
import type { Admin } from 'kafkajs';
import type { PartitionLag, TopicPartition } from '../broker.ts';
import { within } from './client.ts';

export interface Watermarks {
  partition: number;
  /** First offset still kept. */
  low: bigint;
  /** Offset of the next message to be written. */
  high: bigint;
}

export class KafkaOffsets {
  readonly #admin: Admin;
  readonly #timeoutMs: number;

  constructor(admin: Admin, timeoutMs: number) {
    this.#admin = admin;
    this.#timeoutMs = timeoutMs;
  }

  /** By partition, in order. Throws BrokerUnavailable. */
  async watermarks(topic: string): Promise<Watermarks[]> {
    const offsets = await within(this.#timeoutMs, `offsets of ${topic}`, this.#admin.fetchTopicOffsets(topic));
    return offsets
      .map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }))
      .sort((a, b) => a.partition - b.partition);
  }

  /** The group's next offset by topic and partition; a partition without one is left out. Throws BrokerUnavailable. */
  async committed(group: string, topics: readonly string[]): Promise<Map<string, Map<number, bigint>>> {
    const request = this.#admin.fetchOffsets({ groupId: group, topics: [...topics] });
    const answer = await within(this.#timeoutMs, `offsets of group ${group}`, request);
    return new Map(
      answer.map(({ topic, partitions }) => [
        topic,
        // negative where nothing was committed
        new Map(partitions.map((p) => [p.partition, BigInt(p.offset)] as const).filter(([, offset]) => offset >= 0n)),
      ]),
    );
  }

  /** As Broker.lag. */
  async lag(group: string, topics: readonly string[]): Promise<PartitionLag[]> {
    const [committed, marks] = await Promise.all([
      this.committed(group, topics),
      Promise.all(topics.map(async (topic) => ({ topic, partitions: await this.watermarks(topic) }))),
    ]);
    return marks.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, low, high }) => {
        const next = committed.get(topic)?.get(partition) ?? low;
        return { topic, partition, lag: next < low ? high - low : high - next };
      }),
    );
  }
}

/**
 * Where partitions of one assignment begin: each topic is asked for once, not once for each of its partitions. A new
 * one is made for each assignment.
 */
export class StartOffsets {
  readonly #offsets: KafkaOffsets;
  readonly #group: string;
  readonly #committed = new Map<string, Promise<Map<number, bigint> | undefined>>();
  readonly #watermarks = new Map<string, Promise<Watermarks[]>>();

  constructor(offsets: KafkaOffsets, group: string) {
    this.#offsets = offsets;
    this.#group = group;
  }

  /**
   * Where to begin when `wanted` (null: where the group is) is asked for, and what was asked for if that is not in the
   * log: reading begins at the log's start then. Throws BrokerUnavailable.
   */
  async settle(at: TopicPartition, wanted: bigint | null): Promise<{ start: bigint; missing: bigint | null }> {
    const from =
      wanted ?? (await this.#once(this.#committed, at.topic, () => this.#committedOf(at.topic)))?.get(at.partition);
    let marks = await this.#once(this.#watermarks, at.topic, () => this.#offsets.watermarks(at.topic));
    // the log may have grown since it was asked
    if (from !== undefined && from > markOf(marks, at).high) {
      this.#watermarks.delete(at.topic);
      marks = await this.#once(this.#watermarks, at.topic, () => this.#offsets.watermarks(at.topic));
    }
    const { low, high } = markOf(marks, at);
    if (from === undefined) return { start: low, missing: null };
    return from >= low && from <= high ? { start: from, missing: null } : { start: low, missing: from };
  }

  async #committedOf(topic: string): Promise<Map<number, bigint> | undefined> {
    return (await this.#offsets.committed(this.#group, [topic])).get(topic);
  }

  async #once<T>(known: Map<string, Promise<T>>, topic: string, ask: () => Promise<T>): Promise<T> {
    const answer = known.get(topic) ?? ask();
    known.set(topic, answer);
    try {
      return await answer;
    } catch (error) {
      known.delete(topic);
      throw error;
    }
  }
}

function markOf(marks: readonly Watermarks[], { topic, partition }: TopicPartition): Watermarks {
  const mark = marks.find((one) => one.partition === partition);
  if (!mark) throw new Error(`${topic} has no partition ${partition}`);
  return mark;
}
