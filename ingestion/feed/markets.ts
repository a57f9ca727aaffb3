/** Which markets are followed: the settings held against the exchanges' own lists, and the rows of gold.market. */
import type { Exchange, MarketInfo } from '../../schema/market.ts';
import { ConfigError } from '../../src/platform/config.ts';
import type { ExchangeRest } from '../../src/platform/exchange/rest.ts';
import type { Log } from '../../src/platform/log.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import type { MarketPattern } from '../../src/platform/setting.ts';
import type { Connector } from '../exchanges/connector.ts';

/** One exchange as it is used: its connector and where its REST is. */
export interface Venue {
  connector: Connector;
  rest: ExchangeRest;
}

/** A start does not wait longer for an exchange's list. */
const LIST_MS = 5_000;

/** The exchange's own list; null when it can't be had now. */
export async function listMarkets({ connector, rest }: Venue, log: Log, ms = LIST_MS): Promise<MarketInfo[] | null> {
  try {
    const reply = await rest.call(connector.markets.request, AbortSignal.timeout(ms));
    const refusal = connector.refusal?.(reply.body);
    if (refusal) throw new Error(refusal.reason);
    return connector.markets.parse(reply.body);
  } catch (error) {
    log.warn({ err: error, exchange: connector.exchange }, "the exchange's list of markets can't be had");
    return null;
  }
}

/** Markets in one question for steps: some hundred keep its path short. */
const STEPS = 100;

/** The markets with their price steps, where the exchange tells those apart and they can be had now. */
export async function withSteps({ connector, rest }: Venue, markets: readonly MarketInfo[], log: Log, ms = LIST_MS) {
  const { steps } = connector;
  const known = new Map<string, string>();
  if (!steps) return [...markets];
  const bound = AbortSignal.timeout(ms);
  try {
    // one that is not listed would have all of them refused
    const listed = markets.filter((market) => market.status === 'TRADING');
    for (let i = 0; i < listed.length; i += STEPS) {
      const reply = await rest.call(steps.request(listed.slice(i, i + STEPS)), bound);
      for (const [native, step] of steps.parse(reply.body)) known.set(native, step);
    }
  } catch (error) {
    log.warn({ err: error, exchange: connector.exchange }, "the exchange's price steps can't be had");
  }
  return markets.map((market) => ({ ...market, tickSize: known.get(market.nativeSymbol) ?? market.tickSize }));
}

/** What is written down of the exchanges' markets, by whoever followed them. Throws PostgresUnavailable. */
export function readMarkets(postgres: Postgres, exchanges: readonly Exchange[]): Promise<MarketInfo[]> {
  return postgres.query<MarketInfo>(
    `SELECT exchange, symbol, native_symbol AS "nativeSymbol", base, quote, status, tick_size AS "tickSize",
       lot_size AS "lotSize", taker_fee_percent AS "takerFeePercent"
     FROM gold.market WHERE exchange = ANY($1) ORDER BY exchange, symbol`,
    [exchanges],
  );
}

/** The markets that patterns name, out of a list: by `*` those that are traded. What is not in it goes to `unknown`. */
export function choose(
  patterns: readonly MarketPattern[],
  all: readonly MarketInfo[],
  unknown: (symbol: string) => void,
  isTraded = ({ status }: MarketInfo): boolean => status === 'TRADING',
): MarketInfo[] {
  const bySymbol = new Map(all.map((market) => [market.symbol, market]));
  const chosen = new Map<string, MarketInfo>();
  for (const { symbol } of patterns) {
    if (symbol === '*') {
      for (const market of all) if (isTraded(market)) chosen.set(market.symbol, market);
      continue;
    }
    const market = bySymbol.get(symbol);
    if (market) chosen.set(symbol, market);
    else unknown(symbol);
  }
  return [...chosen.values()];
}

/** What stands in for a list that can't be had: what was in it when it could, then the bundled one. */
function withoutList({ connector }: Venue, known: readonly MarketInfo[]): MarketInfo[] {
  const symbols = new Set(known.map((market) => market.symbol));
  return [...known, ...connector.knownMarkets.filter((market) => !symbols.has(market.symbol))];
}

/**
 * The markets to follow. Where an exchange's list can't be had, what was `known` of it before is used, with its bundled one,
 * and what those don't have is assumed to exist. A market that was known and is in its list no more is delisted: it is left
 * out, and no reason to follow none. `venues` are those of the patterns. Throws ConfigError naming every market that its
 * exchange has not.
 */
export async function resolveMarkets(
  patterns: readonly MarketPattern[],
  venues: Readonly<Partial<Record<Exchange, Venue>>>,
  log: Log,
  known: readonly MarketInfo[] = [],
): Promise<MarketInfo[]> {
  const problems: string[] = [];
  const chosen = await Promise.all(
    Object.values(venues).map(async (venue) => {
      const { exchange } = venue.connector;
      const wanted = patterns.filter((pattern) => pattern.exchange === exchange);
      const list = await listMarkets(venue, log);
      const assumed: MarketInfo[] = [];
      const before = known.filter((market) => market.exchange === exchange);
      const markets = choose(wanted, list ?? withoutList(venue, before), (symbol) => {
        if (list && before.some((market) => market.symbol === symbol)) {
          log.warn({ exchange, symbol }, 'delisted: no longer followed');
        } else if (list) problems.push(`MARKETS: ${exchange.toLowerCase()} has no market ${symbol}`);
        else assumed.push(venue.connector.assume(symbol));
      });
      return withSteps(venue, [...markets, ...assumed], log);
    }),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return chosen.flat();
}

/** A refresh of what is followed anyway may take longer than a start. */
const REFRESH_MS = 30_000;

/** A list that lacks more of them than this, and more than half, is a damaged one. */
const BELIEVED = 10;

/**
 * What the exchanges' own lists say of the markets now; what is in none is delisted, and stays as it is where there is no list.
 * Those that `patterns` name besides are added.
 */
export async function refreshedMarkets(
  markets: readonly MarketInfo[],
  venues: readonly Venue[],
  log: Log,
  patterns: readonly MarketPattern[] = [],
): Promise<MarketInfo[]> {
  const lists = await Promise.all(
    venues.map(async (venue) => {
      const { exchange } = venue.connector;
      const mine = markets.filter((market) => market.exchange === exchange);
      const list = await listMarkets(venue, log, REFRESH_MS);
      if (!list || list.length === 0) return mine;
      const found = new Map(list.map((market) => [market.symbol, market]));
      const missing = mine.filter(({ symbol, status }) => status !== 'DELISTED' && !found.has(symbol)).length;
      if (missing > Math.max(BELIEVED, mine.length / 2)) {
        log.error(
          { exchange, missing, of: mine.length },
          "the exchange's list lacks most of its markets: not believed",
        );
        return mine;
      }
      const now = mine.map((market): MarketInfo => found.get(market.symbol) ?? { ...market, status: 'DELISTED' });
      const known = new Set(mine.map(({ symbol }) => symbol));
      const wanted = patterns.filter((pattern) => pattern.exchange === exchange);
      const added = choose(wanted, list, () => {}).filter(({ symbol }) => !known.has(symbol));
      return withSteps(venue, [...now, ...added], log, REFRESH_MS);
    }),
  );
  return lists.flat();
}

/** Writes what changed. Throws PostgresUnavailable. */
export async function upsertMarkets(postgres: Postgres, markets: readonly MarketInfo[]): Promise<void> {
  const column = <K extends keyof MarketInfo>(name: K): MarketInfo[K][] => markets.map((market) => market[name]);
  await postgres.query(
    `INSERT INTO gold.market AS m
       (exchange, symbol, native_symbol, base, quote, status, tick_size, lot_size, taker_fee_percent)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[],
       $8::numeric[], $9::numeric[]) AS n (exchange, symbol, native_symbol, base, quote, status, tick, lot, fee)
     ORDER BY n.exchange, n.symbol
     ON CONFLICT (exchange, symbol) DO UPDATE SET
       native_symbol = excluded.native_symbol, base = excluded.base, quote = excluded.quote, status = excluded.status,
       tick_size = coalesce(excluded.tick_size, m.tick_size), lot_size = coalesce(excluded.lot_size, m.lot_size),
       taker_fee_percent = excluded.taker_fee_percent, updated_at = now()
     WHERE (m.native_symbol, m.status, m.tick_size, m.lot_size, m.taker_fee_percent) IS DISTINCT FROM
       (excluded.native_symbol, excluded.status, coalesce(excluded.tick_size, m.tick_size),
        coalesce(excluded.lot_size, m.lot_size), excluded.taker_fee_percent)`,
    [
      column('exchange'),
      column('symbol'),
      column('nativeSymbol'),
      column('base'),
      column('quote'),
      column('status'),
      column('tickSize'),
      column('lotSize'),
      column('takerFeePercent'),
    ],
  );
}
