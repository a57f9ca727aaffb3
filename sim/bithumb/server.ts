/** A stand-in of Bithumb's API v2: apidocs.bithumb.com, and what a probe of the live exchange of 2026-09-23 saw otherwise. */
import { hash } from '../market/seeded.ts';
import type { Trade } from '../market/tape.ts';
import type { Dialect } from '../upbit-protocol/dialect.ts';
import { plain } from '../upbit-protocol/numbers.ts';
import {
  startUpbitProtocolSim,
  type UpbitProtocolSim,
  type UpbitProtocolSimOptions,
} from '../upbit-protocol/server.ts';

const KST = 32_400_000;

/** 19 digits in the stream, e.g. 1079953210371761712. */
function streamId(trade: Trade): string {
  return String(BigInt(trade.time) * 600_000n + BigInt(hash(trade.id, 7) % 600_000));
}

/** 17 digits over REST: ms and a count; no way leads from the one to the other. */
function restId(trade: Trade): string {
  return String(BigInt(trade.time) * 10_000n + BigInt(trade.id % 10_000));
}

/** Books know four decimals: less is shown as 0 at a live price. */
function rounded(units: number | bigint, decimals: number): string {
  return decimals > 4 ? plain(BigInt(units) / 10n ** BigInt(decimals - 4), 4) : plain(units, decimals);
}

const BITHUMB: Dialect = {
  name: 'BITHUMB',
  types: ['ticker', 'trade', 'orderbook'],
  // the documented snake case is not heeded
  options: { snapshot: ['isOnlySnapshot'], realtime: ['isOnlyRealtime'] },
  book: {
    counts: [1, 5, 15],
    fallback: 15,
    level: 1,
    repeats: true,
    // µs
    stamp: (time) => `${time}${String(hash(time, 5) % 1_000).padStart(3, '0')}`,
    price: { default: plain, simple: plain },
    size: { default: rounded, simple: rounded },
    stampFirst: false,
  },
  trade: { streamId, restId, best: false, price: plain },
  price: plain,
  rest: {
    price: plain,
    tickerShift: KST,
    toOffset: KST,
    bookUnits: { one: 30, several: 15 },
    details: 'isDetails',
    perSecond: 150,
    remaining: (_group, left) => ({ 'x-ratelimit-remaining': String(left) }),
    // errors come with HTTP 200
    error: (name, message) => ({ status: 200, body: JSON.stringify({ error: { name, message } }) }),
    noRoute: { status: 404, body: '{"name":"not_found","message":"No Route matched with those values"}' },
    listed: '"market_warning":"NONE"',
    extras: false,
  },
  dayOffset: KST,
  noDate: '""',
  messageFirst: false,
  connectsPerSecond: 10,
};

/** Starts it on loopback. Throws when the port is taken or a symbol can't be. */
export function startBithumbSim(options: UpbitProtocolSimOptions = {}): Promise<UpbitProtocolSim> {
  return startUpbitProtocolSim(BITHUMB, options);
}
