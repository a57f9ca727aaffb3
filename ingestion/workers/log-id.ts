import { randomBytes } from 'node:crypto';
import type { Broker } from '../../src/platform/broker/broker.ts';
import type { Platform } from '../../src/platform/platform.ts';

const ids = new WeakMap<Broker, string>();

/**
 * Tells logs apart whose offsets mean different messages. A Kafka cluster is one log for good; the in-memory one is another
 * with every start, while PostgreSQL keeps what was said of the last one's offsets.
 */
export function logId({ config, broker }: Pick<Platform, 'config' | 'broker'>): string {
  if (config.KAFKA_BROKERS.length > 0) return 'kafka';
  const id = ids.get(broker) ?? `memory-${randomBytes(6).toString('hex')}`;
  ids.set(broker, id);
  return id;
}
