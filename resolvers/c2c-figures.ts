/** Figures of merchant orders: volume by day, and what was earned. */
import { Args, Authorized, Ctx, Query, Resolver } from 'type-graphql';
import { C2cDailyVolume } from '../schema/gold/c2c-daily-volume.ts';
import { C2cSummary, C2cSummaryArgs, C2cVolumeArgs } from '../schema/graphql/c2c.ts';
import { READER } from './authority.ts';
import { c2cSummaryOf, c2cVolume } from './c2c-figures-store.ts';
import { checkAsset, checkFiat, checkRange, MAX_PAGE } from './checks.ts';
import type { Context } from './context.ts';

@Resolver()
export class C2cFiguresResolver {
  @Authorized(READER)
  @Query(() => [C2cDailyVolume], {
    description:
      'Orders by day, asset, currency and side, newest day first, at most 1,000 rows: of the days that the range touches.',
  })
  c2cDailyVolume(
    @Args(() => C2cVolumeArgs) args: C2cVolumeArgs,
    @Ctx() { platform }: Context,
  ): Promise<C2cDailyVolume[]> {
    const { from = null, to = null, asset = null, fiat = null, tradeType = null } = args;
    checkRange(args);
    checkAsset('asset', asset);
    checkFiat('fiat', fiat);
    return c2cVolume(platform, { from, to, asset, fiat, tradeType }, MAX_PAGE);
  }

  @Authorized(READER)
  @Query(() => C2cSummary, {
    description:
      'What an asset was bought and sold for in a currency, and what the sales earned, over the days that the range touches; without `from` since the first order, without `to` up to today.',
  })
  c2cSummary(@Args(() => C2cSummaryArgs) args: C2cSummaryArgs, @Ctx() { platform }: Context): Promise<C2cSummary> {
    const { from = null, to = null, asset, fiat } = args;
    checkRange(args);
    checkAsset('asset', asset);
    checkFiat('fiat', fiat);
    return c2cSummaryOf(platform, { from, to, asset, fiat });
  }
}
