import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startIngest } from '../../ingestion/ingest.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { decimal } from '../../schema/decimal.ts';
import { type FeedChannel, type FeedStatusEvent, INTERVALS, openTimeOf } from '../../schema/market.ts';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { readConfig } from '../../src/platform/config.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { quiet, RememberingBroker, seeded } from './feed/scripted.ts';

const NATIVES = ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'];
/** Which faults meet, and when: any number. */
const SEED = Number(process.env.FAULTS_SEED ?? 11);
/** So many go wrong together. */
const AT_ONCE = 3;
/** The exchange's clock at the start: so long before a minute's end, so that candles are closed amid the faults. */
const BEFORE_END_MS = 8_000;

/** Something that goes wrong. */
interface Fault {
  cause(): void;
  /** What shows that it has happened; asked for before it is caused. */
  shows(): () => boolean;
  /** Ends it once it has been seen. */
  end?(): void;
}

const symbolOf = (native: string): string => native.replace('USDT', '-USDT');
const idOf = ({ tradeId }: { tradeId: string }): number => Number(tradeId);

/** What a log says of one symbol. */
function publishedOf(log: RememberingBroker, symbol: string) {
  const of = <E extends { symbol: string | null }>(list: E[]): E[] => list.filter((one) => one.symbol === symbol);
  return {
    trades: () => of(log.trades()),
    books: () => of(log.books()),
    klines: () => of(log.klines()),
    status: (channel: FeedChannel): FeedStatusEvent | undefined =>
      of(log.status()).findLast((one) => one.channel === channel),
  };
}

/** Every fault there is, by name. */
function faultsOf({ faults, stats }: BinanceSim, log: RememberingBroker): Record<string, Fault> {
  const reconnects = (): number => log.status().at(-1)?.reconnects ?? 0;
  const reconnected = () => {
    const before = reconnects();
    return () => reconnects() > before;
  };
  /** Of single frames: they have come by. */
  const met = () => () => stats().faultsWaiting === 0;
  /** A hole in the trades makes the feed ask REST. */
  const asked = () => {
    const before = stats().restRequests;
    return () => stats().restRequests > before;
  };
  const frame = (cause: () => void): Fault => ({ cause, shows: met });
  const loss = (cause: () => void): Fault => ({ cause, shows: reconnected });
  const rest = (cause: () => void): Fault => ({
    cause() {
      cause();
      faults.skip('aggTrade', 1);
    },
    shows: asked,
  });
  const btc = publishedOf(log, 'BTC-USDT');
  return {
    'lost trades': frame(() => faults.skip('aggTrade', 3)),
    'lost book changes': frame(() => faults.skip('depth', 2)),
    'doubled frames': frame(() => faults.duplicate('', 5)),
    'trades out of order': frame(() => faults.reorder('aggTrade', 2)),
    'book changes out of order': frame(() => faults.reorder('depth', 1)),
    'a torn frame': frame(() => faults.malform('depth', '{"e":')),
    reset: loss(() => faults.reset()),
    closed: loss(() => faults.disconnect()),
    'half open': loss(() => faults.halfOpen()),
    stalled: { ...loss(() => faults.stall()), end: () => faults.resume() },
    'one stream stalled': {
      cause: () => faults.stall('btcusdt@depth'),
      shows: () => () => btc.status('orderbook')?.stale === true,
      end: () => faults.resume(),
    },
    'REST refused': rest(() => faults.refuseRest({ status: 429, retryAfter: 1, count: 1 })),
    'REST stalled': rest(() => faults.stallRest(700)),
    'maintenance announced': loss(() => void faults.plannedDisconnect(400)),
    'away for a while': loss(() => {
      faults.reset();
      void faults.refuseConnections(400);
    }),
  };
}

/** The list in an order of chance. */
function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const left = [...list];
  return list.map(() => left.splice(Math.floor(random() * left.length), 1)[0] as T);
}

/** Resolves when everything that has happened at the exchange by now is published and nothing is held to be missing. */
async function recovered(sim: BinanceSim, log: RememberingBroker, amid: string): Promise<void> {
  const now = sim.now();
  for (const native of NATIVES) {
    const market = publishedOf(log, symbolOf(native));
    const mark = sim.sent(native).trades.at(-1)?.a ?? 0;
    const isWhole = (channel: FeedChannel): boolean => {
      const status = market.status(channel);
      return status?.connected === true && !status.stale;
    };
    await until(
      () => {
        const state = (['trade', 'orderbook'] as const).map((channel) => JSON.stringify(market.status(channel)));
        return (
          `${native} to recover from ${amid}: trade ${mark} sent, ${market.trades().at(-1)?.tradeId} ` +
          `published; book ${now - (market.books().at(-1)?.eventTime ?? 0)} ms old; ${state.join(' ')}`
        );
      },
      () =>
        idOf(market.trades().at(-1) ?? { tradeId: '0' }) >= mark &&
        (market.books().at(-1)?.eventTime ?? 0) >= now &&
        isWhole('trade') &&
        isWhole('orderbook'),
      { timeoutMs: 40_000, everyMs: 100 },
    );
  }
}

/** Holds what was published of a market against what the exchange sent. */
function check(sim: BinanceSim, log: RememberingBroker, native: string): void {
  const market = publishedOf(log, symbolOf(native));
  const sent = sim.sent(native);
  const got = market.trades();
  const [first, last] = [idOf(got[0] ?? { tradeId: '0' }), idOf(got.at(-1) ?? { tradeId: '0' })];
  const expected = sent.trades.filter(({ a }) => a >= first && a <= last);
  const told = `${native}, seed ${SEED}`;
  for (const [i, { a, p, q, T }] of expected.entries()) {
    const trade = got[i];
    const mine = trade && [trade.tradeId, trade.price, trade.quantity, trade.eventTime];
    assert.deepEqual(mine, [String(a), decimal(p), decimal(q), T], `${told}: trade ${i}, after ${got[i - 1]?.tradeId}`);
  }
  assert.equal(got.length, expected.length, `${told}: trades published beyond those sent`);

  const books = market.books();
  for (const [i, book] of books.entries()) {
    const previous = books[i - 1];
    if (book.type !== 'delta') continue;
    assert.equal(book.previousSequence, previous?.sequence, `${told}: book change ${i} after a ${previous?.type}`);
  }

  const klines = market.klines();
  for (const [i, b] of klines.entries()) {
    const a = klines[i - 1];
    const both = `${told}: candle ${i} ${JSON.stringify(b)} after ${JSON.stringify(a)}`;
    if (a) assert.ok(b.openTime > a.openTime || (b.openTime === a.openTime && !a.isClosed), both);
  }
  for (const { t, o, c, v, n } of sent.candles) {
    const closed = klines.filter((kline) => kline.isClosed && kline.openTime === t);
    assert.deepEqual(
      closed.map((kline) => [kline.open, kline.close, kline.volume, kline.tradeCount]),
      [[decimal(o), decimal(c), decimal(v), n]],
      `${told}: the minute of ${new Date(t).toISOString()}`,
    );
  }
}

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

test('whatever a connection does, every trade arrives, in order, and books stay whole', {
  timeout: 300_000,
}, async () => {
  const now = Date.now();
  const behind = (now + BEFORE_END_MS) % INTERVALS.M1;
  const sim = await startBinanceSim({
    ...{ symbols: NATIVES, rate: 10, clock: () => Date.now() - behind },
    // well within FEED_STALE_MS: candles every two seconds would be a silence of their own
    cadence: { kline: 400 },
  });
  const log = new RememberingBroker();
  const config = readConfig({
    MARKETS: 'binance:*',
    FEED_STALE_MS: '1000',
    BACKFILL_HOURS: '1',
    STORE_TIMEOUT_MS: '1000',
    // a disk so slow that a lease can't be kept is another test's business: who loses one publishes again what it had
    LEASE_MS: '300000',
  });
  const platform = {
    config,
    log: quiet,
    postgres: database.postgres,
    broker: log.port,
    live: {},
  } as unknown as Platform;
  const ingest = await startIngest(platform, {
    endpoints: { BINANCE: { ws: sim.wsUrl, rest: sim.restUrl } },
    times: { overlapMs: 300, repairMs: 500 },
  });
  try {
    const random = seeded(SEED);
    const faults = faultsOf(sim, log);
    const names = Object.keys(faults);
    await recovered(sim, log, 'the start');
    // every fault twice, some at a time
    const queue = [...shuffled(names, random), ...shuffled(names, random)];
    while (queue.length > 0) {
      const some = queue.splice(0, AT_ONCE).map((name) => ({ name, ...(faults[name] as Fault) }));
      const amid = `${some.map(({ name }) => name).join(' + ')} (seed ${SEED})`;
      const shown = some.map((one) => ({ ...one, isShown: one.shows() }));
      for (const { cause } of some) cause();
      const seen = ({ name, isShown }: (typeof shown)[number]): Promise<unknown> =>
        until(() => `“${name}” to show in ${amid}: ${JSON.stringify([sim.stats(), log.status().slice(-3)])}`, isShown, {
          timeoutMs: 40_000,
          everyMs: 50,
        });
      const lasting = shown.filter(({ end }) => end);
      for (const one of lasting) await seen(one);
      for (const { end } of lasting) end?.();
      for (const one of shown) if (!lasting.includes(one)) await seen(one);
      await recovered(sim, log, amid);
    }
    const ended = openTimeOf('M1', now - behind);
    await until('the minute to be closed', () => sim.sent('BTCUSDT').candles.at(-1)?.t === ended, {
      timeoutMs: 90_000,
    });
    for (const native of NATIVES) {
      const { klines } = publishedOf(log, symbolOf(native));
      await until(
        () => `${native}: a candle after the minute that ended, beyond ${JSON.stringify(klines().at(-1))}`,
        () => klines().some((kline) => kline.openTime > ended),
        { timeoutMs: 30_000, everyMs: 100 },
      );
      check(sim, log, native);
    }
  } finally {
    await ingest.stop();
    await sim.close();
  }
});
