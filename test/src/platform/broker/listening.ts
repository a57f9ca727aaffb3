/** What the Broker suites are made of: where the log comes from, and a consumer that keeps what it is given. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TopicSpec } from '../../../../schema/topics.ts';
import type { Batch, Broker, ConsumeOptions, Consumer, Message } from '../../../../src/platform/broker/broker.ts';

export interface BrokerHarness {
  /** Another client of the same log. */
  open(): Promise<Broker>;
  /** Retention drops everything that is in the topic now. */
  expire(topic: string): Promise<void>;
  stop(): Promise<void>;
}

type Seen = Message & { topic: string; partition: number };

export interface Listener extends Consumer {
  /** Every message handled, redeliveries included, in the order of handling. */
  readonly seen: readonly Seen[];
  readonly fatal: readonly Error[];
}

/** A consumer that keeps what it is given, and commits it unless `onBatch` says what to do. */
export async function listen(
  broker: Broker,
  options: Partial<ConsumeOptions> & Pick<ConsumeOptions, 'group' | 'topics'>,
): Promise<Listener> {
  const seen: Seen[] = [];
  const fatal: Error[] = [];
  const consumer = await broker.consume({
    onFatal: (error) => void fatal.push(error),
    ...options,
    async onBatch(batch) {
      if (options.onBatch) await options.onBatch(batch);
      seen.push(...batch.messages.map((m) => ({ ...m, topic: batch.topic, partition: batch.partition })));
      if (!options.onBatch) await batch.commit(lastOf(batch).offset);
    },
  });
  return { seen, fatal, assigned: () => consumer.assigned(), stop: () => consumer.stop() };
}

export function lastOf(batch: Batch): Message {
  const last = batch.messages.at(-1);
  assert.ok(last, 'a batch is never empty');
  return last;
}

export function spec(partitions = 1, more: Partial<TopicSpec> = {}): TopicSpec {
  return { name: `t-${randomUUID()}`, partitions, retentionMs: 3_600_000, compacted: false, ...more };
}

export const values = (messages: readonly Message[]): string[] => messages.map(({ value }) => String(value));
export const numbered = (from: number, to: number, key: string | null = 'k') =>
  Array.from({ length: to - from }, (_, i) => ({ key, value: Buffer.from(String(from + i)) }));
export const texts = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

/** Something a handler waits at until the test lets it go on. */
export interface Gate {
  /** True once somebody waits or has waited. */
  readonly reached: boolean;
  pass(): Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let reached = false;
  let open = (): void => {};
  const opened = new Promise<void>((done) => {
    open = done;
  });
  return {
    get reached() {
      return reached;
    },
    pass() {
      reached = true;
      return opened;
    },
    open: () => open(),
  };
}
