/** Rankings from the live store, and the part of one that somebody asks for. */
import { Exact } from '../schema/decimal.ts';
import { rankingKey } from '../schema/live/keys.ts';
import type { Exchange } from '../schema/market.ts';
import type { RankingEvent, RankingMetric, RankingRow } from '../schema/ranking.ts';
import type { LiveStore } from '../src/platform/live/store.ts';
import { required } from './availability.ts';

/** Which entries of a ranking, and in which order. */
export interface RankingQuestion {
  direction: 'ASC' | 'DESC';
  exchange: Exchange | null;
  quote: string | null;
  first: number;
}

/** The newest ranking by a metric; null before the first. */
export async function latestRanking(live: LiveStore, metric: RankingMetric): Promise<RankingEvent | null> {
  const [latest] = await required(live.latest([rankingKey(metric)]));
  return latest ? (JSON.parse(latest.value) as RankingEvent) : null;
}

/** True where two rows have the same value. */
function areEqual(a: RankingRow, b: RankingRow): boolean {
  return a[2] === b[2] || new Exact(a[2]).equals(b[2]);
}

/** The rows asked for. Equal values stay in order of exchange and symbol, whatever the direction. */
export function rankedRows(rows: readonly RankingRow[], question: RankingQuestion): RankingRow[] {
  const { direction, exchange, quote, first } = question;
  const ending = quote === null ? null : `-${quote}`;
  const wanted = (row: RankingRow): boolean =>
    (exchange === null || row[0] === exchange) && (ending === null || row[1].endsWith(ending));
  const found: RankingRow[] = [];
  if (direction === 'DESC') {
    for (let i = 0; i < rows.length && found.length < first; i++) {
      const row = rows[i] as RankingRow;
      if (wanted(row)) found.push(row);
    }
    return found;
  }
  for (let end = rows.length; end > 0 && found.length < first; ) {
    let begin = end - 1;
    while (begin > 0 && areEqual(rows[begin - 1] as RankingRow, rows[begin] as RankingRow)) begin -= 1;
    for (const row of rows.slice(begin, end)) if (found.length < first && wanted(row)) found.push(row);
    end = begin;
  }
  return found;
}
