/** The enums of the API, one object each: name → name, every value described. */
import { registerEnumType } from 'type-graphql';
import type { NotExecutableReason as NotExecutable } from '../arbitrage.ts';
import type { SlowConsumerPolicy as Policy, GapReason as Reason, StreamStart as Start } from '../channels.ts';
import type * as market from '../market.ts';
import type { RankingMetric as Metric } from '../ranking.ts';

type Descriptions<T extends string> = Record<T, string>;

/** Registers an enum with the descriptions of its values; a value without one does not compile. */
export function describedEnum<T extends string>(
  name: string,
  description: string,
  values: Descriptions<T>,
): { [V in T]: V } {
  const names = Object.fromEntries(Object.keys(values).map((value) => [value, value])) as { [V in T]: V };
  const valuesConfig = Object.fromEntries(
    Object.entries<string>(values).map(([value, text]) => [value, { description: text }]),
  ) as { [V in T]: { description: string } };
  registerEnumType(names, { name, description, valuesConfig });
  return names;
}

export const Exchange = describedEnum<market.Exchange>('Exchange', 'Where a market is traded.', {
  BINANCE: 'Binance, spot.',
  UPBIT: 'Upbit.',
  BITHUMB: 'Bithumb.',
  KUCOIN: 'KuCoin, spot.',
});

export const Interval = describedEnum<market.Interval>(
  'Interval',
  'Length of a candle. Candles are aligned to the UTC day.',
  { M1: 'One minute.', M5: 'Five minutes.', H1: 'One hour.', H4: 'Four hours.', D1: 'One day, UTC.' },
);

export const Side = describedEnum<market.Side>('Side', 'Direction of a trade or an order.', {
  BUY: 'Buys the base asset.',
  SELL: 'Sells the base asset.',
});

export const MarketStatus = describedEnum<market.MarketStatus>('MarketStatus', 'What the exchange says of a market.', {
  TRADING: 'Orders are matched.',
  HALTED: 'Trading is interrupted.',
  DELISTED: 'No longer traded.',
  UNKNOWN: 'The exchange says something that this version does not know, or nothing.',
});

export const BookIntegrity = describedEnum<market.BookIntegrity>(
  'BookIntegrity',
  'How an order book is known to be whole.',
  {
    SEQUENCED: "Every change carries the exchange's sequence; none is missing.",
    CHECKSUMMED: "The exchange's own checksum was met.",
    SNAPSHOT_ONLY: 'The exchange sends whole books only; what happened between two is not known.',
  },
);

export const SortDirection = describedEnum<'ASC' | 'DESC'>('SortDirection', 'Order of a list.', {
  ASC: 'Smallest or oldest first.',
  DESC: 'Greatest or newest first.',
});

export const RankingMetric = describedEnum<Metric>('RankingMetric', 'What markets are ranked by, over 24 hours.', {
  CHANGE_PERCENT: 'Change of the price in percent.',
  QUOTE_VOLUME:
    "What was traded, in USDT. KRW is converted at the venue's own price of USDT, else another venue's; any other quote asset at its price in USDT. A market whose quote asset has no known price is left out.",
  VOLATILITY:
    'Realised volatility: the root of the sum of the squared logarithmic returns from minute to minute, over the minutes that are known, e.g. 0.031 for 3.1 %. A market with fewer than two is left out.',
  MARKET_CAP:
    'Price in USDT times circulating supply. A market whose base is not in the supply table of the settings is left out; without a table, all are.',
});

export const SlowConsumerPolicy = describedEnum<Policy>(
  'SlowConsumerPolicy',
  'What happens when a subscriber reads slower than events arrive. Nothing is ever dropped without `gap` saying so.',
  {
    CONFLATE:
      'Events about the same thing are merged, the newest wins; `gap` counts those it stands for. Closed candles and trades are never merged: where nothing else is left to give way, it is as DISCONNECT.',
    DROP_WITH_GAP:
      'The oldest waiting events are dropped and counted in `gap`. A change of an order book takes in the ones dropped before it.',
    DISCONNECT: 'The subscription ends with the error SLOW_CONSUMER and the cursor to go on from.',
  },
);

export const StreamStart = describedEnum<Start>('StreamStart', 'How a subscription came to its first event.', {
  LIVE: 'Joined at now.',
  RESUMED: 'Everything since `after` was replayed.',
  RESET: 'What came before is lost or too old to replay; the event is a fresh snapshot.',
});

export const GapReason = describedEnum<Reason>('GapReason', 'Why events are missing before this one.', {
  SLOW: 'Dropped by the policy for slow consumers.',
  THROTTLED: "Merged at the caller's own throttleMs.",
  FEED_GAP: 'Lost before they reached us.',
  RETENTION: 'Too old to replay.',
});

export const NotExecutableReason = describedEnum<NotExecutable>(
  'NotExecutableReason',
  'Why a spread could not be traded now.',
  {
    STALE_LEG: 'A book has not been heard of for ARBITRAGE_LEG_MAX_AGE_MS, or nobody works the spread out any more.',
    THIN_BOOK: 'A book ends before the size is reached.',
    FEED_GAP: 'Changes of a book are missing, and a whole one has not come yet.',
    STALE_FX: 'The rate of KRW per USDT has not been heard of for ARBITRAGE_FX_MAX_AGE_MS.',
  },
);
