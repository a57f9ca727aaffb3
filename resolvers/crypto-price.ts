/** Prices by the minute from gold.crypto_price. */
import { Arg, Args, Authorized, Ctx, Int, Query, Resolver } from 'type-graphql';
import { CryptoPrice } from '../schema/gold/crypto-price.ts';
import { RangeArgs } from '../schema/graphql/arguments.ts';
import { READER } from './authority.ts';
import { required } from './availability.ts';
import { checkAsset, checkFirst, checkRange, MAX_PAGE } from './checks.ts';
import type { Context } from './context.ts';

@Resolver()
export class CryptoPriceResolver {
  @Authorized(READER)
  @Query(() => [CryptoPrice], {
    description:
      "An asset's price in every market at the end of every minute, newest minute first, then by exchange and symbol.",
  })
  async cryptoPrices(
    @Arg('base', () => String, { description: 'The asset, e.g. BTC.' }) base: string,
    @Args(() => RangeArgs) range: RangeArgs,
    @Arg('first', () => Int, { defaultValue: 500, description: 'Rows at the most, 1 to 1,000.' }) first: number,
    @Ctx() { platform }: Context,
  ): Promise<CryptoPrice[]> {
    checkAsset('base', base);
    checkFirst(first, MAX_PAGE);
    checkRange(range);
    const params: unknown[] = [base, first];
    // bounds are constants of the statement, so that the planner leaves out partitions
    const bound = (operator: string, time: number | null | undefined): string =>
      time == null ? '' : ` AND minute ${operator} $${params.push(new Date(time))}`;
    const bounds = bound('>=', range.from) + bound('<', range.to);
    return required(
      platform.postgres.query<CryptoPrice>(
        `SELECT base, minute, exchange, symbol, price, price_usdt AS "priceUsdt" FROM gold.crypto_price
         WHERE base = $1${bounds} ORDER BY minute DESC, exchange, symbol LIMIT $2`,
        params,
      ),
    );
  }
}
