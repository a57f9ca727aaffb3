/** Builders of normalized events for the workers' tests. */
import type { BookEvent, KlineEvent, TickerEvent, TradeEvent } from '../../../schema/market.ts';

/** 2026-03-01T00:00:00Z: a first of the month, so that day and month boundaries are near. */
export const START = Date.UTC(2026, 2, 1);
export const MINUTE = 60_000;

export function minute(openTime: number, fields: Partial<KlineEvent> = {}): KlineEvent {
  return {
    exchange: 'BINANCE',
    symbol: 'BTC-USDT',
    interval: 'M1',
    openTime,
    open: '100',
    high: '110',
    low: '90',
    close: '105',
    volume: '1.5',
    quoteVolume: '150.25',
    tradeCount: 3,
    isClosed: true,
    coverage: 1,
    eventTime: openTime + MINUTE,
    receivedAt: openTime + MINUTE + 50,
    ...fields,
  };
}

export function trade(tradeId: string, eventTime: number, fields: Partial<TradeEvent> = {}): TradeEvent {
  return {
    exchange: 'BINANCE',
    symbol: 'BTC-USDT',
    tradeId,
    price: '100.5',
    quantity: '0.25',
    side: 'BUY',
    eventTime,
    receivedAt: eventTime + 20,
    ...fields,
  };
}

export function ticker(eventTime: number, fields: Partial<TickerEvent> = {}): TickerEvent {
  return {
    exchange: 'BINANCE',
    symbol: 'BTC-USDT',
    last: '101',
    open: '100',
    high: '120',
    low: '80',
    volume24h: '1000',
    quoteVolume24h: '100000',
    changePercent24h: 1,
    eventTime,
    receivedAt: eventTime + 20,
    ...fields,
  };
}

export function snapshot(sequence: number | string, eventTime: number, fields: Partial<BookEvent> = {}): BookEvent {
  return {
    exchange: 'BINANCE',
    symbol: 'BTC-USDT',
    type: 'snapshot',
    bids: [
      ['100', '1'],
      ['99', '2'],
    ],
    asks: [
      ['101', '1'],
      ['102', '2'],
    ],
    sequence: String(sequence),
    previousSequence: null,
    integrity: 'SEQUENCED',
    eventTime,
    receivedAt: eventTime + 20,
    ...fields,
  };
}

export function delta(sequence: number, eventTime: number, fields: Partial<BookEvent> = {}): BookEvent {
  return snapshot(sequence, eventTime, {
    type: 'delta',
    bids: [['100', String(sequence)]],
    asks: [],
    previousSequence: String(sequence - 1),
    ...fields,
  });
}
