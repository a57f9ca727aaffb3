/** Merchant orders: pages of them, and one by its number. */
import { Arg, Args, Authorized, Ctx, ID, Query, Resolver } from 'type-graphql';
import { maskCounterparty } from '../schema/c2c.ts';
import { badInput } from '../schema/errors.ts';
import { C2cOrder, C2cOrderConnection, type C2cOrderFilter, C2cOrderPageArgs } from '../schema/graphql/c2c.ts';
import { READER, seesNames } from './authority.ts';
import { type C2cOrderKey, type C2cOrderRow, c2cOrderQuestion, c2cOrderRows, countC2cOrders } from './c2c-store.ts';
import { checkAsset, checkFiat, checkFirst, checkRange, checkText, MAX_PAGE, timePosition } from './checks.ts';
import type { Context } from './context.ts';
import { cutPage } from './page.ts';

/** The order as the caller may see it. */
function shown(row: C2cOrderRow, { caller }: Context): C2cOrder {
  return seesNames(caller.role) ? row : { ...row, counterPartNickName: maskCounterparty(row.counterPartNickName) };
}

/** The filter in one spelling. Throws BAD_USER_INPUT. */
function c2cOrderKey(filter: C2cOrderFilter | null | undefined): C2cOrderKey {
  const {
    tradeType = null,
    asset = null,
    fiat = null,
    from = null,
    to = null,
    advertisementRole = null,
  } = filter ?? {};
  checkAsset('filter.asset', asset);
  checkFiat('filter.fiat', fiat);
  checkRange({ from, to }, 'filter.from');
  if (advertisementRole !== null && !/^[A-Z_]{1,20}$/.test(advertisementRole)) {
    throw badInput('filter.advertisementRole', 'must be a role in capitals, e.g. MAKER');
  }
  const status = filter?.status ? [...new Set(filter.status)].sort() : null;
  return { tradeType, asset, fiat, status, from, to, advertisementRole };
}

@Resolver()
export class C2cResolver {
  @Authorized(READER)
  @Query(() => C2cOrderConnection, {
    description:
      "The merchant's own C2C orders, newest first. Rows that arrive between two pages move none of the others.",
  })
  async c2cOrders(
    @Args(() => C2cOrderPageArgs) { filter, first, after }: C2cOrderPageArgs,
    @Ctx() context: Context,
  ): Promise<C2cOrderConnection> {
    checkFirst(first, MAX_PAGE);
    const key = c2cOrderKey(filter);
    const question = c2cOrderQuestion(key);
    const position = timePosition(question, after, 2);
    const place = position && { time: position.time, orderNumber: position.rest[0] ?? '' };
    const { postgres } = context.platform;
    const rows = await c2cOrderRows(postgres, key, place, first + 1);
    const page = cutPage(rows, first, question, (row) => [String(row.createTime.getTime()), row.orderNumber]);
    return {
      nodes: page.nodes.map((row) => shown(row, context)),
      pageInfo: page.pageInfo,
      totalCount: () => countC2cOrders(postgres, key),
    };
  }

  @Authorized(READER)
  @Query(() => C2cOrder, { nullable: true, description: 'One order; null where there is none of this number.' })
  async c2cOrder(
    @Arg('orderNumber', () => ID, { description: "The exchange's number of the order." }) orderNumber: string,
    @Ctx() context: Context,
  ): Promise<C2cOrder | null> {
    checkText('orderNumber', orderNumber);
    const row = await context.loaders.c2cOrder.load(orderNumber);
    return row && shown(row, context);
  }
}
