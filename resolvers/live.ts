/** How a subscription field is joined to the live core: its method says what is followed, the core does the rest. */
import type { GraphQLSchema } from 'graphql';
import type { SlowConsumerPolicy } from '../schema/channels.ts';
import type { Cursor } from '../schema/cursor.ts';
import { resolveEvent } from '../src/stream/cohort.ts';
import { type LiveSource, liveSource } from '../src/stream/source.ts';
import type { Model, Question } from '../src/stream/view.ts';
import { checkSymbol, checkThrottle } from './checks.ts';

interface StreamArgs {
  after?: Cursor | null;
  throttleMs?: number;
  onSlow: SlowConsumerPolicy;
}

/** A subscription to a question about one market. Throws BAD_USER_INPUT. */
export function live<P extends { eventTime: number }, M extends Model<P>, Body>(
  { symbol }: { symbol: string },
  { after = null, throttleMs = 0, onSlow }: StreamArgs,
  question: Question<P, M, Body>,
): LiveSource {
  checkSymbol(symbol);
  checkThrottle(throttleMs);
  return liveSource(question, after, onSlow, throttleMs);
}

/** The `subscribe` option of every subscription field; `joinLiveCore` puts the field's method in its place. */
export function followed(): never {
  throw new Error('this field is not joined to the live core');
}

/** Makes the methods of subscription fields what begins them; an event needs no resolver of its own. */
export function joinLiveCore(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) {
    field.subscribe = field.resolve;
    field.resolve = resolveEvent;
  }
}
