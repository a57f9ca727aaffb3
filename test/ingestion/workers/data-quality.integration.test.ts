import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dropOldResults, runDataChecks, SAMPLE } from '../../../ingestion/workers/data-quality.ts';
import { KLINE_1M, silver, TICKER_24H, TRADE } from '../../../ingestion/workers/silver.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { dataQualityOf } from '../../../resolvers/data-quality-store.ts';
import type { KlineEvent, MarketRef } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { writeRows } from '../../../src/platform/postgres/bulk.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { MINUTE, minute, START, ticker, trade } from './market-events.ts';
import { drained, memoryPlatform } from './worker-platform.ts';

const NOW = START + 63 * MINUTE;
const VENUES: [MarketRef['exchange'], string][] = [
  ['BINANCE', 'BTC-USDT'],
  ['KUCOIN', 'BTC-USDT'],
  ['UPBIT', 'BTC-KRW'],
  ['UPBIT', 'USDT-KRW'],
];
let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  const { postgres } = database;
  for (const [exchange, symbol] of VENUES) {
    const [base, quote] = symbol.split('-');
    await postgres.query(
      `INSERT INTO gold.market (exchange, symbol, native_symbol, base, quote, status, taker_fee_percent)
       VALUES ($1, $2, $2, $3, $4, 'TRADING', 0.1)`,
      [exchange, symbol, base, quote],
    );
  }
});
after(() => database.stop());

async function clean(): Promise<void> {
  await database.postgres.query(
    'TRUNCATE silver.kline_1m, silver.trade, silver.ticker_24h, ops.data_quality_result, ops.dead_letter, ops.lease',
  );
}

const flat = (price: string, fields: Partial<KlineEvent>): Partial<KlineEvent> => ({
  ...{ open: price, high: price, low: price, close: price, volume: '1', quoteVolume: price },
  ...fields,
});

/** An hour of candles in which every venue agrees: 100 USDT at 1400 KRW a USDT. */
function hour(): KlineEvent[] {
  const prices: Record<string, string> = { 'BTC-USDT': '100', 'BTC-KRW': '140000', 'USDT-KRW': '1400' };
  return VENUES.flatMap(([exchange, symbol]) =>
    Array.from({ length: 60 }, (_, i) => minute(START + i * MINUTE, flat(prices[symbol] ?? '', { exchange, symbol }))),
  );
}

/** What the checks say of a dataset that is written as given. */
async function judge(klines: readonly KlineEvent[]) {
  await clean();
  await writeRows(database.postgres, KLINE_1M, klines);
  const failures = await runDataChecks(database.postgres, NOW, false);
  return failures.map(({ check, failed, sample }) => ({ check, failed, sample: sample as Record<string, string>[] }));
}

/** The hour with the minute `i` of Binance replaced. */
const withMinute = (i: number, fields: Partial<KlineEvent>): KlineEvent[] =>
  hour().map((k) => (k.exchange === 'BINANCE' && k.openTime === START + i * MINUTE ? { ...k, ...fields } : k));

describe('candles', () => {
  test('a good hour passes every check, and each says what it looked at', async () => {
    assert.deepEqual(await judge(hour()), []);
    const results = await dataQualityOf(database.postgres, 'silver.kline_1m');
    const checked = Object.fromEntries(results.map((result) => [result.check, result.checked]));
    const all = { ohlc_order: 240, non_negative: 240, monotone_time: 240, coverage: 240, price_jump: 180, refused: 0 };
    assert.deepEqual(checked, all);
    assert.ok(results.every(({ passed, failed, sample }) => passed && failed === 0 && sample.length === 0));
  });

  const bad: [string, Partial<KlineEvent>, string, string][] = [
    ['high below low', flat('100', { high: '99' }), 'ohlc_order', 'high is below low'],
    ['an open outside', flat('100', { open: '101' }), 'ohlc_order', 'open is outside low and high'],
    ['a close outside', flat('100', { close: '99.5' }), 'ohlc_order', 'close is outside low and high'],
    ['a negative volume', { volume: '-1' }, 'non_negative', 'a volume is negative'],
    ['a price of zero', flat('0', {}), 'non_negative', 'a price is not above zero'],
    ['a jump', flat('106', {}), 'price_jump', 'more than 5 % off the other venues'],
    ['a time that goes back', { eventTime: START + 7 * MINUTE }, 'monotone_time', 'said before it began'],
    [
      'a time before the minute in front of it',
      { eventTime: START + 9 * MINUTE + 1, openTime: START + 9 * MINUTE + 1 },
      'monotone_time',
      'does not begin with a minute',
    ],
  ];
  for (const [name, fields, check, reason] of bad) {
    test(`${name} fails ${check} with its reason and stays`, async () => {
      const failures = await judge(withMinute(9, fields));
      const found = failures.find((failure) => failure.check === check);
      assert.ok(found, JSON.stringify(failures));
      const [row] = found.sample;
      assert.deepEqual([row?.exchange, row?.symbol, row?.reason], ['BINANCE', 'BTC-USDT', reason]);
      const [kept] = await database.postgres.query<{ n: number }>('SELECT count(*)::int AS n FROM silver.kline_1m');
      assert.equal(kept?.n, 240);
    });
  }

  test('a venue in KRW is compared in USDT, and so is its jump', async () => {
    const failures = await judge(
      hour().map((k) => (k.symbol === 'BTC-KRW' && k.openTime === START ? { ...k, ...flat('150000', {}) } : k)),
    );
    assert.deepEqual(
      failures.map(({ check, failed }) => [check, failed]),
      [['price_jump', 1]],
    );
    const [row] = failures[0]?.sample ?? [];
    assert.deepEqual([row?.exchange, row?.usdt, row?.others], ['UPBIT', '107.14285714', '100.00000000']);
  });

  test('a minute that is missing, or was never closed, is a hole of coverage', async () => {
    const failures = await judge(
      withMinute(20, { isClosed: false }).filter((k) => k.exchange !== 'KUCOIN' || k.openTime !== START + 5 * MINUTE),
    );
    const found = failures.find(({ check }) => check === 'coverage');
    const holes = found?.sample.map(({ exchange, time }) => [exchange, Date.parse(time ?? '')]);
    assert.deepEqual(holes, [
      ['KUCOIN', START + 5 * MINUTE],
      ['BINANCE', START + 20 * MINUTE],
    ]);
  });

  test('a market that came later is not missing before, one that is gone for a day not after', async () => {
    const failures = await judge(hour().filter((k) => k.exchange !== 'KUCOIN' || k.openTime >= START + 30 * MINUTE));
    assert.deepEqual(failures, []);
    const rows = hour().map((k) => ({
      ...k,
      openTime: k.openTime - 2 * 86_400_000,
      eventTime: k.eventTime - 2 * 86_400_000,
    }));
    assert.deepEqual(await judge(rows), []);
  });

  test('a market that was delisted is not missing from then on', async () => {
    const rows = hour().filter((k) => k.exchange !== 'KUCOIN' || k.openTime < START + 10 * MINUTE);
    const delisted = (at: number) =>
      database.postgres.query(`UPDATE gold.market SET status = 'DELISTED', updated_at = $1 WHERE exchange = 'KUCOIN'`, [
        new Date(at),
      ]);
    try {
      await delisted(START + 65 * MINUTE);
      assert.deepEqual(await judge(rows), []);
      // what was lost before counts
      await delisted(START + 90 * MINUTE);
      const [found] = await judge(rows);
      assert.deepEqual([found?.check, found?.failed], ['coverage', 20]);
    } finally {
      await database.postgres.query(`UPDATE gold.market SET status = 'TRADING' WHERE exchange = 'KUCOIN'`);
    }
  });

  test('the sample is bounded, the count is not', async () => {
    const [found] = await judge(hour().filter((k) => k.openTime === START || k.openTime > START + 50 * MINUTE));
    assert.equal(found?.check, 'coverage');
    assert.deepEqual([found?.failed, found?.sample.length], [200, SAMPLE]);
  });
});

test('trades and tickers: values, clocks, ids that are missing or doubled', async () => {
  await clean();
  const at = START + 10 * MINUTE;
  const upbit = { exchange: 'UPBIT', symbol: 'BTC-KRW' } as const;
  await writeRows(database.postgres, TRADE, [
    ...[1, 2, 3].map((id) => trade(String(id), at + id * 1_000)),
    trade('7', at + 7_000),
    trade('8', at + 1_500),
    trade('9', at + 9_000, { price: '0' }),
    trade('x', at, upbit),
    trade('x', at + 1, upbit),
    trade('y', at + 60_000, { ...upbit, receivedAt: at }),
  ]);
  await writeRows(database.postgres, TICKER_24H, [
    ticker(at),
    ticker(at + 1, { high: '1', low: '2' }),
    ticker(at + 2, { volume24h: '-1' }),
  ]);
  const failures = await runDataChecks(database.postgres, NOW, false);
  const found = failures.map(({ dataset, check, failed, sample }) => [dataset, check, failed, sample[0]] as const);
  const short = found.map(([dataset, check, failed, first]) => {
    const { reason, trade_id: id, after } = first as Record<string, string>;
    return [dataset, check, failed, reason, id ?? null, after ?? null];
  });
  assert.deepEqual(short, [
    ['silver.trade', 'non_negative', 1, 'price is not above zero', '9', null],
    ['silver.trade', 'clock', 1, 'received before it was traded', 'y', null],
    ['silver.trade', 'monotone_time', 1, 'before the trade in front of it', '8', '7'],
    ['silver.trade', 'coverage', 1, 'the ids between are missing', '7', '3'],
    ['silver.trade', 'duplicates', 1, 'one id at several times', 'x', null],
    ['silver.ticker_24h', 'ohlc_order', 1, 'high is below low', null, null],
    ['silver.ticker_24h', 'non_negative', 1, 'a volume is negative', null, null],
  ]);
});

test('what the worker refuses is counted with its reason, and its bytes are kept', { timeout: 60_000 }, async () => {
  await clean();
  const platform = await memoryPlatform(database.postgres);
  const worker = await runWorker(silver, platform, (error) => {
    throw error;
  });
  const bad = minute(START, { high: '1', low: '2' });
  const value = TOPICS.kline1m.encode(bad);
  await platform.broker.send(TOPICS.kline1m.name, [{ key: TOPICS.kline1m.key(bad), value }]);
  await drained(platform.broker, 'silver', [TOPICS.kline1m.name]);
  await worker.stop();
  const [failure] = await runDataChecks(database.postgres, Date.now() + 4 * MINUTE, false);
  assert.deepEqual([failure?.dataset, failure?.check, failure?.failed], ['silver.kline_1m', 'refused', 1]);
  const [{ reason } = { reason: '' }] = (failure?.sample ?? []) as { reason: string }[];
  assert.match(reason, /^quality: high is below low/);
  const [letter] = await database.postgres.query<{ value: Buffer }>('SELECT value FROM ops.dead_letter');
  assert.deepEqual(letter?.value, value);
});

describe('runs', () => {
  test('each looks at what is new, a sweep also at what came late', async () => {
    await clean();
    const { postgres } = database;
    await writeRows(postgres, KLINE_1M, hour());
    await runDataChecks(postgres, NOW, false);
    assert.deepEqual(await runDataChecks(postgres, NOW, false), [], 'nothing is new');
    await writeRows(postgres, KLINE_1M, [minute(START - 30 * MINUTE, { low: '-1', volume: '2' })]);
    const next = await runDataChecks(postgres, NOW + MINUTE, false);
    assert.deepEqual(
      next.map(({ check, failed }) => [check, failed]),
      [['coverage', VENUES.length]],
      'the new minute alone',
    );
    const swept = await runDataChecks(postgres, NOW + 2 * MINUTE, true);
    assert.ok(
      swept.some(({ check }) => check === 'non_negative'),
      JSON.stringify(swept),
    );
    const spans = await postgres.query<{ from_time: Date; to_time: Date }>(
      `SELECT DISTINCT from_time, to_time FROM ops.data_quality_result WHERE dataset = 'silver.trade' ORDER BY to_time`,
    );
    for (const [i, { from_time }] of spans.entries()) {
      if (i > 0) assert.deepEqual(from_time, spans[i - 1]?.to_time, 'no row is left out');
    }
  });

  test('results are kept for as long as the setting says, good ones for a day, the newest of each for good', async () => {
    const { postgres } = database;
    await postgres.query('TRUNCATE ops.data_quality_result');
    const DAY = 86_400_000;
    const put = (days: number, passed: boolean) =>
      postgres.query(`INSERT INTO ops.data_quality_result VALUES ('d', 'c', $1, $1, $1, $2, 1, 0, '[]')`, [
        new Date(NOW - days * DAY),
        passed,
      ]);
    for (const days of [0.5, 2, 40]) {
      await put(days, true);
      await put(days + 0.1, false);
    }
    await dropOldResults(postgres, 30, NOW);
    const rows = await postgres.query<{ run_at: Date; passed: boolean }>(
      'SELECT run_at, passed FROM ops.data_quality_result ORDER BY run_at DESC',
    );
    const left = rows.map(({ run_at, passed }) => [Math.round(((NOW - run_at.getTime()) / DAY) * 10) / 10, passed]);
    assert.deepEqual(left, [
      [0.5, true],
      [0.6, false],
      [2.1, false],
    ]);
  });
});
