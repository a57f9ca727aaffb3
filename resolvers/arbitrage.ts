/** Spreads between two exchanges: now, in history, and as they change. */
import { Arg, Args, Authorized, Ctx, Int, Query, Resolver, Subscription } from 'type-graphql';
import type { ArbitrageEvent } from '../schema/arbitrage.ts';
import { arbitrageId } from '../schema/arbitrage.ts';
import { ARBITRAGE_STREAM } from '../schema/channels.ts';
import { compareDecimals, decimal } from '../schema/decimal.ts';
import { badInput } from '../schema/errors.ts';
import {
  ArbitrageBucket,
  ArbitrageSpread,
  ArbitrageSpreadStreamEvent,
  SpreadFilterArgs,
  SpreadHistoryArgs,
} from '../schema/graphql/arbitrage.ts';
import { StateStreamArgs } from '../schema/graphql/arguments.ts';
import type { FilterKeys, Wanted } from '../src/stream/filter.ts';
import { type LiveSource, liveSource } from '../src/stream/source.ts';
import { NoState, nextEvents } from '../src/stream/view.ts';
import { newestSpreads, spreadHistory, spreadOf } from './arbitrage-store.ts';
import { READER } from './authority.ts';
import { required } from './availability.ts';
import { checkAsset, checkFirst, checkRange, checkThrottle, MAX_PAGE } from './checks.ts';
import type { Context } from './context.ts';
import { followed } from './live.ts';

type Said = Pick<ArbitrageEvent, 'netPercent' | 'notExecutable'>;

/** What of a spread can be asked for. */
interface Asked {
  base: string | null;
  notional: string | null;
  minNetPercent: string | null;
  executableOnly: boolean;
}

function askedOf({ base, notional, minNetPercent, executableOnly }: SpreadFilterArgs): Asked {
  checkAsset('base', base);
  return {
    base: base ?? null,
    notional: notional == null ? null : decimal(notional),
    minNetPercent: minNetPercent == null ? null : decimal(minNetPercent),
    executableOnly,
  };
}

function isAsked({ minNetPercent, executableOnly }: Asked, { netPercent, notExecutable }: Said): boolean {
  if (executableOnly && notExecutable.length > 0) return false;
  return minNetPercent === null || compareDecimals(netPercent, minNetPercent) >= 0;
}

/** Before and after the event: who wanted what it was hears that it no longer is. */
function saidBy(event: ArbitrageEvent, executableOnly: boolean): Said[] {
  const said: Said[] = event.previous ? [event, event.previous] : [event];
  return executableOnly ? said.filter(({ notExecutable }) => notExecutable.length === 0) : said;
}

function keys(executableOnly: boolean): FilterKeys<ArbitrageEvent> {
  return {
    equal: {
      base: ({ base }) => base,
      notional: ({ notional }) => notional,
      // one that neither was nor is to be had concerns nobody here
      concerns: (event) => (saidBy(event, executableOnly).length > 0 ? 'yes' : null),
    },
    figure(event) {
      const nets = saidBy(event, executableOnly).map(({ netPercent }) => netPercent);
      return nets.reduce<string | null>((a, b) => (a === null || compareDecimals(b, a) > 0 ? b : a), null);
    },
  };
}

const KEYS = { all: keys(false), executable: keys(true) } as const;

function wantedOf({ base, notional, minNetPercent, executableOnly }: Asked): Wanted {
  const equal = {
    ...(base === null ? {} : { base }),
    ...(notional === null ? {} : { notional }),
    ...(executableOnly ? { concerns: 'yes' } : {}),
  };
  return { equal, atLeast: minNetPercent };
}

@Resolver()
export class ArbitrageResolver {
  @Authorized(READER)
  @Query(() => [ArbitrageSpread], {
    description: 'The newest spreads, greatest net first. One that nobody works out any more is told as STALE_LEG.',
  })
  async arbitrageSpreads(
    @Args(() => SpreadFilterArgs) filter: SpreadFilterArgs,
    @Arg('first', () => Int, { defaultValue: 50, description: 'Spreads at the most, 1 to 1,000.' }) first: number,
    @Ctx() { platform }: Context,
  ): Promise<ArbitrageSpread[]> {
    const asked = askedOf(filter);
    checkFirst(first, MAX_PAGE);
    const { live, postgres } = platform;
    const bases =
      asked.base === null
        ? (await required(postgres.query<{ base: string }>('SELECT DISTINCT base FROM gold.market'))).map((r) => r.base)
        : [asked.base];
    const spreads = await newestSpreads(live, bases, Date.now());
    const ofSize = asked.notional === null ? spreads : spreads.filter((s) => s.notional === asked.notional);
    return ofSize
      .filter((spread) => isAsked(asked, { ...spread, notExecutable: [...spread.notExecutable] }))
      .slice(0, first);
  }

  @Authorized(READER)
  @Query(() => [ArbitrageBucket], {
    description: 'Averages of spreads, newest first, then by size, exchange and symbol.',
  })
  async arbitrageHistory(
    @Args(() => SpreadHistoryArgs) args: SpreadHistoryArgs,
    @Ctx() { platform }: Context,
  ): Promise<ArbitrageBucket[]> {
    const { base, notional = null, buy = null, sell = null, interval, from = null, to = null, first } = args;
    checkAsset('base', base);
    checkFirst(first, MAX_PAGE);
    checkRange(args);
    if (buy !== null && buy === sell) throw badInput('sell', 'must be another exchange than `buy`');
    return spreadHistory(platform.postgres, { base, notional, buy, sell, interval, from, to, first });
  }

  @Authorized(READER)
  @Subscription(() => ArbitrageSpreadStreamEvent, {
    description:
      'Spreads as they change, at most every 100 ms each. A filter is looked up, not tried: what it leaves out costs nothing.',
    subscribe: followed,
  })
  arbitrageSpreadUpdated(
    @Args(() => SpreadFilterArgs) filter: SpreadFilterArgs,
    @Args(() => StateStreamArgs) { after = null, throttleMs, onSlow }: StateStreamArgs,
  ): LiveSource {
    const asked = askedOf(filter);
    checkThrottle(throttleMs);
    const { executableOnly } = asked;
    return liveSource(
      {
        field: 'arbitrageSpreadUpdated',
        channel: 'arbitrage',
        id: ARBITRAGE_STREAM,
        latestKey: null,
        view: executableOnly ? 'executable' : 'all',
        filter: { keys: executableOnly ? KEYS.executable : KEYS.all, wanted: wantedOf(asked) },
        createModel: () => new NoState<ArbitrageEvent>(),
        createView: nextEvents<ArbitrageEvent>,
        contentOf: (event: ArbitrageEvent) => ({ matches: isAsked(asked, event), spread: spreadOf(event) }),
        mergeKey: arbitrageId,
      },
      after,
      onSlow,
      throttleMs,
    );
  }
}
