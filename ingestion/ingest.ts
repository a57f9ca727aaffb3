/** Exchange → topic: shares the followed markets with the other processes and runs a feed for each connection's worth. */
import { type Exchange, type MarketInfo, marketId } from '../schema/market.ts';
import type { Config } from '../src/platform/config.ts';
import { createExchangeRest } from '../src/platform/exchange/rest.ts';
import type { Platform, Running } from '../src/platform/platform.ts';
import { holderName } from '../src/platform/postgres/lease.ts';
import { pause } from '../src/platform/retry.ts';
import type { Connector } from './exchanges/connector.ts';
import { checkFees, withFees } from './exchanges/fees.ts';
import { CONNECTORS } from './exchanges/index.ts';
import { createBackfillLog } from './feed/backfill-log.ts';
import { createBans, restPlace, type Silent } from './feed/bans.ts';
import { type ConnectRate, createConnectRate } from './feed/connect-rate.ts';
import { type Feed, startFeed } from './feed/feed.ts';
import type { FeedTimes } from './feed/flow.ts';
import { FLOW_TIMES } from './feed/flow.ts';
import { followListings } from './feed/listings.ts';
import { readMarkets, resolveMarkets, type Venue } from './feed/markets.ts';
import { readProgress } from './feed/progress.ts';
import { createPublisher, type Publisher } from './feed/publish.ts';
import { startShare } from './feed/share.ts';

export interface IngestOptions {
  /** Where exchanges are, e.g. their stand-ins. An exchange's own settings win; its connector's default comes last. */
  endpoints: Partial<Record<Exchange, { ws: string; rest: string }>>;
  /** For tests: other times than those of the settings. */
  times?: Partial<FeedTimes>;
}

interface UsedVenue extends Venue {
  ws: string;
  restBase: string;
  connectRate: ConnectRate;
}

const HOUR = 3_600_000;
/** Connections of an exchange beyond those its markets need, as new listings come; then the small ones become one. */
const SPARE_FEEDS = 4;
/** Of the three seconds a stop may take, what is received may use this to leave. */
const FLUSH_MS = 1_500;
/** The part of LEASE_MS that a market's last events may use to leave before another process follows it. */
const HANDOVER = 0.2;
/** Bound on giving leases back; they expire anyway. */
const RELEASE_MS = 500;

function venueOf(connector: Connector, config: Config, given: { ws: string; rest: string } | undefined): UsedVenue {
  const setting = (name: keyof Config): string | undefined => config[name] as string | undefined;
  const { limits } = connector;
  const restBase = setting(connector.settings.rest) ?? given?.rest ?? connector.endpoints.rest;
  return {
    ...{ connector, restBase },
    ws: setting(connector.settings.ws) ?? given?.ws ?? connector.endpoints.ws,
    connectRate: createConnectRate(limits.connects),
    rest: createExchangeRest({
      base: restBase,
      timeoutMs: config.STORE_TIMEOUT_MS,
      ...limits.rest,
    }),
  };
}

/** What an exchange may ban: calls over REST, and attempts to connect. */
function placesOf(venues: readonly UsedVenue[]): Map<string, Silent> {
  return new Map(
    venues.flatMap(({ connector: { exchange }, restBase, rest, connectRate }): [string, Silent][] => [
      [restPlace(restBase), rest],
      [`${exchange}:connect`, connectRate],
    ]),
  );
}

/**
 * Begins to ingest `config.MARKETS`. Resolves when the markets are known; feeds come up by themselves. `stop` flushes what
 * was received, within three seconds. Throws ConfigError for markets that don't exist, and for fees of
 * markets that are not followed.
 */
export async function startIngest(platform: Platform, options: IngestOptions): Promise<Running> {
  const { config, postgres, broker } = platform;
  const log = platform.log.child({ part: 'ingest' });
  const used = new Set(config.MARKETS.map((pattern) => pattern.exchange));
  const venues: Partial<Record<Exchange, UsedVenue>> = {};
  for (const connector of Object.values(CONNECTORS)) {
    const { exchange } = connector;
    if (used.has(exchange)) venues[exchange] = venueOf(connector, config, options.endpoints[exchange]);
  }
  const holder = holderName();
  const name = holder.slice(-8);
  const bans = createBans(postgres, placesOf(Object.values(venues)), holder, log);
  await bans.read().catch((error) => log.warn({ err: error }, 'bans of other processes not known'));
  const known = await readMarkets(postgres, [...used]).catch((error): MarketInfo[] => {
    log.warn({ err: error }, 'markets of before not known');
    return [];
  });
  const base = await resolveMarkets(config.MARKETS, venues, log, known);
  checkFees(config.TAKER_FEES, base);
  const markets = withFees(base, config.TAKER_FEES);
  const byId = new Map(markets.map((market) => [marketId(market), market]));
  /** Those of ours that nobody follows any more. */
  const over = new Set<string>();
  const publisher = createPublisher(broker, config.SEND_BUFFER_BYTES, log);
  const backfill = createBackfillLog(log);
  const watched: Publisher = {
    ...publisher,
    event(event, held) {
      if (event.channel === 'kline') backfill.note(event.event);
      publisher.event(event, held);
    },
  };
  const ended = new AbortController();
  const feeds = new Set<Feed & { exchange: Exchange }>();
  const times: FeedTimes = {
    ...FLOW_TIMES,
    staleMs: config.FEED_STALE_MS,
    backfillMs: config.BACKFILL_HOURS * HOUR,
    overlapMs: 3_000,
    readyMs: 10_000,
    ...options.times,
  };
  let started = 0;

  async function follow(venue: UsedVenue, group: readonly MarketInfo[]): Promise<void> {
    const { exchange } = venue.connector;
    const symbols = group.map((market) => market.symbol);
    const progress = await readProgress(postgres, exchange, symbols);
    // a feed begun after the stop would be stopped by nobody
    if (ended.signal.aborted) throw new Error('stopping');
    const feed = startFeed({
      ...venue,
      ...{ markets: group, progress, publisher: watched, times, log },
      held: (symbol) => share.holds(marketId({ exchange, symbol })),
      name: `${name}-${++started}`,
    });
    feeds.add({ ...feed, exchange });
    for (const market of group) {
      backfill.begin(market, progress.get(market.symbol)?.knownUntil ?? Date.now() - times.backfillMs);
    }
    log.info({ exchange, symbols }, 'following');
  }

  async function lost(ids: readonly string[]): Promise<void> {
    const gone = ids.flatMap((id) => byId.get(id) ?? []);
    gone.forEach(backfill.forget);
    for (const feed of [...feeds]) {
      const mine = gone.filter((market) => market.exchange === feed.exchange);
      for (const isOver of [true, false]) {
        const some = mine.filter((market) => over.has(marketId(market)) === isOver);
        feed.drop(
          some.map((market) => market.symbol),
          isOver,
        );
      }
      if (feed.symbols().length > 0) continue;
      feeds.delete(feed);
      void feed.stop();
    }
    for (const id of ids.filter((one) => over.delete(one))) byId.delete(id);
    log.info({ markets: ids }, 'no longer following');
    await publisher.flush(config.LEASE_MS * HANDOVER);
  }

  /** The markets of small connections, given up here to be followed on one, where there have come to be too many of them. */
  async function gathered({ connector: { exchange, limits } }: UsedVenue): Promise<MarketInfo[]> {
    const size = limits.marketsPerConnection;
    const all = [...feeds].filter((feed) => feed.exchange === exchange);
    const total = all.reduce((sum, feed) => sum + feed.symbols().length, 0);
    if (all.length <= Math.ceil(total / size) + SPARE_FEEDS) return [];
    const small = all.filter((feed) => feed.symbols().length <= size / 2);
    const ids = small.flatMap((feed) => feed.symbols().map((symbol) => marketId({ exchange, symbol })));
    await lost(ids);
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  const share = startShare({
    postgres,
    holder,
    log,
    items: [...byId.keys()],
    ms: config.LEASE_MS,
    async gained(ids) {
      if (ended.signal.aborted) throw new Error('stopping');
      const given: MarketInfo[] = [];
      try {
        for (const venue of Object.values(venues)) {
          const mine = ids.flatMap((id) => byId.get(id) ?? []).filter((m) => m.exchange === venue.connector.exchange);
          if (mine.length > 0) given.push(...(await gathered(venue)));
          mine.push(...given.filter((m) => m.exchange === venue.connector.exchange));
          const size = venue.connector.limits.marketsPerConnection;
          for (let i = 0; i < mine.length; i += size) await follow(venue, mine.slice(i, i + size));
        }
      } catch (error) {
        const all = [...ids, ...given.map(marketId)];
        await lost(all);
        share.release(all);
        throw error;
      }
    },
    lost,
    members(count) {
      for (const { rest, connectRate } of Object.values(venues))
        for (const one of [rest, connectRate]) one.divide(count);
    },
  });
  bans.start();

  const listings = followListings({
    ...{ postgres, log, markets, patterns: config.MARKETS, fees: config.TAKER_FEES, venues: Object.values(venues) },
    others: known.filter((market) => !byId.has(marketId(market))),
    ...{ everyMs: config.MARKETS_REFRESH_MS, leaseMs: config.LEASE_MS },
    changed(added, gone) {
      for (const market of added) {
        byId.set(marketId(market), market);
        over.delete(marketId(market));
      }
      for (const id of gone.map(marketId)) {
        if (share.holds(id)) over.add(id);
        else byId.delete(id);
      }
      share.change([...byId.keys()].filter((id) => !over.has(id)));
    },
  });

  return {
    async stop() {
      ended.abort();
      // no more frames; then what was received leaves; only then may another process follow
      await Promise.all([...feeds].map((feed) => feed.stop()));
      await publisher.stop(FLUSH_MS);
      await Promise.race([Promise.all([share.stop(), bans.stop(), listings.stop()]), pause(RELEASE_MS)]);
    },
  };
}
