/**
 * KuCoin spot. Stamps in ns are beyond 2^53 and the numbers of 24 h frames are decimals: read with every number as text.
 * Source: github.com/Kucoin/kucoin-universal-sdk, the specs of spot; github.com/Kucoin/kucoin-api-docs.
 */
import { randomUUID } from 'node:crypto';
import { Exact } from '../../schema/decimal.ts';
import { INTERVALS, isSymbol, type MarketInfo, splitSymbol } from '../../schema/market.ts';
import { RestFailed } from '../../src/platform/exchange/rest.ts';
import { BadFrame, type BookUpdate, type Connector, type Control, type FeedEvent } from './connector.ts';
import * as read from './fields.ts';
import { planTopics, type Topic } from './kucoin-subscribe.ts';

const exchange = 'KUCOIN';
/** Lowest tier: takerFeeRate 0.001 in the 24 h frames of 2024; the list of symbols has a market's own coefficient. */
const takerFeePercent = '0.1';
const endpoints = { ws: 'wss://ws-api-spot.kucoin.com', rest: 'https://api.kucoin.com' };

type Fields = read.Fields;
type EventOf<C> = Extract<FeedEvent, { channel: C }>['event'];
type Reader = (data: Fields, market: MarketInfo, receivedAt: number) => FeedEvent;
/** What is followed, by `subject`: `*` stands for the symbol, `exact` where JSON.parse would round. */
type Followed = { readonly topic: Topic; readonly exact: boolean; readonly read: Reader };

const MAJORS = ['BTC', 'ETH', 'XRP', 'SOL', 'DOGE', 'KCS', 'ADA', 'TRX', 'LINK', 'LTC'];
/** Frames of a bar come soon after it; a stamp further off is a damaged one. */
const MAX_LATE_MS = 3_600_000;
const MAX_SPAN = 100_000;

/** For reasons; String() itself would call an object's own "toString". */
const shown = (value: unknown) => (typeof value === 'object' ? 'a structure' : String(value).slice(0, 60));
const stamp = ({ symbol }: MarketInfo, eventTime: number, receivedAt: number) =>
  ({ exchange, symbol, eventTime, receivedAt }) as const;
/** Epoch ns, "1619378336197407320" and never a number, to epoch ms. */
const nanoseconds = (value: unknown) =>
  read.time(/^[0-9]{19}$/.exec(shown(value))?.[0].slice(0, -6) ?? 'not ns', 'time');

/** `["1619378280","242.78","242.8","242.9","242.7","0.143","34.778"]`: start in s, open, CLOSE, HIGH, LOW, volume, turnover. */
function candle(value: unknown, market: MarketInfo, receivedAt: number, isClosed: boolean): EventOf<'kline'> {
  const row = read.list(value, 'candle');
  const openTime = read.time(read.count(row[0], 'candle start') * 1_000, 'candle start');
  if (openTime % INTERVALS.M1 !== 0) throw new BadFrame('candle start: not a minute');
  return {
    ...stamp(market, openTime + INTERVALS.M1 - 1, receivedAt),
    interval: 'M1',
    openTime,
    open: read.price(row[1], 'open'),
    high: read.price(row[3], 'high'),
    low: read.price(row[4], 'low'),
    close: read.price(row[2], 'close'),
    volume: read.quantity(row[5], 'volume'),
    quoteVolume: read.quantity(row[6], 'turnover'),
    tradeCount: null,
    isClosed,
    coverage: 1,
  };
}

/** `{"symbol":…,"candles":[…],"time":1619378337806000034}`; "add" and "update" alike may hold any state of a bar. */
const kline: Reader = (data, market, receivedAt) => {
  const eventTime = nanoseconds(data.time);
  const event = candle(data.candles, market, receivedAt, false);
  const late = eventTime - event.openTime;
  if (late < 0 || late > MAX_LATE_MS) throw new BadFrame('time: not near the candle');
  return { channel: 'kline', event: { ...event, eventTime } };
};

/** `{"sequence":"11067996711960577","price":…,"size":…,"side":"buy","time":"1729843222921000000"}`, over REST too; the taker's side. */
function trade(data: Fields, market: MarketInfo, receivedAt: number): EventOf<'trade'> {
  if (data.side !== 'buy' && data.side !== 'sell') throw new BadFrame(`side: ${shown(data.side)}`);
  return {
    ...stamp(market, nanoseconds(data.time), receivedAt),
    // REST has no tradeId; since 2022 it is the sequence, before it was told in the stream alone
    tradeId: read.digits(data.sequence, 'sequence'),
    price: read.price(data.price, 'price'),
    quantity: read.quantity(data.size, 'size'),
    side: data.side === 'buy' ? 'BUY' : 'SELL',
  };
}

/** `[["18906","0.00331","14103845"], …]`: absolute sizes, "0" removes; price "0" only says that a sequence passed. */
function changes(value: unknown, what: string, first: number, last: number) {
  const found = read.list(value, what).map((entry) => {
    const row = read.list(entry, what);
    const sequence = read.count(row[2], `${what} sequence`);
    if (sequence < first || sequence > last) throw new BadFrame(`${what} sequence: not of this frame`);
    const level: [string, string] = [read.quantity(row[0], `${what} price`), read.quantity(row[1], `${what} size`)];
    return { sequence, level };
  });
  // a frame lists them by price: of two changes of one level the later one holds
  return found.filter(({ level }) => level[0] !== '0').sort((a, b) => a.sequence - b.sequence);
}

/** Measured are single changes: `{"sequenceStart":14103844,"sequenceEnd":14103847,"changes":{"asks":[…],"bids":[…]},"time":1663747970273}` */
const level2: Reader = (data, market, receivedAt) => {
  const first = read.count(data.sequenceStart, 'sequenceStart');
  const last = read.count(data.sequenceEnd, 'sequenceEnd');
  if (first < 1 || last < first || last - first > MAX_SPAN) throw new BadFrame('sequenceStart: no range of changes');
  const sides = read.fields(data.changes, 'changes');
  const bids = changes(sides.bids, 'bids', first, last);
  const asks = changes(sides.asks, 'asks', first, last);
  // frames of 2021 have no time
  const eventTime = data.time === undefined ? receivedAt : read.time(data.time, 'time');
  return {
    channel: 'orderbook',
    event: {
      ...stamp(market, eventTime, receivedAt),
      type: 'delta',
      bids: bids.map(({ level }) => level),
      asks: asks.map(({ level }) => level),
      bidSequences: bids.map(({ sequence }) => String(sequence)),
      askSequences: asks.map(({ sequence }) => String(sequence)),
      sequence: String(last),
      previousSequence: String(first - 1),
      integrity: 'SEQUENCED',
    },
  };
};

/** `{"lastTradedPrice":67158.1,"changeRate":0.0047,"vol":2227.69895852000000000000,"datetime":1729758286011,…}` */
const ticker: Reader = (data, market, receivedAt) => ({
  channel: 'ticker',
  event: {
    ...stamp(market, read.time(data.datetime, 'datetime'), receivedAt),
    last: read.price(data.lastTradedPrice, 'lastTradedPrice'),
    open: read.price(data.open, 'open'),
    high: read.price(data.high, 'high'),
    low: read.price(data.low, 'low'),
    volume24h: read.quantity(data.vol, 'vol'),
    quoteVolume24h: read.quantity(data.volValue, 'volValue'),
    changePercent24h: new Exact(read.anyDecimal(data.changeRate, 'changeRate')).times(100).toNumber(),
  },
});

const FIGURES = ['lastTradedPrice', 'open', 'high', 'low', 'vol', 'volValue', 'changeRate'];

const match: Reader = (...frame) => ({ channel: 'trade', event: trade(...frame) });
const candles: Followed = { topic: '/market/candles:*_1min', exact: true, read: kline };
const FOLLOWED: Readonly<Record<string, Followed>> = {
  'trade.candles.update': candles,
  'trade.candles.add': candles,
  'trade.l3match': { topic: '/market/match:*', exact: false, read: match },
  'trade.l2update': { topic: '/market/level2:*', exact: false, read: level2 },
  'trade.snapshot': { topic: '/market/snapshot:*', exact: true, read: ticker },
};
const TOPICS = new Set(Object.values(FOLLOWED).map(({ topic }) => topic));

/** `{"id":"1","type":"ack"}`, `{"id":"…","type":"error","code":404,"data":"topic … is not found"}`; ids are always text. */
function control({ type, code, data, id }: Fields): Control | null {
  if (type === 'welcome' || type === 'ack') return { kind: type };
  if (type !== 'error') return type === 'pong' ? { kind: 'alive' } : null;
  const refused = { kind: 'refused', reason: `${shown(code)} ${shown(data)}` } as const;
  return code === 404 && typeof id === 'string' ? { ...refused, id } : refused;
}

const normalize: Connector['normalize'] = (frame, context) => {
  const outer = read.fields(read.readJson(frame), 'frame');
  const said = control(outer);
  if (said) return { events: [], known: { channel: null, symbol: null, eventTime: null }, control: said };
  if (outer.type !== 'message') throw new BadFrame(`type ${shown(outer.type)} is not followed`);
  const subject = read.text(outer.subject, 'subject');
  const followed = Object.hasOwn(FOLLOWED, subject) ? FOLLOWED[subject] : undefined;
  if (!followed) throw new BadFrame(`subject ${shown(subject)} is not followed`);
  const { data } = followed.exact ? read.fields(read.readJsonNumbersAsText(frame), 'frame') : outer;
  const about = read.fields(data, 'data');
  // a snapshot is {"sequence":…,"data":{…}}
  const own = followed.read === ticker ? read.fields(about.data, 'data.data') : about;
  const [native, topic] = [read.text(own.symbol, 'symbol'), read.text(outer.topic, 'topic')];
  const isFollowed = topic === followed.topic.replace('*', () => native);
  if (!isFollowed) throw new BadFrame(`topic ${shown(topic)} is not followed`);
  const market = context.market(native);
  if (!market) throw new BadFrame(`unknown symbol ${shown(native)}`);
  // what was not traded for a day has no figures: {"lastTradedPrice":null,"open":null,…}
  if (followed.read === ticker && FIGURES.some((name) => own[name] === null)) {
    const known = { channel: 'ticker', symbol: market.symbol, eventTime: read.time(own.datetime, 'datetime') } as const;
    return { events: [], known, control: null };
  }
  const event = followed.read(own, market, context.receivedAt);
  const known = { channel: event.channel, symbol: market.symbol, eventTime: event.event.eventTime };
  return { events: [event], known, control: null };
};

function payload(body: unknown): unknown {
  const { code, data } = read.fields(body, 'body');
  if (code !== '200000') throw new BadFrame(`code ${shown(code)}`);
  return data;
}
const rows = (body: unknown): readonly unknown[] => read.list(payload(body), 'data');

/** `{"time":1729176273859,"sequence":"14610502970","bids":[["66976.4","0.69109872"]],"asks":[…]}`, best first. */
function snapshot(body: Buffer, market: MarketInfo, receivedAt: number): BookUpdate {
  const data = read.fields(payload(read.readJson(body)), 'data');
  const [bids, asks] = [read.levels(data.bids, 'bids'), read.levels(data.asks, 'asks')];
  const sequence = read.digits(data.sequence, 'sequence');
  const known = { sequence, previousSequence: null, integrity: 'SEQUENCED' } as const;
  return { ...stamp(market, read.time(data.time, 'time'), receivedAt), type: 'snapshot', bids, asks, ...known };
}

/** `{"code":"400100","msg":"…"}` comes with HTTP 200; 429000 to 429002 are limits, for what is left of 30 s. */
function refusal(body: Buffer): { reason: string; retryAfterMs: number | null } | null {
  const head = body.toString('utf8', 0, 2_000);
  const code = /"code"\s*:\s*"([0-9]{1,10})"/.exec(head)?.[1] ?? '200000';
  if (code === '200000') return null;
  const said = /"msg"\s*:\s*"([^"\\]{0,200})/.exec(head)?.[1] ?? '';
  return { reason: `${code} ${said}`.trim(), retryAfterMs: code.startsWith('4290') ? 10_000 : null };
}

/** A token is good for one session; `ws` replaces the host unless it is KuCoin's own. */
const session: Connector['session'] = async (ws, call) => {
  const reply = await call({ method: 'POST', path: '/api/v1/bullet-public', weight: 10 });
  const no = refusal(reply.body);
  if (no) throw new RestFailed(no.reason, no.retryAfterMs ? 429 : 400, no.retryAfterMs, reply);
  const data = read.fields(payload(read.readJson(reply.body)), 'data');
  const server = read.fields(read.list(data.instanceServers, 'instanceServers')[0], 'instanceServers');
  const told = new URL(read.text(server.endpoint, 'endpoint'));
  const url = ws === endpoints.ws ? told : new URL(told.pathname, ws);
  url.search = new URLSearchParams({ token: read.text(data.token, 'token'), connectId: randomUUID() }).toString();
  // 18 s as a rule; a damaged answer must not make it a flood
  const pingMs = Math.min(Math.max(read.count(server.pingInterval, 'pingInterval'), 500), 30_000);
  return { url: url.href, pingMs };
};

/** One object of the list of symbols; null where it has no canonical spelling. */
function marketInfo(entry: unknown): MarketInfo | null {
  const s = read.fields(entry, 'symbols');
  // a renamed coin keeps its old name in `symbol`: {"symbol":"BCHSV-USDT","name":"BSV-USDT"}
  const symbol = read.text(s.name, 'name');
  if (!isSymbol(symbol)) return null;
  const size = (value: unknown, what: string) => (typeof value === 'string' ? read.quantity(value, what) : null);
  return {
    ...{ exchange, symbol, nativeSymbol: read.text(s.symbol, 'symbol'), ...splitSymbol(symbol) },
    status: s.enableTrading === true ? 'TRADING' : s.enableTrading === false ? 'HALTED' : 'UNKNOWN',
    tickSize: size(s.priceIncrement, 'priceIncrement'),
    lotSize: size(s.baseIncrement, 'baseIncrement'),
    takerFeePercent: new Exact(takerFeePercent).times(size(s.takerFeeCoefficient, 'fee') ?? 1).toFixed(),
  };
}

function assume(symbol: string): MarketInfo {
  const unknown = { status: 'UNKNOWN', tickSize: null, lotSize: null, takerFeePercent } as const;
  return { exchange, symbol, nativeSymbol: symbol, ...splitSymbol(symbol), ...unknown };
}

const get = (path: string, weight: number) => ({ method: 'GET', path: `/api/${path}`, weight }) as const;

export const kucoin: Connector = {
  exchange,
  endpoints,
  settings: { ws: 'KUCOIN_WS_URL', rest: 'KUCOIN_REST_URL' },
  channels: {
    kline: { streamed: true, cadence: 'on-trade' },
    trade: { streamed: true, cadence: 'on-trade' },
    orderbook: { streamed: true, cadence: 'on-trade' },
    // every 2 s, the others as things happen
    ticker: { streamed: true, cadence: 'steady' },
  },
  // told: 300 topics, 100 messages in 10 s, a day a token, 30 connections a minute, weight 2000 in 30 s for an address
  limits: {
    marketsPerConnection: 75,
    messagesPerSecond: 5,
    lifetimeMs: 24 * 3_600_000,
    connects: { count: 25, perMs: 60_000 },
    rest: { weight: 1_600, perMs: 30_000 },
  },
  klineCloses: 'next',
  // sequences grow, by more than one
  tradeIds: 'unordered',
  book: {
    kind: 'sequenced',
    // all of the book takes a key
    depth: 100,
    snapshot: (market) => get(`v1/market/orderbook/level2_100?symbol=${market.nativeSymbol}`, 2),
    parse: snapshot,
  },
  klineHistory: {
    limit: 1_500,
    // in s, whether `endAt` belongs to it is not said; newest first, without minutes that had no trade
    request: ({ nativeSymbol }, from, to) =>
      get(`v1/market/candles?symbol=${nativeSymbol}&type=1min&startAt=${from / 1_000}&endAt=${to / 1_000 - 1}`, 3),
    parse: (body, market, receivedAt) => rows(read.readJson(body)).map((row) => candle(row, market, receivedAt, true)),
  },
  tradeHistory: {
    direction: 'backward',
    // the newest 100, and no way to older ones; they are put newest first, also within a millisecond
    request: ({ nativeSymbol }, oldest) => (oldest ? null : get(`v1/market/histories?symbol=${nativeSymbol}`, 3)),
    parse: (body, market, receivedAt) =>
      rows(read.readJsonNumbersAsText(body))
        .map((entry) => trade(read.fields(entry, 'trade'), market, receivedAt))
        .sort((a, b) => (BigInt(a.tradeId) < BigInt(b.tradeId) ? 1 : -1)),
  },
  markets: {
    request: { ...get('v2/symbols', 4), maxBytes: 16_777_216 },
    parse: (body) => rows(read.readJson(body)).flatMap((entry) => marketInfo(entry) ?? []),
  },
  knownMarkets: MAJORS.map((base) => ({ ...assume(`${base}-USDT`), status: 'TRADING' })),
  assume,
  session,
  connect: (session, markets) => planTopics(session, TOPICS, markets),
  normalize,
  refusal,
};
