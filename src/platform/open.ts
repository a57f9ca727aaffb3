/** Opens the three stores of a process: the real ones its settings name, else the embedded ones. */

import { topicSpecs } from '../../schema/topics.ts';
import { type KafkaSecurity, openKafkaBroker } from './broker/kafka/broker.ts';
import { createMemoryBroker } from './broker/memory/broker.ts';
import { createMemoryLiveStore } from './live/memory/store.ts';
import { openRedisLiveStore } from './live/redis/store.ts';
import { patienceOf, whenThere } from './patience.ts';
import type { Platform, Running } from './platform.ts';
import { startEmbeddedPostgres } from './postgres/embedded.ts';
import { openPostgres } from './postgres/postgres.ts';
import type { Process } from './run.ts';

/**
 * The platform of a process, schema migrated and topics there. Throws when a store can't be reached for START_PATIENCE_MS.
 * `migrations` come from the caller: this folder knows nothing of the tables.
 */
export async function openPlatform(
  { config, log }: Omit<Process, 'end'>,
  migrations: readonly (new () => object)[],
): Promise<Platform & Running> {
  const opened: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of opened.toReversed()) await close();
  };
  const timeoutMs = config.STORE_TIMEOUT_MS;
  const patience = patienceOf({ config, log });
  try {
    let url = config.DATABASE_URL;
    if (!url) {
      const embedded = await startEmbeddedPostgres(config.DATA_DIR, (line) => log.trace({ line }, 'postgres'));
      opened.push(embedded.stop);
      url = embedded.url;
    }
    const { POSTGRES_POOL: pool } = config;
    const at = url;
    const postgres = await whenThere('PostgreSQL', patience, () =>
      openPostgres({ url: at, pool, timeoutMs, migrations }),
    );
    opened.push(postgres.close);
    const ran = await whenThere('PostgreSQL', patience, () => postgres.migrate());
    if (ran.length > 0) log.info({ migrations: ran }, 'schema migrated');

    const broker = config.KAFKA_BROKERS.length
      ? await whenThere('Kafka', patience, () =>
          openKafkaBroker({
            ...{ brokers: config.KAFKA_BROKERS, security: kafkaSecurity(config) },
            clientId: 'tickgraph',
            sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
            timeoutMs,
            log,
          }),
        )
      : createMemoryBroker();
    opened.push(() => broker.close());
    await whenThere('Kafka', patience, () => broker.ensureTopics(topicSpecs()));

    const { REDIS_URL } = config;
    const live = REDIS_URL
      ? await whenThere('Redis', patience, () => openRedisLiveStore({ url: REDIS_URL, timeoutMs, log }))
      : createMemoryLiveStore();
    opened.push(() => live.close());
    return { config, log, postgres, broker, live, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What the settings say of the way to Kafka. */
export function kafkaSecurity(config: Process['config']): KafkaSecurity {
  const { KAFKA_SASL: mechanism, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = config;
  return {
    tls: config.KAFKA_TLS === 'on' ? { authorities: config.KAFKA_CA_FILE } : undefined,
    login: mechanism && { mechanism, username, password },
  };
}
