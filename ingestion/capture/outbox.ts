/**
 * From the reader to the log: messages go out in order and in batches, and a position is safe once everything before it is.
 * A log that keeps what it has acknowledged makes it safe at once; one that dies with the process, only once the workers
 * have brought it to the stores, and then no more is put into it than it can hold.
 */
import type { Broker, OutgoingMessage } from '../../src/platform/broker/broker.ts';
import { BrokerUnavailable } from '../../src/platform/broker/broker.ts';
import type { Log } from '../../src/platform/log.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import { fault } from '../workers/fault.ts';

/** Who brings captured changes to the stores, and who may read them too: both must be through, where they read at all. */
const KEEPER = 'cdc';
const READERS = [KEEPER, 'live'];

const BATCH_MESSAGES = 500;
const BATCH_BYTES = 512 * 1024;
/** Put into a log in memory and not read yet; that log drops the oldest from 8 MiB on. */
const UNREAD_BYTES = 2 * 1024 * 1024;
const LOOK_MS = 20;
const BACKOFF = { baseMs: 100, capMs: 5_000 };
/** What a message costs beside key and value. */
const OVERHEAD_BYTES = 200;

/** Everything up to `lsn` was sent when the partitions ended at `ends`. */
interface Sent {
  lsn: bigint;
  ends: readonly bigint[];
  bytes: number;
}

export interface OutboxOptions {
  broker: Broker;
  topic: string;
  log: Log;
  signal: AbortSignal;
  /** Called before every batch: throws where this process may not write any more. */
  check(): void;
  /** The log does not take a batch, and more tries will hardly help; false: it has taken it. */
  refused(isRefused: boolean): void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: OutgoingMessage[] = [];
  #bytes = 0;
  /** End of the last transaction that is whole in what was added. */
  #whole = 0n;
  #safe = 0n;
  #sending = false;
  /** Of a log in memory: what it holds that is not in the stores yet, oldest first. */
  readonly #unread: Sent[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Adds messages; sends when there are enough for a batch. Waits while the log can't take them. */
  async add(messages: readonly OutgoingMessage[]): Promise<void> {
    for (const message of messages) {
      this.#waiting.push(message);
      this.#bytes += OVERHEAD_BYTES + (message.key?.length ?? 0) + (message.value?.length ?? 0);
    }
    if (this.#waiting.length >= BATCH_MESSAGES || this.#bytes >= BATCH_BYTES) await this.flush();
  }

  /** Everything before `lsn` was added. */
  whole(lsn: bigint): void {
    if (lsn > this.#whole) this.#whole = lsn;
  }

  /** Sends what waits, as often as it takes: in doubt twice, never not at all. Throws what `check` throws, or on abort. */
  async flush(): Promise<void> {
    const { broker, topic, log, signal } = this.#options;
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting;
    const bytes = this.#bytes;
    // every change before it is in this batch or in one before
    const whole = this.#whole;
    this.#waiting = [];
    this.#bytes = 0;
    this.#sending = true;
    let isRefused = false;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      this.#options.check();
      try {
        await broker.send(topic, batch);
        break;
      } catch (error) {
        if (!(error instanceof BrokerUnavailable)) {
          log.error({ err: error }, 'the log refuses captured changes');
          isRefused = true;
          this.#options.refused(true);
        }
        const delayMs = fullJitter(BACKOFF, attempt);
        log.warn({ err: error, attempt, delayMs }, 'captured changes are not in the log yet');
        await pause(delayMs, signal);
      }
    }
    if (isRefused) this.#options.refused(false);
    fault('capture_sent');
    metrics.captured.inc(batch.length);
    if (!broker.durable) await this.#account(whole, bytes);
    else if (whole > this.#safe) this.#safe = whole;
    // until it is accounted for, it is nowhere to be seen
    this.#sending = false;
  }

  /** Everything before it may be forgotten by the server. Moves on only with what the log, or the stores, have. */
  async safe(): Promise<bigint> {
    await this.#settle();
    if (this.#waiting.length === 0 && !this.#sending && this.#unread.length === 0) this.#safe = this.#whole;
    return this.#safe;
  }

  async #account(lsn: bigint, bytes: number): Promise<void> {
    const { broker, topic, signal } = this.#options;
    const ends = (await broker.watermarks(topic)).map(({ high }) => high);
    this.#unread.push({ lsn, ends, bytes });
    const held = (): number => this.#unread.reduce((sum, one) => sum + one.bytes, 0);
    while (held() > UNREAD_BYTES) {
      await this.#settle();
      if (held() <= UNREAD_BYTES) break;
      await pause(LOOK_MS, signal);
      signal.throwIfAborted();
      this.#options.check();
    }
  }

  /** Forgets what every reader is done with. */
  async #settle(): Promise<void> {
    const { broker, topic } = this.#options;
    if (this.#unread.length === 0) return;
    const places = await Promise.all(READERS.map((group) => broker.committed(group, [topic])));
    // a group that has committed nothing may not read this topic at all; the keeper does
    const reading = places.filter((place, i) => place.length > 0 || READERS[i] === KEEPER);
    const done = (end: bigint, partition: number): boolean =>
      end === 0n || reading.every((place) => (place.find((one) => one.partition === partition)?.offset ?? 0n) >= end);
    for (let first = this.#unread[0]; first?.ends.every(done); first = this.#unread[0]) {
      this.#unread.shift();
      // a transaction of several batches is whole with the last of them
      if (first.lsn > this.#safe) this.#safe = first.lsn;
    }
  }
}
