/** Rankings of markets: now, and as they change. */
import type { GraphQLResolveInfo } from 'graphql';
import { Args, Authorized, Ctx, Info, Query, Resolver, Subscription } from 'type-graphql';
import { CHANNELS, rankingStreamId } from '../schema/channels.ts';
import { clientError } from '../schema/errors.ts';
import type { Market } from '../schema/gold/market.ts';
import { ResumeArgs } from '../schema/graphql/arguments.ts';
import { RankingArgs, RankingEntry, RankingStreamEvent } from '../schema/graphql/ranking.ts';
import { rankingKey } from '../schema/live/keys.ts';
import type { MarketRef } from '../schema/market.ts';
import type { RankingEvent, RankingRow } from '../schema/ranking.ts';
import { type LiveSource, liveSource } from '../src/stream/source.ts';
import { NewestEvent, type View } from '../src/stream/view.ts';
import { READER } from './authority.ts';
import { checkAsset, checkFirst, MAX_PAGE } from './checks.ts';
import type { Context } from './context.ts';
import { followed } from './live.ts';
import { marketDirectory } from './market-directory.ts';
import { latestRanking, type RankingQuestion, rankedRows } from './ranking-store.ts';
import { waitingFields } from './waiting-fields.ts';

/** Entries of an event: there is one a second, and the last ones are kept for those who come back. */
const MAX_LIVE = 100;

function questionOf({ direction, exchange = null, quote = null, first }: RankingArgs, max: number): RankingQuestion {
  checkAsset('quote', quote);
  checkFirst(first, max);
  return { direction, exchange, quote, first };
}

const refOf = ([exchange, symbol]: RankingRow): MarketRef => ({ exchange, symbol });

/** The entries of rows in order, but for markets that are not known any more. */
function entriesOf(rows: readonly RankingRow[], markets: readonly (Market | null)[]): RankingEntry[] {
  return rows
    .flatMap((row, i) => (markets[i] ? [{ row, market: markets[i] }] : []))
    .map(({ row: [, , value, price, changePercent, quoteVolume, marketCap, time], market }, i) => ({
      ...{ rank: i + 1, market, value, price, changePercent, quoteVolume, marketCap, time },
    }));
}

/** The rows asked for out of every ranking. */
function shown(model: NewestEvent<RankingEvent>, question: RankingQuestion): View<RankingEvent, RankingRow[]> {
  const of = ({ rows }: RankingEvent): RankingRow[] => rankedRows(rows, question);
  return {
    snapshot: () => (model.newest === null ? null : { body: of(model.newest) }),
    next: of,
    replay: of,
    reset() {},
  };
}

@Resolver()
export class RankingResolver {
  @Authorized(READER)
  @Query(() => [RankingEntry], {
    description:
      'Markets in order of a metric over 24 hours. Left out are those that the metric is not known of, and those without figures for an hour.',
  })
  async ranking(
    @Args(() => RankingArgs) args: RankingArgs,
    @Ctx() { platform, loaders }: Context,
  ): Promise<RankingEntry[]> {
    const question = questionOf(args, MAX_PAGE);
    const ranking = await latestRanking(platform.live, args.by);
    const rows = rankedRows(ranking?.rows ?? [], question);
    return entriesOf(rows, await Promise.all(rows.map((row) => loaders.market.load(refOf(row)))));
  }

  @Authorized(READER)
  @Subscription(() => RankingStreamEvent, {
    description: 'A ranking now, then anew when figures have changed, at most once a second.',
    subscribe: followed,
  })
  async rankingUpdated(
    @Args(() => RankingArgs) args: RankingArgs,
    @Args(() => ResumeArgs) { after = null }: ResumeArgs,
    @Ctx() { platform }: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<LiveSource> {
    const question = questionOf(args, MAX_LIVE);
    const [waiting] = waitingFields(info);
    if (waiting) {
      const problem = `${waiting}: not available in an event; ask for it in a query`;
      throw clientError('NOT_SUPPORTED', problem, { argument: waiting });
    }
    const directory = await marketDirectory(platform.postgres).ready();
    return liveSource(
      {
        field: 'rankingUpdated',
        channel: 'ranking',
        id: rankingStreamId({ metric: args.by }),
        latestKey: rankingKey(args.by),
        view: JSON.stringify(question),
        createModel: () => new NewestEvent<RankingEvent>(),
        createView: (model: NewestEvent<RankingEvent>) => shown(model, question),
        contentOf: (rows: RankingRow[]) => ({
          entries: entriesOf(
            rows,
            rows.map((row) => directory.find(refOf(row))),
          ),
        }),
        // each is whole: the newest stands for those before it
        mergeKey: () => 'ranking',
      },
      after,
      CHANNELS.ranking.onSlow,
    );
  }
}
