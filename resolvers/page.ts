/** Pages of a list by the sort values of their last row. */
import { encodePosition } from '../schema/cursor.ts';
import type { PageInfo } from '../schema/graphql/page.ts';
import type { MarketRef } from '../schema/market.ts';

/** The first rows of a list, of which at least one more than `first` was read where there are more. */
export function cutPage<Row>(
  rows: readonly Row[],
  first: number,
  question: string,
  keyOf: (row: Row) => readonly string[],
): { nodes: Row[]; pageInfo: PageInfo } {
  const nodes = rows.slice(0, first);
  const last = nodes.at(-1);
  return {
    nodes,
    pageInfo: {
      hasNextPage: rows.length > first,
      endCursor: last === undefined ? null : encodePosition(question, keyOf(last)),
    },
  };
}

/** The markets as two parallel lists, for `unnest`. */
export function marketColumns(markets: readonly MarketRef[]): [exchanges: string[], symbols: string[]] {
  return [markets.map((m) => m.exchange), markets.map((m) => m.symbol)];
}

/** Rows of several markets by market, in their order. */
export function byMarket<Row extends MarketRef>(rows: readonly Row[]): (market: MarketRef) => Row[] {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.exchange}:${row.symbol}`;
    const list = found.get(key);
    if (list) list.push(row);
    else found.set(key, [row]);
  }
  return ({ exchange, symbol }) => found.get(`${exchange}:${symbol}`) ?? [];
}

/** Calls `load` once for each group of keys that ask the same of different markets; answers in the order of the keys. */
export async function perQuestion<Key, Value>(
  keys: readonly Key[],
  questionOf: (key: Key) => string,
  load: (group: readonly Key[]) => Promise<Value[]>,
): Promise<Value[]> {
  const groups = new Map<string, number[]>();
  for (const [i, key] of keys.entries()) {
    const question = questionOf(key);
    const group = groups.get(question);
    if (group) group.push(i);
    else groups.set(question, [i]);
  }
  const answers: Value[] = new Array(keys.length);
  await Promise.all(
    [...groups.values()].map(async (indexes) => {
      const values = await load(indexes.map((i) => keys[i] as Key));
      for (const [n, i] of indexes.entries()) answers[i] = values[n] as Value;
    }),
  );
  return answers;
}
