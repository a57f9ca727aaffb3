/** New listings and delistings while processes run, on the stand-in of an exchange whose list of markets changes. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { CONNECTORS } from '../../ingestion/exchanges/index.ts';
import { followListings } from '../../ingestion/feed/listings.ts';
import { refreshedMarkets, upsertMarkets } from '../../ingestion/feed/markets.ts';
import { startIngest } from '../../ingestion/ingest.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { type MarketInfo, type MarketStatus, marketId } from '../../schema/market.ts';
import { startUpbitSim } from '../../sim/upbit/server.ts';
import type { UpbitProtocolSim } from '../../sim/upbit-protocol/server.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createExchangeRest } from '../../src/platform/exchange/rest.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { quiet, RememberingBroker } from './feed/scripted.ts';

const NATIVE = ['KRW-BTC', 'KRW-ETH', 'KRW-XRP', 'KRW-SOL'];
const LIST = '/v1/market/all';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let sim: UpbitProtocolSim;
let rest: Server;
/** What the exchange lists, and how often it was asked. */
let listed = NATIVE.slice(0, 2);
let asked = 0;

before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  await database.postgres.query('CREATE TABLE silver.trade_all PARTITION OF silver.trade DEFAULT');
  await database.postgres.query('CREATE TABLE silver.kline_all PARTITION OF silver.kline_1m DEFAULT');
  sim = await startUpbitSim({ symbols: NATIVE, recordLimit: 0 });
  rest = createServer(async (request, response) => {
    if (request.url?.startsWith(LIST)) {
      asked++;
      response.end(JSON.stringify(listed.map((market) => ({ market, korean_name: '', english_name: '' }))));
      return;
    }
    const reply = await fetch(`${sim.restUrl}${request.url}`);
    response.writeHead(reply.status).end(Buffer.from(await reply.arrayBuffer()));
  });
  await new Promise<void>((done) => rest.listen(0, '127.0.0.1', done));
});
after(async () => {
  rest.closeAllConnections();
  await new Promise((done) => rest.close(done));
  await sim.close();
  await database.stop();
});

const restUrl = (): string => `http://127.0.0.1:${(rest.address() as AddressInfo).port}`;

async function startOne(): Promise<{ log: RememberingBroker; ingest: Running }> {
  const log = new RememberingBroker();
  const config = readConfig({
    ...{ MARKETS: 'upbit:*', MARKETS_REFRESH_MS: '1000', LEASE_MS: '4000', BACKFILL_HOURS: '0' },
  });
  const platform = { config, log: quiet, postgres: database.postgres, broker: log.port, live: {} };
  const endpoints = { UPBIT: { ws: sim.wsUrl, rest: restUrl() } };
  return { log, ingest: await startIngest(platform as unknown as Platform, { endpoints }) };
}

test('a new listing is followed and a delisted market is ended, by one of two processes, and the others go on', {
  timeout: 90_000,
}, async () => {
  const processes = [await startOne(), await startOne()];
  const books = (symbol: string) => processes.map(({ log }) => log.books().filter((book) => book.symbol === symbol));
  const follows = (symbol: string): boolean => books(symbol).some((some) => some.length > 0);
  const statuses = (symbol: string) =>
    processes.flatMap(({ log }) => log.status().filter((status) => status.symbol === symbol));
  const held = async (): Promise<string[]> => {
    const rows = await database.postgres.query<{ name: string }>(
      `SELECT name FROM ops.lease WHERE name LIKE 'ingest:%' AND expires_at > clock_timestamp() ORDER BY name`,
    );
    return rows.map(({ name }) => name.slice('ingest:upbit:'.length));
  };
  try {
    await until('both markets', () => follows('BTC-KRW') && follows('ETH-KRW'), { timeoutMs: 20_000 });
    // each process has one: from here on nothing moves between them
    const each = async () => {
      const [row] = await database.postgres.query<{ n: number }>(
        `SELECT count(DISTINCT holder)::int AS n FROM ops.lease WHERE name LIKE 'ingest:%' AND expires_at > clock_timestamp()`,
      );
      return row?.n === 2;
    };
    await until('one each', each, { timeoutMs: 20_000 });
    const reconnects = () =>
      ['BTC-KRW', 'ETH-KRW'].map((symbol) => Math.max(...statuses(symbol).map((status) => status.reconnects)));
    // a process that gave one away connects anew without it
    let settled = { as: '', since: 0 };
    const isSettled = (): boolean => {
      const as = JSON.stringify([sim.stats().connections, sim.stats().accepted, reconnects()]);
      if (as !== settled.as) settled = { as, since: performance.now() };
      return sim.stats().connections === 2 && performance.now() - settled.since > 2_500;
    };
    await until('settled connections', isSettled, { timeoutMs: 25_000 });
    const { accepted } = sim.stats();
    const before = reconnects();

    listed = NATIVE.slice(0, 3);
    await until('the new one', () => follows('XRP-KRW'), { timeoutMs: 20_000 });
    assert.deepEqual(await held(), ['BTC-KRW', 'ETH-KRW', 'XRP-KRW']);
    assert.equal(sim.stats().accepted, accepted + 1, 'no connection but its own');
    await until('its health', () => statuses('XRP-KRW').some((status) => status.connected && !status.stale));

    // the one that follows both loses one: the other one's connection stays
    listed = NATIVE.slice(0, 2);
    const over = () => statuses('XRP-KRW').at(-1);
    await until('the end to be told', () => over()?.connected === false && over()?.stale, { timeoutMs: 20_000 });
    await until('its lease to be free', async () => (await held()).length === 2);
    const ended = books('XRP-KRW').map((some) => some.length);
    const heard = books('BTC-KRW').flat().length;
    await until('others to go on', () => books('BTC-KRW').flat().length > heard + 5);
    assert.deepEqual(
      books('XRP-KRW').map((some) => some.length),
      ended,
    );
    assert.equal(sim.stats().accepted, accepted + 1, 'and still none');
    const [row] = await database.postgres.query<{ status: string }>(
      `SELECT status FROM gold.market WHERE symbol = 'XRP-KRW'`,
    );
    assert.equal(row?.status, 'DELISTED');
    assert.deepEqual(reconnects(), before, 'they were never interrupted');

    // one of them asks, for both
    const [from, since] = [asked, performance.now()];
    await until('some rounds', () => asked >= from + 3);
    assert.ok(performance.now() - since > 1_800, 'not twice as often as one process asks');

    listed = NATIVE.slice(0, 3);
    const again = books('XRP-KRW').flat().length;
    await until('one that is listed again', () => books('XRP-KRW').flat().length > again, { timeoutMs: 20_000 });
  } finally {
    await Promise.all(processes.map(({ ingest }) => ingest.stop()));
    await database.postgres.query('TRUNCATE gold.market, ops.lease');
  }
});

test('new listings one by one do not pile up connections', { timeout: 90_000 }, async () => {
  const many = Array.from({ length: 7 }, (_, i) => `KRW-N${i}`);
  const crowd = await startUpbitSim({ symbols: ['KRW-BTC', ...many], recordLimit: 0 });
  const own = sim;
  sim = crowd;
  listed = ['KRW-BTC'];
  const { log, ingest } = await startOne();
  try {
    const follows = (symbol: string): boolean => log.books().some((book) => book.symbol === symbol);
    await until('the first', () => follows('BTC-KRW'), { timeoutMs: 20_000 });
    for (const native of many) {
      listed = [...listed, native];
      await until(native, () => follows(`${native.slice(4)}-KRW`), { timeoutMs: 20_000 });
    }
    await until('few connections', () => crowd.stats().connections <= 6);
    // none was forgotten on the way
    const since = log.books().length;
    const heard = () =>
      new Set(
        log
          .books()
          .slice(since)
          .map((book) => book.symbol),
      );
    await until('all to go on', () => heard().size === 8, { timeoutMs: 20_000 });
  } finally {
    await ingest.stop();
    sim = own;
    await crowd.close();
    await database.postgres.query('TRUNCATE gold.market, ops.lease');
  }
});

test('what stands still is one of exchange:* for a day, what is named as long as it is listed', async () => {
  const { postgres } = database;
  const row = (symbol: string, status: MarketStatus): MarketInfo => ({ ...CONNECTORS.UPBIT.assume(symbol), status });
  const rows = [row('A-KRW', 'TRADING'), row('B-KRW', 'HALTED'), row('C-KRW', 'HALTED'), row('D-KRW', 'UNKNOWN')];
  const named = [row('A-BTC', 'HALTED'), row('B-BTC', 'DELISTED')];
  await upsertMarkets(postgres, [...rows, ...named]);
  await postgres.query(
    `UPDATE gold.market SET updated_at = now() - interval '25 hours' WHERE symbol IN ('C-KRW', 'A-BTC')`,
  );
  const changes: [string[], string[]][] = [];
  const listings = (patterns: string) =>
    followListings({
      ...{ postgres, log: quiet, patterns: readConfig({ MARKETS: patterns }).MARKETS, fees: [], markets: [] },
      venues: [
        {
          connector: CONNECTORS.UPBIT,
          rest: createExchangeRest({ base: 'http://127.0.0.1:1', timeoutMs: 1, weight: 1, perMs: 1 }),
        },
      ],
      ...{ others: [], everyMs: 3_600_000, leaseMs: 1_000 },
      changed: (added, ended) => void changes.push([added.map(marketId), ended.map(marketId)]),
    });
  for (const [patterns, wanted] of [
    ['upbit:*', ['upbit:A-KRW', 'upbit:B-KRW']],
    ['upbit:A-BTC,upbit:B-BTC,upbit:D-KRW', ['upbit:A-BTC', 'upbit:D-KRW']],
  ] as const) {
    const running = listings(patterns);
    await until('a look', () => changes.length > 0);
    await running.stop();
    assert.deepEqual(changes.shift(), [wanted, []]);
  }
  await postgres.query('TRUNCATE gold.market');
});

test('a list that lacks most of what it had is not believed', async () => {
  const given = Array.from({ length: 30 }, (_, i) => CONNECTORS.UPBIT.assume(`N${i}-KRW`));
  const client = createExchangeRest({ base: restUrl(), timeoutMs: 2_000, weight: 10, perMs: 1_000 });
  const venue = { connector: CONNECTORS.UPBIT, rest: client };
  listed = given.slice(0, 10).map((market) => market.nativeSymbol);
  assert.deepEqual(await refreshedMarkets(given, [venue], quiet), given);
  listed = given.slice(0, 20).map((market) => market.nativeSymbol);
  const now = await refreshedMarkets(given, [venue], quiet);
  assert.equal(now.filter(({ status }) => status === 'DELISTED').length, 10);
});
