/**
 * Whatever a log can do to a sequence of events — interleave markets and topics, repeat, lose and fill later — and wherever
 * the workers are stopped and started meanwhile, the stores end up the same: silver, gold and live keys are what the events
 * alone say, computed independently.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { latestKlineKey, minuteKlineKey, tickerKey, tradeListKey } from '../../../schema/live/keys.ts';
import { INTERVALS, type Interval, type KlineEvent, marketId, type TradeEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { disturbance, disturbed, type Event, history, interleaved, MARKETS, type Queue } from './histories.ts';
import { GOLD, GOLD_FROM_SILVER, newestVersions, plainTicker } from './plain-figures.ts';
import { drained, memoryPlatform, produce, readAll } from './worker-platform.ts';

const WORKERS = ['silver', 'klines', 'tickers', 'live'];
describe('the stores', () => {
  let database: Awaited<ReturnType<typeof openTestDatabase>>;
  let postgres: Postgres;
  before(async () => {
    database = await openTestDatabase(MIGRATIONS);
    postgres = database.postgres;
  });
  after(() => database.stop());

  const start = (platform: Platform): Promise<Running> =>
    startWorkers(platform, { only: WORKERS, onFatal: (error) => assert.fail(error) });

  async function settled({ broker }: Platform): Promise<void> {
    const [klines, trades, candles] = [TOPICS.kline1m.name, TOPICS.trades.name, TOPICS.kline.name];
    await drained(broker, 'silver', [klines, trades]);
    await drained(broker, 'klines', [klines]);
    await drained(broker, 'tickers', [klines, trades]);
    await drained(broker, 'live', [trades, candles]);
  }

  /** Plays the events to the workers, which are stopped and started every so often. Resolves with what they made. */
  async function play(events: readonly Event[], piece: number): Promise<{ platform: Platform; running: Running }> {
    await postgres.query('TRUNCATE silver.trade, silver.kline_1m, silver.ticker_24h, gold.kline, ops.checkpoint');
    const platform = await memoryPlatform(postgres);
    let running = await start(platform);
    for (let i = 0; i < events.length; i += piece) {
      const some = events.slice(i, i + piece);
      // one after the other, as the interleaving is what is tested
      for (const event of some) {
        if ('kline' in event) void produce(platform.broker, TOPICS.kline1m, [event.kline]);
        else void produce(platform.broker, TOPICS.trades, [event.trade]);
      }
      await produce(platform.broker, TOPICS.trades, []);
      if (i + piece >= events.length) break;
      // in the middle of it
      await running.stop();
      running = await start(platform);
    }
    await settled(platform);
    return { platform, running };
  }

  async function check(queues: readonly Queue[], platform: Platform, whole: boolean): Promise<void> {
    const klines = queues.flat().flatMap((event) => ('kline' in event ? [event.kline] : []));
    const trades = queues.flat().flatMap((event) => ('trade' in event ? [event.trade] : []));

    const rows = await postgres.query<Record<string, unknown>>(
      `SELECT exchange, symbol, trade_id, trim_scale(price) AS price, trim_scale(quantity) AS quantity, event_time
       FROM silver.trade ORDER BY exchange, symbol, event_time, trade_id`,
    );
    const wanted = trades.map((t) => [t.exchange, t.symbol, t.tradeId, t.price, t.quantity, t.eventTime]);
    const flat = rows.map((r) => [
      r.exchange,
      r.symbol,
      r.trade_id,
      r.price,
      r.quantity,
      (r.event_time as Date).getTime(),
    ]);
    assert.deepEqual(flat.map(String).sort(), wanted.map(String).sort(), 'silver.trade');

    const minutes = await postgres.query<Record<string, unknown>>(
      `SELECT exchange, symbol, open_time, trim_scale(close) AS close, trim_scale(volume) AS volume, is_closed, event_time,
         trade_count FROM silver.kline_1m`,
    );
    const time = (value: unknown): number => (value as Date).getTime();
    const best = MARKETS.flatMap((m) => newestVersions(klines.filter((k) => marketId(k) === marketId(m))));
    assert.deepEqual(
      minutes
        .map((r) => [
          r.exchange,
          r.symbol,
          time(r.open_time),
          r.close,
          r.volume,
          r.is_closed,
          time(r.event_time),
          r.trade_count,
        ])
        .map(String)
        .sort(),
      best
        .map((k) => [k.exchange, k.symbol, k.openTime, k.close, k.volume, k.isClosed, k.eventTime, k.tradeCount])
        .map(String)
        .sort(),
      'silver.kline_1m',
    );

    const differing = await postgres.query(
      `(SELECT 'missing', * FROM ((${GOLD_FROM_SILVER}) EXCEPT (${GOLD})) a)
       UNION ALL (SELECT 'wrong', * FROM ((${GOLD}) EXCEPT (${GOLD_FROM_SILVER})) b)`,
    );
    assert.deepEqual(differing, [], 'gold.kline');

    for (const market of MARKETS) {
      const mine = newestVersions(klines.filter((k) => marketId(k) === marketId(market)));
      const made = trades.filter((t) => marketId(t) === marketId(market));
      await checkLive(market, platform, mine, made, whole);
    }
  }

  async function checkLive(
    market: (typeof MARKETS)[number],
    { live, broker }: Platform,
    minutes: readonly KlineEvent[],
    trades: readonly TradeEvent[],
    whole: boolean,
  ): Promise<void> {
    const keys = minutes.map((k) => minuteKlineKey(market, k.openTime));
    const kept = (await live.values(keys)).map((value) => JSON.parse(value ?? 'null') as KlineEvent | null);
    assert.deepEqual(kept, minutes, 'the minutes of the day');

    for (const interval of Object.keys(INTERVALS) as Interval[]) {
      const [latest] = await live.latest([latestKlineKey(market, interval)]);
      const { openTime, open, high, low, close, volume, isClosed } = JSON.parse(latest?.value ?? '{}') as KlineEvent;
      const [row] = await postgres.query(
        `SELECT open_time, open, high, low, close, volume, is_closed FROM (${GOLD}) g
         WHERE exchange = $1 AND symbol = $2 AND interval = $3 ORDER BY open_time DESC LIMIT 1`,
        [market.exchange, market.symbol, interval],
      );
      const found = { open_time: new Date(openTime), open, high, low, close, volume, is_closed: isClosed };
      assert.deepEqual(found, row, `latest ${interval}`);
    }

    const figures = plainTicker(market, minutes, trades);
    const told = async (): Promise<object | null> => {
      const [latest] = await live.latest([tickerKey(market)]);
      if (!latest) return null;
      const { receivedAt: _, ...rest } = JSON.parse(latest.value) as Record<string, unknown>;
      return rest;
    };
    const same = async (): Promise<boolean> => isDeepStrictEqual(await told(), figures);
    // figures are told at most once a second
    await until('the figures', same, { timeoutMs: 10_000, everyMs: 20 }).catch(async () => {
      assert.deepEqual(await told(), figures, '24 h figures');
    });

    await drained(broker, 'silver', [TOPICS.ticker.name]);
    const [row] = await postgres.query(
      `SELECT trim_scale(last) AS last, trim_scale(volume) AS volume24h, event_time AS time FROM silver.ticker_24h
       WHERE exchange = $1 AND symbol = $2 ORDER BY event_time DESC LIMIT 1`,
      [market.exchange, market.symbol],
    );
    const { last, volume24h, eventTime } = figures ?? assert.fail('no figures');
    assert.deepEqual(row, { last, volume24h, time: new Date(eventTime) }, 'the newest row of silver.ticker_24h');

    const list = (await live.list(tradeListKey(market), 1_000)).map((text) => (JSON.parse(text) as TradeEvent).tradeId);
    const ids = trades.map((t) => t.tradeId).reverse();
    if (whole) assert.deepEqual(list, ids, 'the newest trades');
    // what was filled in after newer ones is in silver; the list stays in order
    else
      assert.deepEqual(
        list,
        ids.filter((id) => list.includes(id)),
        'no trade twice, all in order',
      );
  }

  async function ends(
    queues: readonly Queue[],
    shown: readonly Queue[],
    turns: number[],
    piece: number,
    whole: boolean,
  ) {
    const { platform, running } = await play(interleaved(shown, turns), piece);
    try {
      await check(queues, platform, whole);
      assert.equal((await readAll(platform.broker, `${TOPICS.kline1m.name}.dlq`)).length, 0);
    } finally {
      await running.stop();
      await platform.broker.close();
    }
  }

  test('after any interleaving of markets and topics, with any repeats and restarts', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(history, disturbance, async (queues, { repeats, turns, piece }) => {
        const shown = queues.map((queue) => disturbed(queue, [], repeats));
        await ends(queues, shown, turns, piece, true);
      }),
      { numRuns: 15, seed: 3, endOnFailure: true },
    );
  });

  test('after losses that are filled later', { timeout: 120_000 }, async () => {
    const losses = fc.array(fc.boolean(), { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(history, disturbance, losses, async (queues, { repeats, turns, piece }, lost) => {
        const shown = queues.map((queue) => disturbed(queue, lost, repeats));
        await ends(queues, shown, turns, piece, false);
      }),
      { numRuns: 15, seed: 4, endOnFailure: true },
    );
  });
});
