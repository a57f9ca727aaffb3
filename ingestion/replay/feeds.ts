/**
 * What a recording's frames say, by the code that says it live: connector, flows, REST. Where a connection began and ended is
 * not recorded: it begins with a market's first frame of it, and was lost where the one before had ended.
 */
import { type Exchange, type MarketInfo, marketId } from '../../schema/market.ts';
import type { RawFrame } from '../../schema/topics.ts';
import { createLog } from '../../src/platform/log.ts';
import { BadFrame, type Connector, type PublishedEvent } from '../exchanges/connector.ts';
import { CONNECTORS } from '../exchanges/index.ts';
import { believe, createExchangeClock, type ExchangeClock } from '../feed/exchange-clock.ts';
import { FLOW_TIMES, type FlowTimes } from '../feed/flow.ts';
import { createMarketFeed, type MarketFeed } from '../feed/market-feed.ts';
import type { Publisher } from '../feed/publish.ts';
import { recordedFetch } from '../feed/recorded-fetch.ts';
import { createRecordedRest, type RecordedRest } from './recorded-rest.ts';

/** A connection that brought nothing of a market for so long had ended when the next one began, ms. */
const ENDED_MS = 1_000;
const TICK_MS = 1_000;

interface Followed {
  feed: MarketFeed;
  rest: RecordedRest;
  connection: string | null;
  heardAt: number;
}

interface Venue {
  connector: Connector;
  clock: ExchangeClock;
  byNative: Map<string, MarketInfo>;
}

export interface ReplayFeeds {
  /** Takes the next frame or response of the recording. */
  take(frame: RawFrame): void;
  /** What is to be published since the last call, in order. */
  drain(): PublishedEvent[];
}

/** Feeds of these markets that nobody knows anything of yet. `staleMs`: FEED_STALE_MS. */
export function createReplayFeeds(markets: readonly MarketInfo[], staleMs: number): ReplayFeeds {
  const log = createLog('silent');
  const times: FlowTimes = { ...FLOW_TIMES, staleMs, backfillMs: 0 };
  const venues = new Map<Exchange, Venue>();
  const followed = new Map<string, Followed>();
  let events: PublishedEvent[] = [];
  const publisher = { raw() {}, bad() {}, room: async () => {} } as unknown as Publisher;

  for (const market of markets) {
    const { exchange, nativeSymbol } = market;
    const connector = CONNECTORS[exchange];
    const venue = venues.get(exchange) ?? { connector, clock: createExchangeClock(), byNative: new Map() };
    venues.set(exchange, venue);
    venue.byNative.set(nativeSymbol, market);
    const rest = createRecordedRest();
    const feed = createMarketFeed({
      ...{ connector, market, times, log, exchangeNow: venue.clock.now, exchangeTime: venue.clock.now },
      progress: {
        ...{ lastTrade: null, knownUntil: null, kept: { firstTrade: null, tradeHoles: [], klineHoles: [] } },
        save: async () => {},
      },
      fetch: recordedFetch({ connector, rest, publisher, market, connection: 'replay', held: () => true }),
      publish: (event) => void events.push(event),
      status: () => {},
      reconnects: () => 0,
    });
    followed.set(marketId(market), { feed, rest, connection: null, heardAt: 0 });
  }
  setInterval(() => {
    for (const { feed } of followed.values()) feed.tick();
  }, TICK_MS);

  /** The market's frames come over this connection now. */
  function heard(market: Followed, connection: string, at: number): void {
    if (market.connection !== connection) {
      const first = market.connection === null;
      if (first || at - market.heardAt > ENDED_MS) {
        if (!first) market.feed.disconnected();
        market.feed.connected();
      }
      market.connection = connection;
    }
    market.heardAt = at;
  }

  return {
    take(frame) {
      const { exchange, symbol, connection, receivedAt, bytes } = frame;
      const venue = venues.get(exchange);
      if (!venue) return;
      const known = symbol === null ? undefined : followed.get(marketId({ exchange, symbol }));
      if (frame.kind === 'response') return known?.rest.answer(frame);
      if (known) heard(known, connection, receivedAt);
      try {
        const said = venue.connector.normalize(bytes, { receivedAt, market: (native) => venue.byNative.get(native) });
        if (said.events.length === 0 && said.known.channel) known?.feed.heard(said.known.channel);
        believe(said.events, receivedAt, venue.clock);
        for (const event of said.events) {
          followed.get(marketId(event.event))?.feed.push(event);
        }
      } catch (error) {
        // what can't be read is among the dead letters since it was received
        if (!(error instanceof BadFrame)) throw error;
      }
    },
    drain() {
      const drained = events;
      events = [];
      return drained;
    },
  };
}
