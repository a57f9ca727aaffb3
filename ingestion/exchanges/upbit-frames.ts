/**
 * The frames of the protocol that Upbit made and Bithumb took over with its API v2: whole books, candles without a closed
 * flag, and numbers that are neither safe integers (ids of 17 to 19 digits) nor free of exponents (1.16539E8).
 * Sources: docs.upbit.com v1.6, apidocs.bithumb.com, and probes of both exchanges of 2026-09-23.
 */
import { comparePrices } from '../../schema/decimal.ts';
import type { BookLevel, KlineEvent, MarketEvent, MarketInfo, TradeEvent } from '../../schema/market.ts';
import {
  BadFrame,
  type BookUpdate,
  type Control,
  type FeedEvent,
  type FrameContext,
  type Normalized,
} from './connector.ts';
import * as read from './fields.ts';

/** A stamp of a trade or bar that is further from its frame's is a damaged one. */
const DAY = 86_400_000;
/** Sixteen digits are µs, thirteen ms. */
const FIRST_MICROSECONDS = 100_000_000_000_000;

type Fields = read.Fields;

/** `format` SIMPLE says the same with short names. */
const SHORT: Readonly<Record<string, string>> = {
  type: 'ty',
  code: 'cd',
  timestamp: 'tms',
  opening_price: 'op',
  high_price: 'hp',
  low_price: 'lp',
  trade_price: 'tp',
  trade_volume: 'tv',
  signed_change_rate: 'scr',
  acc_trade_volume_24h: 'atv24h',
  acc_trade_price_24h: 'atp24h',
  ask_bid: 'ab',
  trade_timestamp: 'ttms',
  sequential_id: 'sid',
  orderbook_units: 'obu',
  ask_price: 'ap',
  bid_price: 'bp',
  ask_size: 'as',
  bid_size: 'bs',
  candle_date_time_utc: 'cdttmu',
  candle_acc_trade_volume: 'catv',
  candle_acc_trade_price: 'catp',
};

/** A field by its long name, in either format. */
function at(frame: Fields, name: string): unknown {
  const value = frame[name];
  return value === undefined ? frame[SHORT[name] ?? name] : value;
}

function stamp({ exchange, symbol }: MarketInfo, eventTime: number, receivedAt: number): MarketEvent {
  return { exchange, symbol, eventTime, receivedAt };
}

/** ASK: the taker sold. */
function sideOf(value: unknown): TradeEvent['side'] {
  if (value !== 'ASK' && value !== 'BID') throw new BadFrame('ask_bid: neither ASK nor BID');
  return value === 'ASK' ? 'SELL' : 'BUY';
}

/** A trade; `time` names the field of its time: in a stream `trade_timestamp`, over REST `timestamp`. Throws BadFrame. */
export function trade(data: Fields, market: MarketInfo, receivedAt: number, time: string): TradeEvent {
  return {
    ...stamp(market, read.time(at(data, time), time), receivedAt),
    tradeId: read.digits(at(data, 'sequential_id'), 'sequential_id'),
    price: read.price(at(data, 'trade_price'), 'trade_price'),
    quantity: read.quantity(at(data, 'trade_volume'), 'trade_volume'),
    side: sideOf(at(data, 'ask_bid')),
  };
}

/** ms; Bithumb stamps books in µs. */
function bookTime(value: unknown): number {
  const stamped = read.count(value, 'timestamp');
  return read.time(stamped >= FIRST_MICROSECONDS ? Math.floor(stamped / 1_000) : stamped, 'timestamp');
}

/** The levels of one side, best first. Thin sides are padded with zeros, and dust is shown as size 0: neither is a level. */
function side(units: readonly Fields[], name: 'ask' | 'bid'): BookLevel[] {
  const levels: BookLevel[] = [];
  for (const unit of units) {
    const price = read.quantity(at(unit, `${name}_price`), `${name}_price`);
    const size = read.quantity(at(unit, `${name}_size`), `${name}_size`);
    if (price !== '0' && size !== '0') levels.push([price, size]);
  }
  const outwards = name === 'ask' ? 1 : -1;
  for (let i = 1; i < levels.length; i++) {
    const step = comparePrices((levels[i] as BookLevel)[0], (levels[i - 1] as BookLevel)[0]);
    if (step !== outwards) throw new BadFrame(`${name}_price: not in order`);
  }
  return levels;
}

function orderbook(data: Fields, market: MarketInfo, receivedAt: number): BookUpdate {
  const list = read.list(at(data, 'orderbook_units'), 'orderbook_units');
  const units = list.map((unit) => read.fields(unit, 'orderbook_units'));
  const [bids, asks] = [side(units, 'bid'), side(units, 'ask')];
  const [bid, ask] = [bids[0], asks[0]];
  if (bid && ask && comparePrices(bid[0], ask[0]) >= 0) throw new BadFrame('orderbook_units: bids and asks cross');
  const time = at(data, 'timestamp');
  return {
    ...stamp(market, bookTime(time), receivedAt),
    ...{ type: 'snapshot', bids, asks, previousSequence: null, integrity: 'SNAPSHOT_ONLY' },
    // there is none; the loop counts
    sequence: read.digits(time, 'timestamp'),
  };
}

/**
 * Opening, highest, lowest price and the change are those of the exchange's own day (Upbit from 0h UTC, Bithumb from 0h KST),
 * the volumes those of the last 24 hours.
 */
function ticker(data: Fields, market: MarketInfo, receivedAt: number): FeedEvent {
  const rate = Number(read.anyDecimal(at(data, 'signed_change_rate'), 'signed_change_rate'));
  return {
    channel: 'ticker',
    event: {
      ...stamp(market, read.time(at(data, 'timestamp'), 'timestamp'), receivedAt),
      last: read.price(at(data, 'trade_price'), 'trade_price'),
      open: read.quantity(at(data, 'opening_price'), 'opening_price'),
      high: read.quantity(at(data, 'high_price'), 'high_price'),
      low: read.quantity(at(data, 'low_price'), 'low_price'),
      volume24h: read.quantity(at(data, 'acc_trade_volume_24h'), 'acc_trade_volume_24h'),
      quoteVolume24h: read.quantity(at(data, 'acc_trade_price_24h'), 'acc_trade_price_24h'),
      // a rate of ten decimals, without the noise of a binary product
      changePercent24h: Math.round(rate * 1e12) / 1e10,
    },
  };
}

/** `2026-07-30T07:45:00`, in UTC. Throws BadFrame. */
export function openTimeOf(value: unknown): number {
  const text = read.text(value, 'candle_date_time_utc');
  const openTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:00$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  if (Number.isNaN(openTime)) throw new BadFrame('candle_date_time_utc: not a minute');
  return read.time(openTime, 'candle_date_time_utc');
}

/** A minute candle; open, as nothing in it says otherwise. Throws BadFrame. */
export function candle(
  data: Fields,
  market: MarketInfo,
  receivedAt: number,
  eventTime: number,
  openTime: number,
): KlineEvent {
  return {
    ...stamp(market, eventTime, receivedAt),
    ...{ interval: 'M1', openTime, tradeCount: null, isClosed: false, coverage: 1 },
    open: read.price(at(data, 'opening_price'), 'opening_price'),
    high: read.price(at(data, 'high_price'), 'high_price'),
    low: read.price(at(data, 'low_price'), 'low_price'),
    close: read.price(at(data, 'trade_price'), 'trade_price'),
    volume: read.quantity(at(data, 'candle_acc_trade_volume'), 'candle_acc_trade_volume'),
    quoteVolume: read.quantity(at(data, 'candle_acc_trade_price'), 'candle_acc_trade_price'),
  };
}

/** `timestamp` of a bar is that of its newest trade. Nothing says that a bar is finished but a later one. */
function streamedCandle(data: Fields, market: MarketInfo, receivedAt: number): FeedEvent {
  const openTime = openTimeOf(at(data, 'candle_date_time_utc'));
  const eventTime = read.time(at(data, 'timestamp'), 'timestamp');
  if (eventTime < openTime || eventTime > openTime + DAY) throw new BadFrame('timestamp: not near its candle');
  return { channel: 'kline', event: candle(data, market, receivedAt, eventTime, openTime) };
}

function streamedTrade(data: Fields, market: MarketInfo, receivedAt: number): FeedEvent {
  const event = trade(data, market, receivedAt, 'trade_timestamp');
  const sent = read.time(at(data, 'timestamp'), 'timestamp');
  if (sent < event.eventTime - DAY) throw new BadFrame('timestamp: long before trade_timestamp');
  return { channel: 'trade', event };
}

const READERS: Readonly<Record<string, (data: Fields, market: MarketInfo, receivedAt: number) => FeedEvent>> = {
  ticker,
  trade: streamedTrade,
  orderbook: (data, market, receivedAt) => ({ channel: 'orderbook', event: orderbook(data, market, receivedAt) }),
  'candle.1m': streamedCandle,
};

function reasonOf(error: unknown): string {
  const { name, message } = read.fields(error, 'error');
  return `${String(name).slice(0, 50)} ${String(message).slice(0, 200)}`;
}

/** `{"status":"UP"}` after PING; `{"error":{"name":…,"message":…}}`, after which the server closes. */
function control(frame: Fields): Control | null {
  if ('error' in frame) return { kind: 'refused', reason: reasonOf(frame.error) };
  return frame.status === 'UP' ? { kind: 'alive' } : null;
}

/** Reads a frame in format DEFAULT or SIMPLE, of the `types` given. Throws BadFrame. */
export function normalizeFrame(frame: Buffer, context: FrameContext, types: readonly string[]): Normalized {
  const data = read.fields(read.readJsonNumbersAsText(frame), 'frame');
  const said = control(data);
  if (said) return { events: [], known: { channel: null, symbol: null, eventTime: null }, control: said };
  const type = read.text(at(data, 'type'), 'type');
  const reader = types.includes(type) && Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (!reader) throw new BadFrame(`type ${type.slice(0, 30)} is not followed`);
  const code = read.text(at(data, 'code'), 'code');
  const market = context.market(code);
  if (!market) throw new BadFrame(`unknown symbol ${code.slice(0, 30)}`);
  const event = reader(data, market, context.receivedAt);
  const known = { channel: event.channel, symbol: market.symbol, eventTime: event.event.eventTime };
  return { events: [event], known, control: null };
}
