/** The public REST endpoints under /v1, their request limits and their errors. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dialect } from './dialect.ts';
import type { MarketFeed } from './market-feed.ts';
import { BadRequest, Query } from './query.ts';
import type { RateGroups } from './rate-groups.ts';
import { bookBody, candlesBody, tickerBody, tradesBody, UNITS } from './rest-bodies.ts';

/** What the endpoints know. */
export interface RestSource {
  readonly dialect: Dialect;
  readonly feeds: ReadonlyMap<string, MarketFeed>;
  /** The exchange's clock, epoch ms. */
  now(): number;
}

interface Endpoint {
  /** Name of its group of limits. */
  group: string;
  body(query: Query, source: RestSource): string;
}

const list = (rows: readonly string[]): string => `[${rows.join(',')}]`;

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/v1/market/all': {
    group: 'market',
    body: (query, { dialect, feeds }) => {
      const listed = query.text(dialect.rest.details) === 'true' ? `,${dialect.rest.listed}` : '';
      return list(
        [...feeds.values()].map(({ market: { listing } }) => {
          const names = `"korean_name":"${listing.base}","english_name":"${listing.base}"`;
          return `{"market":"${listing.symbol}",${names}${listed}}`;
        }),
      );
    },
  },
  '/v1/ticker': {
    group: 'ticker',
    body: (query, { dialect, feeds, now }) =>
      list(query.markets('markets', feeds).map((feed) => tickerBody(dialect, feed, now()))),
  },
  '/v1/orderbook': {
    group: 'orderbook',
    body: (query, { dialect, feeds }) => {
      const wanted = query.markets('markets', feeds);
      const { one, several } = dialect.rest.bookUnits;
      const most = wanted.length > 1 ? several : one;
      return list(wanted.map((feed) => bookBody(dialect, feed, query.count('count', most, most))));
    },
  },
  '/v1/trades/ticks': {
    group: 'trade',
    body: (query, { dialect, feeds }) =>
      tradesBody(dialect, query.market(feeds), {
        count: query.count('count', 1, 500),
        to: query.timeOfDay('to'),
        cursor: query.text('cursor'),
        daysAgo: query.text('days_ago') === null ? 0 : query.count('days_ago', 0, 7),
      }),
  },
};

const EXTRAS: Readonly<Record<string, Endpoint>> = {
  '/v1/ticker/all': {
    group: 'ticker',
    body: (query, { dialect, feeds, now }) => {
      const quotes = query.text('quote_currencies')?.split(',') ?? ['KRW'];
      return list(quotes.includes('KRW') ? [...feeds.values()].map((feed) => tickerBody(dialect, feed, now())) : []);
    },
  },
  '/v1/orderbook/instruments': {
    group: 'orderbook',
    body: (query, { feeds }) =>
      list(
        query.markets('markets', feeds).map(({ market: { listing } }) => {
          const tick = 10 ** -listing.tickDecimals;
          const levels = [0, 10, 100, 1_000].map((times) => `"${tick * times}"`).join(',');
          return `{"market":"${listing.symbol}","quote_currency":"KRW","tick_size":"${tick}","supported_levels":[${levels}]}`;
        }),
      ),
  },
};

function endpointOf(path: string, dialect: Dialect): Endpoint | null {
  const unit = Number(/^\/v1\/candles\/minutes\/(\d+)$/.exec(path)?.[1]);
  if (unit in UNITS) {
    return {
      group: 'candles',
      body: (query, { feeds }) => {
        const feed = query.market(feeds);
        const to = query.time('to', dialect.rest.toOffset);
        return candlesBody(dialect, feed, unit, to, query.count('count', 1, 200));
      },
    };
  }
  if (Object.hasOwn(ENDPOINTS, path)) return ENDPOINTS[path] as Endpoint;
  return dialect.rest.extras && Object.hasOwn(EXTRAS, path) ? (EXTRAS[path] as Endpoint) : null;
}

/** How a refusal with this status is worded. */
export function refusalBody(status: number): string {
  return `{"error":{"name":${status},"message":"too many requests"}}`;
}

/** Answers one request. */
export function answerRest(request: IncomingMessage, response: ServerResponse, source: RestSource, rates: RateGroups) {
  const { dialect } = source;
  const url = new URL(request.url ?? '/', 'http://exchange.invalid');
  const send = (status: number, body: string, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', ...headers }).end(body);
  };
  const endpoint = request.method === 'GET' ? endpointOf(url.pathname, dialect) : null;
  if (!endpoint) return send(dialect.rest.noRoute.status, dialect.rest.noRoute.body);
  const { group } = endpoint;
  const refusal = rates.spend(group, url.pathname);
  const left = dialect.rest.remaining(group, rates.left(group), rates.limit);
  if (refusal) {
    const wait: Record<string, string> =
      refusal.retryAfter === null ? {} : { 'retry-after': String(refusal.retryAfter) };
    return send(refusal.status, refusalBody(refusal.status), {
      ...left,
      ...wait,
    });
  }
  try {
    send(200, endpoint.body(new Query(url.searchParams), source), left);
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error;
    const { status, body } = dialect.rest.error(error.code, error.message);
    send(status, body, left);
  }
}
