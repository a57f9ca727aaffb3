/**
 * The port to the log. Two implementations, one contract suite (test/src/platform/broker/broker.contract.ts): kafkajs and an
 * in-memory partitioned log. Offsets are bigint, as Kafka's are 64 bit.
 */
import type { TopicSpec } from '../../../schema/topics.ts';

export interface OutgoingMessage {
  key: string | null;
  value: Buffer | null;
  headers?: Record<string, string>;
}

export interface Message extends OutgoingMessage {
  offset: bigint;
  /** Broker's stamp, epoch ms. */
  timestamp: number;
  headers: Record<string, string>;
}

export interface TopicPartition {
  topic: string;
  partition: number;
}

/** Messages of one partition, in order, handed to the consumer once at a time per partition. */
export interface Batch extends TopicPartition {
  messages: readonly Message[];
  /** Offset that the next produced message will get. */
  highWatermark: bigint;
  /** True once the partition was lost or sought: nothing of this batch may be written or committed any more. */
  isStale(): boolean;
  /** Tells the group we live; call between pieces of long work. Throws when the partition was lost. */
  heartbeat(): Promise<void>;
  /** Marks everything up to and including `offset` as done, durably. Throws when the partition was lost. */
  commit(offset: bigint): Promise<void>;
}

export interface ConsumeOptions {
  group: string;
  topics: readonly string[];
  /**
   * Called for every newly assigned partition before its first batch. The offset it returns is where reading begins;
   * null leaves that to the group's committed offset, or the log's start where there is none. A throw is retried with
   * backoff; the partition is not read meanwhile.
   */
  onAssigned?(partition: TopicPartition): Promise<bigint | null>;
  /**
   * Called when a partition was taken away or the consumer stops, once no handler of it runs any more; state of it must
   * be forgotten.
   */
  onRevoked?(partition: TopicPartition): void;
  /**
   * Handles a batch and commits what is durable. A throw is retried with backoff from the last committed message on; it
   * stops neither the consumer nor another partition.
   */
  onBatch(batch: Batch): Promise<void>;
  /** A wanted offset no longer exists (retention) or does not exist yet (log replaced); reading goes on at `resumedAt`. */
  onOffsetOutOfRange?(partition: TopicPartition, wanted: bigint, resumedAt: bigint): void;
  /** The consumer can't go on in this process. Called at most once; the process is expected to end. */
  onFatal(error: Error): void;
  /** Upper bound of messages in one batch. */
  maxBatch?: number;
  /** Partitions of one number of all the topics go to one member: what the group joins meets there. */
  together?: boolean;
  /**
   * After a batch of a partition that was not a full one, the next is handed over no sooner than this, so that it gathers
   * what comes meanwhile; 0.
   */
  gatherMs?: number;
}

export interface Consumer {
  /** Assigned partitions now. */
  assigned(): readonly TopicPartition[];
  /** Waits for the batch in hand, then leaves the group. */
  stop(): Promise<void>;
}

export interface PartitionLag extends TopicPartition {
  lag: bigint;
}

export interface CommittedOffset extends TopicPartition {
  /** The next offset of the group. */
  offset: bigint;
}

export interface Broker {
  /** True where what is acknowledged outlives this process. */
  readonly durable: boolean;
  /** Creates what is missing. Throws when an existing topic has fewer partitions than declared. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /**
   * Appends in order; resolves when every message is acknowledged by the log. Messages of one key keep their order
   * across calls as long as each call is awaited or issued in order. Rejects with BrokerUnavailable when the bound on
   * unacknowledged bytes or on time is reached: the outcome is then unknown.
   */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<void>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  /** First offset still kept and the next one to be written, per partition. */
  watermarks(topic: string): Promise<{ partition: number; low: bigint; high: bigint }[]>;
  /** Messages behind the committed offset, per partition of the group's topics. */
  lag(group: string, topics: readonly string[]): Promise<PartitionLag[]>;
  /** Where the group has committed to be, per partition of the topics; those it has committed nothing of are left out. */
  committed(group: string, topics: readonly string[]): Promise<CommittedOffset[]>;
  /** Resolves when the log answers; rejects otherwise within a bound. For readiness. */
  ping(): Promise<void>;
  /** Stops consumers, flushes, disconnects. */
  close(): Promise<void>;
}

/** The log can't be reached, or does not answer within the bound. Worth another try. */
export class BrokerUnavailable extends Error {
  override readonly name = 'BrokerUnavailable';
}

/** The partition was taken away: whoever has it now reads on from the last commit. */
export class PartitionLost extends Error {
  override readonly name = 'PartitionLost';
}
