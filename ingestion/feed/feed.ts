/**
 * The one feed loop, for every exchange: connect, subscribe, normalize, publish; watch for silence, come back with
 * backoff, change over before a connection ends. One feed is one connection's worth of markets; what makes the markets'
 * sequences unbroken across connections is in the flows.
 */
import type { MarketInfo } from '../../schema/market.ts';
import type { RawFrame } from '../../schema/topics.ts';
import { type ExchangeRest, RestFailed, type RestReply, type RestRequest } from '../../src/platform/exchange/rest.ts';
import type { Log } from '../../src/platform/log.ts';
import { metrics, tallyOf } from '../../src/platform/metrics.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import { BadFrame, type Connector, type Control, type FeedEvent } from '../exchanges/connector.ts';
import type { ConnectRate } from './connect-rate.ts';
import { ConnectFailed, type Connection, openConnection } from './connection.ts';
import { believe, createExchangeClock } from './exchange-clock.ts';
import type { FeedTimes } from './flow.ts';
import { createMarketFeed, type MarketFeed } from './market-feed.ts';
import { createListener } from './pace.ts';
import type { MarketProgress } from './progress.ts';
import type { Publisher } from './publish.ts';
import { recordedFetch } from './recorded-fetch.ts';

export interface FeedOptions {
  connector: Connector;
  /** At most `connector.limits.marketsPerConnection`. */
  markets: readonly MarketInfo[];
  /** Where each market stood, by symbol. */
  progress: ReadonlyMap<string, MarketProgress>;
  /** Base of the exchange's streams. */
  ws: string;
  rest: ExchangeRest;
  publisher: Publisher;
  connectRate: ConnectRate;
  /** True while this process may publish the market. */
  held(symbol: string): boolean;
  /** Short and unique; connections are named after it. */
  name: string;
  times: FeedTimes;
  log: Log;
  /** Where frames come from; a WebSocket unless given. */
  openConnection?: typeof openConnection;
}

export interface Feed {
  symbols(): string[];
  /** Nothing of these markets is published any more; `ended` where by nobody else either. */
  drop(symbols: readonly string[], ended?: boolean): void;
  /** Closes the connection; resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/** One connection and the events that wait while its predecessor is still the one that counts. */
interface Link {
  connection: Connection;
  waiting: FeedEvent[] | null;
}

const BACKOFF = { baseMs: 500, capMs: 30_000 };
/** A connection that brought frames for this long, or for FEED_STALE_MS, does not count as a failure. */
const GOOD_MS = 30_000;
/** Events that wait during an overlap; beyond that the changeover is made at once. */
const MAX_WAITING = 50_000;

/** Starts a feed; it comes up by itself and lives until `stop`. */
export function startFeed(options: FeedOptions): Feed {
  const { connector, publisher, times, rest } = options;
  const { exchange } = connector;
  const log = options.log.child({ exchange, feed: options.name });
  const frames = tallyOf(metrics.frames, { exchange });
  const ended = new AbortController();
  const { signal } = ended;
  const clock = createExchangeClock();
  const listener = createListener(connector, times.staleMs);
  const byNative = new Map(options.markets.map((market) => [market.nativeSymbol, market]));
  const markets = new Map<string, MarketFeed>();
  let active: Link | null = null;
  let opening: Connection | null = null;
  let connections = 0;
  let reconnects = -1;
  let failures = 0;
  let wish = Promise.withResolvers<string>();
  /** What a silence was held against: it may have lost something. */
  const suspects = new Set<MarketFeed>();

  const heldAny = (): boolean => [...markets.keys()].some(options.held);
  const heldBy = (symbol: string | null): (() => boolean) => (symbol ? () => options.held(symbol) : heldAny);

  /** A successor connection is wanted. */
  function want(reason: string): void {
    if (active) wish.resolve(reason);
  }

  function dispatch(event: FeedEvent): void {
    markets.get(event.event.symbol)?.push(event);
  }

  function onFrame(link: Link, bytes: Buffer, receivedAt: number): Control | null {
    frames.count++;
    listener.heard();
    const frame: RawFrame = {
      ...{ exchange, connection: link.connection.id, kind: 'frame', receivedAt, bytes },
      ...{ channel: null, symbol: null, eventTime: null, endpoint: null, callId: null, callTs: null },
    };
    let kept = false;
    try {
      const { events, known, control } = connector.normalize(bytes, {
        receivedAt,
        market: (native) => byNative.get(native),
      });
      // a market that was given up is another process's to record
      if (known.symbol !== null && !markets.has(known.symbol)) return control;
      publisher.raw({ ...frame, ...known }, heldBy(known.symbol));
      kept = true;
      if (events.length === 0 && known.symbol && known.channel) markets.get(known.symbol)?.heard(known.channel);
      believe(events, receivedAt, clock);
      for (const event of events) {
        if (link.waiting) link.waiting.push(event);
        else dispatch(event);
      }
      return control;
    } catch (error) {
      if (!(error instanceof BadFrame)) log.error({ err: error }, 'a frame broke its connector');
      if (!kept) publisher.raw(frame, heldAny);
      publisher.bad(frame, (error as Error).message, heldAny);
      return null;
    }
  }

  for (const market of options.markets) {
    const progress = options.progress.get(market.symbol);
    if (!progress) throw new RangeError(`no progress given for ${market.symbol}`);
    const feed = createMarketFeed({
      ...{ connector, market, times, log, progress },
      fetch: recordedFetch({
        ...{ connector, rest, publisher, market, connection: `${options.name}-rest` },
        held: heldBy(market.symbol),
      }),
      exchangeNow: clock.now,
      exchangeTime: clock.time,
      publish: (event) => publisher.event(event, () => options.held(market.symbol)),
      status: publisher.status,
      reconnects: () => Math.max(reconnects, 0),
    });
    markets.set(market.symbol, feed);
  }

  /** One attempt. Resolves when subscribed. Throws ConnectFailed or RestFailed. */
  async function open(): Promise<Link> {
    const call = (request: RestRequest): Promise<RestReply> => rest.call(request, signal);
    const session = await connector.session(options.ws, call);
    const followed = [...markets.values()].map((feed) => feed.market);
    signal.throwIfAborted();
    const link: Link = {
      waiting: [],
      connection: (options.openConnection ?? openConnection)({
        id: `${options.name}-${++connections}`,
        plan: connector.connect(session, followed),
        messagesPerSecond: connector.limits.messagesPerSecond,
        lifetimeMs: connector.limits.lifetimeMs,
        readyMs: times.readyMs,
        frame: (bytes, receivedAt) => onFrame(link, bytes, receivedAt),
      }),
    };
    opening = link.connection;
    await link.connection.ready.finally(() => {
      opening = null;
    });
    return link;
  }

  /** Tries until a connection is subscribed; null when stopped. */
  async function connect(): Promise<Link | null> {
    while (!signal.aborted) {
      if (failures > 0) await pause(fullJitter(BACKOFF, failures - 1), signal);
      await publisher.room(signal);
      await options.connectRate.turn(signal);
      if (signal.aborted) return null;
      try {
        return await open();
      } catch (error) {
        if (signal.aborted) return null;
        failures++;
        const retryAfterMs = error instanceof ConnectFailed || error instanceof RestFailed ? error.retryAfterMs : null;
        log.warn({ err: error, failures, retryAfterMs }, 'not connected');
        metrics.feedReconnects.inc({ exchange, reason: 'connect-failed' });
        // the server's wish is a lower bound, and one for the address
        if (retryAfterMs) options.connectRate.pause(retryAfterMs);
      }
    }
    return null;
  }

  /** From here on the link's events count. */
  function activate(link: Link): void {
    const seamless = active !== null;
    active?.connection.close();
    active = link;
    reconnects++;
    wish = Promise.withResolvers();
    const since = performance.now();
    metrics.feedConnected.inc({ exchange });
    void link.connection.ended.then((why) => {
      metrics.feedConnected.dec({ exchange });
      if (active !== link) return;
      active = null;
      // at least one jittered pause: a server that restarts loses everybody at once
      failures = link.connection.lastFrameAt() - since > Math.min(GOOD_MS, times.staleMs) ? 1 : failures + 1;
      if (!signal.aborted) log.warn({ code: why.code, reason: why.reason }, 'connection lost');
      for (const feed of markets.values()) feed.disconnected();
    });
    for (const feed of markets.values()) {
      feed.refuse(link.connection.refused().has(feed.market.nativeSymbol));
      if (!seamless) feed.connected();
      else if (suspects.has(feed)) feed.renewed();
    }
    suspects.clear();
    const waited = link.waiting ?? [];
    link.waiting = null;
    for (const event of waited) dispatch(event);
  }

  /** Waits until the older connection's frames reach beyond the newer one's first. */
  async function overlap(link: Link): Promise<void> {
    const until = performance.now() + times.overlapMs;
    while (active && performance.now() < until && !signal.aborted && (link.waiting?.length ?? 0) < MAX_WAITING) {
      await pause(Math.min(50, times.overlapMs), signal);
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const link = await connect();
      if (!link) break;
      if (active) await overlap(link);
      let dead = false;
      void link.connection.ended.then(() => {
        dead = true;
      });
      await Promise.resolve();
      if (dead || signal.aborted || publisher.isFull()) {
        link.connection.terminate('not needed');
        continue;
      }
      activate(link);
      const reason = await Promise.race([link.connection.ended.then(() => 'lost'), link.connection.due, wish.promise]);
      metrics.feedReconnects.inc({ exchange, reason });
      if (reason === 'lost') continue;
      failures = 0;
      log.info({ reason }, 'changing over to a new connection');
    }
  }

  function tick(): void {
    const isQuiet = active !== null && listener.check(active.connection);
    for (const feed of markets.values()) {
      feed.tick();
      if (!isQuiet && !feed.wantsReconnect()) continue;
      suspects.add(feed);
      want(isQuiet ? 'quiet' : 'silent-market');
    }
  }

  const ticking = setInterval(tick, Math.max(20, Math.min(1_000, times.staleMs / 4)));
  const stopWatchingRoom = publisher.onFull(() => {
    active?.connection.terminate('shed');
    opening?.terminate('shed');
  });
  const running = run().catch((error) => log.error({ err: error }, 'feed ended'));

  async function stop(): Promise<void> {
    ended.abort();
    clearInterval(ticking);
    stopWatchingRoom();
    opening?.terminate('stopped');
    for (const feed of markets.values()) feed.stop();
    const last = active;
    last?.connection.close();
    await running;
    await last?.connection.ended;
  }

  return {
    symbols: () => [...markets.keys()],
    drop(symbols, isOver) {
      const mine = symbols.filter((symbol) => markets.has(symbol));
      for (const symbol of mine) markets.get(symbol)?.stop(isOver);
      for (const symbol of mine) markets.delete(symbol);
      // of one that is no more nothing comes anyway
      if (mine.length > 0 && markets.size > 0 && !isOver) want('rebalanced');
    },
    stop,
  };
}
