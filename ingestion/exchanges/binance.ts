/**
 * Binance spot. Prices and quantities are strings, ids and times numbers below 2^53, so plain JSON.parse keeps them exact.
 * Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md.
 */
import {
  INTERVALS,
  isSymbol,
  type KlineEvent,
  type MarketEvent,
  type MarketInfo,
  type MarketStatus,
  splitSymbol,
} from '../../schema/market.ts';
import type { RestRequest } from '../../src/platform/exchange/rest.ts';
import {
  BadFrame,
  type BookUpdate,
  type Connector,
  type Control,
  type FeedEvent,
  type FrameContext,
  type Normalized,
} from './connector.ts';
import * as read from './fields.ts';

const exchange = 'BINANCE';
/** Lowest tier without discounts, binance.com/en/fee/schedule as read 2026-07-26: maker 0.10 %, taker 0.10 %. */
const takerFeePercent = '0.1';

const MAJORS = ['BTC', 'ETH', 'XRP', 'SOL', 'BNB', 'DOGE', 'ADA', 'TRX', 'LINK', 'LTC'];

/** `<symbol in lower case>@<stream>` */
const STREAMS = ['kline_1m', 'aggTrade', 'depth@100ms', 'ticker'] as const;
/** Longer lists of streams go into SUBSCRIBE messages instead of the URL. */
const MAX_URL_STREAMS = 80;
const STREAMS_PER_MESSAGE = 200;
/** Frames of a bar or trade come soon after it; a stamp further off is a damaged one. */
const MAX_LATE_MS = 3_600_000;
/** Update ids one delta may span; measured are some thousands in 100 ms. */
const MAX_SPAN = 10_000_000;

type Fields = read.Fields;

const get = (path: string, weight: number): RestRequest => ({ method: 'GET', path, weight });

function marketOf(native: unknown, context: FrameContext): MarketInfo {
  const symbol = read.text(native, 's');
  const market = context.market(symbol);
  if (!market) throw new BadFrame(`unknown symbol ${symbol.slice(0, 30)}`);
  return market;
}

function stamp({ symbol }: MarketInfo, eventTime: number, receivedAt: number): MarketEvent {
  return { exchange, symbol, eventTime, receivedAt };
}

/** The values of a candle, under the letters that streams use. */
function candle(known: MarketEvent & Pick<KlineEvent, 'openTime' | 'isClosed'>, k: Fields): KlineEvent {
  return {
    ...known,
    interval: 'M1',
    open: read.price(k.o, 'k.o'),
    high: read.price(k.h, 'k.h'),
    low: read.price(k.l, 'k.l'),
    close: read.price(k.c, 'k.c'),
    volume: read.quantity(k.v, 'k.v'),
    quoteVolume: read.quantity(k.q, 'k.q'),
    tradeCount: read.count(k.n, 'k.n'),
    coverage: 1,
  };
}

/** `{"e":"kline","E":…,"s":"BTCUSDT","k":{"t":…,"T":…,"i":"1m","o":"…",…,"x":false}}`; x true on the last frame of a bar. */
function kline(data: Fields, market: MarketInfo, receivedAt: number): FeedEvent {
  const k = read.fields(data.k, 'k');
  if (k.i !== '1m') throw new BadFrame(`interval ${String(k.i).slice(0, 10)}`);
  if (k.s !== data.s) throw new BadFrame('k.s differs from s');
  const eventTime = read.time(data.E, 'E');
  const openTime = read.time(k.t, 'k.t');
  if (openTime % INTERVALS.M1 !== 0 || k.T !== openTime + INTERVALS.M1 - 1) throw new BadFrame('k.t: not a minute');
  if (eventTime < openTime || eventTime > openTime + MAX_LATE_MS) throw new BadFrame('E: not near k.t');
  const event = candle({ ...stamp(market, eventTime, receivedAt), openTime, isClosed: read.flag(k.x, 'k.x') }, k);
  return { channel: 'kline', event };
}

/** `{"a":665076760,"p":"58001.03000000","q":"0.08620500","f":…,"l":…,"T":…,"m":true,"M":true}`, in a stream and over REST. */
function aggTrade(data: Fields, market: MarketInfo, receivedAt: number): FeedEvent & { channel: 'trade' } {
  return {
    channel: 'trade',
    event: {
      // the trade's own time: it must be the same in the stream and over REST
      ...stamp(market, read.time(data.T, 'T'), receivedAt),
      tradeId: read.digits(data.a, 'a'),
      price: read.price(data.p, 'p'),
      quantity: read.quantity(data.q, 'q'),
      // m: the buyer is the maker, so the taker sold
      side: read.flag(data.m, 'm') ? 'SELL' : 'BUY',
    },
  };
}

/** `{"e":"depthUpdate","E":…,"s":…,"U":157,"u":160,"b":[["0.0024","10"]],"a":[]}`: absolute quantities, 0 removes. */
function depth(data: Fields, market: MarketInfo, receivedAt: number): FeedEvent {
  const first = read.count(data.U, 'U');
  const last = read.count(data.u, 'u');
  if (first < 1 || last < first || last - first > MAX_SPAN) throw new BadFrame('U, u: not a range of updates');
  return {
    channel: 'orderbook',
    event: {
      ...stamp(market, read.time(data.E, 'E'), receivedAt),
      type: 'delta',
      bids: read.levels(data.b, 'b'),
      asks: read.levels(data.a, 'a'),
      sequence: String(last),
      previousSequence: String(first - 1),
      integrity: 'SEQUENCED',
    },
  };
}

function ticker(data: Fields, market: MarketInfo, receivedAt: number): FeedEvent {
  return {
    channel: 'ticker',
    event: {
      ...stamp(market, read.time(data.E, 'E'), receivedAt),
      last: read.price(data.c, 'c'),
      open: read.quantity(data.o, 'o'),
      high: read.quantity(data.h, 'h'),
      low: read.quantity(data.l, 'l'),
      volume24h: read.quantity(data.v, 'v'),
      quoteVolume24h: read.quantity(data.q, 'q'),
      changePercent24h: Number(read.anyDecimal(data.P, 'P')),
    },
  };
}

const READERS: Readonly<Record<string, (data: Fields, market: MarketInfo, receivedAt: number) => FeedEvent>> = {
  kline,
  aggTrade,
  depthUpdate: depth,
  '24hrTicker': ticker,
};

/** `{"result":null,"id":1}` after SUBSCRIBE, `{"code":2,"msg":"…","id":…}` for a refused one, the shutdown notice. */
function control(frame: Fields): Control | null {
  if (frame.e === 'serverShutdown') return { kind: 'closing' };
  if ('result' in frame && 'id' in frame && !('e' in frame)) return { kind: 'ack' };
  const refused = 'error' in frame ? read.fields(frame.error, 'error') : frame;
  if (typeof refused.code === 'number' && typeof refused.msg === 'string') {
    return { kind: 'refused', reason: `${refused.code} ${refused.msg.slice(0, 200)}` };
  }
  return null;
}

function normalize(frame: Buffer, context: FrameContext): Normalized {
  const outer = read.fields(read.readJson(frame), 'frame');
  // combined: {"stream":"btcusdt@aggTrade","data":{…}}; raw streams have the payload bare
  const data = 'stream' in outer ? read.fields(outer.data, 'data') : outer;
  const said = control(data);
  if (said) return { events: [], known: { channel: null, symbol: null, eventTime: null }, control: said };
  if (typeof data.e !== 'string') throw new BadFrame('e: no event type');
  const reader = Object.hasOwn(READERS, data.e) ? READERS[data.e] : undefined;
  if (!reader) throw new BadFrame(`event type ${data.e.slice(0, 30)} is not followed`);
  const market = marketOf(data.s, context);
  const event = reader(data, market, context.receivedAt);
  if (event.channel === 'trade') {
    const sent = read.time(data.E, 'E');
    if (Math.abs(sent - event.event.eventTime) > MAX_LATE_MS) throw new BadFrame('E: not near T');
  }
  const known = { channel: event.channel, symbol: market.symbol, eventTime: event.event.eventTime };
  return { events: [event], known, control: null };
}

/** It exists and does not trade now. */
const HALTED = /^(HALT|BREAK|AUCTION_MATCH|PRE_TRADING|POST_TRADING|END_OF_DAY)$/;
const statusOf = (status: string): MarketStatus =>
  status === 'TRADING' ? 'TRADING' : HALTED.test(status) ? 'HALTED' : 'UNKNOWN';

/** One object of exchangeInfo's `symbols`; null where it has no canonical spelling. */
function marketInfo(entry: unknown): MarketInfo | null {
  const s = read.fields(entry, 'symbols');
  const base = read.text(s.baseAsset, 'baseAsset');
  const quote = read.text(s.quoteAsset, 'quoteAsset');
  const symbol = `${base}-${quote}`;
  if (!isSymbol(symbol)) return null;
  const filters = read.list(s.filters ?? [], 'filters').map((filter) => read.fields(filter, 'filters'));
  const size = (type: string, field: string): string | null => {
    const value = filters.find((filter) => filter.filterType === type)?.[field];
    return typeof value === 'string' ? read.quantity(value, field) : null;
  };
  return {
    exchange,
    symbol,
    nativeSymbol: read.text(s.symbol, 'symbol'),
    base,
    quote,
    status: statusOf(read.text(s.status, 'status')),
    tickSize: size('PRICE_FILTER', 'tickSize'),
    lotSize: size('LOT_SIZE', 'stepSize'),
    takerFeePercent,
  };
}

function assume(symbol: string): MarketInfo {
  const { base, quote } = splitSymbol(symbol);
  const unknown = { status: 'UNKNOWN', tickSize: null, lotSize: null, takerFeePercent } as const;
  return { exchange, symbol, nativeSymbol: base + quote, base, quote, ...unknown };
}

/** `{"lastUpdateId":…,"bids":[…],"asks":[…]}`: no symbol, no time. */
function snapshot(body: Buffer, market: MarketInfo, receivedAt: number): BookUpdate {
  const data = read.fields(read.readJson(body), 'body');
  return {
    ...stamp(market, receivedAt, receivedAt),
    type: 'snapshot',
    bids: read.levels(data.bids, 'bids'),
    asks: read.levels(data.asks, 'asks'),
    sequence: read.digits(data.lastUpdateId, 'lastUpdateId'),
    previousSequence: null,
    integrity: 'SEQUENCED',
  };
}

export const binance: Connector = {
  exchange,
  endpoints: { ws: 'wss://stream.binance.com:9443', rest: 'https://api.binance.com' },
  settings: { ws: 'BINANCE_WS_URL', rest: 'BINANCE_REST_URL' },
  channels: {
    kline: { streamed: true, cadence: 'on-trade' },
    trade: { streamed: true, cadence: 'on-trade' },
    orderbook: { streamed: true, cadence: 'steady' },
    ticker: { streamed: true, cadence: 'steady' },
  },
  limits: {
    // 1024 streams a connection
    marketsPerConnection: 200,
    // 5 a second, pongs included
    messagesPerSecond: 4,
    lifetimeMs: 24 * 3_600_000,
    connects: { count: 250, perMs: 300_000 },
    // 6000 a minute; the rest is left to others behind the same address
    rest: { weight: 4_800, perMs: 60_000 },
  },
  klineCloses: 'flag',
  tradeIds: 'dense',
  book: {
    kind: 'sequenced',
    depth: 1_000,
    snapshot: (market) => get(`/api/v3/depth?symbol=${market.nativeSymbol}&limit=1000`, 50),
    parse: snapshot,
  },
  klineHistory: {
    limit: 1_000,
    request: (market, from, to) =>
      get(`/api/v3/klines?symbol=${market.nativeSymbol}&interval=1m&startTime=${from}&endTime=${to - 1}&limit=1000`, 2),
    // [open ms, o, h, l, c, volume, close ms, quote volume, trades, taker base, taker quote, "0"], oldest first
    parse: (body, market, receivedAt) =>
      read.list(read.readJson(body), 'body').map((entry) => {
        const [t, o, h, l, c, v, , q, n] = read.list(entry, 'candle');
        const openTime = read.time(t, 'open time');
        if (openTime % INTERVALS.M1 !== 0) throw new BadFrame('open time: not a minute');
        const known = { ...stamp(market, openTime + INTERVALS.M1 - 1, receivedAt), openTime, isClosed: true };
        return candle(known, { o, h, l, c, v, q, n });
      }),
  },
  tradeHistory: {
    direction: 'forward',
    limit: 1_000,
    request: (market, id) => get(`/api/v3/aggTrades?symbol=${market.nativeSymbol}&fromId=${id}&limit=1000`, 4),
    parse: (body, market, receivedAt) =>
      read
        .list(read.readJson(body), 'body')
        .map((entry) => aggTrade(read.fields(entry, 'trade'), market, receivedAt).event),
  },
  markets: {
    // some thousand markets with all their filters
    request: { ...get('/api/v3/exchangeInfo', 20), maxBytes: 67_108_864 },
    parse: (body) =>
      read
        .list(read.fields(read.readJson(body), 'body').symbols, 'symbols')
        .flatMap((entry) => marketInfo(entry) ?? []),
  },
  knownMarkets: MAJORS.map((base) => ({ ...assume(`${base}-USDT`), status: 'TRADING' })),
  assume,
  session: async (ws) => ({ url: ws }),
  connect({ url }, markets) {
    const streams = markets.flatMap((m) => STREAMS.map((stream) => `${m.nativeSymbol.toLowerCase()}@${stream}`));
    const common = { awaitWelcome: false, ping: null };
    if (streams.length <= MAX_URL_STREAMS) {
      return { ...common, url: `${url}/stream?streams=${streams.join('/')}`, messages: [], acks: 0 };
    }
    const messages = Array.from({ length: Math.ceil(streams.length / STREAMS_PER_MESSAGE) }, (_, i) => {
      const params = streams.slice(i * STREAMS_PER_MESSAGE, (i + 1) * STREAMS_PER_MESSAGE);
      return JSON.stringify({ method: 'SUBSCRIBE', params, id: i + 1 });
    });
    return { ...common, url: `${url}/stream`, messages, acks: messages.length };
  },
  normalize,
};
