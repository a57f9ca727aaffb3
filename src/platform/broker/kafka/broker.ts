/** The log on Kafka, by kafkajs. Nothing outside the kafka-*.ts files of this folder knows of kafkajs. */
import type { Admin, ITopicConfig } from 'kafkajs';
import type { TopicSpec } from '../../../../schema/topics.ts';
import type { Broker, CommittedOffset, ConsumeOptions, Consumer, OutgoingMessage, PartitionLag } from '../broker.ts';
import { closeBound, createKafkaClient, type KafkaClient, type KafkaOptions, within } from './client.ts';
import { KafkaMember } from './consumer.ts';
import { KafkaOffsets, type Watermarks } from './offsets.ts';
import { KafkaSender } from './producer.ts';

export type { KafkaOptions, KafkaSecurity } from './client.ts';

/** Connects. Throws BrokerUnavailable when Kafka does not answer within `timeoutMs`. */
export async function openKafkaBroker(options: KafkaOptions): Promise<Broker> {
  const client = createKafkaClient(options, { initialRetryTime: 100, maxRetryTime: 1_000, retries: 2 });
  const admin = client.kafka.admin();
  const sender = new KafkaSender(options);
  const broker = new KafkaBroker(options, client, admin, sender);
  try {
    await within(options.timeoutMs, 'connect', admin.connect());
    await sender.connect();
  } catch (error) {
    await broker.close();
    throw error;
  }
  return broker;
}

class KafkaBroker implements Broker {
  readonly durable = true;
  readonly #options: KafkaOptions;
  readonly #client: KafkaClient;
  readonly #admin: Admin;
  readonly #sender: KafkaSender;
  readonly #offsets: KafkaOffsets;
  readonly #members = new Set<KafkaMember>();

  constructor(options: KafkaOptions, client: KafkaClient, admin: Admin, sender: KafkaSender) {
    this.#options = options;
    this.#client = client;
    this.#admin = admin;
    this.#sender = sender;
    this.#offsets = new KafkaOffsets(admin, options.timeoutMs);
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    // a topic takes Kafka a while, and all are asked for at once
    const bound = this.#options.timeoutMs + topics.length * 500;
    const there = new Set(await within(bound, 'list of topics', this.#admin.listTopics()));
    const missing = topics.filter(({ name }) => !there.has(name)).map(topicConfig);
    if (missing.length > 0) {
      const create = this.#admin.createTopics({ topics: missing, waitForLeaders: true, timeout: bound });
      await within(bound, 'creation of topics', create);
    }
    const names = topics.map(({ name }) => name);
    const known = await within(bound, 'partitions of topics', this.#admin.fetchTopicMetadata({ topics: names }));
    for (const { name, partitions } of topics) {
      const has = known.topics.find((topic) => topic.name === name)?.partitions.length ?? 0;
      if (has < partitions) throw new Error(`topic ${name} has ${has} partitions, ${partitions} are declared`);
    }
  }

  send(topic: string, messages: readonly OutgoingMessage[]): Promise<void> {
    return this.#sender.send(topic, messages);
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    const member = new KafkaMember(options, this.#options, this.#offsets);
    await member.start();
    this.#members.add(member);
    return member;
  }

  watermarks(topic: string): Promise<Watermarks[]> {
    return this.#offsets.watermarks(topic);
  }

  lag(group: string, topics: readonly string[]): Promise<PartitionLag[]> {
    return this.#offsets.lag(group, topics);
  }

  async committed(group: string, topics: readonly string[]): Promise<CommittedOffset[]> {
    const found = await this.#offsets.committed(group, topics);
    return [...found].flatMap(([topic, partitions]) =>
      [...partitions].map(([partition, offset]) => ({ topic, partition, offset })),
    );
  }

  async ping(): Promise<void> {
    await within(this.#options.timeoutMs, 'ping', this.#admin.describeCluster());
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.stop()));
    const admin = within(closeBound(this.#options), 'disconnect', this.#admin.disconnect()).catch(() => {});
    await Promise.all([this.#sender.close(), admin]);
    this.#client.destroy();
  }
}

function topicConfig({ name, partitions, retentionMs, compacted }: TopicSpec): ITopicConfig {
  const kept = compacted
    ? [{ name: 'cleanup.policy', value: 'compact' }]
    : [
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'retention.ms', value: String(retentionMs) },
      ];
  // -1: as many copies as the cluster's default says
  return { topic: name, numPartitions: partitions, replicationFactor: -1, configEntries: kept };
}
