/** Upbit. Source: docs.upbit.com v1.6 and a probe of the exchange of 2026-09-23; the protocol is in upbit-protocol.ts. */
import { randomUUID } from 'node:crypto';
import type { Connector } from './connector.ts';
import { normalizeFrame } from './upbit-frames.ts';
import {
  alike,
  minuteCandles,
  parseMarkets,
  parseSteps,
  parseTrades,
  planConnection,
  type Variant,
} from './upbit-protocol.ts';

const DAY = 86_400_000;
/** /v1/trades/ticks reaches back this many days, a day at a time. */
const MAX_DAYS_AGO = 7;

const variant: Variant = {
  exchange: 'UPBIT',
  /**
   * KRW markets 0.05 %: upbit.com fee page of 2026-09-23, and bid_fee, ask_fee 0.0005 for KRW-BTC in a reply of
   * /v1/orders/chance of 2026-03-22. BTC and USDT markets 0.25 %: the same page.
   */
  takerFeePercent: (quote) => (quote === 'KRW' ? '0.05' : '0.25'),
};

const TYPES = ['ticker', 'trade', 'orderbook', 'candle.1m'] as const;

const dayOf = (time: number): number => Math.floor(time / DAY);

export const upbit: Connector = {
  ...alike(variant),
  endpoints: { ws: 'wss://api.upbit.com/websocket/v1', rest: 'https://api.upbit.com' },
  settings: { ws: 'UPBIT_WS_URL', rest: 'UPBIT_REST_URL' },
  channels: {
    kline: { streamed: true, cadence: 'on-trade' },
    trade: { streamed: true, cadence: 'on-trade' },
    orderbook: { streamed: true, cadence: 'on-change' },
    ticker: { streamed: true, cadence: 'on-change' },
  },
  limits: {
    // 855 markets in one request worked; so many frames a second are one connection's worth
    marketsPerConnection: 100,
    messagesPerSecond: 4,
    // none is known
    lifetimeMs: 7 * DAY,
    connects: { count: 4, perMs: 1_000 },
    // ten a second in each group of endpoints, and an address is blocked for going on regardless
    rest: { weight: 8, perMs: 1_000 },
  },
  klineCloses: 'next',
  klineHistory: minuteCandles((time) => new Date(time).toISOString().replace('.000Z', 'Z')),
  tradeHistory: {
    direction: 'backward',
    request(market, oldest, { since, now, empty }) {
      // pages go back within a day (UTC); one that brings nothing new ends its day
      const day = dayOf(oldest?.eventTime ?? now) - empty;
      const daysAgo = dayOf(now) - day;
      if ((empty > 0 && day < dayOf(since)) || daysAgo > MAX_DAYS_AGO) return null;
      const place = oldest && empty === 0 ? `&cursor=${oldest.tradeId}` : '';
      const ago = daysAgo > 0 ? `&days_ago=${daysAgo}` : '';
      return {
        method: 'GET',
        path: `/v1/trades/ticks?market=${market.nativeSymbol}&count=500${place}${ago}`,
        weight: 1,
      };
    },
    parse: parseTrades,
  },
  markets: {
    request: { method: 'GET', path: '/v1/market/all?is_details=true', weight: 1 },
    parse: (body) => parseMarkets(body, variant),
  },
  // docs.upbit.com/kr/reference, "호가 정책 조회", since 2025-07-31
  steps: {
    request: (markets) => ({
      method: 'GET',
      path: `/v1/orderbook/instruments?markets=${markets.map((market) => market.nativeSymbol).join(',')}`,
      weight: 1,
    }),
    parse: parseSteps,
  },
  connect: ({ url }, markets) => {
    const types = TYPES.map(
      (type): Record<string, string | boolean> =>
        // the first frame of a bar may be of hours ago; REST says what was
        type === 'candle.1m' ? { type, is_only_realtime: true } : { type },
    );
    return planConnection(url, markets, types, randomUUID());
  },
  normalize: (frame, context) => normalizeFrame(frame, context, TYPES),
};
