/**
 * A real recording of Binance through stand-in, connector, broker, workers and API: candles equal the recorded ones to the
 * digit, books equal an independent replay of the same frames and are never crossed, every trade arrives once. On the
 * in-memory log and live store and on real Kafka and Redis alike.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startIngest } from '../../ingestion/ingest.ts';
import { startWorkers } from '../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { startApi } from '../../resolvers/api.ts';
import { compareDecimals, decimal } from '../../schema/decimal.ts';
import { readRecording } from '../../sim/binance/recording-files.ts';
import { startBinanceSim } from '../../sim/binance/server.ts';
import { readConfig } from '../../src/platform/config.ts';
import type { ApiServer } from '../../src/platform/http/api.ts';
import { createLog } from '../../src/platform/log.ts';
import { openPlatform } from '../../src/platform/open.ts';
import { together } from '../../src/platform/run.ts';
import { prepareOwnKafka, startKafka } from '../support/kafka.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis } from '../support/redis.ts';
import { withService } from '../support/service.ts';
import { subscribe } from '../support/subscriber.ts';
import { until } from '../support/until.ts';

type Level = [string, string];
interface DepthFrame {
  U: number;
  u: number;
  b: Level[];
  a: Level[];
}
interface Frame {
  stream: string;
  data: Record<string, unknown>;
}

const recording = readRecording('test/fixtures/binance', '20210404');
const frames: Frame[] = recording.frames.map(({ line }) => JSON.parse(line) as Frame);

/** The best levels after the last recorded frame, folded with nothing of the project's own. */
function replayBook(native: string): { bids: Level[]; asks: Level[]; u: number } {
  const line = recording.snapshots.find((s) => s.symbol === native)?.line ?? '';
  const snapshot = JSON.parse(line) as { lastUpdateId: number; bids: Level[]; asks: Level[] };
  const sides = { b: new Map(snapshot.bids), a: new Map(snapshot.asks) };
  let last = snapshot.lastUpdateId;
  for (const { stream, data } of frames) {
    const frame = data as unknown as DepthFrame;
    if (!stream.startsWith(`${native.toLowerCase()}@depth`) || frame.u <= last) continue;
    assert.ok(frame.U <= last + 1, 'the recording itself has no hole');
    for (const side of ['b', 'a'] as const) {
      for (const [price, quantity] of frame[side]) {
        if (Number(quantity) === 0) sides[side].delete(price);
        else sides[side].set(price, quantity);
      }
    }
    last = frame.u;
  }
  const sorted = (side: Map<string, string>, sign: number): Level[] =>
    [...side].sort(([x], [y]) => sign * compareDecimals(x, y)).map(([p, q]) => [decimal(p), decimal(q)]);
  return { bids: sorted(sides.b, -1), asks: sorted(sides.a, 1), u: last };
}

async function ask<T>(api: ApiServer, query: string): Promise<T> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const body = (await response.json()) as { data: T; errors?: unknown };
  assert.equal(body.errors, undefined, JSON.stringify(body.errors));
  return body.data;
}

interface BookAnswer {
  orderBook: {
    bookSequence: string;
    bids: { price: string; quantity: string }[];
    asks: { price: string; quantity: string }[];
  };
}

async function replay(stores: { KAFKA_BROKERS?: string; REDIS_URL?: string }): Promise<void> {
  const database = await sharedPostgres();
  const sim = await startBinanceSim({ recording: { ...recording, speed: 8 } });
  const config = readConfig({
    ...stores,
    DATABASE_URL: database.url,
    MARKETS: 'binance:*',
    PORT: '0',
    BACKFILL_HOURS: '0',
    FEED_STALE_MS: '60000',
    LOG_LEVEL: 'warn',
  });
  const fatal = (error: Error): void => assert.fail(error);
  const platform = await openPlatform({ config, log: createLog(config.LOG_LEVEL), fatal }, MIGRATIONS);
  const workers = await startWorkers(platform, { onFatal: fatal });
  const api = await startApi(platform);
  const ingest = await startIngest(platform, {
    endpoints: { BINANCE: { ws: sim.wsUrl, rest: sim.restUrl } },
  });
  const running = together([
    { stop: () => database.stop() },
    { stop: () => sim.close() },
    platform,
    workers,
    api,
    ingest,
  ]);
  try {
    const markets = await until('the markets', async () => {
      const { markets: page } = await ask<{ markets: { nodes: { symbol: string; nativeSymbol: string }[] } }>(
        api,
        '{ markets { nodes { symbol nativeSymbol } } }',
      );
      return page.nodes.length > 0 && page.nodes;
    });
    const books = markets.map(({ symbol }) => ({
      symbol,
      subscriber: subscribe<{ orderBookUpdated: { checksum: string } }>(
        api.url,
        `subscription { orderBookUpdated(exchange: BINANCE, symbol: "${symbol}") { sequence gap { reason } checksum } }`,
      ),
    }));
    await sim.recording?.done;

    for (const { symbol, nativeSymbol } of markets) {
      const of = (kind: string): Frame[] =>
        frames.filter((f) => f.stream.startsWith(`${nativeSymbol.toLowerCase()}@${kind}`));

      const trades = of('aggTrade').map(({ data }) => data as { a: number; p: string; q: string; m: boolean });
      const rows = await until(`the trades of ${symbol}`, async () => {
        const found = await platform.postgres.query<{
          trade_id: string;
          price: string;
          quantity: string;
          side: string;
        }>('SELECT trade_id, price, quantity, side FROM silver.trade WHERE symbol = $1 ORDER BY trade_id::bigint', [
          symbol,
        ]);
        return found.length >= trades.length && found;
      });
      assert.deepEqual(
        rows.map((r) => [r.trade_id, decimal(r.price), decimal(r.quantity), r.side]),
        trades.map((t) => [String(t.a), decimal(t.p), decimal(t.q), t.m ? 'SELL' : 'BUY']),
      );
      // another worker's work, which may be behind
      const stream = `live:trade:binance:{${symbol.split('-')[0]}}-${symbol.split('-')[1]}`;
      const live = await until(`the stream of ${symbol}`, async () => {
        const found = await platform.live.read(stream, 0n, 10_000);
        return found.length >= trades.length && found;
      });
      assert.deepEqual(
        live.map((e) => (JSON.parse(e.payload) as { tradeId: string }).tradeId),
        trades.map((t) => String(t.a)),
      );

      const newest = new Map<number, Record<string, unknown>>();
      for (const { data } of of('kline')) {
        const k = data.k as Record<string, unknown>;
        newest.set(k.t as number, k);
      }
      for (const [openTime, k] of newest) {
        const row = await until(`candle ${openTime} of ${symbol}`, async () => {
          const [found] = await platform.postgres.query<Record<string, string>>(
            `SELECT open, high, low, close, volume, quote_volume, trade_count::text, is_closed::text FROM gold.kline
             WHERE symbol = $1 AND interval = 'M1' AND open_time = $2`,
            [symbol, new Date(openTime)],
          );
          return found?.trade_count === String(k.n) && found.is_closed === String(k.x) && found;
        });
        assert.deepEqual(
          [row.open, row.high, row.low, row.close, row.volume, row.quote_volume].map((v) => decimal(v as string)),
          [k.o, k.h, k.l, k.c, k.v, k.q].map((v) => decimal(v as string)),
        );
      }

      if (recording.snapshots.some((s) => s.symbol === nativeSymbol)) {
        const expected = replayBook(nativeSymbol);
        const { orderBook } = await until(`the last book of ${symbol}`, async () => {
          const answer = await ask<BookAnswer>(
            api,
            `{ orderBook(exchange: BINANCE, symbol: "${symbol}", depth: 500) {
                 bookSequence bids { price quantity } asks { price quantity } } }`,
          );
          return answer.orderBook?.bookSequence === String(expected.u) && answer;
        });
        for (const side of ['bids', 'asks'] as const) {
          const levels = orderBook[side].map((l): Level => [l.price, l.quantity]);
          assert.ok(levels.length > 400);
          assert.deepEqual(levels, expected[side].slice(0, levels.length), `${side} of ${symbol}`);
        }
        assert.ok(compareDecimals(orderBook.bids[0]?.price ?? '', orderBook.asks[0]?.price ?? '') < 0);
      }
    }
    for (const { symbol, subscriber } of books) {
      assert.deepEqual(subscriber.faults, [], symbol);
      await subscriber.stop();
    }
    assert.deepEqual(await platform.postgres.query('SELECT topic, reason FROM ops.dead_letter LIMIT 5'), []);
  } finally {
    await running.stop();
  }
}

test('a recording through the in-memory log and live store', { timeout: 180_000 }, () => replay({}));

await withService(
  'a recording through Kafka and Redis',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
  () => {
    test('arrives whole', { timeout: 240_000 }, async () => {
      const [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
      try {
        await replay({ KAFKA_BROKERS: kafka.brokers.join(','), REDIS_URL: redis.url });
      } finally {
        await Promise.all([kafka.stop(), redis.stop()]);
      }
    });
  },
);
