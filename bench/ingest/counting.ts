/** A broker that counts what is sent and what every group is done with, so that a round knows when it is over. */
import type { Broker } from '../../src/platform/broker/broker.ts';

export interface Traffic {
  readonly broker: Broker;
  /** Messages sent to a topic. */
  sent(topic: string): number;
  /** How often a group found messages gone before it had read them: what was measured then is not the whole path. */
  lost(): number;
  /** Messages that the group farthest behind has still to do, of the topic where that is most. */
  pending(): number;
}

/** Wraps `broker`. Messages handed over again after a failure count twice, so a run with retries is not to be trusted. */
export function countTraffic(broker: Broker): Traffic {
  const sent = new Map<string, number>();
  let lost = 0;
  const done = new Map<string, { topic: string; count: number }>();
  const counting: Broker = {
    ensureTopics: (topics) => broker.ensureTopics(topics),
    async send(topic, messages) {
      sent.set(topic, (sent.get(topic) ?? 0) + messages.length);
      await broker.send(topic, messages);
    },
    consume(options) {
      for (const topic of options.topics) done.set(`${options.group} ${topic}`, { topic, count: 0 });
      return broker.consume({
        ...options,
        onOffsetOutOfRange(...told) {
          lost++;
          options.onOffsetOutOfRange?.(...told);
        },
        async onBatch(batch) {
          await options.onBatch(batch);
          const entry = done.get(`${options.group} ${batch.topic}`);
          if (entry) entry.count += batch.messages.length;
        },
      });
    },
    watermarks: (topic) => broker.watermarks(topic),
    lag: (group, topics) => broker.lag(group, topics),
    durable: broker.durable,
    committed: (group, topics) => broker.committed(group, topics),
    ping: () => broker.ping(),
    close: () => broker.close(),
  };
  return {
    broker: counting,
    lost: () => lost,
    sent: (topic) => sent.get(topic) ?? 0,
    pending() {
      let most = 0;
      for (const { topic, count } of done.values()) most = Math.max(most, (sent.get(topic) ?? 0) - count);
      return most;
    },
  };
}
