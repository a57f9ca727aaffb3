/** The log of a process that has no Kafka: partitions, groups, retention and redelivery as there, kept in memory. */
import type { TopicSpec } from '../../../../schema/topics.ts';
import { createLog, type Log } from '../../log.ts';
import { metrics } from '../../metrics.ts';
import type { Broker, CommittedOffset, ConsumeOptions, Consumer, OutgoingMessage, PartitionLag } from '../broker.ts';
import { createPartitioner } from '../partitioner.ts';
import { keyOf, MemoryGroup } from './group.ts';
import { type Held, MemoryPartition } from './log.ts';

/** A sender that never waits for anything else gives the consumers a turn after so many messages. */
const TURN_AFTER = 256;
const EXPIRE_EVERY_MS = 1_000;

export interface MemoryBrokerOptions {
  /** Now, epoch ms. */
  clock?: () => number;
  /** A partition keeps no more than this; 8 MiB. */
  maxBytesPerPartition?: number;
  /** All partitions keep no more than this together: what was read gives way first; 48 MiB. */
  maxBytes?: number;
  log?: Log;
}

/** An empty log. Nothing of it outlives the process. */
export function createMemoryBroker(options: MemoryBrokerOptions = {}): Broker {
  return new MemoryBroker(options);
}

class MemoryBroker implements Broker {
  readonly durable = false;
  readonly #topics = new Map<string, MemoryPartition[]>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #clock: () => number;
  readonly #maxBytesPerPartition: number;
  readonly #maxBytes: number;
  readonly #held: Held = { bytes: 0 };
  readonly #log: Log;
  readonly #partitionOf = createPartitioner();
  readonly #expiredAt = new WeakMap<MemoryPartition, number>();
  #sentInTurn = 0;
  #closed = false;

  constructor(options: MemoryBrokerOptions) {
    this.#clock = options.clock ?? Date.now;
    this.#maxBytesPerPartition = options.maxBytesPerPartition ?? 8_388_608;
    // a test that asks for larger partitions means it
    this.#maxBytes = options.maxBytes ?? Math.max(50_331_648, this.#maxBytesPerPartition);
    this.#log = options.log ?? createLog('warn');
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    for (const { name, partitions, retentionMs, compacted } of topics) {
      const there = this.#topics.get(name);
      if (there && there.length < partitions) {
        throw new Error(`topic ${name} has ${there.length} partitions, ${partitions} are declared`);
      }
      const retention = { retentionMs, compacted, maxBytes: this.#maxBytesPerPartition };
      if (there) continue;
      const empty = Array.from({ length: partitions }, () => new MemoryPartition(retention, this.#held));
      this.#topics.set(name, empty);
    }
  }

  async send(topic: string, messages: readonly OutgoingMessage[]): Promise<void> {
    const partitions = this.#partitions(topic);
    const now = this.#clock();
    const written = new Set<number>();
    for (const message of messages) {
      const index = this.#partitionOf(message.key, partitions.length);
      partitions[index]?.append(message, now);
      written.add(index);
      if (this.#held.bytes > this.#maxBytes) this.#makeRoom();
    }
    metrics.memoryLogBytes.set(this.#held.bytes);
    for (const partition of written) {
      this.#expire(partitions[partition], now);
      for (const group of this.#groups.values()) group.wake(keyOf({ topic, partition }));
    }
    this.#sentInTurn += messages.length;
    if (this.#sentInTurn < TURN_AFTER) return;
    await new Promise((turn) => setImmediate(turn));
    this.#sentInTurn = 0;
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    for (const topic of options.topics) this.#partitions(topic);
    return this.#group(options.group).join(options);
  }

  async watermarks(topic: string): Promise<{ partition: number; low: bigint; high: bigint }[]> {
    const now = this.#clock();
    return this.#partitions(topic).map((kept, partition) => {
      kept.expire(now);
      return { partition, low: kept.low, high: kept.high };
    });
  }

  async lag(group: string, topics: readonly string[]): Promise<PartitionLag[]> {
    const { committed } = this.#group(group);
    return topics.flatMap((topic) =>
      this.#partitions(topic).map(({ low, high }, partition) => {
        const next = committed.get(keyOf({ topic, partition })) ?? low;
        return { topic, partition, lag: next < low ? high - low : high - next };
      }),
    );
  }

  async committed(group: string, topics: readonly string[]): Promise<CommittedOffset[]> {
    const { committed } = this.#group(group);
    return topics.flatMap((topic) =>
      this.#partitions(topic).flatMap((_, partition) => {
        const offset = committed.get(keyOf({ topic, partition }));
        return offset === undefined ? [] : [{ topic, partition, offset }];
      }),
    );
  }

  async ping(): Promise<void> {
    if (this.#closed) throw new Error('the log is closed');
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#groups.values()].map((group) => group.stop()));
  }

  #partitions(topic: string): MemoryPartition[] {
    if (this.#closed) throw new Error('the log is closed');
    const partitions = this.#topics.get(topic);
    if (!partitions) throw new Error(`unknown topic ${topic}`);
    return partitions;
  }

  /** What was read gives way first, where there is most of it; then what is unread, where there is most of all. */
  #makeRoom(): void {
    const all = [...this.#topics].flatMap(([topic, partitions]) =>
      partitions.map((kept, partition) => ({ kept, read: this.#readUpTo(keyOf({ topic, partition })) ?? kept.high })),
    );
    while (this.#held.bytes > this.#maxBytes) {
      const sizes = all.map(({ kept, read }) => kept.bytesBefore(read));
      const most = Math.max(...sizes);
      const given = all[sizes.indexOf(most)];
      const { bytes } = this.#held;
      if (most > 0) given?.kept.shrink(given.read);
      if (this.#held.bytes < bytes) continue;
      const fullest = all.reduce((one, other) => (other.kept.bytes > one.kept.bytes ? other : one)).kept;
      metrics.memoryLogDropped.inc(fullest.shrink(fullest.high));
    }
  }

  /** Offset up to which all groups that read a partition have read it; null where none does. */
  #readUpTo(key: string): bigint | null {
    const read = [...this.#groups.values()].flatMap((group) => group.readUpTo(key) ?? []);
    return read.length > 0 ? read.reduce((least, one) => (one < least ? one : least)) : null;
  }

  #group(name: string): MemoryGroup {
    const group = this.#groups.get(name) ?? new MemoryGroup(this.#topics, this.#log);
    this.#groups.set(name, group);
    return group;
  }

  #expire(partition: MemoryPartition | undefined, now: number): void {
    if (!partition || now - (this.#expiredAt.get(partition) ?? 0) < EXPIRE_EVERY_MS) return;
    this.#expiredAt.set(partition, now);
    partition.expire(now);
  }
}
