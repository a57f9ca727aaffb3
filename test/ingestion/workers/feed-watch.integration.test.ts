/** Feeds whose process is gone or hangs: told by another one, while it lasts. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FEED_WATCH, silenceOf } from '../../../ingestion/workers/feed-watch.ts';
import { live } from '../../../ingestion/workers/live.ts';
import { startSingleton } from '../../../ingestion/workers/singleton.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { feedsOf } from '../../../resolvers/feed-store.ts';
import type { FeedStatusEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { trade } from './market-events.ts';
import { memoryPlatform, produce, readAll } from './worker-platform.ts';

const STALE_MS = 1_000;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

const status = (fields: Partial<FeedStatusEvent> = {}): FeedStatusEvent => ({
  ...{
    exchange: 'BINANCE',
    symbol: 'BTC-USDT',
    channel: 'trade',
    connected: true,
    stale: false,
    gaps: 2,
    reconnects: 1,
  },
  ...{ lastEventAt: Date.now(), eventTime: Date.now(), ...fields },
});

test('a silence is told after the bound, and for an hour', () => {
  const said = status({ eventTime: 1_000_000_000_000 });
  const at = said.eventTime;
  assert.equal(silenceOf(said, at, at + 15_000, 15_000), null);
  assert.deepEqual(silenceOf(said, at, at + 15_001, 15_000), {
    ...{ ...said, stale: true, connected: false, eventTime: at + 15_001 },
  });
  assert.equal(silenceOf(said, at, at + 3_700_000, 15_000), null);
});

test('who reads learns that statuses stopped, within two seconds of the bound, and that they are back', {
  timeout: 60_000,
}, async () => {
  const platform = await memoryPlatform(database.postgres, { FEED_STALE_MS: String(STALE_MS), LEASE_MS: '1000' });
  const worker = await runWorker(live, platform, (error) => {
    throw error;
  });
  const watch = startSingleton(platform, FEED_WATCH);
  const say = (fields?: Partial<FeedStatusEvent>) => produce(platform.broker, TOPICS.feedStatus, [status(fields)]);
  const health = async () => (await feedsOf(platform.live, 'BINANCE', STALE_MS))[0];
  const told = async (): Promise<FeedStatusEvent[]> =>
    (await readAll(platform.broker, TOPICS.feedStatus.name)).map((message) => TOPICS.feedStatus.parse(message.value));
  try {
    const speaking = setInterval(() => void say(), STALE_MS / 3);
    await until('the feed to be well', async () => (await health())?.stale === false);
    // the watch has its lease and sees nothing wrong
    await new Promise((done) => setTimeout(done, 2_500));
    assert.equal(
      (await told()).some((one) => one.stale),
      false,
    );
    clearInterval(speaking);
    const since = Date.now();
    await until('the query to say so', async () => (await health())?.stale === true);
    await until('the stream to say so', async () => (await told()).some((one) => one.stale));
    const late = Date.now() - since - STALE_MS;
    assert.ok(late < 2_000, `told ${late} ms after the bound`);
    const silent = (await told()).at(-1);
    assert.deepEqual([silent?.stale, silent?.connected, silent?.gaps, silent?.reconnects], [true, false, 2, 1]);
    await say();
    await until('the feed to be back', async () => {
      const now = await health();
      return now?.stale === false && now.connected;
    });
  } finally {
    await watch.stop();
    await worker.stop();
  }
});

test('freshness is known to the second by what comes through, though the status is older', {
  timeout: 30_000,
}, async () => {
  const platform = await memoryPlatform(undefined, { FEED_STALE_MS: '15000' });
  const worker = await runWorker(live, platform, (error) => {
    throw error;
  });
  try {
    await produce(platform.broker, TOPICS.feedStatus, [status({ lastEventAt: Date.now() - 9_000 })]);
    const at = Date.now();
    await produce(platform.broker, TOPICS.trades, [trade('1', at, { receivedAt: at })]);
    const health = async () => (await feedsOf(platform.live, 'BINANCE', 15_000))[0];
    await until('the trade to count', async () => (await health())?.lastEventAt === at);
  } finally {
    await worker.stop();
  }
});
