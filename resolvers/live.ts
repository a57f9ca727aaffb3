/** How a subscription field is joined to the live core: it names its question, the core does the rest. */
import type { SubscriptionOptions } from 'type-graphql';
import type { MarketRef } from '../schema/market.ts';
import type { Model, Question } from '../src/stream/view.ts';
import { unavailable } from './availability.ts';
import { checkSymbol } from './checks.ts';
import type { Context } from './context.ts';

/**
 * The `subscribe` option of a field about one market. `questionOf` checks the other arguments and says what is followed.
 * The field's method gets each delivery as its root and makes the GraphQL event of it.
 */
export function live<Args extends MarketRef, P extends { eventTime: number }, M extends Model<P>, Body>(
  questionOf: (args: Args) => Question<P, M, Body>,
): Pick<SubscriptionOptions, 'subscribe'> & { subscribe: NonNullable<SubscriptionOptions['subscribe']> } {
  return {
    async subscribe({ args, context }: { args: unknown; context: Context }) {
      const given = args as Args;
      checkSymbol(given.symbol);
      try {
        return await context.hub.subscribe(questionOf(given));
      } catch (error) {
        throw unavailable(error);
      }
    },
  };
}
