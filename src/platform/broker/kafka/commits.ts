/**
 * Commits of a member, one request at a time: what its partitions are done with meanwhile goes out together in the next one.
 * So the busier it gets the fewer requests there are for a message.
 */
import type { EachBatchPayload } from 'kafkajs';
import { PartitionLost, type TopicPartition } from '../broker.ts';
import { within } from './client.ts';

export type CommitOffsets = EachBatchPayload['commitOffsetsIfNecessary'];

/** One partition's wish. */
export interface Commit extends TopicPartition {
  /** Offset of the next message. */
  next: bigint;
  /** Commits through the membership that fetched. */
  commitOffsets: CommitOffsets;
  /** Asked right before the request: true where the partition may be someone else's by now. */
  isLost(): boolean;
}

interface Waiting extends Commit {
  done(error?: unknown): void;
}

export class Commits {
  readonly #timeoutMs: number;
  #waiting: Waiting[] = [];
  #sending = false;

  /** `timeoutMs` bounds each request. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves when it is durable. Rejects with PartitionLost, or with what the request failed with. */
  commit(wish: Commit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...wish, done: (error) => (error ? reject(error) : resolve()) });
      if (this.#sending) return;
      this.#sending = true;
      // lets what is done in this turn of the event loop leave in one request
      setImmediate(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const taken = this.#waiting;
      this.#waiting = [];
      const ours: Waiting[] = [];
      for (const one of taken) {
        if (one.isLost()) one.done(new PartitionLost(`${one.topic}/${one.partition} is no longer ours`));
        else ours.push(one);
      }
      const failed = await this.#request(ours).catch((error: unknown) => error);
      for (const { done } of ours) done(failed);
    }
    this.#sending = false;
  }

  /** All of them are of one membership: they were asked at one moment whether they still are. */
  async #request(commits: readonly Waiting[]): Promise<void> {
    const newest = commits.at(-1);
    if (!newest) return;
    const topics = [...Map.groupBy(commits, ({ topic }) => topic)].map(([topic, ofTopic]) => {
      const offsets = new Map<number, bigint>();
      for (const { partition, next } of ofTopic) {
        if (next > (offsets.get(partition) ?? -1n)) offsets.set(partition, next);
      }
      return { topic, partitions: [...offsets].map(([partition, next]) => ({ partition, offset: String(next) })) };
    });
    const where = commits.map(({ topic, partition }) => `${topic}/${partition}`).join(', ');
    await within(this.#timeoutMs, `commit of ${where}`, newest.commitOffsets({ topics }));
  }
}
