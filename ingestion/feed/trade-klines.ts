/**
 * Minute candles of an exchange that streams none (Bithumb), made of the trades of the stream. A minute that was seen whole
 * is closed from its trades and held against REST later; one that was not is closed by REST alone.
 */
import { comparePrices, Exact } from '../../schema/decimal.ts';
import { INTERVALS, type KlineEvent, openTimeOf, type TradeEvent } from '../../schema/market.ts';
import type { KlineHistory } from '../exchanges/connector.ts';
import type { Flow, FlowTools } from './flow.ts';
import { createCheckedKlineFlow } from './kline-check.ts';
import { createKlineFlow } from './kline-flow.ts';

const MINUTE = INTERVALS.M1;
/** A subscription takes hold within this of being sent, and a trade arrives within this. */
const MARGIN_MS = 2_000;
/** What is taken off a minute in which trades were lost for an unknown time. */
const LOSS_MS = 1_000;

export interface TradeKlineFlow extends Flow<KlineEvent> {
  /** A live trade, after repeats were taken out. */
  trade(trade: TradeEvent): void;
  /** Trades were lost. */
  lost(): void;
}

interface Bar {
  openTime: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: Sum;
  quoteVolume: Sum;
  count: number;
  newest: TradeEvent;
  /** Ms of the minute that were not seen. */
  missedMs: number;
}
type Sum = InstanceType<typeof Exact>;

/** The flow of one market's candles; `push` is never called on it. */
export function createTradeKlineFlow(tools: FlowTools, history: KlineHistory | null): TradeKlineFlow {
  const streamed = { streamed: true, cadence: 'on-trade' } as const;
  const channels = { ...tools.connector.channels, kline: streamed };
  // to the flow, our candles are a stream whose frames say when they are closed
  const make = (given: FlowTools): Flow<KlineEvent> =>
    createKlineFlow({ ...given, connector: { ...given.connector, channels, klineCloses: 'flag' } }, history);
  const flow = history ? createCheckedKlineFlow(tools, history, make) : make(tools);
  let bar: Bar | null = null;
  let closedUntil = 0;
  let changed = false;
  let saidAt = 0;
  /** Since when trades flow, our clock; null while they don't. */
  let since: number | null = null;
  let interruptedAt = 0;

  function push(current: Bar, isClosed: boolean): void {
    const { openTime, open, high, low, close, count, newest, missedMs } = current;
    // an open candle that changed is later than the one before, also within a ms
    saidAt = Math.max(newest.eventTime, saidAt + 1);
    flow.push({
      ...{ exchange: newest.exchange, symbol: newest.symbol, receivedAt: newest.receivedAt, interval: 'M1', openTime },
      ...{ open, high, low, close, volume: current.volume.toFixed(), quoteVolume: current.quoteVolume.toFixed() },
      ...{ tradeCount: count, isClosed, coverage: Math.round(Math.max(0, 1 - missedMs / MINUTE) * 1_000) / 1_000 },
      eventTime: isClosed ? openTime + MINUTE - 1 : saidAt,
    });
    changed = false;
  }

  function close(): void {
    if (!bar) return;
    if (bar.missedMs === 0) push(bar, true);
    closedUntil = bar.openTime + MINUTE;
    bar = null;
    changed = false;
  }

  function begin(trade: TradeEvent, openTime: number): Bar {
    const seen = since === null ? 0 : trade.receivedAt - since - MARGIN_MS;
    const { price } = trade;
    return {
      ...{ openTime, open: price, high: price, low: price, close: price },
      ...{ volume: new Exact(0), quoteVolume: new Exact(0), count: 0, newest: trade },
      missedMs: Math.min(MINUTE, Math.max(0, trade.eventTime - openTime - seen)),
    };
  }

  function add(current: Bar, trade: TradeEvent): void {
    const { price, quantity } = trade;
    if (comparePrices(price, current.high) > 0) current.high = price;
    if (comparePrices(price, current.low) < 0) current.low = price;
    current.close = price;
    current.volume = current.volume.plus(quantity);
    current.quoteVolume = current.quoteVolume.plus(new Exact(price).times(quantity));
    current.count++;
    if (trade.eventTime >= current.newest.eventTime) current.newest = trade;
    changed = true;
  }

  return {
    ...flow,
    trade(trade) {
      const openTime = openTimeOf('M1', trade.eventTime);
      // of a minute that is closed: REST will know it
      if (openTime < closedUntil || (bar && openTime < bar.openTime)) return;
      if (bar && openTime > bar.openTime) close();
      const first = bar === null;
      bar ??= begin(trade, openTime);
      add(bar, trade);
      if (first) push(bar, false);
    },
    lost() {
      if (bar) bar.missedMs += LOSS_MS;
    },
    resume() {
      since = Date.now();
      if (bar) bar.missedMs += since - interruptedAt;
      flow.resume();
    },
    interrupt() {
      since = null;
      interruptedAt = Date.now();
      if (bar) bar.missedMs += MARGIN_MS;
      flow.interrupt();
    },
    tick() {
      const now = tools.exchangeNow();
      if (bar && now !== null && now >= bar.openTime + MINUTE + MARGIN_MS) close();
      else if (bar && changed) push(bar, false);
      flow.tick();
    },
  };
}
