/** Bodies of the REST endpoints, as JSON text. */
import { Candle } from '../market/candle.ts';
import { type KlineInterval, openOf } from '../market/intervals.ts';
import type { Market } from '../market/market.ts';
import type { Trade } from '../market/tape.ts';
import { dayFigures } from './day.ts';
import type { Dialect } from './dialect.ts';
import { clockOf } from './frames.ts';
import type { MarketFeed } from './market-feed.ts';
import { plain } from './numbers.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const KST = 32_400_000;
/** Length of a minute candle in minutes → what it is made of. */
export const UNITS: Readonly<Record<string, readonly [part: KlineInterval, minutes: number]>> = {
  1: ['1m', 1],
  3: ['3m', 3],
  5: ['5m', 5],
  10: ['5m', 5],
  15: ['15m', 15],
  30: ['30m', 30],
  60: ['1h', 60],
  240: ['4h', 240],
};

const iso = (time: number): string => new Date(time).toISOString().slice(0, 19);

function candleOf(market: Market, unit: number, open: number): Candle {
  const [part, minutes] = UNITS[unit] as [KlineInterval, number];
  const whole = new Candle(open, open + unit * MINUTE - 1, 0);
  for (let at = open; at < open + unit * MINUTE && at <= market.now; at += minutes * MINUTE) {
    whole.addCandle(market.candle(part, openOf(part, at)));
  }
  return whole;
}

/** /v1/candles/minutes/{unit}: newest first, none for a time without a trade. `to` (epoch ms) is exclusive. */
export function candlesBody(dialect: Dialect, { market }: MarketFeed, unit: number, to: number | null, count: number) {
  const { listing } = market;
  const length = unit * MINUTE;
  const price = (units: number): string => dialect.rest.price(units, listing.tickDecimals);
  const rows: string[] = [];
  let open = Math.ceil(Math.min(to ?? market.now, market.now) / length) * length - length;
  for (; open >= market.listedAt && rows.length < count; open -= length) {
    const candle = candleOf(market, unit, open);
    if (candle.count === 0) continue;
    rows.push(
      `{"market":"${listing.symbol}","candle_date_time_utc":"${iso(open)}","candle_date_time_kst":"${iso(open + KST)}"` +
        `,"opening_price":${price(candle.open)},"high_price":${price(candle.high)},"low_price":${price(candle.low)}` +
        `,"trade_price":${price(candle.close)},"timestamp":${Math.min(open + length, market.now)}` +
        `,"candle_acc_trade_price":${plain(candle.quoteVolume.value(), listing.tickDecimals + listing.lotDecimals)}` +
        `,"candle_acc_trade_volume":${plain(candle.volume.value(), listing.lotDecimals)},"unit":${unit}}`,
    );
  }
  return `[${rows.join(',')}]`;
}

function tradeRow(dialect: Dialect, feed: MarketFeed, trade: Trade): string {
  const { listing } = feed.market;
  const price = (units: number): string => dialect.rest.price(units, listing.tickDecimals);
  const before = feed.previousClose.value();
  const at = new Date(trade.time).toISOString();
  return (
    `{"market":"${listing.symbol}","trade_date_utc":"${at.slice(0, 10)}","trade_time_utc":"${at.slice(11, 19)}"` +
    `,"timestamp":${trade.time},"trade_price":${price(trade.price)}` +
    `,"trade_volume":${plain(trade.quantity, listing.lotDecimals)},"prev_closing_price":${price(before)}` +
    `,"change_price":${price(trade.price - before)},"ask_bid":"${trade.buyerIsMaker ? 'ASK' : 'BID'}"` +
    `,"sequential_id":${dialect.trade.restId(trade)}}`
  );
}

export interface TradesPage {
  count: number;
  /** Time of day in ms, exclusive. */
  to: number | null;
  cursor: string | null;
  daysAgo: number;
}

/** Id of the trade that a cursor names, or of the first one after it. */
function placeOf(dialect: Dialect, market: Market, cursor: string): number {
  // the digits before the last four are the ms, give or take
  const near = Number(/^[0-9]{5,20}$/.test(cursor) ? BigInt(cursor) / 10_000n : 0n);
  const named = market.trades(near - 3_000, near + 3_000).find((trade) => dialect.trade.restId(trade) === cursor);
  return named?.id ?? market.firstTradeAt(Math.max(near, market.listedAt));
}

/** /v1/trades/ticks: the trades of one UTC day, newest first, those before a time of day or a cursor. */
export function tradesBody(dialect: Dialect, feed: MarketFeed, page: TradesPage): string {
  const { market } = feed;
  const day = Math.floor(market.now / DAY) * DAY - page.daysAgo * DAY;
  const end = Math.min(market.now, day + (page.to ?? DAY));
  let last = market.firstTradeAt(Math.max(end, market.listedAt));
  if (page.cursor !== null) last = Math.min(last, placeOf(dialect, market, page.cursor));
  const first = Math.max(market.firstTradeAt(Math.max(day, market.listedAt)), last - page.count);
  const trades = last > first ? market.tradesFrom(first, last - first) : [];
  return `[${trades
    .reverse()
    .map((trade) => tradeRow(dialect, feed, trade))
    .join(',')}]`;
}

/** One element of /v1/ticker. */
export function tickerBody(dialect: Dialect, feed: MarketFeed, now: number): string {
  const { market } = feed;
  const { listing } = market;
  const day = dayFigures(dialect, market, feed.window, feed.previousClose.value());
  const price = (units: number): string => dialect.rest.price(units, listing.tickDecimals);
  const lots = (units: number | bigint): string => plain(units, listing.lotDecimals);
  const value = (units: bigint): string => plain(units, listing.tickDecimals + listing.lotDecimals);
  const utc = clockOf({ ...dialect, dayOffset: 0 }, day.last.time);
  const kst = clockOf({ ...dialect, dayOffset: KST }, day.last.time);
  const digits = (text: string): string => text.replace(/[-:]/g, '');
  const rate = Math.round((day.difference / day.previousClose) * 1e10) / 1e10;
  return (
    `{"market":"${listing.symbol}","trade_date":"${digits(utc.date)}","trade_time":"${digits(utc.time)}"` +
    `,"trade_date_kst":"${digits(kst.date)}","trade_time_kst":"${digits(kst.time)}"` +
    `,"trade_timestamp":${day.last.time + dialect.rest.tickerShift},"opening_price":${price(day.open)}` +
    `,"high_price":${price(day.high)},"low_price":${price(day.low)},"trade_price":${price(day.last.price)}` +
    `,"prev_closing_price":${price(day.previousClose)},"change":"${day.change}"` +
    `,"change_price":${price(Math.abs(day.difference))},"change_rate":${Math.abs(rate)}` +
    `,"signed_change_price":${price(day.difference)},"signed_change_rate":${rate}` +
    `,"trade_volume":${lots(day.last.quantity)},"acc_trade_price":${value(day.quoteVolume)}` +
    `,"acc_trade_price_24h":${value(day.quoteVolume24h)},"acc_trade_volume":${lots(day.volume)}` +
    `,"acc_trade_volume_24h":${lots(day.volume24h)},"highest_52_week_price":${price(day.yearHigh)}` +
    `,"highest_52_week_date":"2025-10-09","lowest_52_week_price":${price(day.yearLow)}` +
    `,"lowest_52_week_date":"2026-02-06","timestamp":${now + dialect.rest.tickerShift}}`
  );
}

/** One element of /v1/orderbook. */
export function bookBody(dialect: Dialect, feed: MarketFeed, units: number): string {
  const { listing } = feed.market;
  const { bids, asks } = feed.sides(units);
  const price = (level: readonly number[] | undefined): string => plain(level?.[0] ?? 0, listing.tickDecimals);
  const size = (level: readonly number[] | undefined): string =>
    String(Number(dialect.book.size.default(level?.[1] ?? 0, listing.lotDecimals)));
  const total = (side: readonly (readonly number[])[]): string =>
    plain(
      side.reduce((sum, [, quantity = 0]) => sum + quantity, 0),
      listing.lotDecimals,
    );
  const rows = Array.from(
    { length: Math.max(bids.length, asks.length) },
    (_, i) =>
      `{"bid_price":${price(bids[i])},"bid_size":${size(bids[i])},"ask_price":${price(asks[i])},"ask_size":${size(asks[i])}}`,
  );
  return (
    `{"market":"${listing.symbol}","timestamp":${feed.bookAt},"total_ask_size":${total(asks)}` +
    `,"total_bid_size":${total(bids)},"orderbook_units":[${rows.join(',')}]}`
  );
}
