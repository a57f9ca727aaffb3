/** Spreads: the newest ones from the live store, and their history from gold.arbitrage_average. */
import { type ArbitrageEvent, arbitrageId } from '../schema/arbitrage.ts';
import { compareDecimals } from '../schema/decimal.ts';
import type { ArbitrageBucket, ArbitrageLeg, ArbitrageSpread } from '../schema/graphql/arbitrage.ts';
import { arbitrageKey } from '../schema/live/keys.ts';
import { INTERVALS, type Interval } from '../schema/market.ts';
import type { LiveStore } from '../src/platform/live/store.ts';
import type { Sql } from '../src/platform/postgres/postgres.ts';
import { required } from './availability.ts';

/** Every spread is said again once a second: one that is not was left by its worker, and its legs are as old as that. */
const SAID_AGAIN_MS = 5_000;

type Leg = ArbitrageEvent['buy'];

function legOf({ levels, ...leg }: Leg, older: number): ArbitrageLeg {
  return {
    ...leg,
    levels: levels.map(([price, quantity]) => ({ price, quantity })),
    ageMs: leg.ageMs + older,
  };
}

/** A spread as the API shows it. `older`: ms since it was said. */
export function spreadOf(event: ArbitrageEvent, older = 0): ArbitrageSpread {
  const left = older > SAID_AGAIN_MS && !event.notExecutable.includes('STALE_LEG');
  const notExecutable = left ? (['STALE_LEG', ...event.notExecutable] as const) : event.notExecutable;
  return {
    id: arbitrageId(event),
    base: event.base,
    buy: legOf(event.buy, older),
    sell: legOf(event.sell, older),
    notional: event.notional,
    quantity: event.quantity,
    grossPercent: event.grossPercent,
    feePercent: event.feePercent,
    fxRate: event.fxRate,
    fxExchange: event.fxExchange,
    netPercent: event.netPercent,
    netProfit: event.netProfit,
    coinPremiumPercent: event.coinPremiumPercent,
    usdtPremiumPercent: event.usdtPremiumPercent,
    executable: notExecutable.length === 0,
    notExecutable,
    time: event.eventTime,
  };
}

/** The newest spreads of the bases, greatest net first. `now`: epoch ms. */
export async function newestSpreads(
  live: LiveStore,
  bases: readonly string[],
  now: number,
): Promise<ArbitrageSpread[]> {
  const all = await required(Promise.all(bases.map((base) => live.fields(arbitrageKey(base)))));
  return all
    .flatMap((fields) => Object.values(fields))
    .map((value) => JSON.parse(value) as ArbitrageEvent)
    .map((event) => spreadOf(event, Math.max(0, now - event.eventTime)))
    .sort((a, b) => compareDecimals(b.netPercent, a.netPercent) || (a.id < b.id ? -1 : 1));
}

export interface SpreadHistory {
  base: string;
  notional: string | null;
  buy: string | null;
  sell: string | null;
  interval: Interval;
  from: number | null;
  to: number | null;
  first: number;
}

/** Buckets of an interval, newest first; samples of all minutes in it count alike. */
export function spreadHistory(sql: Sql, history: SpreadHistory): Promise<ArbitrageBucket[]> {
  const { base, interval, first } = history;
  const params: unknown[] = [base, INTERVALS[interval] / 1_000, first];
  const where = (column: string, operator: string, value: unknown): string =>
    value === null ? '' : ` AND ${column} ${operator} $${params.push(value)}`;
  const at = (time: number | null): Date | null => (time === null ? null : new Date(time));
  const wanted =
    where('notional', '=', history.notional) +
    where('buy_exchange', '=', history.buy) +
    where('sell_exchange', '=', history.sell) +
    where('minute', '>=', at(history.from)) +
    where('minute', '<', at(history.to));
  // the deviation is of exact sums: sqrt(E[x²] − E[x]²), which can't be negative but for a rounding of the division
  return required(
    sql.query<ArbitrageBucket>(
      `SELECT base, notional, buy_exchange AS "buyExchange", buy_symbol AS "buySymbol", sell_exchange AS "sellExchange",
         sell_symbol AS "sellSymbol", open_time AS "openTime", $${params.push(interval)}::text AS interval,
         round(total / n, 8) AS "averageNetPercent", low AS "minNetPercent", high AS "maxNetPercent",
         round(sqrt(greatest(0, squares / n - (total / n) * (total / n))), 8) AS "stddevNetPercent", n::int AS samples
       FROM (
         SELECT base, notional, buy_exchange, buy_symbol, sell_exchange, sell_symbol,
           date_bin(make_interval(secs => $2), minute, timestamptz 'epoch') AS open_time,
           sum(samples) AS n, sum(sum) AS total, sum(sum_of_squares) AS squares, min(min) AS low, max(max) AS high
         FROM gold.arbitrage_average WHERE base = $1${wanted}
         GROUP BY 1, 2, 3, 4, 5, 6, 7
       ) buckets
       ORDER BY open_time DESC, notional, buy_exchange, buy_symbol, sell_exchange, sell_symbol LIMIT $3`,
      params,
    ),
  );
}
