/**
 * gold.kline → crypto_kline: candles that the live store should have, for the worker `live` to take. What the topic has by
 * itself counts as a repeat there; what the log has dropped by now comes from here.
 */
import { INTERVALS, type KlineEvent, type MarketRef } from '../../schema/market.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { loadMinutesSince, loadNewestCandles } from '../gold/kline.ts';
import type { Task } from '../task.ts';

/** Candles in one send. */
const CHUNK = 1_000;

/** The markets that are or were followed. */
export function knownMarkets(sql: Sql): Promise<(MarketRef & { nativeSymbol: string })[]> {
  return sql.query(
    'SELECT exchange, symbol, native_symbol AS "nativeSymbol" FROM gold.market ORDER BY exchange, symbol',
  );
}

/** The minutes of the last day and the newest candle of each interval, each market's oldest first. */
export const klinesFromGold: Task = {
  name: 'klines_from_gold',
  async run({ platform, signal, progress }) {
    const { broker, postgres } = platform;
    const { name, key, encode } = TOPICS.kline;
    const markets = await knownMarkets(postgres);
    const since = Date.now() - INTERVALS.D1;
    let rows = 0;
    for (const [i, market] of markets.entries()) {
      const minutes = await loadMinutesSince(postgres, [{ ...market, since }]);
      const newest = await loadNewestCandles(postgres, [market]);
      const all: KlineEvent[] = [...minutes.sort((a, b) => a.openTime - b.openTime), ...newest];
      for (let at = 0; at < all.length; at += CHUNK) {
        signal.throwIfAborted();
        const part = all.slice(at, at + CHUNK);
        await broker.send(
          name,
          part.map((k) => ({ key: key(k), value: encode(k) })),
        );
      }
      rows += all.length;
      progress(i + 1, markets.length);
    }
    return { rowsIn: rows, rowsOut: rows };
  },
};
