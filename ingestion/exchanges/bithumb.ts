/**
 * Bithumb, API v2. Source: apidocs.bithumb.com and a probe of the exchange of 2026-09-23; the protocol is in
 * upbit-protocol.ts. Its stream has no candles: the loop makes them of the trades.
 */
import { randomUUID } from 'node:crypto';
import type { Connector } from './connector.ts';
import { isFields, readJson } from './fields.ts';
import { normalizeFrame } from './upbit-frames.ts';
import { alike, minuteCandles, parseMarkets, planConnection, type Variant } from './upbit-protocol.ts';

const KST = 9 * 3_600_000;

const variant: Variant = {
  exchange: 'BITHUMB',
  /**
   * KRW markets 0.25 %, the base rate (bithumb.com fee page, ccxt); the advertised 0.04 % needs an application every 30
   * days. The BTC market is free of charge.
   */
  takerFeePercent: (quote) => (quote === 'BTC' ? '0' : '0.25'),
};

const TYPES = ['ticker', 'trade', 'orderbook'] as const;

/** `{"error":{"name":404,"message":"…"}}`, of older paths `{"status":"5500","message":"…"}`: with HTTP 200. */
function refusal(body: Buffer): { reason: string; retryAfterMs: number | null } | null {
  let said: unknown;
  try {
    said = readJson(body);
  } catch {
    // its parser says what is wrong with it
    return null;
  }
  if (!isFields(said)) return null;
  const { name, status, message } = isFields(said.error) ? said.error : said;
  const reason = `${String(name ?? status).slice(0, 50)} ${String(message).slice(0, 200)}`;
  return { reason, retryAfterMs: String(name) === '429' ? 1_000 : null };
}

export const bithumb: Connector = {
  ...alike(variant),
  endpoints: { ws: 'wss://ws-api.bithumb.com/websocket/v1', rest: 'https://api.bithumb.com' },
  settings: { ws: 'BITHUMB_WS_URL', rest: 'BITHUMB_REST_URL' },
  channels: {
    kline: { streamed: false, cadence: 'on-trade' },
    trade: { streamed: true, cadence: 'on-trade' },
    orderbook: { streamed: true, cadence: 'on-change' },
    ticker: { streamed: true, cadence: 'on-change' },
  },
  limits: {
    // 493 markets in one request worked
    marketsPerConnection: 100,
    messagesPerSecond: 4,
    // none is known
    lifetimeMs: 7 * 86_400_000,
    // ten a second; who goes on regardless is shut out for ten minutes
    connects: { count: 8, perMs: 1_000 },
    // 150 a second in each category
    rest: { weight: 100, perMs: 1_000 },
  },
  klineCloses: 'flag',
  // Korean time, and names no zone
  klineHistory: minuteCandles((time) => new Date(time + KST).toISOString().slice(0, 19)),
  // REST numbers trades otherwise than the stream: what was missed can't be told from what was not
  tradeHistory: null,
  markets: {
    request: { method: 'GET', path: '/v1/market/all?isDetails=true', weight: 1 },
    parse: (body) => parseMarkets(body, variant),
  },
  connect: ({ url }, markets) =>
    planConnection(
      url,
      markets,
      TYPES.map((type) => ({ type })),
      randomUUID(),
    ),
  normalize: (frame, context) => normalizeFrame(frame, context, TYPES),
  refusal,
};
