/** A consumer group of the in-memory log: who reads which partition, and how far the group is. */

import type { Log } from '../../log.ts';
import { type ConsumeOptions, type Consumer, PartitionLost, type TopicPartition } from '../broker.ts';
import { PartitionReader, type PartitionSource } from '../partition-reader.ts';
import type { MemoryPartition } from './log.ts';

export type Topics = ReadonlyMap<string, readonly MemoryPartition[]>;

interface Member {
  options: ConsumeOptions;
  readers: Map<string, PartitionReader>;
  /** Finishes what it has in hand and gets nothing new. */
  stopping: boolean;
}

export class MemoryGroup {
  /** Next offset of the group by partition. */
  readonly committed = new Map<string, bigint>();
  readonly #members: Member[] = [];
  /** Ends of earlier assignments, whose handlers may still be running. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #topics: Topics;
  readonly #log: Log;

  constructor(topics: Topics, log: Log) {
    this.#topics = topics;
    this.#log = log;
  }

  join(options: ConsumeOptions): Consumer {
    const member: Member = { options, readers: new Map(), stopping: false };
    this.#members.push(member);
    this.#rebalance();
    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      member.stopping = true;
      const readers = [...member.readers.values()];
      for (const reader of readers) reader.stop();
      await Promise.all(readers.map((reader) => reader.done));
      this.#members.splice(this.#members.indexOf(member), 1);
      member.readers.clear();
      this.#rebalance();
    };
    return {
      assigned: () => (stopped ? [] : [...member.readers.keys()].map(placeOf)),
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  }

  /** Offset up to which the group has read a partition; null where it does not read it. */
  readUpTo(key: string): bigint | null {
    return this.committed.get(key) ?? (this.#members.some(({ readers }) => readers.has(key)) ? 0n : null);
  }

  /** There is something new in a partition. */
  wake(key: string): void {
    for (const { readers } of this.#members) readers.get(key)?.wake();
  }

  async stop(): Promise<void> {
    for (const { readers } of this.#members) for (const reader of readers.values()) reader.stop();
    await Promise.all(this.#members.flatMap(({ readers }) => [...readers.values()].map((r) => r.done)));
  }

  /** Spreads each topic over the members that want it, moving no partition that need not move. */
  #rebalance(): void {
    const staying = this.#members.filter((member) => !member.stopping);
    const held = this.#members.filter((member) => member.stopping).flatMap((member) => [...member.readers.keys()]);
    for (const topic of new Set(staying.flatMap(({ options }) => options.topics))) {
      const keys = (this.#topics.get(topic) ?? [])
        .map((_, partition) => keyOf({ topic, partition }))
        .filter((key) => !held.includes(key));
      const shares = staying
        .filter(({ options }) => options.topics.includes(topic))
        .map((member) => ({ member, mine: keys.filter((key) => member.readers.has(key)) }))
        .sort((a, b) => b.mine.length - a.mine.length);
      const least = Math.floor(keys.length / shares.length);
      const withOneMore = keys.length % shares.length;
      shares.forEach((share, rank) => {
        share.mine.splice(least + (rank < withOneMore ? 1 : 0));
      });
      const free = keys.filter((key) => !shares.some(({ mine }) => mine.includes(key)));
      shares.forEach(({ mine }, rank) => {
        mine.push(...free.splice(0, least + (rank < withOneMore ? 1 : 0) - mine.length));
      });
      // all are told to let go before one takes over
      for (const { member, mine } of shares) this.#release(member, topic, mine);
      for (const { member, mine } of shares) this.#assign(member, mine);
    }
  }

  #release(member: Member, topic: string, mine: readonly string[]): void {
    for (const [key, reader] of member.readers) {
      if (placeOf(key).topic !== topic || mine.includes(key)) continue;
      reader.lose();
      member.readers.delete(key);
      this.#leaving.set(key, reader.done);
    }
  }

  #assign(member: Member, mine: readonly string[]): void {
    for (const key of mine) {
      if (member.readers.has(key)) continue;
      const after = this.#leaving.get(key) ?? Promise.resolve();
      member.readers.set(key, new PartitionReader(this.#source(key, member), member.options, this.#log, after));
    }
  }

  #source(key: string, member: Member): PartitionSource {
    const place = placeOf(key);
    const partition = this.#topics.get(place.topic)?.[place.partition];
    if (!partition) throw new Error(`unknown topic ${place.topic}`);
    const inRange = (wanted: bigint): bigint => {
      if (wanted >= partition.low && wanted <= partition.high) return wanted;
      const resumedAt = partition.low;
      try {
        member.options.onOffsetOutOfRange?.(place, wanted, resumedAt);
      } catch (error) {
        this.#log.error({ err: error, ...place }, 'onOffsetOutOfRange failed');
      }
      return resumedAt;
    };
    return {
      ...place,
      open: async (wanted) => inRange(wanted ?? this.committed.get(key) ?? partition.low),
      read(from, max) {
        const start = inRange(from);
        return { from: start, messages: partition.read(start, max) };
      },
      highWatermark: () => partition.high,
      commit: async (next) => {
        // an assignment that ended can't have moved the group's position
        if (!member.readers.has(key)) throw new PartitionLost(`${key} is no longer ours`);
        this.committed.set(key, next);
      },
      isLost: () => false,
    };
  }
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function placeOf(key: string): TopicPartition {
  const at = key.lastIndexOf('/');
  return { topic: key.slice(0, at), partition: Number(key.slice(at + 1)) };
}
