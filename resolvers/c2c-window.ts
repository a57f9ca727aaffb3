/** Merchant orders minute by minute, from gold.c2c_window. */
import { Args, Authorized, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { C2cWindow } from '../schema/gold/c2c-window.ts';
import { C2cWindowArgs } from '../schema/graphql/cdc.ts';
import { DateTime } from '../schema/scalars.ts';
import { READER } from './authority.ts';
import { required } from './availability.ts';
import { checkFiat, checkRange, MAX_PAGE } from './checks.ts';
import type { Context } from './context.ts';

const MINUTE = 60_000;

@Resolver(() => C2cWindow)
export class C2cWindowResolver {
  @Authorized(READER)
  @Query(() => [C2cWindow], {
    description: 'Orders created and completed by minute, newest minute first, at most 1,000 rows.',
  })
  c2cWindows(@Args(() => C2cWindowArgs) args: C2cWindowArgs, @Ctx() { platform }: Context): Promise<C2cWindow[]> {
    const { from = null, to = null, fiat = null } = args;
    checkRange(args);
    checkFiat('fiat', fiat);
    const at = (time: number | null): Date | null => (time === null ? null : new Date(time));
    return required(
      platform.postgres.query<C2cWindow>(
        `SELECT start, fiat, trade_type AS "tradeType", orders, total_price AS "totalPrice", completed,
           completed_total_price AS "completedTotalPrice", revision
         FROM gold.c2c_window
         WHERE ($1::timestamptz IS NULL OR start >= $1) AND ($2::timestamptz IS NULL OR start < $2)
           AND ($3::text IS NULL OR fiat = $3)
         ORDER BY start DESC, fiat, trade_type LIMIT ${MAX_PAGE}`,
        [at(from), at(to), fiat],
      ),
    );
  }

  @FieldResolver(() => DateTime, { description: 'End of the minute, exclusive.' })
  end(@Root() { start }: C2cWindow): number {
    return new Date(start).getTime() + MINUTE;
  }
}
