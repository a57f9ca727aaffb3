/**
 * The way out of the feed: one queue per topic, one batch under way per topic, so that what was published first arrives
 * first. A failed send has an unknown outcome: the same messages go again, in the same order (readers drop repeats).
 * Bounded in bytes: when full, the feeds close their connections and come back when there is room.
 */

import type { Exchange, FeedChannel, FeedStatusEvent } from '../../schema/market.ts';
import { deadLetterTopic, RAW_FRAMES, type RawFrame, TOPICS, type Topic } from '../../schema/topics.ts';
import { type Broker, BrokerUnavailable, type OutgoingMessage } from '../../src/platform/broker/broker.ts';
import type { Log } from '../../src/platform/log.ts';
import { metrics, type Tally, tallyOf } from '../../src/platform/metrics.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import type { PublishedEvent } from '../exchanges/connector.ts';

/** Asked right before a send: false means that somebody else may publish this by now. */
export type Held = () => boolean;

export interface Publisher {
  raw(frame: RawFrame, held: Held): void;
  event(event: PublishedEvent, held: Held): void;
  status(status: FeedStatusEvent): void;
  /** What did not normalize: its bytes and why. */
  bad(frame: RawFrame, reason: string, held: Held): void;
  /** True while there is no room: stop receiving. */
  isFull(): boolean;
  /** Resolves when there is room again, or when `signal` is aborted. */
  room(signal: AbortSignal): Promise<void>;
  /** Calls back whenever it becomes full. Returns how to end that. */
  onFull(callback: () => void): () => void;
  /** Resolves true when everything offered until now is acknowledged or dropped; false after `ms`. */
  flush(ms: number): Promise<boolean>;
  /** Flushes for at most `ms`, then ends. What is left was never acknowledged and is fetched again by a successor. */
  stop(ms: number): Promise<void>;
}

interface Lane {
  queue: Item[];
  busy: boolean;
  /** Messages ever offered, and those that are acknowledged or dropped. */
  offered: number;
  settled: number;
  /** Who waits for `settled` to reach a number. */
  waiters: { at: number; done: () => void }[];
}

interface Item {
  message: OutgoingMessage;
  bytes: number;
  held: Held;
}

/** One batch: small enough for a broker's default limit of 1 MiB with headers and keys. */
const BATCH_BYTES = 512 * 1024;
const BATCH_MESSAGES = 2_000;
/** Bookkeeping of a message besides its value. */
const OVERHEAD = 200;
/** Larger ones no broker takes at default settings; only full market lists are. */
export const MAX_MESSAGE_BYTES = 900_000;
const BACKOFF = { baseMs: 50, capMs: 2_000 };
/** Feed status is said again anyway; it is not worth a queue of its own. */
const MAX_WAITING_STATUS = 5_000;

const always: Held = () => true;
const EVENT_TOPICS = {
  kline: TOPICS.kline1m,
  trade: TOPICS.trades,
  orderbook: TOPICS.orderbook,
} as const;

/** A publisher that keeps at most about `maxBytes` in memory. */
export function createPublisher(broker: Broker, maxBytes: number, log: Log): Publisher {
  const lanes = new Map<string, Lane>();
  const fullCallbacks = new Set<() => void>();
  const roomWaiters = new Set<() => void>();
  const counts = new Map<string, Tally>();
  const ended = new AbortController();
  let bytes = 0;
  let full = false;

  function account(change: number): void {
    bytes += change;
    if (!full && bytes > maxBytes) {
      full = true;
      log.error({ bytes }, 'the log does not take what is received: connections are closed until it does');
      for (const callback of [...fullCallbacks]) callback();
    } else if (full && bytes < maxBytes / 4) {
      full = false;
      log.info('the log takes events again');
      for (const done of [...roomWaiters]) done();
    }
  }

  function offer(topic: string, message: OutgoingMessage, held: Held): void {
    if (ended.signal.aborted) return;
    let lane = lanes.get(topic);
    if (!lane) {
      lane = { queue: [], busy: false, offered: 0, settled: 0, waiters: [] };
      lanes.set(topic, lane);
    }
    const size = (message.value?.length ?? 0) + OVERHEAD;
    lane.queue.push({ message, bytes: size, held });
    lane.offered++;
    account(size);
    if (lane.busy) return;
    lane.busy = true;
    void drain(topic, lane);
  }

  /** Takes the next batch off the queue; what may no longer be published is dropped here. */
  function take(queue: Item[], limit: number): Item[] {
    let size = 0;
    let n = 0;
    while (n < queue.length && n < limit) {
      size += queue[n]?.bytes ?? 0;
      if (n > 0 && size > BATCH_BYTES) break;
      n++;
    }
    return queue.splice(0, n);
  }

  async function drain(topic: string, lane: Lane): Promise<void> {
    // lets everything of this turn of the event loop leave in one batch
    await new Promise(setImmediate);
    let limit = BATCH_MESSAGES;
    while (lane.queue.length > 0 && !ended.signal.aborted) {
      const batch = take(lane.queue, limit);
      metrics.sendQueueBytes.set(bytes);
      const size = batch.reduce((sum, item) => sum + item.bytes, 0);
      const left = await send(topic, batch);
      // a message that the log refuses for itself is found by halving
      if (left > 1) {
        lane.queue.unshift(...batch);
        limit = Math.ceil(left / 2);
        continue;
      }
      limit = BATCH_MESSAGES;
      account(-size);
      metrics.sendQueueBytes.set(bytes);
      lane.settled += batch.length;
      for (const waiter of lane.waiters) if (waiter.at <= lane.settled) waiter.done();
      lane.waiters = lane.waiters.filter((waiter) => waiter.at > lane.settled);
    }
    lane.busy = false;
  }

  /** Resolves with 0 when sent or dropped, else with the number of messages that were refused together. */
  async function send(topic: string, batch: readonly Item[]): Promise<number> {
    for (let attempt = 0; !ended.signal.aborted; attempt++) {
      const messages = batch.filter((item) => item.held()).map((item) => item.message);
      if (messages.length === 0) return 0;
      try {
        await broker.send(topic, messages);
        return 0;
      } catch (error) {
        if (!(error instanceof BrokerUnavailable)) {
          log.error({ err: error, topic, messages: messages.length }, 'the log refuses a message');
          return batch.length;
        }
        if (attempt === 0) log.warn({ err: error, topic }, 'the log does not answer: sending again until it does');
        await pause(fullJitter(BACKOFF, attempt), ended.signal);
      }
    }
    return 0;
  }

  async function flush(ms: number): Promise<boolean> {
    const settled = [...lanes.values()].map(
      (lane) =>
        new Promise<void>((done) => {
          if (lane.settled >= lane.offered) done();
          else lane.waiters.push({ at: lane.offered, done });
        }),
    );
    const bound = new AbortController();
    const late = pause(ms, bound.signal).then(() => false);
    const done = await Promise.race([Promise.all(settled).then(() => true), late]);
    bound.abort();
    return done;
  }

  function countOf(exchange: Exchange, channel: FeedChannel): Tally {
    const key = `${exchange}:${channel}`;
    const count = counts.get(key) ?? tallyOf(metrics.events, { exchange, channel });
    counts.set(key, count);
    return count;
  }

  function publish<P>(topic: Topic<P>, payload: P, held: Held): void {
    offer(topic.name, { key: topic.key(payload), value: topic.encode(payload) }, held);
  }

  return {
    raw(frame, held) {
      if (frame.bytes.length <= MAX_MESSAGE_BYTES) offer(RAW_FRAMES.name, RAW_FRAMES.encode(frame), held);
    },
    event({ channel, event }, held) {
      publish(EVENT_TOPICS[channel] as Topic<typeof event>, event, held);
      countOf(event.exchange, channel).count++;
    },
    status(status) {
      const waiting = lanes.get(TOPICS.feedStatus.name)?.queue.length ?? 0;
      if (waiting < MAX_WAITING_STATUS) publish(TOPICS.feedStatus, status, always);
    },
    bad(frame, reason, held) {
      metrics.badFrames.inc({ exchange: frame.exchange });
      const { key, value } = RAW_FRAMES.encode(frame);
      const headers = {
        error: reason.slice(0, 500),
        topic: RAW_FRAMES.name,
        exchange: frame.exchange,
        connection: frame.connection,
        receivedAt: String(frame.receivedAt),
      };
      offer(deadLetterTopic(RAW_FRAMES.name), { key, value: value.subarray(0, MAX_MESSAGE_BYTES), headers }, held);
    },
    isFull: () => full,
    room(signal) {
      if (!full || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          roomWaiters.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        roomWaiters.add(done);
        signal.addEventListener('abort', done);
      });
    },
    onFull(callback) {
      fullCallbacks.add(callback);
      return () => void fullCallbacks.delete(callback);
    },
    flush,
    async stop(ms) {
      if (!(await flush(ms))) log.warn({ bytes }, 'stopped before the log took everything');
      ended.abort();
    },
  };
}
