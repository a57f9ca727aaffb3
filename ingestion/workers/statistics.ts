/**
 * gold.kline → gold.ticker_daily and gold.crypto_price, every minute, by one process of all. What is to do is read off the
 * tables each time, so that a stop, a failure or a late minute needs nothing but the next round.
 */
import { INTERVALS, type MarketRef, marketId, splitSymbol } from '../../schema/market.ts';
import type { Log } from '../../src/platform/log.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import type { Lease } from '../../src/platform/postgres/lease.ts';
import { fillCryptoPrice } from '../gold/crypto-price.ts';
import { type DueDay, type DueRange, dueDays, fillTickerDaily } from '../gold/ticker-daily.ts';
import type { Singleton } from './singleton.ts';

const DAY = INTERVALS.D1;
const MINUTE = INTERVALS.M1;
/** Market-days that are looked up at once. */
const DUE_AT_ONCE = 5_000;
/** Market-days of one statement, each of 1,440 minutes: of statistics, and of prices, which are a row a minute. */
const DAYS_AT_ONCE = 50;
const PRICE_DAYS_AT_ONCE = 10;
/** Markets that are looked through at once. */
const MARKETS_AT_ONCE = 250;
/** Minutes before now whose prices are written every round; older ones come with their day. */
const RECENT_MS = 15 * MINUTE;
/** Later rounds look this far back: beyond it no minute is fetched any more. */
const LOOK_BACK_MS = 35 * DAY;
/** Days that begin no longer ago than this are made anew every hour: a minute can be corrected with no effect on its day's candle. */
const ANYWAY_MS = 2 * DAY;
const HOUR_MS = 3_600_000;
/** The running day is made anew every round for up to so many markets, for more of them every so many rounds. */
const FEW_MARKETS = 200;
const RUNNING_DAY_ROUNDS = 5;

function* chunks<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}

/** The markets whose prices in USDT follow from those that changed, and these themselves. */
function withDependents(changed: readonly MarketRef[], all: readonly MarketRef[]): MarketRef[] {
  const assets = new Set(
    changed.flatMap(({ symbol }) => {
      const { base, quote } = splitSymbol(symbol);
      return base === 'USDT' ? [quote] : quote === 'USDT' ? [base] : [];
    }),
  );
  const ids = new Set(changed.map(marketId));
  return all.filter((m) => ids.has(marketId(m)) || assets.has(splitSymbol(m.symbol).quote));
}

/** Fills both tables once at `now` (epoch ms). `holds` is asked before every statement: false ends it. */
export async function fillStatistics(
  { postgres }: Pick<Platform, 'postgres'>,
  range: DueRange,
  now: number,
  holds: () => boolean,
): Promise<void> {
  const markets = await postgres.query<MarketRef>('SELECT exchange, symbol FROM gold.market ORDER BY exchange, symbol');

  async function fillPrices(of: readonly MarketRef[], from: number, to: number, size: number): Promise<void> {
    for (const some of chunks(of, size)) {
      if (!holds()) return;
      const n = await fillCryptoPrice(postgres, some, from, to);
      metrics.rows.inc({ table: 'gold.crypto_price' }, n);
    }
  }

  /** Prices before statistics: a day stays due until both are done. Resolves with the days whose row changed. */
  async function fillDays(due: readonly DueDay[]): Promise<number> {
    for (const [day, days] of Map.groupBy(due, (d) => d.day.getTime())) {
      await fillPrices(withDependents(days, markets), day, day + DAY, PRICE_DAYS_AT_ONCE);
    }
    let changed = 0;
    for (const days of chunks(due, DAYS_AT_ONCE)) {
      if (!holds()) return 0;
      changed += await fillTickerDaily(postgres, days);
    }
    metrics.rows.inc({ table: 'gold.ticker_daily' }, changed);
    return changed;
  }

  await fillPrices(markets, now - RECENT_MS, now, MARKETS_AT_ONCE);
  for (const some of chunks(markets, MARKETS_AT_ONCE)) {
    for (let left = true; left && holds(); ) {
      const due = await dueDays(postgres, some, range, DUE_AT_ONCE);
      const changed = await fillDays(due);
      left = due.length === DUE_AT_ONCE && changed > 0;
    }
  }
}

function begin(platform: Platform, log: Log): (lease: Lease) => Promise<void> {
  let round = 0;
  let looked = Number.NEGATIVE_INFINITY;
  return async (lease) => {
    const now = Date.now();
    const [count] = await platform.postgres.query<{ n: number }>('SELECT count(*)::int AS n FROM gold.market');
    const runningToo = (count?.n ?? 0) <= FEW_MARKETS || round % RUNNING_DAY_ROUNDS === 0;
    const anyway = performance.now() - looked >= HOUR_MS;
    const first = round === 0;
    round += 1;
    const range: DueRange = {
      since: first ? 0 : now - LOOK_BACK_MS,
      anyway: anyway ? now - ANYWAY_MS : null,
      closedOnly: !runningToo,
    };
    const from = performance.now();
    await fillStatistics(platform, range, now, () => lease.isHeld());
    if (anyway && lease.isHeld()) looked = performance.now();
    log.debug({ ms: Math.round(performance.now() - from) }, 'statistics filled');
  };
}

export const STATISTICS: Singleton = { name: 'statistics', everyMs: MINUTE, firstMs: 0, begin };
