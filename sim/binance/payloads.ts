/**
 * Binance's spelling of what a market holds: stream payloads and REST rows, as text. Field order and number spelling are those
 * of recorded frames (2021) and of web-socket-streams.md and rest-api.md (2026-07) for what the recordings lack.
 */
import type { Level } from '../market/book.ts';
import type { Candle } from '../market/candle.ts';
import type { DayStats } from '../market/day-window.ts';
import type { KlineInterval } from '../market/intervals.ts';
import type { Listing } from '../market/listing.ts';
import type { Trade } from '../market/tape.ts';
import { digits } from './digits.ts';

type Decimals = Pick<Listing, 'tickDecimals' | 'lotDecimals'>;

const DAY = 86_400_000;

function candleTexts(candle: Candle, { tickDecimals, lotDecimals }: Decimals) {
  const price = (units: number) => digits(units, tickDecimals);
  const value = tickDecimals + lotDecimals;
  return {
    o: price(candle.open),
    h: price(candle.high),
    l: price(candle.low),
    c: price(candle.close),
    v: digits(candle.volume.value(), lotDecimals),
    q: digits(candle.quoteVolume.value(), value),
    V: digits(candle.takerVolume.value(), lotDecimals),
    Q: digits(candle.takerQuoteVolume.value(), value),
  };
}

function levels(side: Level[], { tickDecimals, lotDecimals }: Decimals): string {
  return `[${side.map(([p, q]) => `["${digits(p, tickDecimals)}","${digits(q, lotDecimals)}"]`).join(',')}]`;
}

/** Payload of `<symbol>@aggTrade`; `at` is the event time. */
export function aggTradePayload(listing: Listing, trade: Trade, at: number): string {
  const p = digits(trade.price, listing.tickDecimals);
  const q = digits(trade.quantity, listing.lotDecimals);
  return `{"e":"aggTrade","E":${at},"s":"${listing.symbol}","a":${trade.id},"p":"${p}","q":"${q}","f":${trade.first},"l":${trade.last},"T":${trade.time},"m":${trade.buyerIsMaker},"M":true}`;
}

/** An element of `GET /api/v3/aggTrades`. */
export function aggTradeRow(listing: Listing, trade: Trade): string {
  const p = digits(trade.price, listing.tickDecimals);
  const q = digits(trade.quantity, listing.lotDecimals);
  return `{"a":${trade.id},"p":"${p}","q":"${q}","f":${trade.first},"l":${trade.last},"T":${trade.time},"m":${trade.buyerIsMaker},"M":true}`;
}

/** Payload of `<symbol>@kline_<interval>`. */
export function klinePayload(
  listing: Listing,
  interval: KlineInterval,
  candle: Candle,
  closed: boolean,
  at: number,
): string {
  const c = candleTexts(candle, listing);
  const s = listing.symbol;
  return `{"e":"kline","E":${at},"s":"${s}","k":{"t":${candle.openTime},"T":${candle.closeTime},"s":"${s}","i":"${interval}","f":${candle.first},"L":${candle.last},"o":"${c.o}","c":"${c.c}","h":"${c.h}","l":"${c.l}","v":"${c.v}","n":${candle.count},"x":${closed},"q":"${c.q}","V":"${c.V}","Q":"${c.Q}","B":"0"}}`;
}

/** An element of `GET /api/v3/klines`. */
export function klineRow(listing: Listing, candle: Candle): string {
  const c = candleTexts(candle, listing);
  return `[${candle.openTime},"${c.o}","${c.h}","${c.l}","${c.c}","${c.v}",${candle.closeTime},"${c.q}",${candle.count},"${c.V}","${c.Q}","0"]`;
}

/** Payload of `<symbol>@depth` and `<symbol>@depth@100ms`: update ids `first` to `last`. */
export function depthPayload(
  listing: Listing,
  update: { first: number; last: number; bids: Level[]; asks: Level[] },
  at: number,
): string {
  return `{"e":"depthUpdate","E":${at},"s":"${listing.symbol}","U":${update.first},"u":${update.last},"b":${levels(update.bids, listing)},"a":${levels(update.asks, listing)}}`;
}

/** Body of `GET /api/v3/depth`. */
export function depthBody(listing: Listing, lastUpdateId: number, book: { bids: Level[]; asks: Level[] }): string {
  return `{"lastUpdateId":${lastUpdateId},"bids":${levels(book.bids, listing)},"asks":${levels(book.asks, listing)}}`;
}

/** What both spellings of the 24 h statistics say. `bid` and `ask` are the best levels; `at` is the end of the window. */
function tickerTexts(listing: Listing, day: DayStats, bid: Level, ask: Level) {
  const { tickDecimals, lotDecimals } = listing;
  const price = (units: number) => digits(units, tickDecimals);
  const lots = (units: number | bigint) => digits(units, lotDecimals);
  const change = day.close - day.open;
  // ticks × lots over lots, in units of 10^-8
  const weighted = day.volume === 0n ? 0n : (day.quoteVolume * 10n ** BigInt(8 - tickDecimals)) / day.volume;
  return {
    change: price(change),
    percent: ((change / day.open) * 100).toFixed(3),
    weighted: digits(weighted, 8),
    previous: price(day.previousClose),
    last: price(day.close),
    lastQuantity: lots(day.lastQuantity),
    bid: price(bid[0]),
    bidQuantity: lots(bid[1]),
    ask: price(ask[0]),
    askQuantity: lots(ask[1]),
    open: price(day.open),
    high: price(day.high),
    low: price(day.low),
    volume: lots(day.volume),
    quoteVolume: digits(day.quoteVolume, tickDecimals + lotDecimals),
    count: day.lastTrade - day.firstTrade + 1,
  };
}

/** Payload of `<symbol>@ticker`. */
export function tickerPayload(listing: Listing, day: DayStats, bid: Level, ask: Level, at: number): string {
  const t = tickerTexts(listing, day, bid, ask);
  return `{"e":"24hrTicker","E":${at},"s":"${listing.symbol}","p":"${t.change}","P":"${t.percent}","w":"${t.weighted}","x":"${t.previous}","c":"${t.last}","Q":"${t.lastQuantity}","b":"${t.bid}","B":"${t.bidQuantity}","a":"${t.ask}","A":"${t.askQuantity}","o":"${t.open}","h":"${t.high}","l":"${t.low}","v":"${t.volume}","q":"${t.quoteVolume}","O":${at - DAY},"C":${at},"F":${day.firstTrade},"L":${day.lastTrade},"n":${t.count}}`;
}

/** An element of `GET /api/v3/ticker/24hr`; `mini` is its type=MINI. */
export function tickerRow(listing: Listing, day: DayStats, bid: Level, ask: Level, at: number, mini: boolean): string {
  const t = tickerTexts(listing, day, bid, ask);
  const tail = `"openPrice":"${t.open}","highPrice":"${t.high}","lowPrice":"${t.low}"`;
  const sums = `"volume":"${t.volume}","quoteVolume":"${t.quoteVolume}","openTime":${at - DAY},"closeTime":${at},"firstId":${day.firstTrade},"lastId":${day.lastTrade},"count":${t.count}`;
  if (mini) return `{"symbol":"${listing.symbol}",${tail},"lastPrice":"${t.last}",${sums}}`;
  return `{"symbol":"${listing.symbol}","priceChange":"${t.change}","priceChangePercent":"${t.percent}","weightedAvgPrice":"${t.weighted}","prevClosePrice":"${t.previous}","lastPrice":"${t.last}","lastQty":"${t.lastQuantity}","bidPrice":"${t.bid}","bidQty":"${t.bidQuantity}","askPrice":"${t.ask}","askQty":"${t.askQuantity}",${tail},${sums}}`;
}
