import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isNewerVersion } from '../../../ingestion/klines/candle.ts';
import { dayOf, KlineWindows } from '../../../ingestion/klines/windows.ts';
import { compareDecimals, Exact } from '../../../schema/decimal.ts';
import { INTERVALS, type Interval, type KlineEvent, openTimeOf } from '../../../schema/market.ts';
import { MINUTE, minute, START } from '../workers/market-events.ts';

const market = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;

/** gold.kline as far as it matters here: the newest version of each candle. */
class Table {
  readonly rows = new Map<string, KlineEvent>();

  write(candles: readonly KlineEvent[]): void {
    for (const k of candles) {
      const key = `${k.interval} ${k.openTime}`;
      const known = this.rows.get(key);
      if (!known || isNewerVersion(k, known)) this.rows.set(key, k);
    }
  }

  day(day: number): KlineEvent[] {
    return [...this.rows.values()].filter((k) => dayOf(k.openTime) === day);
  }

  newest(): number | null {
    const minutes = [...this.rows.values()].filter((k) => k.interval === 'M1').map((k) => k.openTime);
    return minutes.length > 0 ? Math.max(...minutes) : null;
  }
}

/** What the worker does with one batch. */
function feed(windows: KlineWindows, table: Table, batch: readonly KlineEvent[]): KlineEvent[] {
  for (const day of windows.missingDays(batch.map((k) => k.openTime))) windows.loadDay(day, table.day(day));
  for (const k of batch) windows.apply(k);
  const candles = windows.take();
  table.write(candles);
  return candles;
}

/** The candle from its minutes, the plain way. */
function scratch(interval: Interval, openTime: number, minutes: readonly KlineEvent[]): Partial<KlineEvent> {
  const best = new Map<number, KlineEvent>();
  for (const k of minutes) {
    const known = best.get(k.openTime);
    if (!known || isNewerVersion(k, known)) best.set(k.openTime, k);
  }
  const frontier = Math.max(...best.keys());
  const end = openTime + INTERVALS[interval];
  const parts = [...best.values()]
    .filter((k) => k.openTime >= openTime && k.openTime < end)
    .sort((a, b) => a.openTime - b.openTime);
  const sum = (field: 'volume' | 'quoteVolume') =>
    parts.reduce((total, k) => total.plus(k[field]), new Exact(0)).toFixed();
  const last = parts.at(-1);
  const begun = (Math.min(end, frontier + MINUTE) - openTime) / MINUTE;
  return {
    open: parts[0]?.open,
    high: parts
      .map((k) => k.high)
      .sort(compareDecimals)
      .at(-1),
    low: parts.map((k) => k.low).sort(compareDecimals)[0],
    close: last?.close,
    volume: sum('volume'),
    quoteVolume: sum('quoteVolume'),
    tradeCount: parts.some((k) => k.tradeCount === null) ? null : parts.reduce((n, k) => n + (k.tradeCount ?? 0), 0),
    isClosed: frontier >= end || (last?.openTime === end - MINUTE && last.isClosed),
    coverage: parts.length / begun,
  };
}

const decimals = fc.tuple(fc.nat(10_000), fc.nat(999_999)).map(([a, b]) => new Exact(`${a}.${b}`).toFixed());
/** Minutes round a day's end, with several versions of each; event times are unique per minute. */
const minutes = fc
  .array(
    fc.record({
      at: fc.integer({ min: -400, max: 400 }),
      prices: fc.tuple(decimals, decimals, decimals, decimals),
      volume: decimals,
      tradeCount: fc.option(fc.nat(100), { freq: 20 }),
      isClosed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((list) =>
    list.map(({ at, prices, volume, tradeCount, isClosed }, i) => {
      const [low, open, close, high] = [...prices].sort(compareDecimals) as [string, string, string, string];
      const openTime = START + at * MINUTE;
      return minute(openTime, {
        open,
        high,
        low,
        close,
        volume,
        quoteVolume: volume,
        tradeCount,
        isClosed,
        eventTime: openTime + 1_000 + i,
      });
    }),
  );

describe('candles of all intervals', () => {
  test('equal those made from scratch, for any order, repetition, batching and restart', () => {
    const arrivals = minutes.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
      ),
    );
    fc.assert(
      fc.property(arrivals, ([list, order, sizes, restarts]) => {
        const table = new Table();
        let windows = new KlineWindows(market, null);
        for (let i = 0, n = 0; i < order.length; n++) {
          const size = sizes[n % sizes.length] ?? 1;
          feed(windows, table, order.slice(i, i + size));
          i += size;
          if (restarts[n % restarts.length]) windows = new KlineWindows(market, table.newest());
        }
        for (const candle of table.rows.values()) {
          if (candle.interval === 'M1') continue;
          const wanted = scratch(candle.interval, candle.openTime, list);
          const got = Object.fromEntries(Object.keys(wanted).map((name) => [name, candle[name as keyof KlineEvent]]));
          assert.deepEqual(got, wanted, `${candle.interval} ${new Date(candle.openTime).toISOString()}`);
        }
        for (const interval of Object.keys(INTERVALS) as Interval[]) {
          const windowsOf = new Set(list.map((k) => openTimeOf(interval, k.openTime)));
          const stored = [...table.rows.values()].filter((k) => k.interval === interval);
          assert.equal(stored.length, windowsOf.size, `${interval}: one candle a window`);
        }
      }),
      { numRuns: 150, seed: 7 },
    );
  });

  test('a candle closes with its last minute, and says so once', () => {
    const [table, windows] = [new Table(), new KlineWindows(market, null)];
    for (let i = 0; i < 4; i++) feed(windows, table, [minute(START + i * MINUTE)]);
    const open = feed(windows, table, [minute(START + 4 * MINUTE, { isClosed: false, eventTime: START + 270_000 })]);
    assert.equal(open.find((k) => k.interval === 'M5')?.isClosed, false);
    const closed = feed(windows, table, [minute(START + 4 * MINUTE)]);
    assert.deepEqual(
      closed.map((k) => [k.interval, k.isClosed, k.coverage]),
      [
        ['M1', true, 1],
        ['M5', true, 1],
        ['H1', false, 1],
        ['H4', false, 1],
        ['D1', false, 1],
      ],
    );
    const next = feed(windows, table, [minute(START + 5 * MINUTE, { isClosed: false })]);
    assert.deepEqual(
      next.filter((k) => k.interval === 'M5').map((k) => k.openTime),
      [START + 5 * MINUTE],
    );
  });

  test('a minute of a later window closes the ones before, with the coverage they have', () => {
    const [table, windows] = [new Table(), new KlineWindows(market, null)];
    feed(windows, table, [minute(START), minute(START + 2 * MINUTE)]);
    const changed = feed(windows, table, [minute(START + 61 * MINUTE, { isClosed: false })]);
    const closed = changed.filter((k) => k.isClosed).map((k) => [k.interval, k.openTime, k.coverage]);
    assert.deepEqual(closed, [
      ['M5', START, 2 / 5],
      ['H1', START, 2 / 60],
    ]);
    assert.equal(changed.find((k) => k.interval === 'M5' && !k.isClosed)?.coverage, 1 / 2);
  });

  test('a late minute is said again, closed and later, so that it wins everywhere', () => {
    const [table, windows] = [new Table(), new KlineWindows(market, null)];
    feed(windows, table, [minute(START), minute(START + 4 * MINUTE), minute(START + 7 * MINUTE)]);
    const before = table.rows.get(`M5 ${START}`) as KlineEvent;
    const late = feed(windows, table, [minute(START + MINUTE, { high: '500' })]);
    const after = late.find((k) => k.interval === 'M5') as KlineEvent;
    assert.equal(after.high, '500');
    assert.equal(after.coverage, 3 / 5);
    assert.ok(after.isClosed && isNewerVersion(after, before));
    assert.equal(table.rows.get(`M5 ${START}`), after);
  });

  test('a repeat and an older version change nothing', () => {
    const [table, windows] = [new Table(), new KlineWindows(market, null)];
    feed(windows, table, [minute(START)]);
    assert.deepEqual(feed(windows, table, [minute(START)]), []);
    assert.deepEqual(feed(windows, table, [minute(START, { isClosed: false, eventTime: START + 10 * MINUTE })]), []);
  });

  test('of a day and a half of minutes only the last hours are held whole, and a late minute still finds its day', () => {
    const [table, windows] = [new Table(), new KlineWindows(market, null)];
    let most = 0;
    for (let i = 0; i < 36 * 60; i++) {
      feed(windows, table, [minute(START + i * MINUTE)]);
      most = Math.max(most, windows.size);
    }
    assert.ok(most < 500, `${most} candles of one market`);
    const late = START + 27 * 60 * MINUTE;
    const changed = feed(windows, table, [minute(late, { high: '900', eventTime: late + 2 * MINUTE })]);
    assert.deepEqual(
      changed.filter((k) => k.high === '900').map((k) => [k.interval, k.coverage]),
      ['M1', 'M5', 'H1', 'H4', 'D1'].map((interval) => [interval, 1]),
    );
    assert.ok(windows.size < 500, 'the day is not held for longer than it takes');
  });

  test('sums are exact beyond what a float holds', () => {
    const [table, windows] = [new Table(), new KlineWindows(market, null)];
    const volume = '9007199254740993.000000000000000001';
    feed(windows, table, [minute(START, { volume }), minute(START + MINUTE, { volume })]);
    assert.equal(table.rows.get(`M5 ${START}`)?.volume, '18014398509481986.000000000000000002');
  });
});
