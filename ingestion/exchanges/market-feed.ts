/** One market on its way to the topics: its four flows, what is heard of it, and how that is told. */
import {
  FEED_CHANNELS,
  type FeedChannel,
  type FeedStatusEvent,
  type KlineEvent,
  type MarketInfo,
  type TickerEvent,
} from '../../schema/market.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { createBookFlow } from './book-flow.ts';
import type { Connector, FeedEvent } from './connector.ts';
import type { Flow, FlowTools } from './flow.ts';
import { createCheckedKlineFlow } from './kline-check.ts';
import { createKlineFlow } from './kline-flow.ts';
import { createTradeFlow } from './trade-flow.ts';
import { createTradeKlineFlow, type TradeKlineFlow } from './trade-klines.ts';
import { createUnorderedTradeFlow } from './unordered-trade-flow.ts';
import { createMarketWatch } from './watch.ts';
import { createWholeBookFlow } from './whole-book-flow.ts';

export interface MarketFeed {
  readonly market: MarketInfo;
  /** A live event, in the order of the stream. */
  push(event: FeedEvent): void;
  connected(): void;
  disconnected(): void;
  /** About once a second. Resolves what is due by time and tells what changed. */
  tick(): void;
  /** True when this market's silence is worth a new connection. */
  wantsReconnect(): boolean;
  /** Nothing of it is published any more. */
  stop(): void;
}

/** Everything a market feed needs; `signal` and `gap` are its own. */
export interface MarketFeedOptions extends Omit<FlowTools, 'signal' | 'gap' | 'publish'> {
  publish(event: FeedEvent): void;
  status(status: FeedStatusEvent): void;
  /** Reconnects of the feed so far. */
  reconnects(): number;
}

/** Status is said on change and at least this often. */
const STATUS_MS = 10_000;
/** A ticker this much older than the newest is not late but a clock begun anew. */
const CLOCK_RESET_MS = 60_000;

function createTickerFlow(tools: FlowTools): Flow<TickerEvent> {
  let newest = 0;
  return {
    push(event) {
      if (event.eventTime <= newest && event.eventTime > newest - CLOCK_RESET_MS) return;
      newest = event.eventTime;
      tools.publish({ channel: 'ticker', event }, false);
    },
    resume() {},
    interrupt() {},
    tick() {},
    isHolding: () => false,
  };
}

function klineFlow(tools: FlowTools): Flow<KlineEvent> | TradeKlineFlow {
  const { channels, klineCloses, klineHistory: history } = tools.connector;
  if (channels.kline?.streamed === false) return createTradeKlineFlow(tools, history);
  const make = (given: FlowTools): Flow<KlineEvent> => createKlineFlow(given, history);
  return history && klineCloses === 'next' ? createCheckedKlineFlow(tools, history, make) : make(tools);
}

function createFlows(connector: Connector, tools: (channel: FeedChannel) => FlowTools) {
  const { book, tradeHistory: trades } = connector;
  return {
    kline: klineFlow(tools('kline')),
    trade:
      connector.tradeIds === 'dense'
        ? createTradeFlow(tools('trade'), trades?.direction === 'forward' ? trades : null)
        : createUnorderedTradeFlow(tools('trade'), trades?.direction === 'backward' ? trades : null),
    orderbook:
      book.kind === 'sequenced' ? createBookFlow(tools('orderbook'), book) : createWholeBookFlow(tools('orderbook')),
    ticker: createTickerFlow(tools('ticker')),
  };
}

/** What is counted and told of one channel. */
interface Told {
  gaps: number;
  lastEventAt: number | null;
  saidAt: number;
  said: string;
  eventTime: number;
  /** Since when live events have been held back. */
  heldSince: number | null;
}

/** Sets up the flows of a market; nothing flows before `connected`. */
export function createMarketFeed(options: MarketFeedOptions): MarketFeed {
  const { connector, market, times } = options;
  const ended = new AbortController();
  const watch = createMarketWatch(connector.channels, times.staleMs);
  const offered = FEED_CHANNELS.filter((channel) => connector.channels[channel] !== null);
  const told = new Map<FeedChannel, Told>(
    FEED_CHANNELS.map((channel) => [
      channel,
      { gaps: 0, lastEventAt: null, saidAt: 0, said: '', eventTime: 0, heldSince: null },
    ]),
  );
  let connected = false;
  let candle: KlineEvent | null = null;

  const toolsOf = (channel: FeedChannel): FlowTools => ({
    ...options,
    log: options.log.child({ market: market.symbol, channel }),
    signal: ended.signal,
    publish(event, late) {
      if (ended.signal.aborted) return;
      if (late) metrics.backfilled.inc({ exchange: market.exchange, channel });
      options.publish(event);
      if (event.channel === 'trade' && !late && 'trade' in flows.kline) flows.kline.trade(event.event);
      if (!connector.channels[channel]?.streamed) (told.get(channel) as Told).lastEventAt = event.event.receivedAt;
    },
    gap() {
      if (channel === 'trade' && 'trade' in flows.kline) flows.kline.lost();
      metrics.feedGaps.inc({ exchange: market.exchange, channel });
      (told.get(channel) as Told).gaps++;
    },
  });
  const flows = createFlows(connector, toolsOf);

  function say(channel: FeedChannel): void {
    const mine = told.get(channel) as Told;
    const now = performance.now();
    const streamed = connector.channels[channel]?.streamed ?? false;
    // a stream that arrives and can't go on is as silent as one that doesn't
    mine.heldSince = flows[channel].isHolding() ? (mine.heldSince ?? now) : null;
    const heldLong = mine.heldSince !== null && now - mine.heldSince > times.staleMs;
    const state = {
      connected,
      stale: heldLong || (streamed ? watch.isStale(channel, now) : !connected),
      gaps: mine.gaps,
      reconnects: options.reconnects(),
    };
    // the first event is news too
    const said = JSON.stringify({ ...state, heard: mine.lastEventAt !== null });
    if (said === mine.said && now - mine.saidAt < STATUS_MS) return;
    mine.said = said;
    mine.saidAt = now;
    // one status a millisecond: readers tell two of them apart by time
    mine.eventTime = Math.max(Date.now(), mine.eventTime + 1);
    const { exchange, symbol } = market;
    options.status({ exchange, symbol, channel, ...state, lastEventAt: mine.lastEventAt, eventTime: mine.eventTime });
  }

  function sayAll(): void {
    for (const channel of offered) say(channel);
  }

  return {
    market,
    push(event) {
      const { channel } = event;
      if (ended.signal.aborted || !connector.channels[channel]) return;
      const moved =
        channel === 'kline' && candle?.openTime === event.event.openTime && candle.volume !== event.event.volume;
      if (channel === 'kline') candle = event.event;
      watch.heard(channel, performance.now(), moved);
      (told.get(channel) as Told).lastEventAt = event.event.receivedAt;
      (flows[channel] as Flow<typeof event.event>).push(event.event);
    },
    connected() {
      connected = true;
      watch.connected(performance.now());
      for (const channel of offered) flows[channel].resume();
      sayAll();
    },
    disconnected() {
      connected = false;
      watch.disconnected();
      for (const channel of offered) flows[channel].interrupt();
      sayAll();
    },
    tick() {
      if (ended.signal.aborted) return;
      if (connected) for (const channel of offered) flows[channel].tick();
      sayAll();
    },
    wantsReconnect: () => watch.wantsReconnect(performance.now()),
    stop: () => ended.abort(),
  };
}
