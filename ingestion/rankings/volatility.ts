/** Realised volatility of every market over 24 hours, from its minutes: a part of the markets at a time, in turn. */
import { INTERVALS, type MarketRef, marketId } from '../../schema/market.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { minutesOf, VOLATILITY } from '../gold/minute-returns.ts';

/** Markets of one statement: a day of minutes of each is read. */
const PER_LOOK = 50;
/** A value is made anew when it is this old: minutes come once a minute. */
const FRESH_MS = 60_000;
/** With more markets it may be older, so that what is read in a minute stays the same. */
const FRESH_MARKETS = 400;

const QUERY = `SELECT w.exchange, w.symbol, m.volatility
  FROM unnest($1::text[], $2::text[]) AS w (exchange, symbol)
  CROSS JOIN LATERAL (SELECT ${VOLATILITY} AS volatility FROM (${minutesOf('w', '$3::timestamptz', '$4::timestamptz')}) minutes) m`;

interface Entry {
  value: number | null;
  /** When it was made, our clock. */
  at: number;
}

export class Volatility {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly sql: Sql) {}

  /** The value last made; null where there is none. */
  of(market: MarketRef): number | null {
    return this.#entries.get(marketId(market))?.value ?? null;
  }

  /**
   * Makes the values anew that are missing or the oldest, at most fifty. `now` is our clock, `until` where the 24 hours
   * end (both epoch ms). Throws what the database says.
   */
  async refresh(markets: readonly MarketRef[], now: number, until: number): Promise<void> {
    const made = (market: MarketRef): number => this.#entries.get(marketId(market))?.at ?? 0;
    const freshMs = FRESH_MS * Math.max(1, markets.length / FRESH_MARKETS);
    const due = markets
      .filter((market) => made(market) <= now - freshMs)
      .sort((a, b) => made(a) - made(b))
      .slice(0, PER_LOOK);
    if (due.length === 0) return;
    const rows = await this.sql.query<MarketRef & { volatility: number | null }>(QUERY, [
      due.map((m) => m.exchange),
      due.map((m) => m.symbol),
      new Date(until - INTERVALS.D1),
      new Date(until),
    ]);
    for (const row of rows) this.#entries.set(marketId(row), { value: row.volatility, at: now });
  }
}
