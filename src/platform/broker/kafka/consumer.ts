/**
 * A member of a consumer group on kafkajs. kafkajs fetches, keeps the membership and carries commits; which batch is
 * handed to whom and when is settled here and in PartitionReader, so that no error of a handler ever reaches kafkajs,
 * which would stop for good on it.
 *
 * An assignment begins with GROUP_JOIN, which kafkajs emits before it fetches again: every partition is paused there and
 * resumed at an offset of our choice. It ends with a rebalance, a crash, or a session's length without a heartbeat.
 */
import type { Consumer as Client, ConsumerCrashEvent, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs';
import type { ConsumeOptions, Consumer, TopicPartition } from '../broker.ts';
import { AssignedPartition, type Membership } from './assignment.ts';
import { closeBound, createKafkaClient, type KafkaClient, type KafkaOptions, within } from './client.ts';
import { Commits } from './commits.ts';
import { type KafkaOffsets, StartOffsets } from './offsets.ts';
import { assignTogether } from './together.ts';

/** Fetched and not yet handled, over all partitions of a member. */
const MAX_FETCHED_BYTES = 67_108_864;
/** A handler that shows no sign of progress for this long will not come back. */
const HANDLER_STUCK_MS = 300_000;
/** No fetch for this long although Kafka answers: kafkajs has come to a halt. https://github.com/tulios/kafkajs/issues/659 */
const FETCH_STUCK_MS = 60_000;

export class KafkaMember implements Consumer {
  readonly #options: ConsumeOptions;
  readonly #kafka: KafkaOptions;
  readonly #offsets: KafkaOffsets;
  readonly #client: KafkaClient;
  readonly #consumer: Client;
  readonly #membership: Membership;
  #assigned = new Map<string, AssignedPartition>();
  /** Ends of earlier assignments, whose handlers may still be running. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** What the group gave us, also while we do not trust it. */
  #granted: ConsumerGroupJoinEvent['payload']['memberAssignment'] = {};
  #aliveAt = 0;
  #fetchedAt = Date.now();
  #watch: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;
  #failed = false;

  constructor(options: ConsumeOptions, kafka: KafkaOptions, offsets: KafkaOffsets) {
    this.#options = options;
    this.#kafka = kafka;
    this.#offsets = offsets;
    const { sessionTimeoutMs, timeoutMs } = kafka;
    const retry = {
      initialRetryTime: 100,
      maxRetryTime: 2_000,
      retries: 5,
      restartOnFailure: async () => !this.#stopped,
    };
    // of its own: kafkajs lets the groups of one client share their committed offsets, which two members can't
    this.#client = createKafkaClient(kafka, retry);
    const heartbeatInterval = Math.floor(sessionTimeoutMs / 6);
    this.#consumer = this.#client.kafka.consumer({
      groupId: options.group,
      ...(options.together && { partitionAssigners: [assignTogether] }),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.max(sessionTimeoutMs, timeoutMs),
      heartbeatInterval,
      // also how long a partition that is read again waits for its first fetch
      maxWaitTimeInMs: Math.min(heartbeatInterval, 250),
      allowAutoTopicCreation: false,
      retry,
    });
    this.#membership = {
      options,
      commits: new Commits(timeoutMs),
      log: kafka.log,
      consumer: this.#consumer,
      holds: (partition) => !this.#expired() && this.#assigned.get(keyOf(partition)) === partition,
      leftBehind: () => this.#loseAll(),
    };
  }

  /** Joins. Throws when Kafka can't be reached or a topic is not there. */
  async start(): Promise<void> {
    const { timeoutMs, sessionTimeoutMs } = this.#kafka;
    const what = `group ${this.#options.group}`;
    this.#listen();
    try {
      await within(timeoutMs, what, this.#consumer.connect());
      const topics = [...this.#options.topics];
      await within(timeoutMs, what, this.#consumer.subscribe({ topics, fromBeginning: true }));
      const run = this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async (payload) => this.#take(payload),
      });
      // it resolves when joined; a group that takes longer is joined in the background
      await within(timeoutMs, what, run).catch((error) => this.#kafka.log.warn({ err: error }, 'joining takes long'));
    } catch (error) {
      await this.#consumer.disconnect().catch(() => {});
      this.#client.destroy();
      throw error;
    }
    this.#watch = setInterval(() => this.#look(), Math.min(1_000, sessionTimeoutMs / 4));
    this.#watch.unref();
  }

  assigned(): readonly TopicPartition[] {
    return [...this.#assigned.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    // membership and commits go on until the batches in hand are done, fetching does not
    for (const partition of this.#assigned.values()) {
      partition.pause(true);
      partition.reader.stop();
    }
    await Promise.all([...this.#assigned.values()].map(({ reader }) => reader.done));
    this.#loseAll();
    await Promise.all(this.#leaving.values());
    clearInterval(this.#watch);
    await within(closeBound(this.#kafka), 'leave', this.#consumer.disconnect()).catch((error) =>
      this.#kafka.log.warn({ err: error, group: this.#options.group }, 'did not leave the group in order'),
    );
    this.#client.destroy();
  }

  #listen(): void {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      this.#granted = payload.memberAssignment;
      this.#alive();
      // kafkajs may finish a restart that began before it was told to stop
      if (this.#stopped) void this.#consumer.disconnect().catch(() => {});
      else this.#takeOver();
    });
    this.#consumer.on(events.HEARTBEAT, () => {
      const expired = this.#expired();
      this.#alive();
      // the group did not notice our silence: what we had is still ours, but was given up here
      if (expired || this.#assigned.size === 0) this.#takeOver();
    });
    this.#consumer.on(events.FETCH, () => {
      this.#fetchedAt = Date.now();
    });
    // a fetched batch without any message for us, e.g. transaction markers, is passed over by kafkajs itself
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.#assigned.get(keyOf(payload))?.passedOver(BigInt(payload.lastOffset));
    });
    for (const event of [events.REBALANCING, events.STOP, events.DISCONNECT]) {
      this.#consumer.on(event, () => this.#forfeit());
    }
    this.#consumer.on(events.CRASH, ({ payload }: ConsumerCrashEvent) => {
      this.#forfeit();
      if (!payload.restart)
        this.#fail(new Error(`consumer crashed: ${payload.error.message}`, { cause: payload.error }));
      else this.#kafka.log.warn({ err: payload.error, group: this.#options.group }, 'consumer starts anew');
    });
  }

  #alive(): void {
    this.#aliveAt = Date.now();
    this.#fetchedAt = this.#aliveAt;
  }

  #expired(): boolean {
    if (Date.now() - this.#aliveAt <= this.#kafka.sessionTimeoutMs) return false;
    this.#loseAll();
    return true;
  }

  /** The group takes everything back; what it gives next comes with GROUP_JOIN. */
  #forfeit(): void {
    this.#granted = {};
    this.#loseAll();
  }

  #loseAll(): void {
    for (const [key, { reader }] of this.#assigned) {
      reader.lose();
      this.#leaving.set(key, reader.done);
    }
    this.#assigned = new Map();
  }

  #takeOver(): void {
    this.#loseAll();
    if (this.#stopped || this.#failed) return;
    const places = Object.entries(this.#granted).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    const starts = new StartOffsets(this.#offsets, this.#options.group);
    const maxBytes = Math.max(1_048_576, Math.min(8_388_608, MAX_FETCHED_BYTES / Math.max(1, places.length)));
    for (const place of places) {
      const key = keyOf(place);
      const after = this.#leaving.get(key) ?? Promise.resolve();
      this.#assigned.set(key, new AssignedPartition(place, this.#membership, starts, maxBytes, after));
    }
  }

  /** Called by kafkajs with each batch it fetched. Must not throw and must not wait. */
  #take(payload: EachBatchPayload): void {
    try {
      this.#assigned.get(keyOf(payload.batch))?.take(payload);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Sees what never shows as an error. */
  #look(): void {
    this.#expired();
    const now = Date.now();
    for (const { topic, partition, reader } of this.#assigned.values()) {
      const stuckMs = now - (reader.busySince ?? now);
      if (stuckMs > (this.#kafka.handlerStuckMs ?? HANDLER_STUCK_MS))
        this.#fail(new Error(`handler of ${topic}/${partition} stuck for ${stuckMs} ms`));
    }
    const fetchStuckMs = this.#kafka.fetchStuckMs ?? Math.max(FETCH_STUCK_MS, 3 * this.#kafka.sessionTimeoutMs);
    if (this.#stopped || now - this.#fetchedAt <= fetchStuckMs) return;
    this.#fetchedAt = now;
    const topic = this.#options.topics[0];
    if (topic === undefined) return;
    this.#offsets.watermarks(topic).then(
      () => this.#fail(new Error(`nothing was fetched for ${fetchStuckMs} ms although Kafka answers`)),
      () => this.#kafka.log.warn({ group: this.#options.group }, 'waiting for Kafka to come back'),
    );
  }

  #fail(error: Error): void {
    if (this.#failed || this.#stopped) return;
    this.#failed = true;
    clearInterval(this.#watch);
    this.#kafka.log.error({ err: error, group: this.#options.group }, 'consumer can not go on');
    this.#loseAll();
    void this.#consumer.disconnect().catch(() => {});
    this.#options.onFatal(error);
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
