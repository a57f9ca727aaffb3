/** The frames of the streams, field by field: [name, SIMPLE name, JSON text]. Order as on the wire where that was seen. */
import type { Level } from '../market/book.ts';
import type { Candle } from '../market/candle.ts';
import type { Listing } from '../market/listing.ts';
import type { Trade } from '../market/tape.ts';
import type { DayFigures } from './day.ts';
import type { Dialect, Format } from './dialect.ts';
import { double, plain, scaled } from './numbers.ts';

export type Field = readonly [name: string, short: string, json: string];
export type StreamType = 'SNAPSHOT' | 'REALTIME';
export interface Sides {
  bids: readonly Level[];
  asks: readonly Level[];
}

const text = (value: string): string => `"${value}"`;

/** The frame in the format asked for. */
export function spell(fields: readonly Field[], format: Format): string {
  const short = format.startsWith('SIMPLE');
  const body = `{${fields.map(([name, brief, json]) => `"${short ? brief : name}":${json}`).join(',')}}`;
  return format.endsWith('LIST') ? `[${body}]` : body;
}

/** Date and time of the exchange's clock. */
export function clockOf(dialect: Dialect, time: number): { date: string; time: string } {
  const iso = new Date(time + dialect.dayOffset).toISOString();
  return { date: iso.slice(0, 10), time: iso.slice(11, 19) };
}

function changeFields({ change, difference, rate, price }: DayFigures): Field[] {
  const unsigned = (value: string): string => value.replace('-', '');
  return [
    ['change', 'c', text(change)],
    ['change_price', 'cp', unsigned(price(difference))],
    ['signed_change_price', 'scp', price(difference)],
    ['change_rate', 'cr', unsigned(rate)],
    ['signed_change_rate', 'scr', rate],
  ];
}

/** A ticker of the moment `at`. */
export function tickerFields(d: Dialect, listing: Listing, day: DayFigures, at: number, stream: StreamType): Field[] {
  const { last } = day;
  const price = (units: number): string => d.price(units, listing.tickDecimals);
  const lots = (units: number | bigint): string => plain(units, listing.lotDecimals);
  const value = (units: bigint): string => double(units, listing.tickDecimals + listing.lotDecimals);
  const clock = clockOf(d, last.time);
  return [
    ['type', 'ty', text('ticker')],
    ['code', 'cd', text(listing.symbol)],
    ['opening_price', 'op', price(day.open)],
    ['high_price', 'hp', price(day.high)],
    ['low_price', 'lp', price(day.low)],
    ['trade_price', 'tp', price(last.price)],
    ['prev_closing_price', 'pcp', price(day.previousClose)],
    ['acc_trade_price', 'atp', value(day.quoteVolume)],
    ...changeFields(day),
    ['ask_bid', 'ab', text(last.buyerIsMaker ? 'ASK' : 'BID')],
    ['trade_volume', 'tv', lots(last.quantity)],
    ['acc_trade_volume', 'atv', lots(day.volume)],
    ['trade_date', 'tdt', text(clock.date.replaceAll('-', ''))],
    ['trade_time', 'ttm', text(clock.time.replaceAll(':', ''))],
    ['trade_timestamp', 'ttms', String(last.time)],
    ['acc_ask_volume', 'aav', lots(day.volume - day.takerVolume)],
    ['acc_bid_volume', 'abv', lots(day.takerVolume)],
    ['highest_52_week_price', 'h52wp', price(day.yearHigh)],
    ['highest_52_week_date', 'h52wdt', text('2025-10-09')],
    ['lowest_52_week_price', 'l52wp', price(day.yearLow)],
    ['lowest_52_week_date', 'l52wdt', text('2026-02-06')],
    ['market_state', 'ms', text('ACTIVE')],
    ['is_trading_suspended', 'its', 'false'],
    ['delisting_date', 'dd', d.noDate],
    ['market_warning', 'mw', text('NONE')],
    ['timestamp', 'tms', String(at)],
    ['acc_trade_price_24h', 'atp24h', value(day.quoteVolume24h)],
    ['acc_trade_volume_24h', 'atv24h', lots(day.volume24h)],
    ['stream_type', 'st', text(stream)],
  ];
}

/** A trade, told at `at`; `best` are the best levels. */
export function tradeFields(
  d: Dialect,
  listing: Listing,
  trade: Trade,
  day: Pick<DayFigures, 'previousClose'>,
  best: Sides,
  at: number,
  stream: StreamType,
): Field[] {
  const price = (units: number): string => d.trade.price(units, listing.tickDecimals);
  const lots = (units: number): string => plain(units, listing.lotDecimals);
  const clock = clockOf(d, trade.time);
  const difference = trade.price - day.previousClose;
  const none: Level = [0, 0];
  const [bid, ask] = [best.bids[0] ?? none, best.asks[0] ?? none];
  return [
    ['type', 'ty', text('trade')],
    ['code', 'cd', text(listing.symbol)],
    ['timestamp', 'tms', String(at)],
    ['trade_date', 'td', text(clock.date)],
    ['trade_time', 'ttm', text(clock.time)],
    ['trade_timestamp', 'ttms', String(trade.time)],
    ['trade_price', 'tp', price(trade.price)],
    ['trade_volume', 'tv', lots(trade.quantity)],
    ['ask_bid', 'ab', text(trade.buyerIsMaker ? 'ASK' : 'BID')],
    ['prev_closing_price', 'pcp', price(day.previousClose)],
    ['change', 'c', text(difference > 0 ? 'RISE' : difference < 0 ? 'FALL' : 'EVEN')],
    ['change_price', 'cp', price(Math.abs(difference))],
    ['sequential_id', 'sid', d.trade.streamId(trade)],
    ...(d.trade.best
      ? ([
          ['best_ask_price', 'bap', plain(ask[0], listing.tickDecimals)],
          ['best_ask_size', 'bas', lots(ask[1])],
          ['best_bid_price', 'bbp', plain(bid[0], listing.tickDecimals)],
          ['best_bid_size', 'bbs', lots(bid[1])],
        ] satisfies Field[])
      : []),
    ['stream_type', 'st', text(stream)],
  ];
}

/** A book as of `at`; its sides are padded with zeros to the same length. */
export function bookFields(
  d: Dialect,
  listing: Listing,
  { bids, asks }: Sides,
  at: number,
  stream: StreamType,
  format: Format,
): Field[] {
  const short = format.startsWith('SIMPLE');
  const spelling = short ? 'simple' : 'default';
  const price = (level: Level = [0, 0]): string => d.book.price[spelling](level[0], listing.tickDecimals);
  const size = (level: Level = [0, 0]): string => d.book.size[spelling](level[1], listing.lotDecimals);
  const total = (side: readonly Level[]): string =>
    plain(
      side.reduce((sum, [, quantity]) => sum + quantity, 0),
      listing.lotDecimals,
    );
  const units = Array.from({ length: Math.max(bids.length, asks.length) }, (_, i) => {
    const fields: Field[] = [
      ['ask_price', 'ap', price(asks[i])],
      ['bid_price', 'bp', price(bids[i])],
      ['ask_size', 'as', size(asks[i])],
      ['bid_size', 'bs', size(bids[i])],
    ];
    return spell(fields, short ? 'SIMPLE' : 'DEFAULT');
  });
  const stamp: Field = ['timestamp', 'tms', d.book.stamp(at)];
  const level: Field = ['level', 'lv', String(d.book.level)];
  return [
    ['type', 'ty', text('orderbook')],
    ['code', 'cd', text(listing.symbol)],
    ...(d.book.stampFirst ? [stamp] : []),
    ['total_ask_size', 'tas', total(asks)],
    ['total_bid_size', 'tbs', total(bids)],
    ['orderbook_units', 'obu', `[${units.join(',')}]`],
    ...(d.book.stampFirst ? [] : [level, stamp]),
    ['stream_type', 'st', text(stream)],
    ...(d.book.stampFirst ? [level] : []),
  ];
}

/** A candle of the stream `type`; `at` is its newest trade. */
export function candleFields(listing: Listing, type: string, candle: Candle, at: number, stream: StreamType): Field[] {
  const price = (units: number): string => scaled(units, listing.tickDecimals);
  const iso = (time: number): string => text(new Date(time).toISOString().slice(0, 19));
  return [
    ['type', 'ty', text(type)],
    ['code', 'cd', text(listing.symbol)],
    ['candle_date_time_utc', 'cdttmu', iso(candle.openTime)],
    ['candle_date_time_kst', 'cdttmk', iso(candle.openTime + 32_400_000)],
    ['opening_price', 'op', price(candle.open)],
    ['high_price', 'hp', price(candle.high)],
    ['low_price', 'lp', price(candle.low)],
    ['trade_price', 'tp', price(candle.close)],
    ['candle_acc_trade_volume', 'catv', scaled(candle.volume.value(), listing.lotDecimals)],
    ['candle_acc_trade_price', 'catp', scaled(candle.quoteVolume.value(), listing.tickDecimals + listing.lotDecimals)],
    ['timestamp', 'tms', String(at)],
    ['stream_type', 'st', text(stream)],
  ];
}
