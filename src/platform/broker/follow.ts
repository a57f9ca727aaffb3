/** Reads a whole topic, from its start on and for as long as it goes, for one process alone: what a group would share out. */
import { randomUUID } from 'node:crypto';
import type { Platform, Running } from '../platform.ts';
import type { Message } from './broker.ts';

/**
 * Hands over every message that the topic still has and every one that comes, in order per partition. Meant for small,
 * compacted topics. `onMessage` must not throw. Nothing is committed: the group is this call's own and is gone with it.
 */
export async function followTopic(
  { broker }: Pick<Platform, 'broker'>,
  topic: string,
  { onMessage, onFatal }: { onMessage(message: Message): void; onFatal(error: Error): void },
): Promise<Running> {
  return broker.consume({
    group: `follow-${topic}-${randomUUID()}`,
    topics: [topic],
    onAssigned: async ({ partition }) =>
      (await broker.watermarks(topic)).find((mark) => mark.partition === partition)?.low ?? 0n,
    async onBatch({ messages }) {
      for (const message of messages) onMessage(message);
    },
    onFatal,
  });
}
