/** Daily statistics from gold.ticker_daily. */
import { Args, ArgsType, Authorized, Ctx, Field, Query, Resolver } from 'type-graphql';
import { badInput } from '../schema/errors.ts';
import { TickerDaily } from '../schema/gold/ticker-daily.ts';
import { MarketArgs } from '../schema/graphql/arguments.ts';
import { CalendarDate } from '../schema/scalars.ts';
import { READER } from './authority.ts';
import { required } from './availability.ts';
import { checkSymbol, MAX_PAGE } from './checks.ts';
import type { Context } from './context.ts';

@ArgsType()
class DayRangeArgs {
  @Field(() => CalendarDate, { nullable: true, description: 'Earliest day, UTC, inclusive.' })
  from?: string | null;

  @Field(() => CalendarDate, { nullable: true, description: 'Latest day, UTC, exclusive.' })
  to?: string | null;
}

// a day is text here: as a Date it would be midnight somewhere
const QUERY = `SELECT exchange, symbol, day::text AS day, open, high, low, close, quote_volume AS "quoteVolume",
    change_percent AS "changePercent", volatility, trend, coverage, is_closed AS "isClosed"
  FROM gold.ticker_daily
  WHERE exchange = $1 AND symbol = $2 AND day >= coalesce($3::date, '-infinity') AND day < coalesce($4::date, 'infinity')
  ORDER BY gold.ticker_daily.day DESC LIMIT $5`;

@Resolver()
export class TickerDailyResolver {
  @Authorized(READER)
  @Query(() => [TickerDaily], {
    description:
      "A market's days with trend and volatility, newest first, at most 1,000. A row is made within minutes of the minutes that it is made of, and anew when one comes late.",
  })
  async tickerDaily(
    @Args(() => MarketArgs) { exchange, symbol }: MarketArgs,
    @Args(() => DayRangeArgs) { from = null, to = null }: DayRangeArgs,
    @Ctx() { platform }: Context,
  ): Promise<TickerDaily[]> {
    checkSymbol(symbol);
    // days are spelled so that text order is time order
    if (from !== null && to !== null && from > to) throw badInput('from', 'must not be later than `to`');
    return required(platform.postgres.query<TickerDaily>(QUERY, [exchange, symbol, from, to, MAX_PAGE]));
  }
}
