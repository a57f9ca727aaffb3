/** Everything in some topics of a real Kafka, from their beginning on, as a consumer of ours gets it. */
import type { Message } from '../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../src/platform/broker/kafka/broker.ts';
import { createLog } from '../../src/platform/log.ts';

export interface TopicReader {
  /** What has arrived of the topic so far. */
  seen(topic: string): readonly Message[];
  send(topic: string, key: string, text: string): Promise<void>;
  close(): Promise<void>;
}

/** Reads the topics, which must exist, until it is closed. */
export async function readTopics(brokers: readonly string[], topics: readonly string[]): Promise<TopicReader> {
  const seen = new Map<string, Message[]>(topics.map((topic) => [topic, []]));
  const broker = await openKafkaBroker({
    ...{ brokers: [...brokers], clientId: 'test', sessionTimeoutMs: 6_000, timeoutMs: 3_000, log: createLog('silent') },
  });
  await broker.consume({
    ...{ group: `test-${Math.random()}`, topics },
    async onBatch(batch) {
      seen.get(batch.topic)?.push(...batch.messages);
      const last = batch.messages.at(-1);
      if (last) await batch.commit(last.offset);
    },
    onFatal(error) {
      throw error;
    },
  });
  return {
    seen: (topic) => seen.get(topic) ?? [],
    send: (topic, key, text) => broker.send(topic, [{ key, value: Buffer.from(text) }]),
    close: () => broker.close(),
  };
}
