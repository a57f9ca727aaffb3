/** How far the data can be trusted. */
import { Arg, Authorized, Ctx, Query, Resolver } from 'type-graphql';
import { DataQualityResult } from '../schema/graphql/quality.ts';
import { READER } from './authority.ts';
import { checkText } from './checks.ts';
import type { Context } from './context.ts';
import { dataQualityOf } from './data-quality-store.ts';

@Resolver()
export class DataQualityResolver {
  @Authorized(READER)
  @Query(() => [DataQualityResult], {
    description: 'What the checks of the data found: the newest result of each and those that failed, newest first.',
  })
  dataQuality(
    @Arg('dataset', () => String, { nullable: true, description: 'Only of this table, e.g. silver.kline_1m.' })
    dataset: string | null | undefined,
    @Ctx() { platform }: Context,
  ): Promise<DataQualityResult[]> {
    checkText('dataset', dataset);
    return dataQualityOf(platform.postgres, dataset ?? null);
  }
}
