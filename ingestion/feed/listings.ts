/**
 * Which markets are followed, as time passes. One of the processes reads the exchanges' lists again now and then and writes
 * down what they say (gold.market); all of them go by that table, so that they agree on what there is to share.
 */
import { type Exchange, type MarketInfo, marketId } from '../../schema/market.ts';
import type { Log } from '../../src/platform/log.ts';
import type { Running } from '../../src/platform/platform.ts';
import { type Lease, workWhileLeased } from '../../src/platform/postgres/lease.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { pause } from '../../src/platform/retry.ts';
import type { MarketPattern, TakerFee } from '../../src/platform/setting.ts';
import { withFees } from '../exchanges/fees.ts';
import { choose, readMarkets, refreshedMarkets, upsertMarkets, type Venue } from './markets.ts';

export interface ListingsOptions {
  postgres: Postgres;
  log: Log;
  patterns: readonly MarketPattern[];
  venues: readonly Venue[];
  fees: readonly TakerFee[];
  /** What is followed at first. */
  markets: readonly MarketInfo[];
  /** What was followed before and is not at first: what became of it is asked at once. */
  others: readonly MarketInfo[];
  /** MARKETS_REFRESH_MS. */
  everyMs: number;
  /** LEASE_MS. */
  leaseMs: number;
  /** Those that are followed from now on, and those that are no longer. */
  changed(added: readonly MarketInfo[], ended: readonly MarketInfo[]): void;
}

/** How often it is looked what the table says. */
const LOOK_MS = 30_000;
/** The next try after one that failed. */
const AGAIN_MS = 1_000;
/** A market that stands still this long is one of `exchange:*` no more; an exchange's maintenance is shorter. */
const HALTED_MS = 86_400_000;

/** What of `rows` the patterns name: by its name alone what is listed, by `*` what is traded, or was a day ago. */
function followed(patterns: readonly MarketPattern[], rows: readonly MarketInfo[], halted: ReadonlySet<string>) {
  const isTraded = (market: MarketInfo): boolean =>
    market.status === 'TRADING' || (market.status === 'HALTED' && !halted.has(marketId(market)));
  return Object.values(Object.groupBy(rows, ({ exchange }) => exchange)).flatMap((mine = []) => {
    const listed = mine.filter(({ status }) => status !== 'DELISTED');
    const wanted = patterns.filter(({ exchange }) => exchange === mine[0]?.exchange);
    return choose(wanted, listed, () => {}, isTraded);
  });
}

/** Begins to follow the lists; `changed` is called until `stop`. */
export function followListings(options: ListingsOptions): Running {
  const { postgres, log, patterns, venues, fees, everyMs } = options;
  const exchanges = venues.map(({ connector }): Exchange => connector.exchange);
  const current = new Map(options.markets.map((market) => [marketId(market), market]));
  const ended = new AbortController();
  /** The start found these not to be traded; the table says so once the lists were read again. */
  const doubted = new Map(options.others.map((market) => [marketId(market), market.status]));
  const doubtedUntil = performance.now() + everyMs + LOOK_MS;

  function isDoubted(market: MarketInfo): boolean {
    const before = doubted.get(marketId(market));
    return before === market.status && before !== 'HALTED' && performance.now() < doubtedUntil;
  }

  /** Reads the lists and writes down what they say. Throws PostgresUnavailable. */
  async function refresh(): Promise<void> {
    const rows = await refreshedMarkets(await readMarkets(postgres, exchanges), venues, log, patterns);
    await upsertMarkets(postgres, withFees(rows, fees));
  }

  async function keepRefreshing(lease: Lease, signal: AbortSignal): Promise<void> {
    let next = performance.now() + (options.others.length > 0 ? 0 : everyMs);
    while (lease.isHeld() && !signal.aborted) {
      await pause(Math.max(0, next - performance.now()), signal);
      if (signal.aborted) return;
      next = performance.now() + everyMs;
      await refresh().catch((error) => {
        log.warn({ err: error }, 'markets not refreshed');
        next = performance.now() + AGAIN_MS;
      });
    }
  }

  /** Holds what is followed against the table. What is not in it is as it was: nobody says that it is gone. */
  async function look(): Promise<void> {
    const rows = await readMarkets(postgres, exchanges);
    const standing = await postgres.query<{ id: string }>(
      `SELECT lower(exchange) || ':' || symbol AS id FROM gold.market
       WHERE status = 'HALTED' AND updated_at < clock_timestamp() - $1 * interval '1 millisecond'`,
      [HALTED_MS],
    );
    const wanted = new Map(
      followed(patterns, rows, new Set(standing.map(({ id }) => id))).map((market) => [marketId(market), market]),
    );
    const gone = rows.filter((market) => current.has(marketId(market)) && !wanted.has(marketId(market)));
    const added = [...wanted.values()].filter((market) => !current.has(marketId(market)) && !isDoubted(market));
    if (gone.length === 0 && added.length === 0) return;
    for (const market of gone) current.delete(marketId(market));
    for (const market of added) current.set(marketId(market), market);
    log.info({ added: added.map(marketId), ended: gone.map(marketId) }, 'the markets to follow have changed');
    options.changed(added, gone);
  }

  async function keepLooking(): Promise<void> {
    const every = Math.min(LOOK_MS, everyMs / 4);
    while (!ended.signal.aborted) {
      await look().catch((error) => log.warn({ err: error }, 'markets not looked at'));
      await pause(every, ended.signal);
    }
  }

  /** The rows of what is followed come first: the others go by them. */
  async function begin(): Promise<Running | null> {
    while (!ended.signal.aborted) {
      try {
        await upsertMarkets(postgres, options.markets);
        return workWhileLeased({
          ...{ postgres, log, name: 'ingest-markets', ms: options.leaseMs, work: keepRefreshing },
        });
      } catch (error) {
        log.warn({ err: error }, 'markets not written');
        await pause(AGAIN_MS, ended.signal);
      }
    }
    return null;
  }

  const refreshing = begin();
  const looking = refreshing.then(keepLooking);
  return {
    async stop() {
      ended.abort();
      await Promise.all([refreshing.then((work) => work?.stop()), looking]);
    },
  };
}
