/** Arguments that several fields have in common. Their values are checked in resolvers/checks.ts. */
import { ArgsType, Field, InputType, Int } from 'type-graphql';
import type { SlowConsumerPolicy as Policy } from '../channels.ts';
import type { Cursor as CursorValue } from '../cursor.ts';
import type { Exchange as ExchangeName, Interval as IntervalName } from '../market.ts';
import { Cursor, DateTime } from '../scalars.ts';
import { Exchange, Interval, SlowConsumerPolicy, SortDirection } from './enums.ts';

const THROTTLE =
  'Least time between two events in ms, 0 to 60,000; 0 for every event. It is rounded up to 50, 100, 250, 500, 1,000, 2,000, 5,000, 10,000, 30,000 or 60,000. What happens in between is merged and counted in `gap` with the reason THROTTLED; the newest is always told.';

@ArgsType()
export class MarketArgs {
  @Field(() => Exchange, { description: 'Where the market is traded.' })
  exchange!: ExchangeName;

  @Field(() => String, { description: 'Canonical symbol BASE-QUOTE, e.g. BTC-USDT.' })
  symbol!: string;
}

@ArgsType()
export class MarketFilterArgs {
  @Field(() => Exchange, { nullable: true, description: 'Only markets of this exchange.' })
  exchange?: ExchangeName | null;

  @Field(() => String, { nullable: true, description: 'Only markets of this base asset, e.g. BTC.' })
  base?: string | null;

  @Field(() => String, { nullable: true, description: 'Only markets of this quote asset, e.g. USDT.' })
  quote?: string | null;
}

@ArgsType()
export class MarketPageArgs {
  @Field(() => Int, { defaultValue: 100, description: 'Page size, 1 to 1,000.' })
  first!: number;

  @Field(() => String, { nullable: true, description: 'Page position: `endCursor` of the page before.' })
  after?: string | null;
}

@ArgsType()
export class IntervalArgs {
  @Field(() => Interval, { defaultValue: 'M1', description: 'Length of the candles.' })
  interval!: IntervalName;
}

@ArgsType()
export class RangeArgs {
  @Field(() => DateTime, { nullable: true, description: 'Earliest time, inclusive.' })
  from?: number | null;

  @Field(() => DateTime, { nullable: true, description: 'Latest time, exclusive.' })
  to?: number | null;
}

@ArgsType()
export class KlinePageArgs extends RangeArgs {
  @Field(() => SortDirection, { defaultValue: 'DESC', description: 'Order by opening time.' })
  order!: 'ASC' | 'DESC';

  @Field(() => Int, { defaultValue: 500, description: 'Page size, 1 to 5,000.' })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Page position: `endCursor` of the page before, of the same market, interval and order.',
  })
  after?: string | null;
}

@ArgsType()
export class TradePageArgs extends RangeArgs {
  @Field(() => Int, { defaultValue: 50, description: 'Page size, 1 to 1,000.' })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Page position: `endCursor` of the page before, of the same market.',
  })
  after?: string | null;
}

@ArgsType()
export class DepthArgs {
  @Field(() => Int, { defaultValue: 20, description: 'Levels of each side, 1 to 500.' })
  depth!: number;
}

@ArgsType()
export class ResumeArgs {
  @Field(() => Cursor, {
    nullable: true,
    description: 'Cursor of the last event seen: the subscription goes on after it, see `StreamStart`.',
  })
  after?: CursorValue | null;
}

@ArgsType()
export class StateStreamArgs extends ResumeArgs {
  @Field(() => Int, {
    defaultValue: 0,
    description: THROTTLE,
  })
  throttleMs!: number;

  @Field(() => SlowConsumerPolicy, {
    defaultValue: 'CONFLATE',
    description: 'What happens when events arrive faster than they are read.',
  })
  onSlow!: Policy;
}

@InputType('MarketInput', { description: 'A market.' })
export class MarketInput {
  @Field(() => Exchange, { description: 'Where the market is traded.' })
  exchange!: ExchangeName;

  @Field(() => String, { description: 'Canonical symbol BASE-QUOTE, e.g. BTC-USDT.' })
  symbol!: string;
}

@ArgsType()
export class MarketsStreamArgs {
  @Field(() => [MarketInput], { description: 'The markets, 1 to 500; each counts once.' })
  markets!: MarketInput[];

  @Field(() => Int, { defaultValue: 250, description: `Of one market. ${THROTTLE}` })
  throttleMs!: number;

  @Field(() => SlowConsumerPolicy, {
    defaultValue: 'CONFLATE',
    description: 'What happens when events arrive faster than they are read.',
  })
  onSlow!: Policy;
}

@ArgsType()
export class EventStreamArgs extends ResumeArgs {
  @Field(() => SlowConsumerPolicy, {
    defaultValue: 'DROP_WITH_GAP',
    description: 'What happens when events arrive faster than they are read.',
  })
  onSlow!: Policy;
}
