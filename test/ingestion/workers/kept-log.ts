/** A log in memory whose computed topics are kept in a file, so that a killed process finds them again, as Kafka's are. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Broker, OutgoingMessage } from '../../../src/platform/broker/broker.ts';

type Line = [topic: string, messages: [key: string | null, value: string | null][]];

/** What earlier processes sent to `topics` is there again, at the same offsets; what is sent is in the file first. */
export async function keptLog(broker: Broker, file: string, topics: readonly string[]): Promise<Broker> {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  for (const line of lines) {
    // a line cut short was never acknowledged
    if (!line.endsWith(']]]')) continue;
    const [topic, messages] = JSON.parse(line) as Line;
    await broker.send(
      topic,
      messages.map(([key, value]) => ({ key, value: value === null ? null : Buffer.from(value) })),
    );
  }
  const send = async (topic: string, messages: readonly OutgoingMessage[]): Promise<void> => {
    if (topics.includes(topic)) {
      const line: Line = [topic, messages.map(({ key, value }) => [key, value?.toString() ?? null])];
      appendFileSync(file, `${JSON.stringify(line)}\n`);
    }
    await broker.send(topic, messages);
  };
  return {
    send,
    ensureTopics: (specs) => broker.ensureTopics(specs),
    consume: (options) => broker.consume(options),
    watermarks: (topic) => broker.watermarks(topic),
    lag: (group, of) => broker.lag(group, of),
    durable: broker.durable,
    committed: (group, of) => broker.committed(group, of),
    ping: () => broker.ping(),
    close: () => broker.close(),
  };
}
