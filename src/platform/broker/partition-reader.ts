/**
 * Reads one assigned partition for a worker, the same for both implementations of the log: state is loaded, then batches
 * are handed over one at a time; a batch that fails is handed over again, from the last committed message on, after a
 * pause. Nothing a handler throws gets further than this.
 */

import type { Log } from '../log.ts';
import { metrics } from '../metrics.ts';
import { fullJitter, pause } from '../retry.ts';
import { type Batch, type ConsumeOptions, type Message, PartitionLost, type TopicPartition } from './broker.ts';

const BACKOFF = { baseMs: 100, capMs: 10_000 };
const MAX_BATCH = 500;

/** What the log does for the reader of one partition. */
export interface PartitionSource extends TopicPartition {
  /** Settles where reading begins: at `wanted`, or where the group left off. Resolves with that offset. */
  open(wanted: bigint | null): Promise<bigint>;
  /** At once: up to `max` messages from `from` on, and where they really begin if `from` is gone. */
  read(from: bigint, max: number): { from: bigint; messages: readonly Message[] };
  /** Offset of the next message to be written, as far as known. */
  highWatermark(): bigint;
  /** Makes `next` the group's position, durably. Throws PartitionLost when it is no longer ours to move. */
  commit(next: bigint): Promise<void>;
  /** True where the group may have given the partition to someone else. */
  isLost(): boolean;
}

type Options = Pick<ConsumeOptions, 'group' | 'onAssigned' | 'onRevoked' | 'onBatch' | 'maxBatch' | 'gatherMs'>;

export class PartitionReader {
  /** Resolves when no handler of this assignment runs any more and `onRevoked` was called. Never rejects. */
  readonly done: Promise<void>;
  /** When the worker's code that runs now last showed progress, epoch ms; null while none runs. */
  busySince: number | null = null;
  readonly #source: PartitionSource;
  readonly #options: Options;
  readonly #log: Log;
  readonly #ending = new AbortController();
  #lost = false;
  #wake: (() => void) | null = null;
  /** Ends the time of gathering. */
  #hurry: (() => void) | null = null;
  #position = 0n;

  /** Starts reading once `after` has resolved: the end of the previous assignment of the same partition here. */
  constructor(source: PartitionSource, options: Options, log: Log, after: Promise<void>) {
    this.#source = source;
    this.#options = options;
    this.#log = log.child({ group: options.group, topic: source.topic, partition: source.partition });
    this.done = after.then(() => this.#run());
  }

  /** The partition is someone else's: the batch in hand is stale from now on. */
  lose(): void {
    this.#lost = true;
    this.stop();
  }

  /** No further batch; the one in hand is finished and may commit. */
  stop(): void {
    this.#ending.abort();
    this.#hurry?.();
    this.wake();
  }

  /** There may be something to read. Delivery is never on the caller's stack. */
  wake(): void {
    const wake = this.#wake;
    if (!wake) return;
    this.#wake = null;
    setImmediate(wake);
  }

  get #stale(): boolean {
    return this.#lost || this.#source.isLost();
  }

  async #run(): Promise<void> {
    // over before it began
    if (this.#ending.signal.aborted) return;
    if (await this.#open()) await this.#readAll();
    this.#lost = true;
    try {
      this.#options.onRevoked?.(this.#place());
    } catch (error) {
      this.#log.error({ err: error }, 'onRevoked failed');
    }
  }

  async #open(): Promise<boolean> {
    for (let attempt = 0; !this.#ending.signal.aborted; attempt++) {
      this.busySince = Date.now();
      try {
        const wanted = (await this.#options.onAssigned?.(this.#place())) ?? null;
        if (this.#ending.signal.aborted) break;
        this.#position = await this.#source.open(wanted);
        return true;
      } catch (error) {
        if (this.#ending.signal.aborted) break;
        await this.#retryLater(error, attempt, 'partition can not be taken over yet');
      } finally {
        this.busySince = null;
      }
    }
    return false;
  }

  async #readAll(): Promise<void> {
    const { maxBatch = MAX_BATCH, gatherMs = 0 } = this.#options;
    let failures = 0;
    while (!this.#ending.signal.aborted) {
      const { from, messages } = this.#source.read(this.#position, maxBatch);
      this.#position = from;
      const last = messages.at(-1);
      if (!last) {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
        continue;
      }
      const before = this.#position;
      this.busySince = Date.now();
      try {
        await this.#options.onBatch(this.#batch(messages, last.offset));
        this.#position = last.offset + 1n;
        failures = 0;
        this.busySince = null;
        const isShort = gatherMs > 0 && messages.length < maxBatch;
        if (isShort && !this.#ending.signal.aborted) await this.#gather(gatherMs);
      } catch (error) {
        this.busySince = null;
        if (this.#stale || this.#ending.signal.aborted) continue;
        failures = this.#position > before ? 0 : failures + 1;
        await this.#retryLater(error, failures, 'batch failed');
      } finally {
        this.busySince = null;
      }
    }
  }

  /** `pause` for what happens hundreds of times a second: without a listener on the signal. */
  #gather(ms: number): Promise<void> {
    return new Promise((done) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#hurry = null;
        done();
      };
      const timer = setTimeout(finish, ms);
      this.#hurry = finish;
    });
  }

  #batch(messages: readonly Message[], last: bigint): Batch {
    const mustBeOurs = (): void => {
      if (this.#stale) throw new PartitionLost(`${this.#source.topic}/${this.#source.partition} is no longer ours`);
      this.busySince = Date.now();
    };
    return {
      ...this.#place(),
      messages,
      highWatermark: this.#source.highWatermark(),
      isStale: () => this.#stale,
      heartbeat: async () => {
        // a handler that computes without ever waiting gives the sockets a turn here
        await new Promise((turn) => setImmediate(turn));
        mustBeOurs();
      },
      commit: async (offset) => {
        mustBeOurs();
        if (offset > last) throw new RangeError(`commit of ${offset} beyond the batch, which ends at ${last}`);
        await this.#source.commit(offset + 1n);
        if (offset >= this.#position) this.#position = offset + 1n;
        this.busySince &&= Date.now();
      },
    };
  }

  async #retryLater(error: unknown, attempt: number, what: string): Promise<void> {
    const delayMs = fullJitter(BACKOFF, attempt);
    metrics.retries.inc({ group: this.#options.group });
    this.#log.error({ err: error, attempt, delayMs }, what);
    await pause(delayMs, this.#ending.signal);
  }

  #place(): TopicPartition {
    return { topic: this.#source.topic, partition: this.#source.partition };
  }
}
