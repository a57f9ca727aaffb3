/** What the live core hands to a subscription, and the bounded queue that it waits in. */
import type { GraphQLError } from 'graphql';
import type { GapReason, StreamStart } from '../../schema/channels.ts';
import { clientError } from '../../schema/errors.ts';
import { metrics } from '../platform/metrics.ts';

export interface Gap {
  /** Events missing; null where the number cannot be known. */
  missed: number | null;
  reason: GapReason;
}

/** One event of one stream. Those without `start` and `gap` are shared by all subscribers of a view. */
export interface Delivery<Body> {
  readonly cursor: string;
  /** Position in the stream; the events of one subscription have dense ones where no gap is told. */
  readonly sequence: string;
  readonly start: StreamStart | null;
  readonly gap: Gap | null;
  readonly body: Body;
  /** Exchange's clock, epoch ms; null where the event is a state that was there before. */
  readonly eventTime: number | null;
}

/** Told in place of an event while the stream goes on: the event's resolver throws it. */
export interface Fault {
  readonly fault: GraphQLError;
}

export type Delivered<Body> = Delivery<Body> | Fault;

export interface QueueOptions {
  /** Subscription field and live channel, for the metrics. */
  field: string;
  channel: string;
  /** Deliveries that may wait. */
  max: number;
  /** Called once when nobody will read any more. */
  onEnd(): void;
}

/**
 * Deliveries waiting for one subscriber. Written by hand and not as an async generator, whose `return()` waits for the
 * next event of a quiet market. Full, it takes no more: what waits is still read, then the subscription ends with
 * SLOW_CONSUMER and the cursor of the last event handed over.
 */
export class DeliveryQueue<Body> implements AsyncIterableIterator<Delivered<Body>, undefined> {
  private waiting: Delivered<Body>[] = [];
  private readers: {
    done(result: IteratorResult<Delivered<Body>, undefined>): void;
    fail(error: GraphQLError): void;
  }[] = [];
  private cursor: string | null = null;
  private state: 'open' | 'full' | 'ended' = 'open';

  constructor(private readonly options: QueueOptions) {
    metrics.subscribers.inc({ field: options.field });
  }

  /** False where there is no room: the subscription then ends by itself. */
  push(delivered: Delivered<Body>): boolean {
    if (this.state !== 'open') return false;
    const reader = this.readers.shift();
    if (reader) {
      reader.done({ value: this.handOver(delivered), done: false });
    } else if (this.waiting.length >= this.options.max) {
      metrics.slowConsumers.inc({ field: this.options.field });
      this.state = 'full';
      this.leave();
      return false;
    } else {
      this.waiting.push(delivered);
    }
    return true;
  }

  next(): Promise<IteratorResult<Delivered<Body>, undefined>> {
    const delivered = this.waiting.shift();
    if (delivered) return Promise.resolve({ value: this.handOver(delivered), done: false });
    if (this.state === 'full') {
      this.state = 'ended';
      return Promise.reject(
        clientError('SLOW_CONSUMER', `more than ${this.options.max} events were waiting for this subscriber`, {
          cursor: this.cursor,
          limit: 'MAX_SUBSCRIBER_QUEUE',
          max: this.options.max,
        }),
      );
    }
    if (this.state === 'ended') return Promise.resolve({ value: undefined, done: true });
    return new Promise((done, fail) => this.readers.push({ done, fail }));
  }

  return(): Promise<IteratorResult<Delivered<Body>, undefined>> {
    const wasOpen = this.state === 'open';
    this.state = 'ended';
    this.waiting = [];
    for (const reader of this.readers.splice(0)) reader.done({ value: undefined, done: true });
    if (wasOpen) this.leave();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(error: unknown): Promise<IteratorResult<Delivered<Body>, undefined>> {
    void this.return();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private handOver(delivered: Delivered<Body>): Delivered<Body> {
    const { field, channel } = this.options;
    if ('fault' in delivered) return delivered;
    this.cursor = delivered.cursor;
    metrics.deliveries.inc({ field });
    if (delivered.eventTime !== null) {
      metrics.endToEnd.observe({ channel }, Math.max(0, Date.now() - delivered.eventTime) / 1000);
    }
    return delivered;
  }

  private leave(): void {
    metrics.subscribers.dec({ field: this.options.field });
    this.options.onEnd();
  }
}

/** The event of a delivery. Throws the fault that is told in place of one. */
export function eventOf<Body>(delivered: Delivered<Body>): Delivery<Body> {
  if ('fault' in delivered) throw delivered.fault;
  return delivered;
}
