/** Taker's fees of the markets that are followed, from gold.market, read again once a minute. */
import { type MarketRef, marketId } from '../../schema/market.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';

const AGAIN_MS = 60_000;
/** And so soon while there are none: books may come before the markets are written. */
const NONE_AGAIN_MS = 1_000;

export class Fees {
  #known = new Map<string, string>();
  /** When they are read again, epoch ms. */
  #dueAt = 0;

  constructor(private readonly sql: Sql) {}

  /** In percent; null for a market that is not known. */
  of(market: MarketRef): string | null {
    return this.#known.get(marketId(market)) ?? null;
  }

  /** Reads them unless that was done lately (`now`: epoch ms). Rejects as the store does. */
  async refresh(now: number): Promise<void> {
    if (now < this.#dueAt) return;
    const rows = await this.sql.query<MarketRef & { fee: string }>(
      'SELECT exchange, symbol, taker_fee_percent::text AS fee FROM gold.market',
    );
    this.#known = new Map(rows.map((row) => [marketId(row), row.fee]));
    this.#dueAt = now + (rows.length === 0 ? NONE_AGAIN_MS : AGAIN_MS);
  }
}
