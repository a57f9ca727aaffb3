/** KuCoin's public REST endpoints: parameters and weights as in its published specification of 2024. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { nextOpen, openOf } from '../market/intervals.ts';
import type { MarketFeed } from './feed.ts';
import { CANDLE_TYPES } from './intervals.ts';
import { bookBody, candleRow, historyRow, statsBody, symbolRow } from './payloads.ts';
import type { RequestPool } from './pool.ts';

/** What the endpoints answer from. */
export interface RestSource {
  feeds: ReadonlyMap<string, MarketFeed>;
  now(): number;
  /** `data` of bullet-public. */
  bullet(): string;
}

/** Answered with HTTP 200 and a code, unless `status` says otherwise. */
class ApiError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 200) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

interface Endpoint {
  method: 'GET' | 'POST';
  weight: number;
  /** JSON text of `data`. */
  data(query: URLSearchParams, source: RestSource): string;
}

const HISTORIES = 100;
const MAX_CANDLES = 1_500;

function feedOf(query: URLSearchParams, { feeds }: RestSource): MarketFeed {
  const symbol = query.get('symbol');
  if (!symbol) throw new ApiError('400100', 'symbol: must not be blank');
  const feed = feeds.get(symbol);
  if (!feed) throw new ApiError('900001', `symbol ${symbol.slice(0, 40)} does not exist`);
  return feed;
}

function seconds(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null || text === '0') return null;
  if (!/^[0-9]{1,12}$/.test(text)) throw new ApiError('400100', `${name}: not a time in seconds`);
  return Number(text);
}

function book(depth: number): Endpoint {
  return {
    method: 'GET',
    weight: 2,
    data(query, source) {
      const { market, numbers } = feedOf(query, source);
      return bookBody(market.listing, numbers.sequence, market.book.top(depth), source.now());
    },
  };
}

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/api/v1/bullet-public': { method: 'POST', weight: 10, data: (_, source) => source.bullet() },

  '/api/v1/timestamp': { method: 'GET', weight: 3, data: (_, source) => String(source.now()) },

  '/api/v2/symbols': {
    method: 'GET',
    weight: 4,
    data: (_, { feeds }) => `[${[...feeds.values()].map(({ market }) => symbolRow(market.listing)).join(',')}]`,
  },

  '/api/v1/market/orderbook/level2_20': book(20),
  '/api/v1/market/orderbook/level2_100': book(100),

  // the whole book takes a key
  '/api/v3/market/orderbook/level2': {
    method: 'GET',
    weight: 3,
    data() {
      throw new ApiError('400001', 'Please check the header of your request for KC-API-KEY', 401);
    },
  },

  // newest first; minutes without a trade are left out
  '/api/v1/market/candles': {
    method: 'GET',
    weight: 3,
    data(query, source) {
      const { market } = feedOf(query, source);
      const interval = CANDLE_TYPES[query.get('type') ?? ''];
      if (!interval) throw new ApiError('400100', 'type: not a candle type');
      const from = Math.max((seconds(query, 'startAt') ?? 0) * 1_000, market.listedAt);
      const to = Math.min((seconds(query, 'endAt') ?? Number.MAX_SAFE_INTEGER) * 1_000, market.now);
      const rows: string[] = [];
      let open = openOf(interval, to);
      for (; open >= from && rows.length < MAX_CANDLES; open = openOf(interval, open - 1)) {
        if (nextOpen(interval, open) <= market.listedAt) break;
        const candle = market.candle(interval, open);
        if (candle.count > 0) rows.push(candleRow(market.listing, candle));
      }
      return `[${rows.join(',')}]`;
    },
  },

  // the newest hundred, oldest of them first
  '/api/v1/market/histories': {
    method: 'GET',
    weight: 3,
    data(query, source) {
      const { market } = feedOf(query, source);
      const trades = market.tradesFrom(market.lastTradeId() - HISTORIES + 1, HISTORIES);
      return `[${trades.map((trade) => historyRow(market.listing, trade)).join(',')}]`;
    },
  },

  '/api/v1/market/stats': {
    method: 'GET',
    weight: 15,
    data(query, source) {
      const feed = feedOf(query, source);
      return statsBody(feed.market.listing, feed.day.stats(), feed.best(), source.now());
    },
  },
};

/** Answers one REST request. */
export function answerRest(
  request: IncomingMessage,
  response: ServerResponse,
  source: RestSource,
  pool: RequestPool,
): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://kucoin.invalid');
  const endpoint = Object.hasOwn(ENDPOINTS, pathname) ? ENDPOINTS[pathname] : undefined;
  const send = (status: number, body: string) => {
    response.writeHead(status, { 'content-type': 'application/json', ...pool.headers() });
    response.end(body);
  };
  const refusal = pool.spend(pathname, endpoint?.weight ?? 1);
  if (refusal) {
    send(refusal.status, refusal.body);
    return;
  }
  try {
    if (!endpoint) throw new ApiError('404000', 'Url Not Found', 404);
    if (request.method !== endpoint.method) throw new ApiError('400100', 'Method not supported', 405);
    send(200, `{"code":"200000","data":${endpoint.data(searchParams, source)}}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    send(error.status, JSON.stringify({ msg: error.message, code: error.code }));
  }
}
