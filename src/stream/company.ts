/** What a subscriber is made of, and what the subscribers of one cohort share: idle ones are many. */
import type { SlowConsumerPolicy } from '../../schema/channels.ts';
import { clientError } from '../../schema/errors.ts';
import type { Outlet } from '../platform/graphql/outlet.ts';
import type { StreamPosition } from '../platform/live/store.ts';
import type { Delivery, Told } from './delivery.ts';
import type { Merging } from './waiting.ts';

/** What the subscribers of a cohort have in common; it knows them as `Member`. */
export interface Company<Body, Member = unknown> extends Merging<Body> {
  /** The subscription's name, for the metrics. */
  readonly field: string;
  /** Events that may wait for one of them. */
  readonly max: number;
  /** The encoded result of an event. */
  payloadOf(told: Told<Body>): string;
  /** The event that was told last to everybody who takes events straight through. */
  newest(): Delivery<Body> | null;
  /** Called once when one wants no more. */
  left(subscriber: Member): void;
}

export interface SubscriberOptions<Body> {
  /** The client's name for the operation. */
  id: string;
  outlet: Outlet;
  policy: SlowConsumerPolicy;
  /** Where it goes on if it is cut off before it was told anything; null where only a new beginning will do. */
  began?: StreamPosition | null;
  company: Company<Body>;
}

/** What the iterator of one that has ended well yields. */
export const END = { value: undefined, done: true } as const;

/** Who waits for the end. */
export interface Ender {
  done(end: typeof END): void;
  fail(error: Error): void;
}

/** What a subscription ends in where too many events wait; `cursor` is where its client goes on. */
export function slowConsumer(max: number, cursor: string | null): Error {
  const extensions = { cursor, limit: 'MAX_SUBSCRIBER_QUEUE', max };
  return clientError('SLOW_CONSUMER', `more than ${max} events were waiting for this subscriber`, extensions);
}
