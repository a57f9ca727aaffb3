/**
 * KuCoin's spelling of what a market holds: frames and REST rows, as text. Field order and number spelling are those of
 * recorded frames (2021 to 2024) and of the exchange's published examples.
 */
import type { Level } from '../market/book.ts';
import type { Candle } from '../market/candle.ts';
import type { DayStats } from '../market/day-window.ts';
import type { Listing } from '../market/listing.ts';
import type { Trade } from '../market/tape.ts';
import type { Change } from './changes.ts';
import { nanoseconds, padded, plain, tradeSequence } from './spelling.ts';

/** A frame of a topic. */
function frame(topic: string, subject: string, data: string): string {
  return `{"topic":"${topic}","type":"message","subject":"${subject}","data":${data}}`;
}

/** `[start in s, open, close, high, low, volume, turnover]` */
export function candleRow({ tickDecimals, lotDecimals }: Listing, candle: Candle): string {
  const price = (units: number) => plain(units, tickDecimals);
  const columns = [
    String(candle.openTime / 1_000),
    price(candle.open),
    price(candle.close),
    price(candle.high),
    price(candle.low),
    plain(candle.volume.value(), lotDecimals),
    plain(candle.quoteVolume.value(), tickDecimals + lotDecimals),
  ];
  return JSON.stringify(columns);
}

/** Frame of `/market/candles:<symbol>_<type>`; `at` in ms is told in ns, as a bare number. */
export function candleFrame(topic: string, listing: Listing, candle: Candle, isFirst: boolean, at: number): string {
  const subject = isFirst ? 'trade.candles.add' : 'trade.candles.update';
  const row = candleRow(listing, candle);
  return frame(topic, subject, `{"symbol":"${listing.symbol}","candles":${row},"time":${nanoseconds(at, at)}}`);
}

function sideOf(trade: Trade): string {
  return trade.buyerIsMaker ? 'sell' : 'buy';
}

/** Frame of `/market/match:<symbol>`; the time is ns as a string. */
export function matchFrame(topic: string, listing: Listing, trade: Trade): string {
  const { symbol, tickDecimals, lotDecimals } = listing;
  const sequence = tradeSequence(trade);
  const order = (n: number) => (trade.id * 2 + n).toString(16).padStart(24, '6');
  const price = plain(trade.price, tickDecimals);
  const size = plain(trade.quantity, lotDecimals);
  const time = nanoseconds(trade.time, trade.id);
  const data = `{"makerOrderId":"${order(0)}","price":"${price}","sequence":"${sequence}","side":"${sideOf(trade)}","size":"${size}","symbol":"${symbol}","takerOrderId":"${order(1)}","time":"${time}","tradeId":"${sequence}","type":"match"}`;
  return frame(topic, 'trade.l3match', data);
}

/** An element of `GET /api/v1/market/histories`; the time is ns as a bare number. */
export function historyRow({ tickDecimals, lotDecimals }: Listing, trade: Trade): string {
  const price = plain(trade.price, tickDecimals);
  const size = plain(trade.quantity, lotDecimals);
  return `{"sequence":"${tradeSequence(trade)}","price":"${price}","size":"${size}","side":"${sideOf(trade)}","time":${nanoseconds(trade.time, trade.id)}}`;
}

/** Frame of `/market/level2:<symbol>`: the changes numbered `first` to `last`. */
export function level2Frame(
  topic: string,
  listing: Listing,
  update: { first: number; last: number; bids: Change[]; asks: Change[] },
  at: number,
): string {
  const { symbol, tickDecimals, lotDecimals } = listing;
  const rows = (side: Change[]) =>
    JSON.stringify(side.map((c) => [plain(c.price, tickDecimals), plain(c.size, lotDecimals), String(c.sequence)]));
  const changes = `{"asks":${rows(update.asks)},"bids":${rows(update.bids)}}`;
  const data = `{"changes":${changes},"sequenceEnd":${update.last},"sequenceStart":${update.first},"symbol":"${symbol}","time":${at}}`;
  return frame(topic, 'trade.l2update', data);
}

/** `data` of `GET /api/v1/market/orderbook/level2_<size>`. */
export function bookBody(
  { tickDecimals, lotDecimals }: Listing,
  sequence: number,
  book: { bids: Level[]; asks: Level[] },
  at: number,
): string {
  const rows = (side: Level[]) =>
    JSON.stringify(side.map(([price, size]) => [plain(price, tickDecimals), plain(size, lotDecimals)]));
  return `{"time":${at},"sequence":"${sequence}","bids":${rows(book.bids)},"asks":${rows(book.asks)}}`;
}

/** Frame of `/market/ticker:<symbol>`: best prices and the last trade. */
export function tickerFrame(
  topic: string,
  { tickDecimals, lotDecimals }: Listing,
  sequence: number,
  best: { bid: Level; ask: Level; last: Trade },
): string {
  const price = (units: number) => plain(units, tickDecimals);
  const lots = (units: number) => plain(units, lotDecimals);
  const { bid, ask, last } = best;
  const data = `{"bestAsk":"${price(ask[0])}","bestAskSize":"${lots(ask[1])}","bestBid":"${price(bid[0])}","bestBidSize":"${lots(bid[1])}","price":"${price(last.price)}","sequence":"${sequence}","size":"${lots(last.quantity)}","time":${last.time}}`;
  return frame(topic, 'trade.ticker', data);
}

/** The change of a day as a share, four decimals: 0.0047, -0.0253. */
function changeRate(day: DayStats): string {
  return ((day.close - day.open) / day.open).toFixed(4);
}

/** Frame of `/market/snapshot:<symbol>`: the last 24 hours, in JSON numbers. */
export function snapshotFrame(
  topic: string,
  listing: Listing,
  sequence: number,
  day: DayStats,
  best: { bid: Level; ask: Level },
  at: number,
): string {
  const { symbol, base, quote, tickDecimals, lotDecimals } = listing;
  const price = (units: number) => plain(units, tickDecimals);
  const sum = (units: number | bigint, decimals: number) => padded(units, decimals);
  const change = sum(day.close - day.open, tickDecimals);
  const high = sum(day.high, tickDecimals);
  const low = sum(day.low, tickDecimals);
  const open = sum(day.open, tickDecimals);
  const vol = sum(day.volume, lotDecimals);
  const volValue = sum(day.quoteVolume, tickDecimals + lotDecimals);
  const last = price(day.close);
  const own = `{"askSize":${plain(best.ask[1], lotDecimals)},"averagePrice":${last},"baseCurrency":"${base}","bidSize":${plain(best.bid[1], lotDecimals)},"board":1,"buy":${price(best.bid[0])},"changePrice":${change},"changeRate":${changeRate(day)},"close":${last},"datetime":${at},"high":${high},"lastTradedPrice":${last},"low":${low},"makerCoefficient":1.000000,"makerFeeRate":0.001,"marginTrade":true,"mark":0,"market":"USDS","marketChange24h":{"changePrice":${change},"changeRate":${changeRate(day)},"high":${high},"low":${low},"open":${open},"vol":${vol},"volValue":${volValue}},"markets":["USDS"],"open":${open},"quoteCurrency":"${quote}","sell":${price(best.ask[0])},"siteTypes":["global"],"sort":100,"symbol":"${symbol}","symbolCode":"${symbol}","takerCoefficient":1.000000,"takerFeeRate":0.001,"trading":true,"vol":${vol},"volValue":${volValue}}`;
  return frame(topic, 'trade.snapshot', `{"sequence":"${sequence}","data":${own}}`);
}

/** `data` of `GET /api/v1/market/stats`. */
export function statsBody(listing: Listing, day: DayStats, best: { bid: Level; ask: Level }, at: number): string {
  const { symbol, tickDecimals, lotDecimals } = listing;
  const price = (units: number) => plain(units, tickDecimals);
  const last = price(day.close);
  return `{"time":${at},"symbol":"${symbol}","buy":"${price(best.bid[0])}","sell":"${price(best.ask[0])}","changeRate":"${changeRate(day)}","changePrice":"${price(day.close - day.open)}","high":"${price(day.high)}","low":"${price(day.low)}","vol":"${plain(day.volume, lotDecimals)}","volValue":"${plain(day.quoteVolume, tickDecimals + lotDecimals)}","last":"${last}","averagePrice":"${last}","takerFeeRate":"0.001","makerFeeRate":"0.001","takerCoefficient":"1","makerCoefficient":"1"}`;
}

/** An element of `GET /api/v2/symbols`. */
export function symbolRow({ symbol, base, quote, tickDecimals, lotDecimals }: Listing): string {
  const priceIncrement = plain(1, tickDecimals);
  const baseIncrement = plain(1, lotDecimals);
  return `{"symbol":"${symbol}","name":"${symbol}","baseCurrency":"${base}","quoteCurrency":"${quote}","feeCurrency":"${quote}","market":"USDS","baseMinSize":"${baseIncrement}","quoteMinSize":"0.1","baseMaxSize":"10000000000","quoteMaxSize":"99999999","baseIncrement":"${baseIncrement}","quoteIncrement":"0.000001","priceIncrement":"${priceIncrement}","priceLimitRate":"0.1","minFunds":"0.1","isMarginEnabled":true,"enableTrading":true,"feeCategory":1,"makerFeeCoefficient":"1.00","takerFeeCoefficient":"1.00","st":false,"callauctionIsEnabled":false,"callauctionPriceFloor":null,"callauctionPriceCeiling":null,"callauctionFirstStageStartTime":null,"callauctionSecondStageStartTime":null,"callauctionThirdStageStartTime":null,"tradingStartTime":null}`;
}
