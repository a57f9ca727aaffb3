/** Histories of several markets, and what a log may make of them. */
import fc from 'fast-check';
import { compareDecimals, decimal, Exact } from '../../../schema/decimal.ts';
import type { KlineEvent, TradeEvent } from '../../../schema/market.ts';
import { MINUTE, minute, trade } from './market-events.ts';

export type Event = { kline: KlineEvent } | { trade: TradeEvent };
/** The events of one market of one topic, in the order in which they happened. */
export type Queue = Event[];

/** Two of one base share their partitions. */
export const MARKETS = [
  { exchange: 'BINANCE', symbol: 'BTC-USDT' },
  { exchange: 'UPBIT', symbol: 'BTC-KRW' },
  { exchange: 'BINANCE', symbol: 'ETH-USDT' },
] as const;
/** Recent, as live keys are kept for a day; far enough back for an hour's and four hours' end to lie in between. */
const FROM = Math.floor((Date.now() - 6 * 3_600_000) / MINUTE) * MINUTE;

const amount = fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.nat(999)).map(([a, b]) => decimal(`${a}.${b}`));
const candle = fc.record({
  /** Minutes since the one before: more than one leaves a hole. */
  step: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 70 })),
  versions: fc.array(fc.tuple(amount, amount, amount, amount, amount), { minLength: 1, maxLength: 3 }),
  closes: fc.boolean(),
  trades: fc.array(fc.tuple(amount, amount), { maxLength: 3 }),
  counted: fc.boolean(),
});

/** What happened in one market: its queues of candles and of trades. */
function happened(
  market: (typeof MARKETS)[number],
  candles: readonly (typeof candle extends fc.Arbitrary<infer C> ? C : never)[],
) {
  const klines: Queue = [];
  const trades: Queue = [];
  let openTime = FROM;
  let id = 9_007_199_254_740_990n;
  for (const { step, versions, closes, trades: made, counted } of candles) {
    openTime += step * MINUTE;
    for (const [i, [a, b, c, d, volume]] of versions.entries()) {
      const [low, open, close, high] = [a, b, c, d].sort(compareDecimals) as [string, string, string, string];
      const isClosed = closes && i === versions.length - 1;
      const eventTime = isClosed ? openTime + MINUTE - 1 : openTime + 1_000 * (i + 1);
      const values = { low, open, close, high, volume, quoteVolume: new Exact(volume).times(3).toFixed() };
      const tradeCount = counted ? i : null;
      klines.push({ kline: minute(openTime, { ...market, ...values, tradeCount, isClosed, eventTime }) });
    }
    for (const [i, [price, quantity]] of made.entries()) {
      trades.push({ trade: trade(String(id++), openTime + 5_000 * (i + 1), { ...market, price, quantity }) });
    }
  }
  return [klines, trades];
}

export const history = fc
  .tuple(...MARKETS.map(() => fc.array(candle, { minLength: 1, maxLength: 25 })))
  .map((ofMarkets) => ofMarkets.flatMap((candles, i) => happened(MARKETS[i] as (typeof MARKETS)[number], candles)));

/** One queue as a log may show it: with repeats, and with `lost` events only at its end. */
export function disturbed(queue: Queue, lost: readonly boolean[], repeats: readonly number[]): Queue {
  const isLost = (i: number): boolean => lost.length > 0 && (lost[i % lost.length] as boolean);
  const shown: Queue = [];
  for (const [i, event] of queue.entries()) {
    if (isLost(i)) continue;
    shown.push(event);
    const back = repeats[i % repeats.length] as number;
    // what was sent before is sent again
    if (back > 0) shown.push(...shown.slice(-back));
  }
  return [...shown, ...queue.filter((_, i) => isLost(i))];
}

/** The queues as one sequence: `turns` says which of them is next. */
export function interleaved(queues: readonly Queue[], turns: readonly number[]): Event[] {
  const left = queues.map((queue) => [...queue]);
  const all: Event[] = [];
  for (let i = 0; left.some((queue) => queue.length > 0); i++) {
    const open = left.filter((queue) => queue.length > 0);
    const next = open[(turns[i % turns.length] as number) % open.length]?.shift();
    if (next) all.push(next);
  }
  return all;
}

export const disturbance = fc.record({
  repeats: fc.array(fc.constantFrom(0, 0, 0, 1, 4), { minLength: 1, maxLength: 12 }),
  turns: fc.array(fc.nat(5), { minLength: 1, maxLength: 40 }),
  /** Events between two stops of the workers. */
  piece: fc.integer({ min: 20, max: 200 }),
});
