/**
 * How far the back-fill of candles has come, told in the log: one line an exchange every few seconds while it lasts, and one
 * when it is done. It is seen by what is published: closed minutes that lie behind now. No timer, no I/O but the log.
 */
import { type Exchange, INTERVALS, type KlineEvent, type MarketRef, marketId } from '../../schema/market.ts';
import type { Log } from '../../src/platform/log.ts';

const MINUTE = INTERVALS.M1;
/** A minute this far behind is filled in, not followed. */
const BEHIND_MS = 3 * MINUTE;
/** Between two lines of one exchange. */
const LINE_MS = 5_000;
/** Fewer minutes than this are not worth a line when they are done at once. */
const WORTH = 10;

/** Open times, epoch ms: minutes from `from` up to `to` are wanted, those before `at` are there. */
interface Way {
  from: number;
  at: number;
  to: number;
}

interface Work {
  ways: Map<string, Way>;
  /** Of the markets that are done. */
  minutes: number;
  markets: number;
  saidAt: number | null;
}

export interface BackfillLog {
  /** The market is taken over; minutes from `from` on are wanted. */
  begin(market: MarketRef, from: number): void;
  /** A candle was published. */
  note(kline: KlineEvent): void;
  /** The market is given up. */
  forget(market: MarketRef): void;
}

const minutesOf = ({ from, to }: { from: number; to: number }): number => Math.max(0, Math.floor((to - from) / MINUTE));

/** `now` is epoch ms. */
export function createBackfillLog(log: Log, now: () => number = Date.now): BackfillLog {
  const byExchange = new Map<Exchange, Work>();

  function workOf(exchange: Exchange): Work {
    const known = byExchange.get(exchange);
    if (known) return known;
    const fresh: Work = { ways: new Map(), minutes: 0, markets: 0, saidAt: null };
    byExchange.set(exchange, fresh);
    return fresh;
  }

  function say(exchange: Exchange, work: Work): void {
    const ways = [...work.ways.values()];
    const total = ways.reduce((sum, way) => sum + minutesOf(way), work.minutes);
    const done = ways.reduce((sum, { from, at }) => sum + minutesOf({ from, to: at }), work.minutes);
    const state = { exchange, done, total, markets: work.markets, of: work.markets + ways.length };
    if (ways.length === 0) {
      if (total >= WORTH || work.saidAt !== null) log.info(state, 'candles are filled in');
      byExchange.delete(exchange);
    } else if (work.saidAt === null || now() - work.saidAt >= LINE_MS) {
      // a hole of some minutes is filled before anybody reads of it
      if (work.saidAt !== null || total >= WORTH) log.info(state, 'filling in candles');
      work.saidAt = now();
    }
  }

  return {
    begin(market, from) {
      const to = now() - BEHIND_MS;
      if (from < to) workOf(market.exchange).ways.set(marketId(market), { from, at: from, to });
    },
    note(kline) {
      if (!kline.isClosed) return;
      const { exchange, openTime } = kline;
      const id = marketId(kline);
      const next = openTime + MINUTE;
      const isBehind = next < now() - BEHIND_MS;
      if (!isBehind && !byExchange.get(exchange)?.ways.has(id)) return;
      const work = workOf(exchange);
      const way = work.ways.get(id) ?? { from: openTime, at: openTime, to: now() - BEHIND_MS };
      way.at = Math.min(Math.max(way.at, next), way.to);
      work.ways.set(id, way);
      if (!isBehind || way.at >= way.to) {
        work.ways.delete(id);
        work.minutes += minutesOf(way);
        work.markets++;
      }
      say(exchange, work);
    },
    forget(market) {
      const work = byExchange.get(market.exchange);
      if (!work?.ways.delete(marketId(market)) || work.ways.size > 0) return;
      byExchange.delete(market.exchange);
    },
  };
}
