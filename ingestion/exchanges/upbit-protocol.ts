/**
 * What Upbit and Bithumb (API v2) have in common besides their frames: the request that subscribes, the REST bodies, the
 * spelling of markets. What the two do differently is in their connectors.
 */
import {
  type Exchange,
  INTERVALS,
  isSymbol,
  type KlineEvent,
  type MarketInfo,
  splitSymbol,
  type TradeEvent,
} from '../../schema/market.ts';
import { BadFrame, type ConnectionPlan, type Connector, type KlineHistory } from './connector.ts';
import * as read from './fields.ts';
import { candle, openTimeOf, trade } from './upbit-frames.ts';

/** The server cuts a connection after 60 s without traffic, though its documents say 120. */
const PING_MS = 20_000;

/** What is different from one exchange to the other. */
export interface Variant {
  exchange: Exchange;
  takerFeePercent(quote: string): string;
}

const MAJORS = ['BTC', 'ETH', 'XRP', 'SOL', 'DOGE', 'ADA', 'TRX', 'LINK', 'AVAX', 'USDT'];

/** The part of a connector that is the same for both. */
export function alike(variant: Variant) {
  return {
    exchange: variant.exchange,
    tradeIds: 'unordered',
    book: { kind: 'snapshots' },
    knownMarkets: MAJORS.map((base) => marketOf(variant, `${base}-KRW`, 'TRADING')),
    assume: (symbol: string) => marketOf(variant, symbol, 'UNKNOWN'),
    session: async (ws: string) => ({ url: ws }),
  } as const satisfies Partial<Connector>;
}

/** Minute candles over REST; `spell` writes an instant (epoch ms) the way the exchange reads it. */
export function minuteCandles(spell: (time: number) => string): KlineHistory {
  return {
    limit: 200,
    request: ({ nativeSymbol }, from, to) => {
      const count = (to - from) / INTERVALS.M1;
      const query = `market=${nativeSymbol}&count=${count}&to=${encodeURIComponent(spell(to))}`;
      return { method: 'GET', path: `/v1/candles/minutes/1?${query}`, weight: 1 };
    },
    parse: parseCandles,
  };
}

/** Minute candles as REST has them: those with trades, newest first. Throws BadFrame. */
export function parseCandles(body: Buffer, market: MarketInfo, receivedAt: number): KlineEvent[] {
  return read.list(read.readJsonNumbersAsText(body), 'body').map((row) => {
    const data = read.fields(row, 'candle');
    if (data.market !== market.nativeSymbol) throw new BadFrame('market: another one');
    if (data.unit !== '1') throw new BadFrame('unit: not one minute');
    const openTime = openTimeOf(data.candle_date_time_utc);
    const eventTime = openTime + INTERVALS.M1 - 1;
    return { ...candle(data, market, receivedAt, eventTime, openTime), isClosed: true };
  });
}

/** Trades as REST has them, newest first. Throws BadFrame. */
export function parseTrades(body: Buffer, market: MarketInfo, receivedAt: number): TradeEvent[] {
  return read.list(read.readJsonNumbersAsText(body), 'body').map((row) => {
    const data = read.fields(row, 'trade');
    if (data.market !== market.nativeSymbol) throw new BadFrame('market: another one');
    return trade(data, market, receivedAt, 'timestamp');
  });
}

/** A market of a canonical symbol: the quote comes first in its native one. Throws RangeError. */
export function marketOf(
  { exchange, takerFeePercent }: Variant,
  symbol: string,
  status: MarketInfo['status'],
): MarketInfo {
  const { base, quote } = splitSymbol(symbol);
  // neither list tells steps. Upbit tells those of prices apart; Bithumb's ladder of them is not in its API's documents, nor
  // is how fine a size may be in either's
  const steps = { tickSize: null, lotSize: null, takerFeePercent: takerFeePercent(quote) };
  return { exchange, symbol, nativeSymbol: `${quote}-${base}`, base, quote, status, ...steps };
}

/** `[{"market":"KRW-BTC","korean_name":…,"english_name":…,…}]`: what is listed is traded. Throws BadFrame. */
export function parseMarkets(body: Buffer, variant: Variant): MarketInfo[] {
  return read.list(read.readJson(body), 'body').flatMap((row) => {
    const native = read.text(read.fields(row, 'market').market, 'market');
    const [quote, base, rest] = native.split('-');
    const symbol = `${base}-${quote}`;
    return rest === undefined && isSymbol(symbol) ? marketOf(variant, symbol, 'TRADING') : [];
  });
}

/**
 * `[{"market":"KRW-BTC","quote_currency":"KRW","tick_size":"1000","supported_levels":[…]}]`: the price step of each market at
 * its present price, as the ladder of KRW markets has them. By native symbol. Throws BadFrame.
 */
export function parseSteps(body: Buffer): Map<string, string> {
  return new Map(
    read.list(read.readJsonNumbersAsText(body), 'body').map((row) => {
      const data = read.fields(row, 'instrument');
      return [read.text(data.market, 'market'), read.price(data.tick_size, 'tick_size')];
    }),
  );
}

/** One connection and one request: a second one would replace the first. `types` may carry options. */
export function planConnection(
  url: string,
  markets: readonly MarketInfo[],
  types: readonly Readonly<Record<string, string | boolean>>[],
  ticket: string,
): ConnectionPlan {
  const codes = markets.map((market) => market.nativeSymbol);
  const request = [{ ticket }, ...types.map((type) => ({ ...type, codes })), { format: 'DEFAULT' }];
  const ping = { everyMs: PING_MS, message: () => null };
  return { url, awaitWelcome: false, messages: [JSON.stringify(request)], acks: 0, ping };
}
