/**
 * Sends to Kafka, one request at a time: what is sent meanwhile goes out together in the next one. So the order of calls
 * is the order in the log, retries included, and the busier it gets the larger the requests.
 */
import type { Producer } from 'kafkajs';
import { metrics } from '../../metrics.ts';
import { BrokerUnavailable, type OutgoingMessage } from '../broker.ts';
import { createPartitioner } from '../partitioner.ts';
import { asBrokerError, closeBound, createKafkaClient, type KafkaClient, type KafkaOptions, within } from './client.ts';
import { kafkajs } from './mended/kafkajs.ts';

/** A request's messages: below the broker's message.max.bytes (1 MiB), should all belong to one partition. */
const MAX_REQUEST_BYTES = 900_000;
/** And so many: they are encoded without a pause. */
const MAX_REQUEST_MESSAGES = 2_000;
const MAX_UNACKNOWLEDGED_BYTES = 33_554_432;
/** What a message costs beside key and value. */
const OVERHEAD_BYTES = 100;

interface Send {
  topic: string;
  messages: readonly OutgoingMessage[];
  bytes: number;
  done(error?: Error): void;
}

export class KafkaSender {
  readonly #client: KafkaClient;
  readonly #producer: Producer;
  readonly #options: KafkaOptions;
  readonly #queue: Send[] = [];
  #bytes = 0;
  #sending = false;
  #closed = false;

  constructor(options: KafkaOptions) {
    this.#options = options;
    const retry = { initialRetryTime: 50, maxRetryTime: Math.ceil(options.timeoutMs / 4), retries: 3 };
    this.#client = createKafkaClient(options, retry);
    const partitionOf = createPartitioner();
    this.#producer = this.#client.kafka.producer({
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      createPartitioner:
        () =>
        ({ message, partitionMetadata }) =>
          partitionOf(message.key == null ? null : String(message.key), partitionMetadata.length),
    });
  }

  async connect(): Promise<void> {
    await within(this.#options.timeoutMs, 'connect', this.#producer.connect());
  }

  /** As Broker.send. */
  async send(topic: string, messages: readonly OutgoingMessage[]): Promise<void> {
    if (this.#closed) throw new Error('the broker is closed');
    const parts = split(messages);
    const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.#bytes > 0 && this.#bytes + total > MAX_UNACKNOWLEDGED_BYTES) {
      throw new BrokerUnavailable(`${this.#bytes} bytes wait to be acknowledged already`);
    }
    await Promise.all(parts.map((part) => this.#enqueue(topic, part.messages, part.bytes)));
  }

  #enqueue(topic: string, messages: readonly OutgoingMessage[], bytes: number): Promise<void> {
    this.#count(bytes);
    return new Promise((resolve, reject) => {
      const send: Send = {
        topic,
        messages,
        bytes,
        done: (error) => {
          clearTimeout(timer);
          error ? reject(error) : resolve();
        },
      };
      const timer = setTimeout(() => {
        const waiting = this.#queue.indexOf(send);
        // one that was not sent yet must not be sent any more: later ones may have been given up or repeated
        if (waiting >= 0) {
          this.#queue.splice(waiting, 1);
          this.#count(-bytes);
        }
        reject(new BrokerUnavailable(`send to ${topic}: no answer within ${this.#options.timeoutMs} ms`));
      }, this.#options.timeoutMs);
      this.#queue.push(send);
      if (!this.#sending) {
        this.#sending = true;
        setImmediate(() => void this.#drain());
      }
    });
  }

  /** Waits for what is under way, within the bound, then disconnects. */
  async close(): Promise<void> {
    this.#closed = true;
    const bound = closeBound(this.#options);
    const deadline = Date.now() + bound;
    while (this.#sending && Date.now() < deadline) await new Promise((next) => setTimeout(next, 5));
    await within(bound, 'disconnect', this.#producer.disconnect()).catch(() => {});
    this.#client.destroy();
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const sends = this.#take();
      const failed = await this.#request(sends).catch((error: Error) => error);
      // one send that can't be stored, say for its size, must not fail those it happened to travel with
      if (failed && sends.length > 1 && !(failed instanceof BrokerUnavailable)) {
        for (const send of sends) send.done((await this.#request([send]).catch((error: Error) => error)) ?? undefined);
      } else {
        for (const send of sends) send.done(failed ?? undefined);
      }
      this.#count(-sends.reduce((sum, { bytes }) => sum + bytes, 0));
    }
    this.#sending = false;
  }

  #take(): Send[] {
    let [count, bytes, messages] = [0, 0, 0];
    for (const send of this.#queue) {
      bytes += send.bytes;
      messages += send.messages.length;
      if (count > 0 && (bytes > MAX_REQUEST_BYTES || messages > MAX_REQUEST_MESSAGES)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** Settles when kafkajs is done with it, however long that takes: only then may the next request go out. */
  async #request(sends: readonly Send[]): Promise<null> {
    const byTopic = new Map<string, OutgoingMessage[]>();
    for (const { topic, messages } of sends) {
      const all = byTopic.get(topic);
      if (all) all.push(...messages);
      else byTopic.set(topic, [...messages]);
    }
    try {
      await this.#producer.sendBatch({
        acks: -1,
        timeout: this.#options.timeoutMs,
        compression: kafkajs.CompressionTypes.None,
        topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })),
      });
      return null;
    } catch (error) {
      throw asBrokerError(error, 'send');
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    metrics.sendQueueBytes.set(this.#bytes);
  }
}

/** In parts that each fit into one request. */
function split(messages: readonly OutgoingMessage[]): { messages: OutgoingMessage[]; bytes: number }[] {
  const parts: { messages: OutgoingMessage[]; bytes: number }[] = [];
  for (const message of messages) {
    const bytes = OVERHEAD_BYTES + (message.key?.length ?? 0) + (message.value?.length ?? 0);
    const part = parts.at(-1);
    if (part && part.messages.length < MAX_REQUEST_MESSAGES && part.bytes + bytes <= MAX_REQUEST_BYTES) {
      part.messages.push(message);
      part.bytes += bytes;
    } else {
      parts.push({ messages: [message], bytes });
    }
  }
  return parts;
}
