/** What a subscriber is made of, and what the subscribers of one cohort share: idle ones are many. */
import type { SlowConsumerPolicy } from '../../schema/channels.ts';
import type { Outlet } from '../platform/graphql/outlet.ts';
import type { Delivery, Told } from './delivery.ts';
import type { Subscriber } from './subscriber.ts';
import type { Merging } from './waiting.ts';

/** What the subscribers of a cohort have in common. */
export interface Company<Body> extends Merging<Body> {
  /** The subscription's name, for the metrics. */
  readonly field: string;
  /** Events that may wait for one of them. */
  readonly max: number;
  /** The encoded result of an event. */
  payloadOf(told: Told<Body>): string;
  /** The event that was told last to everybody who takes events straight through. */
  newest(): Delivery<Body> | null;
  /** Called once when one wants no more. */
  left(subscriber: Subscriber<Body>): void;
}

export interface SubscriberOptions<Body> {
  /** The client's name for the operation. */
  id: string;
  outlet: Outlet;
  policy: SlowConsumerPolicy;
  company: Company<Body>;
}
