/** Which markets are followed, and what is known of them, on the exchanges' stand-ins. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CONNECTORS } from '../../ingestion/exchanges/index.ts';
import { refreshedMarkets, resolveMarkets, type Venue } from '../../ingestion/feed/markets.ts';
import { startIngest } from '../../ingestion/ingest.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { EXCHANGES } from '../../schema/market.ts';
import { startStandIns } from '../../sim/index.ts';
import { ConfigError, readConfig } from '../../src/platform/config.ts';
import { createExchangeRest } from '../../src/platform/exchange/rest.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { quiet, RememberingBroker } from './feed/scripted.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let standIns: Awaited<ReturnType<typeof startStandIns>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  standIns = await startStandIns([...EXCHANGES], 1);
});
after(async () => {
  await standIns.stop();
  await database.stop();
});

function venues(reachable: boolean): Record<string, Venue> {
  return Object.fromEntries(
    Object.values(CONNECTORS).map((connector) => {
      const base = reachable ? (standIns.endpoints[connector.exchange]?.rest ?? '') : 'http://127.0.0.1:1';
      return [
        connector.exchange,
        { connector, rest: createExchangeRest({ base, timeoutMs: 2_000, weight: 500, perMs: 1_000 }) },
      ];
    }),
  );
}
const patterns = (text: string) => readConfig({ MARKETS: text }).MARKETS;

for (const exchange of EXCHANGES) {
  const name = exchange.toLowerCase();
  const quote = exchange === 'UPBIT' || exchange === 'BITHUMB' ? 'KRW' : 'USDT';

  test(`${name}:* is every market of its own list; an unknown one is named`, async () => {
    const all = await resolveMarkets(patterns(`${name}:*`), { [exchange]: venues(true)[exchange] }, quiet);
    assert.ok(all.length >= 4 && all.every((market) => market.exchange === exchange && market.status === 'TRADING'));
    assert.ok(all.some((market) => market.symbol === `BTC-${quote}`));
    const unknown = patterns(`${name}:NO-SUCH,${name}:BTC-${quote}`);
    await assert.rejects(resolveMarkets(unknown, { [exchange]: venues(true)[exchange] }, quiet), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems, [`MARKETS: ${name} has no market NO-SUCH`]);
      return true;
    });
  });

  test(`${name}: without its list the bundled one is used, and others are assumed`, async () => {
    const found = await resolveMarkets(
      patterns(`${name}:*,${name}:NEW-${quote}`),
      { [exchange]: venues(false)[exchange] },
      quiet,
    );
    assert.ok(found.length > 8, String(found.length));
    assert.equal(found.find((market) => market.symbol === `NEW-${quote}`)?.status, 'UNKNOWN');
  });

  test(`${name}: steps of price and quantity are those that the exchange tells`, async () => {
    const [market] = await resolveMarkets(
      patterns(`${name}:BTC-${quote}`),
      { [exchange]: venues(true)[exchange] },
      quiet,
    );
    const told = { BINANCE: [true, true], KUCOIN: [true, true], UPBIT: [true, false], BITHUMB: [false, false] }[
      exchange
    ];
    assert.deepEqual([market?.tickSize !== null, market?.lotSize !== null], told);
    if (exchange === 'UPBIT') assert.equal(market?.tickSize, '1000');
  });
}

test('a market that is no longer in its list is delisted, one whose list can’t be had stays what it is', async () => {
  const given = [CONNECTORS.UPBIT.assume('GONE-KRW'), CONNECTORS.UPBIT.assume('BTC-KRW')].map((market) => ({
    ...{ ...market, status: 'TRADING' as const },
  }));
  const now = await refreshedMarkets(given, [venues(true).UPBIT as Venue], quiet);
  assert.deepEqual(
    now.map(({ symbol, status, tickSize }) => [symbol, status, tickSize]),
    [
      ['GONE-KRW', 'DELISTED', null],
      ['BTC-KRW', 'TRADING', '1000'],
    ],
  );
  assert.deepEqual(await refreshedMarkets(given, [venues(false).UPBIT as Venue], quiet), given);
});

test('what was known of an exchange stands in for a list that can’t be had', async () => {
  const known = [
    ...['NEW-KRW', 'HELD-KRW'].map((symbol) => CONNECTORS.UPBIT.assume(symbol)),
    CONNECTORS.BINANCE.assume('NEW-USDT'),
  ].map((market) => ({ ...market, status: market.symbol === 'HELD-KRW' ? ('HALTED' as const) : ('TRADING' as const) }));
  const found = await resolveMarkets(patterns('upbit:*'), { UPBIT: venues(false).UPBIT }, quiet, known);
  const symbols = found.map((market) => market.symbol);
  assert.ok(symbols.includes('NEW-KRW') && symbols.includes('BTC-KRW'), String(symbols));
  assert.ok(!symbols.includes('HELD-KRW') && !symbols.includes('NEW-USDT'), String(symbols));
});

test('a market that was delisted since the last start ends no start, and its status is told', {
  timeout: 60_000,
}, async () => {
  const { postgres } = database;
  await postgres.query(
    `INSERT INTO gold.market (exchange, symbol, native_symbol, base, quote, status, taker_fee_percent)
     SELECT 'UPBIT', b || '-KRW', 'KRW-' || b, b, 'KRW', 'TRADING', 0.05 FROM unnest('{GONE,LEFT}'::text[]) b`,
  );
  const log = new RememberingBroker();
  const config = readConfig({ MARKETS: 'upbit:GONE-KRW,upbit:BTC-KRW', BACKFILL_HOURS: '0' });
  const platform = { config, log: quiet, postgres, broker: log.port, live: {} } as unknown as Platform;
  const ingest = await startIngest(platform, { endpoints: standIns.endpoints });
  try {
    const statuses = async () =>
      new Map(
        (
          await postgres.query<{ symbol: string; status: string }>(
            `SELECT symbol, status FROM gold.market WHERE exchange = 'UPBIT'`,
          )
        ).map(({ symbol, status }) => [symbol, status]),
      );
    // the one that is named and the one that is named no more
    for (const symbol of ['GONE-KRW', 'LEFT-KRW']) {
      await until(`${symbol} to be delisted`, async () => (await statuses()).get(symbol) === 'DELISTED');
    }
    assert.equal((await statuses()).get('BTC-KRW'), 'TRADING');
    await until('the other to be followed', () => log.books().some((book) => book.symbol === 'BTC-KRW'));
    assert.ok(log.status().every((status) => status.symbol === 'BTC-KRW'));
  } finally {
    await ingest.stop();
    await postgres.query('TRUNCATE gold.market');
  }
});

test('fees that are given, and steps, are in gold.market; a fee of what is not followed ends the start', {
  timeout: 60_000,
}, async () => {
  const log = new RememberingBroker();
  const start = (fees: string) => {
    const config = readConfig({
      ...{ MARKETS: 'upbit:*,binance:BTC-USDT,binance:ETH-USDT', TAKER_FEES: fees, BACKFILL_HOURS: '0' },
    });
    const platform = { config, log: quiet, postgres: database.postgres, broker: log.port, live: {} };
    return startIngest(platform as unknown as Platform, { endpoints: standIns.endpoints });
  };
  await assert.rejects(start('kucoin:*=0.001'), { name: 'ConfigError' });
  const ingest = await start('binance:*=0.00075,upbit:BTC-KRW=0.0004');
  try {
    const rows = () =>
      database.postgres.query<{ id: string; fee: string; tick: string | null }>(
        `SELECT exchange || ':' || symbol AS id, taker_fee_percent AS fee, tick_size AS tick FROM gold.market ORDER BY 1`,
      );
    await until('the markets', async () => (await rows()).length > 5);
    const found = new Map((await rows()).map(({ id, fee, tick }) => [id, [fee, tick]]));
    assert.deepEqual(found.get('BINANCE:BTC-USDT'), ['0.075', '0.01']);
    assert.deepEqual(found.get('UPBIT:BTC-KRW'), ['0.04', '1000']);
    assert.deepEqual(found.get('UPBIT:XRP-KRW'), ['0.05', '1']);
  } finally {
    await ingest.stop();
  }
});
