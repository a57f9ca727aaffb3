/** One partition as long as it is ours: between kafkajs, which fetches and commits, and the reader, which hands over. */
import type { Consumer as Client, EachBatchPayload } from 'kafkajs';
import type { Log } from '../../log.ts';
import { type ConsumeOptions, PartitionLost, type TopicPartition } from '../broker.ts';
import { PartitionReader, type PartitionSource } from '../partition-reader.ts';
import { asBrokerError, protocolType } from './client.ts';
import { UNDECODABLE_HEADER } from './codecs.ts';
import type { CommitOffsets, Commits } from './commits.ts';
import { Fetched } from './fetched.ts';
import type { StartOffsets } from './offsets.ts';

/** Kafka's answers to a commit of a member that has been left behind. */
const LEFT_BEHIND = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID']);

/** What the partitions of a member share. */
export interface Membership {
  readonly options: ConsumeOptions;
  readonly consumer: Client;
  readonly commits: Commits;
  readonly log: Log;
  /** False once the assignment is over, also when nobody told us. */
  holds(partition: AssignedPartition): boolean;
  /** The group went on without us. */
  leftBehind(): void;
}

export class AssignedPartition implements PartitionSource {
  readonly topic: string;
  readonly partition: number;
  readonly reader: PartitionReader;
  readonly #membership: Membership;
  readonly #starts: StartOffsets;
  readonly #fetched: Fetched;
  /** Commits through the membership that fetched. */
  #commitOffsets: CommitOffsets | null = null;

  /** Pauses it, and begins once `after` has resolved: the end of its previous assignment here. */
  constructor(
    place: TopicPartition,
    membership: Membership,
    starts: StartOffsets,
    maxBytes: number,
    after: Promise<void>,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.#membership = membership;
    this.#starts = starts;
    this.#fetched = new Fetched(maxBytes, (paused) => membership.holds(this) && this.pause(paused));
    this.pause(true);
    this.reader = new PartitionReader(this, membership.options, membership.log, after);
  }

  async open(wanted: bigint | null): Promise<bigint> {
    const { start, missing } = await this.#starts.settle(this, wanted);
    if (this.isLost()) throw this.#lost();
    if (missing !== null) this.#tellOutOfRange(missing, start);
    this.#fetched.expected = start;
    this.#membership.consumer.seek({ topic: this.topic, partition: this.partition, offset: String(start) });
    this.pause(false);
    return start;
  }

  /** Takes a fetched batch in, at once. */
  take({ batch, resolveOffset, commitOffsetsIfNecessary, isStale }: EachBatchPayload): void {
    // fetched before reading began at the offset it was to begin at
    if (this.#fetched.expected === null || isStale()) return;
    resolveOffset(batch.lastOffset());
    this.#commitOffsets = commitOffsetsIfNecessary;
    const jump = this.#fetched.accept(batch);
    if (jump) this.#tellOutOfRange(jump.wanted, jump.resumedAt);
    for (const { offset, headers } of batch.messages) {
      const reason = headers?.[UNDECODABLE_HEADER];
      const at = { topic: this.topic, partition: this.partition, offset };
      if (reason !== undefined)
        this.#membership.log.error({ ...at, reason: String(reason) }, 'batch can not be unpacked');
    }
    this.reader.wake();
  }

  /** kafkajs passed over messages that are not for us, e.g. transaction markers, up to `offset`. */
  passedOver(offset: bigint): void {
    if (this.#fetched.expected !== null) this.#fetched.expected = offset + 1n;
  }

  read(from: bigint, max: number): ReturnType<PartitionSource['read']> {
    return this.#fetched.read(from, max);
  }

  highWatermark(): bigint {
    return this.#fetched.highWatermark;
  }

  isLost(): boolean {
    return !this.#membership.holds(this);
  }

  async commit(next: bigint): Promise<void> {
    const { topic, partition } = this;
    const commitOffsets = this.#commitOffsets;
    if (!commitOffsets) throw new Error(`nothing was read of ${topic}/${partition}`);
    const isLost = (): boolean => this.isLost();
    try {
      await this.#membership.commits.commit({ topic, partition, next, commitOffsets, isLost });
    } catch (error) {
      if (error instanceof PartitionLost) throw error;
      if (!LEFT_BEHIND.has(protocolType(error) ?? '')) throw asBrokerError(error, 'commit');
      this.#membership.leftBehind();
      throw this.#lost(error);
    }
  }

  pause(paused: boolean): void {
    const places = [{ topic: this.topic, partitions: [this.partition] }];
    try {
      paused ? this.#membership.consumer.pause(places) : this.#membership.consumer.resume(places);
    } catch {
      // it is not running; all is paused anew when it joins again
    }
  }

  #lost(cause?: unknown): PartitionLost {
    return new PartitionLost(`${this.topic}/${this.partition} is no longer ours`, { cause });
  }

  #tellOutOfRange(wanted: bigint, resumedAt: bigint): void {
    const { options, log } = this.#membership;
    const place = { topic: this.topic, partition: this.partition };
    try {
      options.onOffsetOutOfRange?.(place, wanted, resumedAt);
    } catch (error) {
      log.error({ err: error, ...place }, 'onOffsetOutOfRange failed');
    }
  }
}
