/** A feed against a stand-in of its exchange, with short times, and a log that remembers. */

import type { Connector } from '../../../ingestion/exchanges/connector.ts';
import { createConnectRate } from '../../../ingestion/feed/connect-rate.ts';
import { type Feed, startFeed } from '../../../ingestion/feed/feed.ts';
import type { FeedTimes } from '../../../ingestion/feed/flow.ts';
import { createPublisher } from '../../../ingestion/feed/publish.ts';
import { createExchangeRest } from '../../../src/platform/exchange/rest.ts';
import { noProgress, quiet, RememberingBroker } from './scripted.ts';

export interface StandInFeed {
  log: RememberingBroker;
  feed: Feed;
  stop(): Promise<void>;
}

/** Follows `symbols` (canonical) at once. */
export function followStandIn(
  connector: Connector,
  at: { wsUrl: string; restUrl: string },
  symbols: readonly string[],
  times: Partial<FeedTimes> = {},
): StandInFeed {
  const log = new RememberingBroker();
  const publisher = createPublisher(log.port, 200_000_000, quiet);
  const markets = symbols.map((symbol) => connector.assume(symbol));
  const feed = startFeed({
    ...{ connector, markets, publisher, log: quiet, name: 'test', ws: at.wsUrl, held: () => true },
    progress: new Map(markets.map((market) => [market.symbol, noProgress()])),
    rest: createExchangeRest({ base: at.restUrl, timeoutMs: 2_000, weight: 500, perMs: 1_000 }),
    connectRate: createConnectRate({ count: 100, perMs: 1_000 }),
    times: {
      ...{ staleMs: 2_000, backfillMs: 3 * 60_000, patienceMs: 3_000, repairMs: 100, snapshotMs: 50_000 },
      ...{ overlapMs: 200, readyMs: 2_000, ...times },
    },
  });
  return {
    log,
    feed,
    async stop() {
      await feed.stop();
      await publisher.stop(1_000);
    },
  };
}
