/** 24 h figures from the stores: the live one, else the newest row of silver.ticker_24h. */
import type { Ticker } from '../schema/graphql/ticker.ts';
import { tickerKey } from '../schema/live/keys.ts';
import type { MarketRef, TickerEvent } from '../schema/market.ts';
import { LiveStoreUnavailable } from '../src/platform/live/store.ts';
import type { Platform } from '../src/platform/platform.ts';
import { optional, required } from './availability.ts';
import { byMarket, marketColumns } from './page.ts';

/** The figures of an event. */
export function tickerOf({ eventTime, ...figures }: TickerEvent): Ticker {
  return { ...figures, time: eventTime };
}

/** Newest figures. Where the live store has none, or does not answer, the newest row of the table. */
export async function tickers(
  { live, postgres }: Pick<Platform, 'live' | 'postgres'>,
  markets: readonly MarketRef[],
): Promise<(Ticker | null)[]> {
  const found = await optional(live.latest(markets.map(tickerKey)));
  const fromLive = markets.map((_, i) => {
    const latest = found instanceof LiveStoreUnavailable ? null : found[i];
    return latest ? tickerOf(JSON.parse(latest.value) as TickerEvent) : null;
  });
  const missing = markets.filter((_, i) => fromLive[i] === null);
  if (missing.length === 0) return fromLive;
  const rows = await required(
    postgres.query<Ticker>(
      `SELECT t.* FROM unnest($1::text[], $2::text[]) AS m(e, s)
       CROSS JOIN LATERAL (SELECT exchange, symbol, last, open, high, low, volume AS "volume24h",
           quote_volume AS "quoteVolume24h", change_percent AS "changePercent24h", event_time AS time
         FROM silver.ticker_24h WHERE exchange = m.e AND symbol = m.s AND is_window ORDER BY event_time DESC LIMIT 1) t`,
      marketColumns(missing),
    ),
  );
  const stored = byMarket(rows);
  return markets.map((market, i) => fromLive[i] ?? stored(market)[0] ?? null);
}
