/** What an event must keep to beyond its shape, whatever exchange says it. A violation is a dead letter with its reason. */
import { compareDecimals, signOfDecimal } from '../../schema/decimal.ts';
import {
  type BookEvent,
  type BookLevel,
  INTERVALS,
  type KlineEvent,
  type MarketEvent,
  type TickerEvent,
  type TradeEvent,
} from '../../schema/market.ts';
import type { RankingEvent } from '../../schema/ranking.ts';
import { BadMessage } from '../../schema/topics.ts';
import { MAX_AHEAD_MS } from '../feed/exchange-clock.ts';

/** An event further ahead of our clock than this is not believed: it would make partitions nobody needs. */
const MAX_FUTURE_MS = 86_400_000;
const MINUS = 45;

type Check<P> = (payload: P) => P;

function fail(reason: string): never {
  throw new BadMessage(`quality: ${reason}`);
}

function notNegative(payload: object, ...fields: string[]): void {
  for (const field of fields) {
    const value = String((payload as Record<string, unknown>)[field]);
    if (signOfDecimal(value) < 0) fail(`${field} is negative`);
  }
}

/** Refuses a time (epoch ms) that lies more than a day ahead. Throws BadMessage. */
export function checkNotAhead(time: number, field = 'eventTime'): void {
  if (time > Date.now() + MAX_FUTURE_MS) fail(`${field} is more than a day in the future`);
}

function checkTimes(event: MarketEvent): void {
  checkNotAhead(event.eventTime);
  checkNotAhead(event.receivedAt, 'receivedAt');
  // by what it was received at, so that it is the same whenever it is read
  if (event.eventTime > event.receivedAt + MAX_AHEAD_MS) fail('eventTime is more than five minutes after receivedAt');
}

/** A candle: prices in order, nothing negative, opened on the minute. Returns it; throws BadMessage. */
export const checkKline: Check<KlineEvent> = (k) => {
  checkTimes(k);
  checkNotAhead(k.openTime, 'openTime');
  if (k.openTime % INTERVALS[k.interval] !== 0) fail('openTime is not aligned');
  notNegative(k, 'low', 'volume', 'quoteVolume');
  if (compareDecimals(k.high, k.low) < 0) fail('high is below low');
  for (const field of ['open', 'close'] as const) {
    if (compareDecimals(k[field], k.high) > 0) fail(`${field} is above high`);
    if (compareDecimals(k[field], k.low) < 0) fail(`${field} is below low`);
  }
  return k;
};

/** A candle of one minute. Returns it; throws BadMessage. */
export const checkMinute: Check<KlineEvent> = (k) => {
  if (k.interval !== 'M1') fail('interval is not M1');
  return checkKline(k);
};

/** A trade: price and quantity above zero. Returns it; throws BadMessage. */
export const checkTrade: Check<TradeEvent> = (t) => {
  checkTimes(t);
  if (signOfDecimal(t.price) <= 0) fail('price is not above zero');
  if (signOfDecimal(t.quantity) <= 0) fail('quantity is not above zero');
  return t;
};

/** A ticker: nothing negative, low and high in order. Returns it; throws BadMessage. */
export const checkTicker: Check<TickerEvent> = (t) => {
  checkTimes(t);
  notNegative(t, 'last', 'open', 'low', 'volume24h', 'quoteVolume24h');
  if (compareDecimals(t.high, t.low) < 0) fail('high is below low');
  return t;
};

function checkLevels(levels: readonly BookLevel[]): void {
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i] as BookLevel;
    if (level[0].charCodeAt(0) === MINUS || level[1].charCodeAt(0) === MINUS) fail('a level is negative');
  }
}

/** A book event: nothing negative; a delta says what it applies to. Returns it; throws BadMessage. */
export const checkBook: Check<BookEvent> = (b) => {
  checkTimes(b);
  checkLevels(b.bids);
  checkLevels(b.asks);
  if (b.type === 'delta' && b.previousSequence === null) fail('delta without previousSequence');
  return b;
};

/** A ranking: not of the future. Returns it; throws BadMessage. */
export const checkRanking: Check<RankingEvent> = (r) => {
  checkNotAhead(r.computedAt, 'computedAt');
  checkNotAhead(r.eventTime);
  return r;
};
