/** Markets from gold.market. */
import type { Market } from '../schema/gold/market.ts';
import { type MarketRef, marketId } from '../schema/market.ts';
import type { Postgres } from '../src/platform/postgres/postgres.ts';
import { required } from './availability.ts';
import { byMarket, marketColumns } from './page.ts';

type Row = Omit<Market, 'id' | 'updatedAt'>;

export interface MarketFilter {
  exchange: string | null;
  base: string | null;
  quote: string | null;
}

const COLUMNS = `exchange, symbol, native_symbol AS "nativeSymbol", base, quote, status, tick_size AS "tickSize",
  lot_size AS "lotSize", taker_fee_percent AS "takerFeePercent"`;

const marketOf = (row: Row): Market => ({ ...row, id: marketId(row) }) as Market;

/** Which list of markets a page position belongs to. */
export function marketQuestion({ exchange, base, quote }: MarketFilter): string {
  return `market:${exchange ?? ''}:${base ?? ''}:${quote ?? ''}`;
}

/** At most `limit` markets by exchange and symbol, after the given one. */
export async function listMarkets(
  postgres: Postgres,
  filter: MarketFilter,
  after: readonly string[] | null,
  limit: number,
): Promise<Market[]> {
  const params: unknown[] = [limit];
  const conditions = Object.entries({ exchange: filter.exchange, base: filter.base, quote: filter.quote }).flatMap(
    ([column, value]) => (value === null ? [] : [`${column} = $${params.push(value)}`]),
  );
  if (after) conditions.push(`(exchange, symbol) > ($${params.push(after[0])}, $${params.push(after[1])})`);
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const rows = await required(
    postgres.query<Row>(`SELECT ${COLUMNS} FROM gold.market ${where} ORDER BY exchange, symbol LIMIT $1`, params),
  );
  return rows.map(marketOf);
}

/** The markets asked for; null for an unknown one. */
export async function findMarkets(postgres: Postgres, markets: readonly MarketRef[]): Promise<(Market | null)[]> {
  const rows = await required(
    postgres.query<Row>(
      `SELECT ${COLUMNS} FROM gold.market WHERE (exchange, symbol) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      marketColumns(markets),
    ),
  );
  const found = byMarket(rows.map(marketOf));
  return markets.map((market) => found(market)[0] ?? null);
}
