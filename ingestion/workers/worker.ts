/**
 * The one worker loop. A worker is a declaration: its group, and per topic how a message is parsed and what is done with a
 * batch. The loop does the rest, the same for all: bad messages to the dead letters, write, then commit; what passes is
 * retried with backoff, what does not is searched for by halving the batch and dead-lettered, so that no message stops a
 * partition.
 */
import type { Batch, Message, TopicPartition } from '../../src/platform/broker/broker.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import { type DeadLetter, keepDeadLetters } from './dead-letters.ts';
import { fault, faultWanted } from './fault.ts';
import { isRetryable } from './retryable.ts';
import { StaleBatch, StateLost } from './stale.ts';

export interface Item<P> {
  readonly message: Message;
  readonly payload: P;
}

/** Of one batch, or of the part of it that is being handled. */
export interface WorkBatch extends TopicPartition {
  /** Throws StaleBatch once the partition is lost or the worker stops: call before every write. */
  check(): void;
  /** True where the items reach the head of the log, as far as known. */
  readonly atHead: boolean;
}

/** One topic of a worker. State is kept per partition, from `onAssigned` to `onRevoked`. */
export interface Source<P = unknown> {
  readonly topic: string;
  /** What a message says; null where it is nothing to this worker. Throws BadMessage with the reason. */
  parse(message: Message): P | null;
  /** Loads state; resolves with the offset to begin at, null for the group's own. */
  onAssigned?(partition: TopicPartition): Promise<bigint | null>;
  onRevoked?(partition: TopicPartition): void;
  /** Messages between what was read and `resumedAt` are gone. */
  onLost?(partition: TopicPartition, resumedAt: bigint): void;
  /**
   * Makes the items' effect durable. It may be called again with the same items, or with a part of them, after it threw:
   * state that a throw leaves behind must be as before the call. StateLost: the worker joins its group anew and every
   * partition is assigned again.
   */
  handle(items: readonly Item<P>[], batch: WorkBatch): Promise<void>;
  /**
   * A message is about to be dead-lettered; what came before it is handled, what comes after is not. Makes known that it is
   * missing. Bears repetition.
   */
  onBad?(message: Message, partition: TopicPartition): Promise<void>;
}

export interface Worker {
  /** Name of the worker and of its consumer group. */
  readonly group: string;
  readonly maxBatch: number;
  /** Partitions of one number of its topics belong together: one process has all of them. */
  readonly together?: boolean;
  /** What comes within this time is handled together; the first of it at once. 0 where it is left out. */
  readonly gatherMs?: number;
  /** Its topics, with fresh state. `onFatal`: it can't go on in this process. */
  open(platform: Platform, onFatal: (error: Error) => void): readonly Source[];
}

const BACKOFF = { baseMs: 100, capMs: 5_000 };
/** How often one message may fail for a reason of its own before it is dead-lettered. */
const TRIES = 3;
/** SQLSTATE 22, 23: the value itself does not fit; another try would say the same. */
const DATA_ERROR = /^2[23][0-9A-Z]{3}$/;

interface Context {
  worker: Worker;
  platform: Platform;
  /** Of this membership of the group. */
  stopping: AbortSignal;
  rejoin(): void;
}

/** Starts a worker as a member of its group. `onFatal`: it can't go on in this process. */
export async function runWorker(worker: Worker, platform: Platform, onFatal: (error: Error) => void): Promise<Running> {
  const ended = new AbortController();
  let rejoining: Promise<void> | null = null;
  let membership = join(worker, platform, onFatal, rejoin);
  await membership;

  function rejoin(): void {
    if (ended.signal.aborted || rejoining) return;
    platform.log.error({ group: worker.group }, 'state lost: joining the group anew');
    rejoining = joinAnew().finally(() => {
      rejoining = null;
    });
  }

  async function joinAnew(): Promise<void> {
    await (await membership).stop();
    for (let attempt = 0; !ended.signal.aborted; attempt++) {
      try {
        const next = join(worker, platform, onFatal, rejoin);
        await next;
        membership = next;
        return;
      } catch (error) {
        platform.log.warn({ err: error, group: worker.group, attempt }, 'group not joined');
        await pause(fullJitter(BACKOFF, attempt), ended.signal);
      }
    }
  }

  return {
    async stop() {
      ended.abort();
      await rejoining;
      await (await membership).stop();
    },
  };
}

async function join(
  worker: Worker,
  platform: Platform,
  onFatal: (error: Error) => void,
  rejoin: () => void,
): Promise<Running> {
  const { group, maxBatch, together, gatherMs } = worker;
  const sources = new Map(worker.open(platform, onFatal).map((source) => [source.topic, source]));
  const stopping = new AbortController();
  const context: Context = { worker, platform, stopping: stopping.signal, rejoin };
  const consumer = await platform.broker.consume({
    group,
    maxBatch,
    together,
    gatherMs,
    topics: [...sources.keys()],
    onAssigned: async (at) => (await sources.get(at.topic)?.onAssigned?.(at)) ?? null,
    onRevoked(at) {
      sources.get(at.topic)?.onRevoked?.(at);
      // another process tells from now on
      metrics.lag.remove({ group, topic: at.topic, partition: String(at.partition) });
    },
    async onBatch(batch) {
      const source = sources.get(batch.topic);
      if (source) await processBatch(context, source, batch);
    },
    onOffsetOutOfRange(at, wanted, resumedAt) {
      const offsets = { wanted: String(wanted), resumedAt: String(resumedAt) };
      platform.log.error({ group, ...at, ...offsets }, 'messages were gone before they were read');
      sources.get(at.topic)?.onLost?.(at, resumedAt);
    },
    onFatal,
  });
  return {
    async stop() {
      stopping.abort();
      await consumer.stop();
    },
  };
}

async function processBatch(context: Context, source: Source, batch: Batch): Promise<void> {
  const last = batch.messages.at(-1);
  if (!last) return;
  const { worker, platform } = context;
  const labels = { group: worker.group, topic: batch.topic };
  const endTimer = metrics.batchSeconds.startTimer({ group: worker.group });
  // lets the group know we live however long a write takes; a lost partition shows in isStale
  const beat = setInterval(() => batch.heartbeat().catch(() => {}), platform.config.KAFKA_SESSION_TIMEOUT_MS / 4);
  const run = new BatchRun(context, source, batch);
  try {
    const { items, bad } = decode(source, batch.messages);
    await run.writeAll(items, bad);
    fault('after_write');
    run.check();
    await batch.commit(last.offset);
    fault('after_commit');
    metrics.messages.inc(labels, batch.messages.length);
    metrics.lag.set(
      { ...labels, partition: String(batch.partition) },
      Math.max(0, Number(batch.highWatermark - last.offset) - 1),
    );
  } catch (error) {
    if (batch.isStale() || context.stopping.aborted) return;
    if (error instanceof StateLost) context.rejoin();
    platform.log.error({ err: error, ...labels, partition: batch.partition }, 'batch not done');
    throw error;
  } finally {
    clearInterval(beat);
    endTimer();
  }
}

function decode(source: Source, messages: readonly Message[]): { items: Item<unknown>[]; bad: DeadLetter[] } {
  const items: Item<unknown>[] = [];
  const bad: DeadLetter[] = [];
  for (const message of messages) {
    try {
      const payload = source.parse(message);
      if (payload !== null) items.push({ message, payload });
    } catch (error) {
      bad.push({ message, reason: reasonOf(error) });
    }
  }
  return { items, bad };
}

function reasonOf(error: unknown): string {
  const { name, message } = error as Error;
  return name === 'BadMessage' ? message : `${name}: ${message}`;
}

class BatchRun {
  readonly #context: Context;
  readonly #source: Source;
  readonly #batch: Batch;

  constructor(context: Context, source: Source, batch: Batch) {
    this.#context = context;
    this.#source = source;
    this.#batch = batch;
  }

  check(): void {
    if (this.#batch.isStale()) throw new StaleBatch('the partition was lost');
    if (this.#context.stopping.aborted) throw new StaleBatch('stopping');
  }

  /** Handles the items and dead-letters the others: in order, where the source wants to know. */
  async writeAll(items: readonly Item<unknown>[], bad: readonly DeadLetter[]): Promise<void> {
    let rest = items;
    let letters = bad;
    while (this.#source.onBad && letters[0]) {
      const { offset } = letters[0].message;
      const before = rest.filter(({ message }) => message.offset < offset);
      rest = rest.slice(before.length);
      await this.#write(before);
      const next = rest[0]?.message.offset;
      const together = letters.filter(({ message }) => next === undefined || message.offset < next);
      letters = letters.slice(together.length);
      await this.#bury(together);
    }
    await this.#bury(letters);
    if (!faultWanted('mid_batch')) return this.#write(rest);
    const half = Math.ceil(rest.length / 2);
    await this.#write(rest.slice(0, half));
    fault('mid_batch');
    await this.#write(rest.slice(half));
  }

  async #bury(letters: readonly DeadLetter[]): Promise<void> {
    const { platform, worker } = this.#context;
    for (const { message } of letters) await this.#patiently(async () => this.#source.onBad?.(message, this.#batch));
    await this.#patiently(() => keepDeadLetters(platform, worker.group, this.#batch, letters));
  }

  /** Handles the items; where that fails for a reason of theirs, halves them until the ones to blame are alone. */
  async #write(items: readonly Item<unknown>[], tries = 1): Promise<void> {
    const [first] = items;
    if (!first) return;
    const atHead = items.at(-1)?.message.offset === this.#batch.highWatermark - 1n;
    const { topic, partition } = this.#batch;
    const part: WorkBatch = { topic, partition, atHead, check: () => this.check() };
    try {
      return await this.#patiently(() => this.#source.handle(items, part));
    } catch (error) {
      if (error instanceof StaleBatch) throw error;
      this.check();
      if (items.length > 1) {
        const half = items.length >> 1;
        await this.#write(items.slice(0, half));
        return this.#write(items.slice(half));
      }
      if (tries < TRIES && !isDataError(error)) {
        await pause(fullJitter(BACKOFF, tries), this.#context.stopping);
        return this.#write(items, tries + 1);
      }
      const { worker, platform } = this.#context;
      platform.log.error({ err: error, group: worker.group, topic, partition }, 'message can not be processed');
      return this.#bury([{ message: first.message, reason: reasonOf(error) }]);
    }
  }

  /** Tries until it works or fails for a reason that stays; a lost partition or a stop ends it with StaleBatch. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      this.check();
      try {
        return await work();
      } catch (error) {
        if (!isRetryable(error)) throw error;
        const { platform, worker, stopping } = this.#context;
        metrics.retries.inc({ group: worker.group });
        platform.log.warn({ err: error, group: worker.group, attempt }, 'batch will be tried again');
        await pause(fullJitter(BACKOFF, attempt), stopping);
      }
    }
  }
}

function isDataError(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: unknown };
  return name === 'BadMessage' || (typeof code === 'string' && DATA_ERROR.test(code));
}
