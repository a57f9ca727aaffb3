/** What the fault suite must know of each exchange: its market, how its stand-in spells what it sent, what can be lost. */
import { decimal } from '../../schema/decimal.ts';
import type { BookEvent, BookLevel, Exchange, FeedChannel, Side } from '../../schema/market.ts';
import type * as binance from '../../sim/binance/sent.ts';
import type * as kucoin from '../../sim/kucoin/sent.ts';
import type * as upbit from '../../sim/upbit-protocol/sent.ts';

export interface SentTrade {
  id: string;
  /** Epoch ms. */
  time: number;
  price: string;
  quantity: string;
  side: Side;
}

export interface SentCandle {
  openTime: number;
  /** Open, high, low, close, volume, quote volume. */
  values: string[];
}

/** A book at a moment; `key` tells which. */
export interface BookAt {
  key: string;
  bids: BookLevel[];
  asks: BookLevel[];
}

export interface Venue {
  exchange: Exchange;
  symbol: string;
  native: string;
  trades(sent: unknown): SentTrade[];
  candles(sent: unknown): SentCandle[];
  /** Where its stand-in shows the book, and what it shows. */
  book: { path: string; read(body: unknown): BookAt; keyOf(event: BookEvent): string };
  /** Frames whose loss shows by a sequence: a part of their stream's name, and the channel. */
  sequenced: readonly { match: string; channel: FeedChannel }[];
  /** The stream of trades, where a lost frame shows only when the minute's candle is there. */
  unsequencedTrades: string | null;
  /** False where what was missed can't be told from what was not: REST numbers trades otherwise. */
  fills: boolean;
}

const levels = (pairs: readonly (readonly (string | number)[])[]): BookLevel[] =>
  pairs.map(([price, quantity]) => [decimal(String(price)), decimal(String(quantity))] satisfies BookLevel);

const binanceVenue: Venue = {
  exchange: 'BINANCE',
  symbol: 'BTC-USDT',
  native: 'BTCUSDT',
  trades: (sent) =>
    (sent as binance.Sent).trades.map((t) => ({
      ...{ id: String(t.a), time: t.T, price: decimal(t.p), quantity: decimal(t.q), side: t.m ? 'SELL' : 'BUY' },
    })),
  candles: (sent) =>
    (sent as binance.Sent).candles
      .filter((c) => c.n > 0)
      .map((c) => ({ openTime: c.t, values: [c.o, c.h, c.l, c.c, c.v, c.q].map(decimal) })),
  book: {
    path: '/api/v3/depth?symbol=BTCUSDT&limit=20',
    read(body) {
      const { lastUpdateId, bids, asks } = body as { lastUpdateId: number; bids: BookLevel[]; asks: BookLevel[] };
      return { key: String(lastUpdateId), bids: levels(bids), asks: levels(asks) };
    },
    keyOf: (event) => event.sequence,
  },
  sequenced: [
    { match: '@depth@100ms', channel: 'orderbook' },
    { match: '@aggTrade', channel: 'trade' },
  ],
  unsequencedTrades: null,
  fills: true,
};

const kucoinVenue: Venue = {
  exchange: 'KUCOIN',
  symbol: 'BTC-USDT',
  native: 'BTC-USDT',
  trades: (sent) =>
    (sent as kucoin.Sent).trades.map((t) => ({
      ...{ id: t.sequence, time: Number(t.time.slice(0, -6)), price: t.price, quantity: t.size },
      side: t.side === 'sell' ? 'SELL' : 'BUY',
    })),
  candles: (sent) =>
    (sent as kucoin.Sent).candles
      .filter((c) => c.trades > 0)
      .map((c) => ({
        openTime: c.start * 1_000,
        values: [c.open, c.high, c.low, c.close, c.volume, c.turnover].map(decimal),
      })),
  book: {
    path: '/api/v1/market/orderbook/level2_20?symbol=BTC-USDT',
    read(body) {
      const { data } = body as { data: { sequence: string; bids: BookLevel[]; asks: BookLevel[] } };
      return { key: data.sequence, bids: levels(data.bids), asks: levels(data.asks) };
    },
    keyOf: (event) => event.sequence,
  },
  sequenced: [{ match: '/market/level2:', channel: 'orderbook' }],
  unsequencedTrades: '/market/match:',
  fills: true,
};

interface Units {
  timestamp: number;
  orderbook_units: { bid_price: number; bid_size: number; ask_price: number; ask_size: number }[];
}

function upbitVenue(exchange: Exchange, fills: boolean): Venue {
  return {
    exchange,
    symbol: 'BTC-KRW',
    native: 'KRW-BTC',
    trades: (sent) =>
      (sent as upbit.Sent).trades.map((t) => ({
        ...{ id: t.streamId, time: t.time, price: t.price, quantity: t.volume },
        side: t.side === 'ASK' ? 'SELL' : 'BUY',
      })),
    candles: (sent) =>
      (sent as upbit.Sent).candles.map((c) => ({
        openTime: c.openTime,
        values: [c.open, c.high, c.low, c.close, c.volume, c.value],
      })),
    book: {
      path: '/v1/orderbook?markets=KRW-BTC',
      read(body) {
        const [{ timestamp, orderbook_units: units }] = body as [Units];
        const side = (price: 'bid_price' | 'ask_price', size: 'bid_size' | 'ask_size') =>
          levels(units.map((unit) => [unit[price], unit[size]])).filter(([, quantity]) => quantity !== '0');
        return { key: String(timestamp), bids: side('bid_price', 'bid_size'), asks: side('ask_price', 'ask_size') };
      },
      keyOf: (event) => String(event.eventTime),
    },
    sequenced: [],
    unsequencedTrades: 'trade:',
    fills,
  };
}

export const VENUES = {
  binance: binanceVenue,
  upbit: upbitVenue('UPBIT', true),
  bithumb: upbitVenue('BITHUMB', false),
  kucoin: kucoinVenue,
} as const satisfies Record<string, Venue>;
