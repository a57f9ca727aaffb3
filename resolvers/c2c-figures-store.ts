/** Figures of merchant orders from gold.c2c_daily_volume and gold.c2c_summary. */
import { Exact } from '../schema/decimal.ts';
import type { C2cDailyVolume } from '../schema/gold/c2c-daily-volume.ts';
import type { C2cSummary } from '../schema/graphql/c2c.ts';
import type { Platform } from '../src/platform/platform.ts';
import { required } from './availability.ts';

export interface VolumeKey {
  /** Epoch ms; null for an open end. */
  from: number | null;
  to: number | null;
  asset: string | null;
  fiat: string | null;
  tradeType: string | null;
}

export interface SummaryKey {
  from: number | null;
  to: number | null;
  asset: string;
  fiat: string;
}

type Stores = Pick<Platform, 'postgres' | 'config'>;

/** Far ends of a range: the days before and after them are still in the years 1 to 9999, in every time zone. */
const FIRST = Date.parse('0001-01-03T00:00:00Z');
const LAST = Date.parse('9999-12-29T00:00:00Z');

function at(time: number | null): Date | null {
  return time === null ? null : new Date(Math.min(Math.max(time, FIRST), LAST));
}

/** SQL of the first instant of the day that holds `time`, and of the first one of a day at or after it. */
const dayOf = (time: string): string => `date_trunc('day', ${time}::timestamptz, $3)`;
const nextDay = (time: string): string =>
  `CASE WHEN ${dayOf(time)} = ${time}::timestamptz THEN ${time}::timestamptz
     ELSE (((${time}::timestamptz AT TIME ZONE $3)::date + 1)::timestamp AT TIME ZONE $3) END`;

// a day is text here: as a Date it would be midnight somewhere
const VOLUME = `SELECT day::text AS day, asset, fiat, trade_type AS "tradeType", orders, completed, cancelled, amount,
    total_price AS "totalPrice", average_unit_price AS "averageUnitPrice", commission, counterparties,
    completion_percent AS "completionPercent"
  FROM gold.c2c_daily_volume v
  WHERE day >= coalesce(($1::timestamptz AT TIME ZONE $3)::date, '-infinity')
    AND day < coalesce(((${nextDay('$2')}) AT TIME ZONE $3)::date, 'infinity')
    AND ($4::text IS NULL OR asset = $4) AND ($5::text IS NULL OR fiat = $5) AND ($6::text IS NULL OR trade_type = $6)
  ORDER BY v.day DESC, asset, fiat, trade_type LIMIT $7`;

/** Days that the range touches, newest first, at most `limit` rows. */
export function c2cVolume({ postgres, config }: Stores, key: VolumeKey, limit: number): Promise<C2cDailyVolume[]> {
  const { from, to, asset, fiat, tradeType } = key;
  return required(
    postgres.query<C2cDailyVolume>(VOLUME, [at(from), at(to), config.C2C_TIME_ZONE, asset, fiat, tradeType, limit]),
  );
}

type Sums = Omit<C2cSummary, 'averageBuyPrice' | 'averageSellPrice' | 'spreadPercent' | 'asset' | 'fiat'>;

const total = (column: string): string => `coalesce(sum(${column}), 0)::text`;
// an open end is the first day known, or the end of this one
const SUMMARY = `WITH bounds AS (
    SELECT ${dayOf(`coalesce($1, ((SELECT min(day) FROM gold.c2c_summary WHERE asset = $4 AND fiat = $5)::timestamp
        AT TIME ZONE $3), least($2, now()))`)} AS lower, ${nextDay('coalesce($2, greatest($1, now()))')} AS upper
  ), ends AS (SELECT lower, greatest(lower, upper) AS upper FROM bounds)
  SELECT ends.lower AS "from", ends.upper AS "to", s.*
  FROM ends CROSS JOIN LATERAL (
    SELECT ${total('buy_amount')} AS "buyAmount", ${total('buy_total')} AS "buyTotal",
      ${total('sell_amount')} AS "sellAmount", ${total('sell_total')} AS "sellTotal",
      ${total('commission')} AS commission, ${total('realised_margin')} AS "realisedMargin",
      coalesce(sum(orders), 0)::int AS orders
    FROM gold.c2c_summary WHERE asset = $4 AND fiat = $5
      AND day >= (ends.lower AT TIME ZONE $3)::date AND day < (ends.upper AT TIME ZONE $3)::date
  ) s`;

/** Decimal places of averages and percents. */
const PLACES = 8;

function price(sum: string, amount: string): string | null {
  if (new Exact(amount).isZero()) return null;
  return new Exact(sum).div(amount).toDecimalPlaces(PLACES, Exact.ROUND_HALF_UP).toFixed();
}

function spread({ buyAmount, buyTotal, sellAmount, sellTotal }: Sums): string | null {
  const bought = new Exact(buyTotal).times(sellAmount);
  if (bought.isZero()) return null;
  const more = new Exact(sellTotal).times(buyAmount).minus(bought).times(100);
  return more.div(bought).toDecimalPlaces(PLACES, Exact.ROUND_HALF_UP).toFixed();
}

/** The days that the range touches, added up. */
export async function c2cSummaryOf({ postgres, config }: Stores, key: SummaryKey): Promise<C2cSummary> {
  const { from, to, asset, fiat } = key;
  const params = [at(from), at(to), config.C2C_TIME_ZONE, asset, fiat];
  const [sums] = await required(postgres.query<Sums>(SUMMARY, params));
  if (!sums) throw new Error('no sums');
  return {
    ...{ ...sums, asset, fiat },
    averageBuyPrice: price(sums.buyTotal, sums.buyAmount),
    averageSellPrice: price(sums.sellTotal, sums.sellAmount),
    spreadPercent: spread(sums),
  };
}
