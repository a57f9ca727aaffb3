import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DueRange } from '../../../ingestion/gold/ticker-daily.ts';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { startSingleton } from '../../../ingestion/workers/singleton.ts';
import { fillStatistics, STATISTICS } from '../../../ingestion/workers/statistics.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { Exact } from '../../../schema/decimal.ts';
import { type Exchange, type KlineEvent, type MarketRef, marketId } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import type { Broker } from '../../../src/platform/broker/broker.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { storeMarkets } from '../../resolvers/samples.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { seeded } from '../../support/seeded.ts';
import { until } from '../../support/until.ts';
import { MINUTE, minute, START } from '../workers/market-events.ts';
import { drained, memoryPlatform, produce } from '../workers/worker-platform.ts';

const DAY = 86_400_000;
const EVERYTHING: DueRange = { since: 0, anyway: null, closedOnly: false };
const MARKETS: [Exchange, string, number][] = [
  ['BINANCE', 'BTC-USDT', 60_000],
  ['BINANCE', 'ETH-BTC', 0.05],
  ['BINANCE', 'XRP-EUR', 2],
  ['UPBIT', 'BTC-KRW', 90_000_000],
  ['UPBIT', 'USDT-KRW', 1_500],
  ['BITHUMB', 'BTC-KRW', 90_100_000],
];

interface Daily {
  exchange: Exchange;
  symbol: string;
  day: string;
  [figure: string]: unknown;
}
interface Price extends MarketRef {
  base: string;
  minute: Date;
  price: string;
  price_usdt: string | null;
}

/** Minutes on their way into gold.kline by the worker `klines`, and what was said of each last. */
class Source {
  readonly minutes = new Map<string, KlineEvent>();

  constructor(private readonly broker: Broker) {}

  async say(events: readonly KlineEvent[]): Promise<void> {
    for (const event of events) this.minutes.set(`${marketId(event)} ${event.openTime}`, event);
    await produce(this.broker, TOPICS.kline1m, events);
    await drained(this.broker, 'klines', [TOPICS.kline1m.name]);
  }

  /** A market's minutes of a day in order, the forming one included. */
  of(market: MarketRef, day: number): KlineEvent[] {
    return [...this.minutes.values()]
      .filter((k) => marketId(k) === marketId(market))
      .filter((k) => k.openTime >= day && k.openTime < day + DAY)
      .sort((a, b) => a.openTime - b.openTime);
  }
}

/** The formulas anew, in another language: two passes, no window functions. */
function statisticsOf(minutes: readonly KlineEvent[]): { volatility: number | null; trend: number | null } {
  if (minutes.length < 2) return { volatility: null, trend: null };
  let variance = 0;
  for (const [i, k] of minutes.entries()) {
    const before = Number(i === 0 ? k.open : minutes[i - 1]?.close);
    variance += (Math.log(Number(k.close)) - Math.log(before)) ** 2;
  }
  const points = minutes.map((k) => ({ x: (k.openTime % DAY) / DAY, y: Math.log(Number(k.close)) }));
  const mean = (values: number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [x, y] = [mean(points.map((p) => p.x)), mean(points.map((p) => p.y))];
  const slope =
    points.reduce((sum, p) => sum + (p.x - x) * (p.y - y), 0) / points.reduce((sum, p) => sum + (p.x - x) ** 2, 0);
  return { volatility: Math.sqrt(variance), trend: slope };
}

const near = (actual: unknown, expected: number | null, what: string): void => {
  if (expected === null) assert.equal(actual, null, what);
  else
    assert.ok(
      Math.abs(Number(actual) - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
      `${what}: ${actual}, ${expected}`,
    );
};

describe('the statistics of gold', () => {
  let database: Awaited<ReturnType<typeof openTestDatabase>>;
  let postgres: Postgres;
  let platform: Platform;
  let running: Running;
  let source: Source;
  const random = seeded(7);
  before(async () => {
    database = await openTestDatabase(MIGRATIONS);
    postgres = database.postgres;
    platform = await memoryPlatform(postgres, { LEASE_MS: '600' });
    running = await startWorkers(platform, { only: ['klines'], onFatal: (error) => assert.fail(error) });
    source = new Source(platform.broker);
    await storeMarkets(
      postgres,
      MARKETS.map(([exchange, symbol]) => ({ exchange, symbol })),
    );
  });
  after(async () => {
    await running.stop();
    await database.stop();
  });

  const candle = ([exchange, symbol, around]: (typeof MARKETS)[number], openTime: number): KlineEvent => {
    const price = () => (around * (0.99 + random() * 0.02)).toPrecision(9);
    const [open, close] = [price(), price()];
    const [low, high] = [open, close].sort((a, b) => Number(a) - Number(b)) as [string, string];
    return minute(openTime, { exchange, symbol, open: String(Number(open)), close: String(Number(close)), low, high });
  };
  const fill = (range = EVERYTHING, now = START) => fillStatistics({ postgres }, range, now, () => true);
  const dailies = () => postgres.query<Daily>('SELECT *, day::text AS day FROM gold.ticker_daily ORDER BY 1, 2, 3');
  const prices = () => postgres.query<Price>('SELECT * FROM gold.crypto_price ORDER BY minute, exchange, symbol');

  async function compare(): Promise<void> {
    const rows = await dailies();
    for (const row of rows) {
      const day = Date.parse(`${row.day}T00:00:00Z`);
      const minutes = source.of(row, day);
      const what = `${marketId(row)} ${row.day}`;
      assert.ok(minutes.length > 0, what);
      assert.equal(Number(row.open), Number(minutes[0]?.open), what);
      assert.equal(Number(row.close), Number(minutes.at(-1)?.close), what);
      assert.equal(Number(row.high), Math.max(...minutes.map((k) => Number(k.high))), what);
      assert.equal(Number(row.low), Math.min(...minutes.map((k) => Number(k.low))), what);
      assert.equal(Number(row.quote_volume), 150.25 * minutes.length, what);
      near(row.change_percent, (Number(row.close) / Number(row.open) - 1) * 100, `${what} change`);
      const { volatility, trend } = statisticsOf(minutes.filter((k) => k.isClosed));
      near(row.volatility, volatility, `${what} volatility`);
      near(row.trend, trend, `${what} trend`);
    }
    const stored = await prices();
    const closeAt = (market: string, time: number) => {
      const k = source.minutes.get(`${market} ${time}`);
      return k?.isClosed ? k.close : undefined;
    };
    for (const { base, exchange, symbol, minute: at, price, price_usdt: usdt } of stored) {
      const time = at.getTime();
      const what = `${exchange} ${symbol} ${at.toISOString()}`;
      assert.equal(base, symbol.split('-')[0]);
      assert.ok(new Exact(price).equals(closeAt(`${exchange.toLowerCase()}:${symbol}`, time) ?? '-1'), what);
      const quote = symbol.split('-')[1];
      const krw = closeAt('upbit:USDT-KRW', time);
      const btc = closeAt('binance:BTC-USDT', time);
      const expected =
        quote === 'USDT'
          ? new Exact(price)
          : quote === 'KRW' && krw
            ? new Exact(price).div(krw)
            : quote === 'BTC' && btc
              ? new Exact(price).times(btc)
              : null;
      if (expected === null) assert.equal(usdt, null, what);
      else
        assert.ok(
          new Exact(usdt ?? 'NaN').minus(expected).div(expected).abs().lessThan('1e-15'),
          `${what} ${usdt} ${expected}`,
        );
    }
    const closed = [...source.minutes.values()].filter((k) => k.isClosed);
    assert.equal(stored.length, closed.length, 'a row a closed minute');
    assert.equal(rows.length, new Set(closed.map((k) => `${marketId(k)} ${Math.floor(k.openTime / DAY)}`)).size);
  }

  test('are as another reckoning of the same minutes says, with holes, and null where nothing is known', async () => {
    for (const market of MARKETS) {
      const times = Array.from({ length: 200 }, (_, i) => START + DAY - 100 * MINUTE + i * MINUTE);
      // a hole, and a market with a single minute on its first day
      const kept = times.filter((_, i) => (i < 40 || i > 55) && (market[1] !== 'XRP-EUR' || i > 98));
      await source.say(kept.map((time) => candle(market, time)));
      await source.say([{ ...candle(market, START + DAY + 100 * MINUTE), isClosed: false }]);
    }
    await fill();
    await compare();
    const alone = (await dailies()).find((row) => row.symbol === 'XRP-EUR');
    assert.deepEqual([alone?.volatility, alone?.trend, alone?.day], [null, null, '2026-03-01']);
    const [first] = await dailies();
    assert.deepEqual([first?.is_closed, Number(first?.coverage).toFixed(4)], [true, (84 / 1440).toFixed(4)]);
  });

  test('done again change nothing', async () => {
    const state = async () => [
      await postgres.query('SELECT *, xmin::text FROM gold.ticker_daily ORDER BY 1, 2, 3'),
      await postgres.query('SELECT *, xmin::text FROM gold.crypto_price ORDER BY 1, 2, 3, 4'),
    ];
    const before = await state();
    await fill();
    await fill({ ...EVERYTHING, anyway: 0 });
    await fill(EVERYTHING, START + DAY);
    assert.deepEqual(await state(), before);
  });

  test('take in minutes that come late, corrected ones, and what follows from a late price of USDT', async () => {
    const late = MARKETS.map((market) => candle(market, START + DAY - 55 * MINUTE));
    await source.say(late);
    await source.say([candle(MARKETS[0] as (typeof MARKETS)[number], START + 3 * MINUTE)]);
    const known = source.of({ exchange: 'UPBIT', symbol: 'BTC-KRW' }, START)[5] as KlineEvent;
    await source.say([{ ...known, close: known.high, eventTime: known.eventTime + 1, volume: '9' }]);
    // days that are over alone
    await fill({ ...EVERYTHING, closedOnly: true });
    await compare();
    // the price of USDT alone, which those in KRW of both venues hang on
    await source.say([candle(['UPBIT', 'USDT-KRW', 1_500], START + DAY - 50 * MINUTE)]);
    await source.say([candle(['BITHUMB', 'BTC-KRW', 9e7], START + DAY - 50 * MINUTE)]);
    await fill();
    await compare();
  });

  test('correct a minute whose day looks as before when they look anyway', async () => {
    const market = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;
    const known = source.of(market, START)[20] as KlineEvent;
    const middle = String((Number(known.high) + Number(known.low)) / 2);
    await source.say([{ ...known, close: middle, eventTime: known.eventTime + 5 }]);
    await fill();
    await assert.rejects(compare());
    await fill({ ...EVERYTHING, anyway: START });
    await compare();
  });

  test('are filled again and again by one process of all, which others take over from', async () => {
    await postgres.query('DELETE FROM gold.ticker_daily');
    await postgres.query('DELETE FROM gold.crypto_price');
    const often = { ...STATISTICS, everyMs: 100 };
    const started = [startSingleton(platform, often)];
    try {
      await until('the rows', async () => (await dailies()).length > 0 && compare().then(() => true));
      started.push(startSingleton(platform, often));
      // days of long ago are looked at by a new holder alone, in its first round
      await source.say([candle(MARKETS[3] as (typeof MARKETS)[number], START + 7 * MINUTE)]);
      await started[0]?.stop();
      await until('the late minute', () => compare().then(() => true));
    } finally {
      await Promise.all(started.map((one) => one.stop()));
    }
  });

  test('are read by index, in the partitions of their time', async () => {
    const plan = await postgres.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT * FROM gold.crypto_price WHERE base = 'BTC' AND minute >= '2026-03-01' AND minute < '2026-03-02'
       ORDER BY minute DESC, exchange, symbol LIMIT 500`,
    );
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(text, /crypto_price_202603/);
    assert.doesNotMatch(text, /crypto_price_202602/);
  });
});
