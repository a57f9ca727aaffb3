import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { dueDays, fillTickerDaily } from '../../../ingestion/gold/ticker-daily.ts';
import { goldTickerDaily } from '../../../ingestion/gold/ticker-told.ts';
import { silverTicker24h } from '../../../ingestion/silver/ticker-24h.ts';
import { TICKER_24H } from '../../../ingestion/workers/silver.ts';
import { writeRows } from '../../../src/platform/postgres/bulk.ts';
import { ensurePartitions } from '../../../src/platform/postgres/partitions.ts';
import { iso, kline, storeKlines, ticker } from '../../resolvers/samples.ts';
import { openTaskWorld } from './c2c-bronze.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const TODAY = Math.floor(Date.now() / DAY) * DAY;
const MARKET = { exchange: 'UPBIT', symbol: 'BTC-KRW' } as const;

describe("Upbit's REST tickers on their way to gold", () => {
  let world: Awaited<ReturnType<typeof openTaskWorld>>;
  let calls = 0;
  before(async () => {
    world = await openTaskWorld();
  });
  after(() => world.stop());
  beforeEach(() =>
    world.postgres.query(
      'TRUNCATE bronze.raw_event, silver.ticker_24h, gold.ticker_daily, gold.kline, ops.watermark, ops.data_quality_result',
    ),
  );

  const body = (time: number, given: Record<string, unknown> = {}) => ({
    ...{ market: 'KRW-BTC', opening_price: 90e6, high_price: 95000000.0, low_price: 89e6, trade_price: 93500000.5 },
    ...{
      acc_trade_price_24h: 180508304561.33243,
      acc_trade_volume_24h: 1951.82105143,
      signed_change_rate: 0.0388888889,
    },
    ...{ timestamp: time, ...given },
  });
  async function put(
    time: number,
    given: Record<string, unknown> = {},
    row: Record<string, unknown> = {},
  ): Promise<void> {
    calls++;
    await ensurePartitions(world.postgres, 'bronze.raw_event_market', 'day', [time]);
    const { symbol = MARKET.symbol, callId = `call${calls}`, receivedAt = time + 200 } = row;
    await world.postgres.query(
      `INSERT INTO bronze.raw_event (event_id, source, symbol, ts_event, payload, call_id, received_at)
       VALUES ($1, 'UPBIT', $2, $3, $4, $5, $6)`,
      [`e${calls}`, symbol, iso(time), JSON.stringify(body(time, given)), callId, iso(receivedAt as number)],
    );
  }
  const silver = () =>
    world.postgres.query<Record<string, unknown>>(
      'SELECT * FROM silver.ticker_24h ORDER BY event_time, exchange, symbol',
    );
  const daily = () =>
    world.postgres.query<Record<string, unknown>>('SELECT *, day::text AS day FROM gold.ticker_daily t ORDER BY t.day');

  test('an answer becomes a row that says whose figures it has, once', async () => {
    await put(TODAY + HOUR);
    assert.deepEqual(await world.run(silverTicker24h), { rowsIn: 1, rowsOut: 1 });
    assert.deepEqual(await silver(), [
      {
        ...{ ...MARKET, event_time: new Date(TODAY + HOUR), last: '93500000.5', open: '90000000', high: '95000000' },
        ...{ low: '89000000', volume: '1951.82105143', quote_volume: '180508304561.33243', change_percent: 3.88888889 },
        ...{ received_at: new Date(TODAY + HOUR + 200), is_window: false },
      },
    ]);
    assert.deepEqual(await world.run(silverTicker24h), { rowsIn: 0, rowsOut: 0 });
  });

  test('of one moment our own figures stay, whichever came first', async () => {
    const [own, later] = [TODAY + HOUR, TODAY + 2 * HOUR];
    const ours = (time: number) => ticker(time, { ...MARKET, receivedAt: time });
    await writeRows(world.postgres, TICKER_24H, [ours(own)]);
    for (const time of [own, later]) await put(time);
    await world.run(silverTicker24h);
    await writeRows(world.postgres, TICKER_24H, [ours(later)]);
    assert.deepEqual(
      (await silver()).map((row) => [row.last, row.is_window]),
      [
        ['100.5', true],
        ['100.5', true],
      ],
    );
  });

  test('frames of the streams are left alone, what is no ticker is told and stops nothing', async () => {
    await put(TODAY + 1, {}, { callId: null });
    await put(TODAY + 2, { trade_price: 'a lot' });
    await put(TODAY + 3, { trade_price: 0 });
    await put(TODAY + 4, {}, { symbol: null });
    await put(TODAY + 5, {}, { receivedAt: TODAY - HOUR });
    await put(TODAY + 6);
    assert.deepEqual(await world.run(silverTicker24h), { rowsIn: 5, rowsOut: 1 });
    const [result] = await world.postgres.query<{ passed: boolean; failed: string; sample: { reason: string }[] }>(
      'SELECT * FROM ops.data_quality_result',
    );
    assert.deepEqual([result?.passed, result?.failed], [false, '4']);
    assert.deepEqual(result?.sample.map((s) => s.reason).sort(), [
      'of no market',
      'received before it was said',
      'trade_price: not a decimal',
      'trade_price: not above zero',
    ]);
  });

  test('a day without a minute has the last answer of it, with coverage 0; a minute takes its place', async () => {
    const before = TODAY - DAY;
    await put(before + 5 * HOUR, { trade_price: 1 });
    await put(before + 23 * HOUR);
    await put(TODAY + 1, { trade_price: 91e6 });
    await world.run(silverTicker24h);
    assert.deepEqual(await world.run(goldTickerDaily), { rowsIn: 2, rowsOut: 2 });
    const [over, running] = await daily();
    assert.deepEqual(over, {
      ...{ ...MARKET, day: iso(before).slice(0, 10), open: '90000000', high: '95000000', low: '89000000' },
      ...{ close: '93500000.5', quote_volume: '180508304561.33243', change_percent: (3_500_000.5 / 90e6) * 100 },
      ...{ volatility: null, trend: null, coverage: 0, is_closed: true, event_time: new Date(before) },
    });
    assert.deepEqual([running?.close, running?.is_closed, running?.coverage], ['91000000', false, 0]);
    assert.deepEqual((await world.run(goldTickerDaily)).rowsOut, 0);
    // a minute of each day is known now, the older day is not done yet
    await storeKlines(
      world.postgres,
      [before, TODAY].map((openTime) =>
        kline(openTime, { ...MARKET, interval: 'D1', isClosed: false, coverage: 0.001, eventTime: openTime + 60_000 }),
      ),
    );
    await world.run(goldTickerDaily);
    assert.deepEqual(await daily(), []);
    const due = await dueDays(world.postgres, [MARKET], { since: 0, anyway: null, closedOnly: false }, 10);
    await fillTickerDaily(world.postgres, due);
    assert.deepEqual(
      (await daily()).map((row) => [row.close, row.coverage]),
      [
        ['2.25', 0.001],
        ['2.25', 0.001],
      ],
    );
    await put(TODAY + 2);
    await world.run(silverTicker24h);
    assert.equal((await world.run(goldTickerDaily)).rowsOut, 0);
  });

  test('a day made of minutes is made over a told one even before the told one is taken back', async () => {
    await put(TODAY + HOUR);
    await world.run(silverTicker24h);
    await world.run(goldTickerDaily);
    await storeKlines(world.postgres, [
      kline(TODAY, { ...MARKET, interval: 'D1', isClosed: false, coverage: 0.5, eventTime: TODAY + 60_000 }),
    ]);
    const due = await dueDays(world.postgres, [MARKET], { since: 0, anyway: null, closedOnly: false }, 10);
    assert.equal(await fillTickerDaily(world.postgres, due), 1);
    assert.deepEqual(
      (await daily()).map((row) => row.coverage),
      [0.5],
    );
  });
});
