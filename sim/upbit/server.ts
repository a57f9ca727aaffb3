/** A stand-in of Upbit: docs.upbit.com v1.6, and what a probe of the live exchange of 2026-09-23 saw otherwise. */
import type { Trade } from '../market/tape.ts';
import type { Dialect } from '../upbit-protocol/dialect.ts';
import { double, pointed, scaled } from '../upbit-protocol/numbers.ts';
import {
  startUpbitProtocolSim,
  type UpbitProtocolSim,
  type UpbitProtocolSimOptions,
} from '../upbit-protocol/server.ts';

/** Ms × 10^4 and a count: 17 digits by 2026. Unique and not in order: some carry a ms of a moment earlier. */
function sequentialId(trade: Trade): string {
  const back = trade.id % 25 === 0 ? 2_500 : 0;
  return String(BigInt(trade.time - back) * 10_000n + BigInt(trade.id % 10_000));
}

const UPBIT: Dialect = {
  name: 'UPBIT',
  types: [
    ...['ticker', 'trade', 'orderbook', 'candle.1s', 'candle.1m', 'candle.3m', 'candle.5m', 'candle.15m'],
    ...['candle.30m', 'candle.60m', 'candle.240m'],
  ],
  options: {
    snapshot: ['is_only_snapshot', 'isOnlySnapshot'],
    realtime: ['is_only_realtime', 'isOnlyRealtime'],
  },
  book: {
    counts: [1, 5, 15, 30],
    fallback: 30,
    level: 0,
    repeats: false,
    stamp: String,
    // "ask_price":1.16539E8, "ask_size":0.00077720; SIMPLE: "as":7.772E-4
    price: { default: double, simple: double },
    size: { default: scaled, simple: double },
    stampFirst: true,
  },
  trade: { streamId: sequentialId, restId: sequentialId, best: true, price: pointed },
  price: double,
  rest: {
    price: pointed,
    tickerShift: 0,
    toOffset: 0,
    bookUnits: { one: 30, several: 30 },
    details: 'is_details',
    perSecond: 10,
    remaining: (group, left, limit) => ({ 'remaining-req': `group=${group}; min=${limit * 60}; sec=${left}` }),
    error: (name, message) => ({ status: name, body: JSON.stringify({ error: { name, message } }) }),
    noRoute: { status: 404, body: '{"error":{"name":"not_found","message":"no Route matched with those values"}}' },
    listed: `"market_event":{"warning":false,"caution":{"PRICE_FLUCTUATIONS":false,"TRADING_VOLUME_SOARING":false,"DEPOSIT_AMOUNT_SOARING":false,"GLOBAL_PRICE_DIFFERENCES":false,"CONCENTRATION_OF_SMALL_ACCOUNTS":false}}`,
    extras: true,
  },
  dayOffset: 0,
  noDate: 'null',
  messageFirst: true,
  connectsPerSecond: 5,
};

/** Starts it on loopback. Throws when the port is taken or a symbol can't be. */
export function startUpbitSim(options: UpbitProtocolSimOptions = {}): Promise<UpbitProtocolSim> {
  return startUpbitProtocolSim(UPBIT, options);
}
