/** One market on its way to the topics: its four flows, what is heard of it, and how that is told. */
import {
  FEED_CHANNELS,
  type FeedChannel,
  type FeedStatusEvent,
  type KlineEvent,
  type MarketInfo,
  type TickerEvent,
  type TradeEvent,
} from '../../schema/market.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Connector, FeedEvent, PublishedEvent } from '../exchanges/connector.ts';
import { createBookFlow } from './book-flow.ts';
import type { Flow, FlowTools } from './flow.ts';
import { createCheckedKlineFlow } from './kline-check.ts';
import { createKlineFlow } from './kline-flow.ts';
import { createTradeAudit } from './trade-audit.ts';
import { createTradeFlow } from './trade-flow.ts';
import { createTradeKlineFlow, type TradeKlineFlow } from './trade-klines.ts';
import { createUnorderedTradeFlow, type UnorderedTradeFlow } from './unordered-trade-flow.ts';
import { createMarketWatch } from './watch.ts';
import { createWholeBookFlow } from './whole-book-flow.ts';

export interface MarketFeed {
  readonly market: MarketInfo;
  /** A live event, in the order of the stream. */
  push(event: FeedEvent): void;
  /** A frame of the channel came that says nothing new. */
  heard(channel: FeedChannel): void;
  connected(): void;
  disconnected(): void;
  /** The stream goes on over another connection, after a silence in which something may have been lost. */
  renewed(): void;
  /** The exchange would (not) subscribe this market. */
  refuse(isRefused: boolean): void;
  /** About once a second. Resolves what is due by time and tells what changed. */
  tick(): void;
  /** True when this market's silence is worth a new connection. */
  wantsReconnect(): boolean;
  /** Nothing of it is published any more; `ended` where nobody else goes on with it, which is told. */
  stop(ended?: boolean): void;
}

/** Everything a market feed needs; `signal` and `gap` are its own. */
export interface MarketFeedOptions extends Omit<FlowTools, 'signal' | 'gap' | 'publish'> {
  publish(event: PublishedEvent): void;
  status(status: FeedStatusEvent): void;
  /** Reconnects of the feed so far. */
  reconnects(): number;
}

/** Status is said on change and at least this often, twice within FEED_STALE_MS: a feed that says nothing is stale. */
const STATUS_MS = 10_000;
/** Only listened to: what an exchange calls a day is not what we call one. */
const TICKER_FLOW: Flow<TickerEvent> = {
  push() {},
  resume() {},
  interrupt() {},
  tick() {},
  isHolding: () => false,
};

/** Where nothing comes of a market for so long after a connection, what was missed is fetched for the time being. */
const GREETING_MS = 1_000;

function klineFlow(tools: FlowTools): Flow<KlineEvent> | TradeKlineFlow {
  const { channels, klineCloses, klineHistory: history } = tools.connector;
  if (channels.kline?.streamed === false) return createTradeKlineFlow(tools, history);
  const make = (given: FlowTools): Flow<KlineEvent> => createKlineFlow(given, history);
  return history && klineCloses === 'next' ? createCheckedKlineFlow(tools, history, make) : make(tools);
}

function tradeFlow(
  { tradeIds, tradeHistory: trades }: Connector,
  tools: FlowTools,
): Flow<TradeEvent> | UnorderedTradeFlow {
  return tradeIds === 'dense'
    ? createTradeFlow(tools, trades?.direction === 'forward' ? trades : null)
    : createUnorderedTradeFlow(tools, trades?.direction === 'backward' ? trades : null);
}

function createFlows(connector: Connector, tools: (channel: FeedChannel) => FlowTools) {
  const { book } = connector;
  return {
    kline: klineFlow(tools('kline')),
    trade: tradeFlow(connector, tools('trade')),
    orderbook:
      book.kind === 'sequenced' ? createBookFlow(tools('orderbook'), book) : createWholeBookFlow(tools('orderbook')),
    ticker: TICKER_FLOW,
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
  /** Since when a new connection owes its first frame, monotonic ms. */
  let awaitedSince: number | null = null;
  let refused = false;
  let candle: KlineEvent | null = null;
  /** The newest one of this connection. */
  let tradeId: string | null = null;
  const greets = offered.some((channel) => connector.channels[channel]?.cadence === 'on-change');

  const toolsOf = (channel: FeedChannel): FlowTools => ({
    ...options,
    log: options.log.child({ market: market.symbol, channel }),
    signal: ended.signal,
    publish(event, late) {
      if (ended.signal.aborted) return;
      if (late) metrics.backfilled.inc({ exchange: market.exchange, channel });
      options.publish(event);
      if (event.channel === 'trade') audit?.trade(event.event, options.exchangeNow() ?? 0);
      if (event.channel === 'kline') audit?.candle(event.event);
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
  const rereads: UnorderedTradeFlow | null = 'reread' in flows.trade ? flows.trade : null;
  const audit = rereads && createTradeAudit();

  /** True where the event shows that something was traded just now. */
  function hasMoved({ channel, event }: FeedEvent): boolean {
    if (channel === 'kline') {
      const moved = candle?.openTime === event.openTime && candle.volume !== event.volume;
      candle = event;
      return moved;
    }
    if (channel !== 'trade') return false;
    const isNew = tradeId !== null && tradeId !== event.tradeId;
    tradeId = event.tradeId;
    return isNew || !greets;
  }

  function say(channel: FeedChannel): void {
    const mine = told.get(channel) as Told;
    const now = performance.now();
    const streamed = connector.channels[channel]?.streamed ?? false;
    // a stream that arrives and can't go on is as silent as one that doesn't
    mine.heldSince = flows[channel].isHolding() ? (mine.heldSince ?? now) : null;
    const heldLong = mine.heldSince !== null && now - mine.heldSince > times.staleMs;
    const state = {
      connected: connected && !refused,
      // candles that are made of trades are as good as those
      stale: refused || heldLong || watch.isStale(streamed ? channel : 'trade', now),
      gaps: mine.gaps,
      reconnects: options.reconnects(),
    };
    // the first event is news too
    const said = JSON.stringify({ ...state, heard: mine.lastEventAt !== null });
    if (said === mine.said && now - mine.saidAt < Math.min(STATUS_MS, times.staleMs / 2)) return;
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

  function doubt(): void {
    // ids that grow by one tell a loss by themselves, and so do sequences
    if (connector.tradeIds === 'unordered') flows.trade.resume();
    if (connector.book.kind === 'snapshots') flows.orderbook.interrupt();
  }

  /** Something of the market came: only what is fetched from now on reaches as far as the stream begins. */
  function greet(): void {
    if (awaitedSince === null) return;
    awaitedSince = null;
    doubt();
  }

  return {
    market,
    push(event) {
      const { channel } = event;
      if (ended.signal.aborted || !connector.channels[channel]) return;
      greet();
      watch.heard(channel, performance.now(), hasMoved(event));
      (told.get(channel) as Told).lastEventAt = event.event.receivedAt;
      (flows[channel] as Flow<typeof event.event>).push(event.event);
    },
    heard(channel) {
      if (ended.signal.aborted) return;
      greet();
      watch.heard(channel, performance.now(), false);
      (told.get(channel) as Told).lastEventAt = Date.now();
    },
    refuse(isRefused) {
      if (isRefused && !refused) options.log.warn({ market: market.symbol }, 'the exchange does not know the market');
      refused = isRefused;
    },
    renewed: doubt,
    connected() {
      connected = true;
      awaitedSince = performance.now();
      tradeId = null;
      watch.connected(performance.now());
      if (!connector.tradeHistory) audit?.restart();
      for (const channel of offered) if (flows[channel] !== rereads) flows[channel].resume();
      sayAll();
    },
    disconnected() {
      connected = false;
      awaitedSince = null;
      watch.disconnected();
      for (const channel of offered) flows[channel].interrupt();
      sayAll();
    },
    tick() {
      if (ended.signal.aborted) return;
      if (connected) for (const channel of offered) flows[channel].tick();
      if (awaitedSince !== null && performance.now() - awaitedSince > GREETING_MS) {
        rereads?.resume();
        awaitedSince = Number.POSITIVE_INFINITY;
      }
      for (const openTime of audit?.incomplete(options.exchangeNow() ?? 0) ?? []) rereads?.reread(openTime);
      sayAll();
    },
    wantsReconnect: () => !refused && watch.wantsReconnect(performance.now()),
    stop(isOver = false) {
      if (isOver && !ended.signal.aborted) {
        connected = false;
        watch.disconnected();
        sayAll();
      }
      ended.abort();
    },
  };
}
