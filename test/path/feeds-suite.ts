/**
 * One exchange's stand-in as a process, and an ingest, a work and an api process on real Kafka, Redis and Postgres: each
 * fault in turn. Within its bound the feed is back, what was missed is in the tables (or its loss is told), the book is
 * the exchange's, and feedHealth told the truth all along.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CONNECTORS } from '../../ingestion/exchanges/index.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { decimal } from '../../schema/decimal.ts';
import { FEED_CHANNELS, type FeedChannel } from '../../schema/market.ts';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { adminOf, prepareOwnKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { withService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { BUSY_MS, CANDLE_MS, FAULTS, PAUSE_MS, SEQUENCE_MS, STALE_MS } from './feeds-faults.ts';
import { type Health, type Observed, observe } from './feeds-observed.ts';
import { type StandInProcess, startStandInProcess } from './feeds-stand-in.ts';
import { type SentTrade, VENUES, type Venue } from './feeds-venues.ts';

/**
 * The first whole minute of the exchange begins so long after its start: when the feed follows it, or so late that the faults
 * are over before it ends.
 */
const MINUTE_IN_MS = { soon: 12_000, late: 24_000 };
const MINUTE = 60_000;
/** When in a minute a trade is lost. */
const LATE_MS = { from: 46_000, to: 54_000 };
const LOST = { timeout: 200_000 };
/** From the exchange to the tables, on a machine that is busy with tests. */
const ROWS = { timeoutMs: 8_000, everyMs: 100 };

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** A time that is lost for good where it can't be fetched: the exchange's clock, epoch ms. */
interface Hole {
  from: number;
  to: number;
}

/** A broker that has just started for the first time knows no groups for a moment: another matter than feeds. */
async function coordinated(brokers: readonly string[]): Promise<void> {
  const admin = adminOf(brokers);
  await admin.connect();
  const isThere = async (): Promise<boolean> => (await admin.fetchOffsets({ groupId: 'nobody' })).length >= 0;
  await until('a coordinator of groups', isThere, { timeoutMs: 30_000, everyMs: 200 });
  await admin.disconnect();
}

/** Declares the suite of one exchange. */
export async function feedSuite(name: keyof typeof VENUES): Promise<void> {
  await withService(
    `the feed of ${name} under faults`,
    () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
    () => declare(name, VENUES[name]),
  );
}

function declare(name: string, venue: Venue): void {
  const { native, symbol, exchange } = venue;
  const isSteady = Object.values(CONNECTORS[exchange].channels).some((rule) => rule?.cadence === 'steady');
  let kafka: TestKafka;
  let redis: TestRedis;
  let database: { url: string; postgres: Postgres; stop(): Promise<void> };
  let standIn: StandInProcess;
  let observed: Observed;
  const roles: RoleProcess[] = [];
  /** Our clock, epoch ms: between these something was wrong. */
  const troubles: { from: number; to: number }[] = [];
  const holes: Hole[] = [];
  let lost: SentTrade[] = [];
  let firstMinute = 0;
  /** When the feed was whole again, monotonic ms. */
  let backAt = 0;

  before(async () => {
    [kafka, redis, database] = await Promise.all([startKafka(), startRedis(), openTestDatabase(MIGRATIONS)]);
    await coordinated(kafka.brokers);
    const lateLoss = venue.fills && venue.unsequencedTrades !== null;
    standIn = await startStandInProcess(name, native, MINUTE_IN_MS[lateLoss ? 'late' : 'soon']);
    const port = await freePort();
    const settings = {
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      KAFKA_BROKERS: kafka.brokers.join(','),
      [`${exchange}_WS_URL`]: standIn.urls.wsUrl,
      [`${exchange}_REST_URL`]: standIn.urls.restUrl,
      MARKETS: `${name}:${symbol}`,
      FEED_STALE_MS: String(STALE_MS),
      PORT: String(port),
      METRICS_PORT: '0',
      BACKFILL_HOURS: '0',
      POSTGRES_POOL: '4',
    };
    roles.push(...['ingest', 'work', 'api'].map((role) => startRole(`src/${role}.ts`, settings)));
    const api = `http://127.0.0.1:${port}`;
    const isReady = async (): Promise<boolean> => (await fetch(`${api}/readyz`)).ok;
    await until('the API to be ready', isReady, { timeoutMs: 60_000 }).catch((error) => {
      throw new Error(roles.map((role) => role.output().slice(-1_500)).join('\n'), { cause: error });
    });
    observed = await observe(venue, api, kafka.brokers);
    await allFresh(20_000);
    await until('the first trades', async () => (await rows()).length > 2, { timeoutMs: 20_000 });
    backAt = performance.now();
    firstMinute = Math.ceil((await standIn.status()).now / MINUTE) * MINUTE;
  });

  after(async () => {
    await observed?.stop();
    await Promise.all(roles.map((role) => role.end('SIGKILL')));
    await standIn?.stop();
    await database?.stop();
    await Promise.all([redis?.stop(), kafka?.stop()]);
  });

  const rows = (): Promise<Record<'trade_id' | 'price' | 'quantity' | 'side', string>[]> =>
    database.postgres.query('SELECT trade_id, price, quantity, side FROM silver.trade ORDER BY event_time, trade_id');
  const all = (holds: (health: Health) => boolean): boolean => {
    const channels = observed.health();
    return channels.size > 0 && [...channels.values()].every(holds);
  };
  const said = (): string =>
    `${JSON.stringify([...observed.health().values()])}\n${roles[0]?.output().split('\n').slice(-15).join('\n')}`;
  const within = (what: string, condition: () => boolean, timeoutMs: number): Promise<unknown> =>
    until(what, condition, { timeoutMs }).catch((error) => assert.fail(`${error.message}: ${said()}`));
  const allFresh = (withinMs: number, reconnects = 0) =>
    within('all fresh', () => all((one) => one.connected && !one.stale && one.reconnects >= reconnects), withinMs);
  const allStale = (withinMs: number) => within('all stale', () => all((one) => one.stale), withinMs);
  /** True once books have come long enough without a pause that a quiet market might have. */
  const isBusy = (): boolean => {
    const times = observed.books().map((book) => book.receivedAt);
    const begun = times.findLastIndex((time, i) => time - (times[i - 1] ?? 0) > PAUSE_MS);
    return (times.at(-1) ?? 0) - (times[begun] ?? Number.POSITIVE_INFINITY) >= BUSY_MS;
  };
  const gapsOf = (channel: FeedChannel): number => observed.health().get(channel)?.gaps ?? 0;
  const isLost = ({ id, time }: SentTrade): boolean =>
    lost.some((trade) => trade.id === id) || (!venue.fills && holes.some(({ from, to }) => time >= from && time <= to));
  const spelled = (t: SentTrade): string => `${t.id} ${decimal(t.price)} ${decimal(t.quantity)} ${t.side}`;

  /** How many trades of that time are not in the tables. */
  async function missingIn({ from, to }: Hole): Promise<number> {
    const stored = new Set((await rows()).map((row) => row.trade_id));
    const sent = venue.trades(await standIn.sent(native));
    return sent.filter(({ id, time }) => time >= from && time <= to && !stored.has(id)).length;
  }

  /** Everything sent until now is in the tables, but for what is known to be lost; and nothing else is. */
  async function assertWhole(): Promise<void> {
    const sent = venue.trades(await standIn.sent(native));
    const mark = sent.at(-1) as SentTrade;
    const deadline = performance.now() + ROWS.timeoutMs;
    const compared = await until(
      `trade ${mark.id} in silver`,
      async () => {
        const stored = (await rows()).map((row) =>
          spelled({ ...row, id: row.trade_id, time: 0, side: row.side as 'BUY' }),
        );
        const begun = sent.find((trade) => spelled(trade) === stored[0])?.time ?? assert.fail(`not sent: ${stored[0]}`);
        const wanted = sent.filter((trade) => trade.time > begun).map((trade) => [trade, spelled(trade)] as const);
        const held = new Set(stored);
        const missing = wanted.filter(([trade, text]) => !held.has(text) && !isLost(trade)).map(([, text]) => text);
        return (missing.length === 0 || performance.now() > deadline) && { stored, missing };
      },
      { ...ROWS, timeoutMs: ROWS.timeoutMs + 2_000 },
    );
    assert.deepEqual(compared.missing, [], said());
    assert.equal(new Set(compared.stored).size, compared.stored.length, 'a trade is there twice');
    // what came after `sent` was asked for is in there too
    const everything = new Set(venue.trades(await standIn.sent(native)).map(spelled));
    assert.deepEqual(
      compared.stored.filter((text) => !everything.has(text)),
      [],
    );
    await observed.assertBook(standIn.urls.restUrl, ROWS.timeoutMs);
    for (const role of roles) assert.ok(role.running(), role.output().slice(-3_000));
  }

  test('all is well at first', { timeout: 30_000 }, assertWhole);

  for (const { match, channel } of venue.sequenced) {
    test(`a frame of the ${channel} channel is lost: it shows by its sequence`, { timeout: 30_000 }, async () => {
      const before = observed.health();
      await standIn.fault('skip', match, 1);
      await within('the gap to be told', () => gapsOf(channel) > (before.get(channel)?.gaps ?? 0), SEQUENCE_MS + 2_000);
      await assertWhole();
      assert.ok(
        all((one) => !one.stale && one.reconnects === before.get(one.channel)?.reconnects),
        said(),
      );
    });
  }

  /** What no sequence shows is found by the candle of its minute, which must have been followed from its beginning. */
  const losesTrade = (stream: string): void => {
    test('a trade is lost that no sequence shows: it is told, and read again where it can be had', LOST, async () => {
      let now = 0;
      // late in the minute: some histories are short
      const isLate = async (): Promise<boolean> => {
        now = (await standIn.status()).now;
        return now > firstMinute && now % MINUTE >= LATE_MS.from && now % MINUTE < LATE_MS.to;
      };
      await until('the end of a minute to come near', isLate, { timeoutMs: 2 * MINUTE });
      const deadline = now - (now % MINUTE) + MINUTE + CANDLE_MS;
      const [before, gaps] = [venue.trades(await standIn.sent(native)).length, gapsOf('trade')];
      await standIn.fault('skip', stream, 1);
      const more = async (): Promise<SentTrade[] | false> => {
        const sent = venue.trades(await standIn.sent(native));
        return sent.length > before + 3 && sent;
      };
      const sent = await until('more trades', more);
      const later = sent.at(-1) as SentTrade;
      await until('the trades after it', async () => (await rows()).some((row) => row.trade_id === later.id), ROWS);
      const stored = new Set((await rows()).map((row) => row.trade_id));
      lost = sent.slice(before - 3).filter((trade) => !stored.has(trade.id));
      assert.equal(lost.length, 1);
      await within('the gap to be told', () => gapsOf('trade') > gaps, deadline - (await standIn.status()).now);
      // where it can't be had, it stays lost
      if (venue.fills) lost = [];
      await assertWhole();
      assert.ok(
        all((one) => !one.stale),
        said(),
      );
    });
  };
  const { unsequencedTrades } = venue;
  // where nothing can be fetched the minute must not be interrupted either
  if (unsequencedTrades !== null && !venue.fills) losesTrade(unsequencedTrades);

  for (const fault of FAULTS) {
    test(`the exchange ${fault.name}`, { timeout: 90_000 }, async () => {
      // a connection that brought frames for FEED_STALE_MS is a good one: its successor is not waited for long
      await pause(Math.max(0, backAt + STALE_MS + 500 - performance.now()));
      if (fault === FAULTS[0] && !isSteady) await until('the market to be busy', isBusy, { timeoutMs: 50_000 });
      const before = observed.health();
      const trouble = { from: Date.now(), to: Number.POSITIVE_INFINITY };
      const hole = { from: (await standIn.status()).now - 2_000, to: Number.POSITIVE_INFINITY };
      troubles.push(trouble);
      await fault.happen({ standIn, stale: allStale });
      const reconnects = Math.max(...[...before.values()].map((one) => one.reconnects));
      await allFresh(fault.backMs, reconnects + 1);
      trouble.to = Date.now();
      backAt = performance.now();
      hole.to = (await standIn.status()).now + 1_000;
      holes.push(hole);
      for (const channel of FEED_CHANNELS) {
        const told = observed.statuses().filter((one) => one.channel === channel && one.eventTime >= trouble.from);
        assert.ok(
          told.some((one) => one.stale),
          `${channel}: not told as stale`,
        );
      }
      assert.ok(gapsOf('orderbook') > (before.get('orderbook')?.gaps ?? 0), said());
      await assertWhole();
      if (venue.fills) return;
      // what is still on its way is not missing
      const isTold = async (): Promise<boolean> =>
        gapsOf('trade') > (before.get('trade')?.gaps ?? 0) || (await missingIn(hole)) === 0;
      await until('the missing trades to be told', isTold, ROWS).catch((error) => assert.fail(`${error}: ${said()}`));
    });
  }

  if (unsequencedTrades !== null && venue.fills) losesTrade(unsequencedTrades);

  test('every minute that ended has its candle', { timeout: 90_000 }, async () => {
    const ended = async (): Promise<boolean> => (await standIn.status()).now > firstMinute + MINUTE + 1_000;
    await until('a minute to end', ended, { timeoutMs: 2 * MINUTE });
    const wanted = venue.candles(await standIn.sent(native)).filter((candle) => candle.openTime >= firstMinute);
    assert.ok(wanted.length > 0);
    for (const candle of wanted) {
      const columns = ['open', 'high', 'low', 'close', 'volume', 'quote_volume'];
      const read = async (): Promise<string[] | undefined> => {
        const [row] = await database.postgres.query<Record<string, string>>(
          `SELECT ${columns.join(', ')} FROM gold.kline WHERE interval = 'M1' AND is_closed AND open_time = $1`,
          [new Date(candle.openTime)],
        );
        return row && columns.map((column) => decimal(row[column] as string));
      };
      const right = async (): Promise<boolean> => String(await read()) === String(candle.values);
      await until('the candle', right, { timeoutMs: CANDLE_MS, everyMs: 200 }).catch(() => {});
      assert.deepEqual(await read(), candle.values, new Date(candle.openTime).toISOString());
    }
  });

  test('feedHealth neither cried wolf nor hid a silence', () => {
    const isTrouble = (at: number): boolean => troubles.some(({ from, to }) => at >= from && at <= to);
    const received = observed.books().map((book) => book.receivedAt);
    for (const { askedAt, at, channels } of observed.samples) {
      for (const one of channels.values()) assert.ok(!one.stale || isTrouble(askedAt), `stale: ${JSON.stringify(one)}`);
      if (channels.get('orderbook')?.stale) continue;
      const newest = received.findLast((time) => time <= at) ?? 0;
      assert.ok(askedAt - newest < 1.25 * STALE_MS + SEQUENCE_MS, `fresh, ${askedAt - newest} ms after the last book`);
    }
  });
}
