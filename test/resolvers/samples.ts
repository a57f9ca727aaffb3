/** Events with distinguishable figures, as rows of the tables and as appends of the live store. */
import { CHANNELS, type ChannelName, streamKey } from '../../schema/channels.ts';
import { latestKlineKey, tickerKey } from '../../schema/live/keys.ts';
import type { KlineEvent, MarketRef, TickerEvent, TradeEvent } from '../../schema/market.ts';
import type { LiveAppend } from '../../src/platform/live/store.ts';
import { ensurePartitions } from '../../src/platform/postgres/partitions.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';

export const BTC: MarketRef = { exchange: 'BINANCE', symbol: 'BTC-USDT' };
/** A minute's beginning. */
export const T0 = Date.UTC(2026, 2, 1, 9, 30);
export const MINUTE = 60_000;

export const iso = (time: number): string => new Date(time).toISOString();
export const market = (symbol: string): MarketRef => ({ exchange: 'BINANCE', symbol });

export function kline(openTime: number, given: Partial<KlineEvent> = {}): KlineEvent {
  return {
    ...BTC,
    interval: 'M1',
    openTime,
    open: '1',
    high: '3.5',
    low: '0.5',
    close: '2.25',
    volume: '10',
    quoteVolume: '22.5',
    tradeCount: 7,
    isClosed: true,
    coverage: 1,
    eventTime: openTime + MINUTE,
    receivedAt: openTime + MINUTE + 10,
    ...given,
  };
}

export function trade(eventTime: number, tradeId: string, given: Partial<TradeEvent> = {}): TradeEvent {
  const receivedAt = eventTime + 5;
  return { ...BTC, tradeId, price: '100.5', quantity: '0.25', side: 'BUY', eventTime, receivedAt, ...given };
}

export function ticker(eventTime: number, given: Partial<TickerEvent> = {}): TickerEvent {
  return {
    ...BTC,
    last: '100.5',
    open: '90',
    high: '110',
    low: '80',
    volume24h: '1000',
    quoteVolume24h: '100000',
    changePercent24h: 11.67,
    eventTime,
    receivedAt: eventTime + 5,
    ...given,
  };
}

let offset = 0n;

/** An append as the worker makes it: the event, and its newest value at `key`. */
export function append(
  channel: ChannelName,
  id: string,
  event: unknown,
  options: { key?: string; latest?: unknown; gap?: string } = {},
): LiveAppend {
  const payload = JSON.stringify(event);
  const value = options.latest === undefined ? payload : JSON.stringify(options.latest);
  offset += 1n;
  return {
    stream: streamKey(channel, id),
    epoch: 'e1',
    offset,
    version: { kind: 'recent', id: String(offset), keep: 10 },
    payload,
    gap: options.gap,
    time: Date.now(),
    retentionMs: CHANNELS[channel].retentionMs,
    maxLength: CHANNELS[channel].maxLength,
    writes: options.key ? [{ kind: 'latest', key: options.key, value }] : [],
  };
}

export const klineAppend = (event: KlineEvent, gap?: string): LiveAppend =>
  append('kline', CHANNELS.kline.id(event), event, { key: latestKlineKey(event, event.interval), gap });
export const tickerAppend = (event: TickerEvent): LiveAppend =>
  append('ticker', CHANNELS.ticker.id(event), event, { key: tickerKey(event) });
export const tradeAppend = (event: TradeEvent, gap?: string): LiveAppend =>
  append('trade', CHANNELS.trade.id(event), event, { gap });

async function store(
  postgres: Postgres,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  for (const row of rows) {
    const places = row.map((_, i) => `$${i + 1}`).join(', ');
    await postgres.query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`, row);
  }
}

/** Rows of gold.kline. */
export async function storeKlines(postgres: Postgres, events: readonly KlineEvent[]): Promise<void> {
  const times = events.map((e) => e.openTime);
  await ensurePartitions(postgres, 'gold.kline', 'month', times);
  const columns =
    'exchange symbol interval open_time open high low close volume quote_volume trade_count is_closed coverage event_time';
  await store(
    postgres,
    'gold.kline',
    columns.split(' '),
    events.map((e) => [
      ...[e.exchange, e.symbol, e.interval, new Date(e.openTime), e.open, e.high, e.low, e.close, e.volume],
      ...[e.quoteVolume, e.tradeCount, e.isClosed, e.coverage, new Date(e.eventTime)],
    ]),
  );
}

/** Rows of silver.trade. */
export async function storeTrades(postgres: Postgres, events: readonly TradeEvent[]): Promise<void> {
  const times = events.map((e) => e.eventTime);
  await ensurePartitions(postgres, 'silver.trade', 'day', times);
  const columns = ['exchange', 'symbol', 'trade_id', 'price', 'quantity', 'side', 'event_time', 'received_at'];
  const at = (ms: number) => new Date(ms);
  await store(
    postgres,
    'silver.trade',
    columns,
    events.map((e) => [
      ...[e.exchange, e.symbol, e.tradeId, e.price, e.quantity, e.side],
      ...[at(e.eventTime), at(e.receivedAt)],
    ]),
  );
}

/** Rows of silver.ticker_24h. */
export async function storeTickers(postgres: Postgres, events: readonly TickerEvent[]): Promise<void> {
  const times = events.map((e) => e.eventTime);
  await ensurePartitions(postgres, 'silver.ticker_24h', 'day', times);
  const columns = 'exchange symbol event_time last open high low volume quote_volume change_percent received_at';
  await store(
    postgres,
    'silver.ticker_24h',
    columns.split(' '),
    events.map((e) => [
      ...[e.exchange, e.symbol, new Date(e.eventTime), e.last, e.open, e.high, e.low, e.volume24h],
      ...[e.quoteVolume24h, e.changePercent24h, new Date(e.receivedAt)],
    ]),
  );
}

/** Rows of gold.market. */
export async function storeMarkets(postgres: Postgres, markets: readonly MarketRef[]): Promise<void> {
  const columns = ['exchange', 'symbol', 'native_symbol', 'base', 'quote', 'status', 'tick_size', 'taker_fee_percent'];
  await store(
    postgres,
    'gold.market',
    columns,
    markets.map(({ exchange, symbol }) => {
      const [base, quote] = symbol.split('-');
      return [exchange, symbol, `${base}${quote}`, base, quote, 'TRADING', '0.01000000', '0.10'];
    }),
  );
}
