/** crypto_kline_1m, crypto_trades, crypto_ticker → silver: cleaned, without repeats, the newest version of each. */
import type { KlineEvent, TickerEvent, TradeEvent } from '../../schema/market.ts';
import { TOPICS, type Topic } from '../../schema/topics.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { type BulkTable, writeRows } from '../../src/platform/postgres/bulk.ts';
import { checkMinute, checkTicker, checkTrade } from './quality.ts';
import type { Source, Worker } from './worker.ts';

export const KLINE_1M: BulkTable<KlineEvent> = {
  table: 'silver.kline_1m',
  columns: {
    exchange: ['text', (k) => k.exchange],
    symbol: ['text', (k) => k.symbol],
    open_time: ['timestamptz', (k) => k.openTime],
    open: ['numeric', (k) => k.open],
    high: ['numeric', (k) => k.high],
    low: ['numeric', (k) => k.low],
    close: ['numeric', (k) => k.close],
    volume: ['numeric', (k) => k.volume],
    quote_volume: ['numeric', (k) => k.quoteVolume],
    trade_count: ['integer', (k) => k.tradeCount],
    is_closed: ['boolean', (k) => k.isClosed],
    event_time: ['timestamptz', (k) => k.eventTime],
    received_at: ['timestamptz', (k) => k.receivedAt],
  },
  key: ['exchange', 'symbol', 'open_time'],
  version: ['is_closed', 'event_time'],
  partition: { unit: 'month', time: (k) => k.openTime },
};

export const TRADE: BulkTable<TradeEvent> = {
  table: 'silver.trade',
  columns: {
    exchange: ['text', (t) => t.exchange],
    symbol: ['text', (t) => t.symbol],
    trade_id: ['text', (t) => t.tradeId],
    price: ['numeric', (t) => t.price],
    quantity: ['numeric', (t) => t.quantity],
    side: ['text', (t) => t.side],
    event_time: ['timestamptz', (t) => t.eventTime],
    received_at: ['timestamptz', (t) => t.receivedAt],
  },
  key: ['exchange', 'symbol', 'event_time', 'trade_id'],
  version: null,
  partition: { unit: 'day', time: (t) => t.eventTime },
};

export const TICKER_24H: BulkTable<TickerEvent> = {
  table: 'silver.ticker_24h',
  columns: {
    exchange: ['text', (t) => t.exchange],
    symbol: ['text', (t) => t.symbol],
    event_time: ['timestamptz', (t) => t.eventTime],
    last: ['numeric', (t) => t.last],
    open: ['numeric', (t) => t.open],
    high: ['numeric', (t) => t.high],
    low: ['numeric', (t) => t.low],
    volume: ['numeric', (t) => t.volume24h],
    quote_volume: ['numeric', (t) => t.quoteVolume24h],
    change_percent: ['float8', (t) => t.changePercent24h],
    received_at: ['timestamptz', (t) => t.receivedAt],
    is_window: ['boolean', () => true],
  },
  key: ['exchange', 'symbol', 'event_time'],
  // said again for the same moment where a minute came late; what the exchange's REST API tells gives way
  version: ['is_window', 'received_at'],
  partition: { unit: 'day', time: (t) => t.eventTime },
};

function into<P>({ postgres }: Platform, topic: Topic<P>, check: (payload: P) => P, table: BulkTable<P>): Source<P> {
  return {
    topic: topic.name,
    parse: (message) => check(topic.parse(message.value)),
    async handle(items, batch) {
      batch.check();
      const rows = items.map((item) => item.payload);
      metrics.rows.inc({ table: table.table }, await writeRows(postgres, table, rows));
    },
  };
}

export const silver: Worker = {
  group: 'silver',
  maxBatch: 2_000,
  // a statement costs as much as dozens of rows
  gatherMs: 100,
  open: (platform) => [
    into(platform, TOPICS.kline1m, checkMinute, KLINE_1M),
    into(platform, TOPICS.trades, checkTrade, TRADE),
    into(platform, TOPICS.ticker, checkTicker, TICKER_24H),
  ],
};
