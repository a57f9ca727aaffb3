/** Binance's public REST endpoints over a market source: parameters, weights and limits as in rest-api.md (2026-07). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isKlineInterval } from '../market/intervals.ts';
import { ApiError, Query } from './query.ts';
import type { MarketSource } from './source.ts';
import type { RequestWeights } from './weights.ts';

interface Answer {
  weight: number;
  /** JSON text; made only when the weight is granted. */
  body: () => string;
}

type Endpoint = (query: Query, source: MarketSource) => Answer;

const ENDPOINTS: Record<string, Endpoint> = {
  '/api/v3/ping': () => ({ weight: 1, body: () => '{}' }),

  '/api/v3/time': (_, source) => ({ weight: 1, body: () => `{"serverTime":${source.now()}}` }),

  '/api/v3/exchangeInfo': (query, source) => {
    const symbols = query.symbols(source.symbols);
    // told, but the stand-in's markets are all alike in these
    const [permissions, status] = [query.text('permissions'), query.text('symbolStatus')];
    query.text('showPermissionSets');
    if (symbols && (permissions ?? status) !== null) {
      throw new ApiError(-1128, 'Combination of optional parameters invalid.');
    }
    const shown = status === null || status === 'TRADING' ? source.symbols : [];
    return { weight: 20, body: () => source.exchangeInfo(symbols ?? shown) };
  },

  '/api/v3/depth': (query, source) => {
    const symbol = query.symbol(query.required('symbol'), source.symbols);
    const limit = query.limit(100, 5_000);
    const weight = limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1_000 ? 50 : 250;
    return { weight, body: () => source.depth(symbol, limit) };
  },

  '/api/v3/klines': (query, source) => {
    const symbol = query.symbol(query.required('symbol'), source.symbols);
    const interval = query.required('interval');
    if (!isKlineInterval(interval)) throw new ApiError(-1120, 'Invalid interval.');
    const zone = query.text('timeZone');
    if (zone !== null && !/^[+-]?0{1,2}(:00)?$/.test(zone)) {
      throw new ApiError(-1130, "Data sent for parameter 'timeZone' is not valid.");
    }
    const range = { from: query.whole('startTime'), to: query.whole('endTime'), limit: query.limit(500, 1_000) };
    return { weight: 2, body: () => source.klines(symbol, interval, range) };
  },

  '/api/v3/aggTrades': (query, source) => {
    const symbol = query.symbol(query.required('symbol'), source.symbols);
    const fromId = query.whole('fromId');
    const range = { from: query.whole('startTime'), to: query.whole('endTime'), limit: query.limit(500, 1_000) };
    if (fromId !== null && (range.from ?? range.to) !== null) {
      throw new ApiError(-1128, 'Combination of optional parameters invalid.');
    }
    return { weight: 4, body: () => source.aggTrades(symbol, fromId, range) };
  },

  '/api/v3/ticker/24hr': (query, source) => {
    const single = query.text('symbol') !== null;
    const symbols = query.symbols(source.symbols);
    const type = query.text('type') ?? 'FULL';
    if (type !== 'FULL' && type !== 'MINI') throw new ApiError(-1139, 'Invalid ticker type.');
    const count = symbols?.length ?? Number.POSITIVE_INFINITY;
    const weight = count <= 20 ? 2 : count <= 100 ? 40 : 80;
    const rows = () => (symbols ?? source.symbols).map((s) => source.ticker(s, type === 'MINI'));
    return { weight, body: () => (single ? (rows()[0] as string) : `[${rows().join(',')}]`) };
  },
};

/** Answers one REST request. */
export function answerRest(
  request: IncomingMessage,
  response: ServerResponse,
  source: MarketSource,
  weights: RequestWeights,
): void {
  const url = new URL(request.url ?? '/', 'http://binance.invalid');
  const endpoint = ENDPOINTS[url.pathname];
  const send = (status: number, body: string, headers: Record<string, string> = {}) => {
    const used = String(weights.used());
    response.writeHead(status, {
      'content-type': 'application/json;charset=UTF-8',
      'x-mbx-used-weight': used,
      'x-mbx-used-weight-1m': used,
      ...headers,
    });
    response.end(body);
  };
  if (!endpoint || request.method !== 'GET') {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
    return;
  }
  try {
    const query = new Query(url.searchParams);
    const { weight, body } = endpoint(query, source);
    query.finish();
    const refusal = weights.spend(url.pathname, weight);
    if (refusal) send(refusal.status, refusal.body, { 'retry-after': String(refusal.retryAfter) });
    else send(200, body());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // a request in error counts as well; a caller who is limited hears of that first
    const refusal = weights.spend(url.pathname, 1);
    if (refusal) send(refusal.status, refusal.body, { 'retry-after': String(refusal.retryAfter) });
    else send(error.status, JSON.stringify({ code: error.code, msg: error.message }));
  }
}
