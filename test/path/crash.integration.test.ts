/**
 * Two ingest, two work and one api process on real Kafka, Redis and Postgres. Ingest and work processes are killed with
 * SIGKILL twenty times at seeded moments, some of them between two steps of a batch; afterwards rows, candles, live streams and what a connected client received
 * agree with what the exchange sent: nothing twice, nothing missing.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MIGRATIONS } from '../../migrations/index.ts';
import { klineStreamId, streamKey } from '../../schema/channels.ts';
import { compareDecimals, decimal, Exact } from '../../schema/decimal.ts';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { seeded } from '../support/seeded.ts';
import { withService } from '../support/service.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { until } from '../support/until.ts';

const KILLS = 20;
/** Where a batch is cut: moments too short to be hit from outside. See ingestion/workers/fault.ts. */
const POINTS = ['mid_batch', 'after_write', 'after_commit'] as const;
const MARKETS = [
  { native: 'BTCUSDT', symbol: 'BTC-USDT' },
  { native: 'ETHUSDT', symbol: 'ETH-USDT' },
] as const;

interface TradeData {
  tradeExecuted: { sequence: string; gap: unknown; trade: { tradeId: string; quantity: string } };
}
interface KlineData {
  klineUpdated: { sequence: string; gap: unknown; kline: { openTime: string; isClosed: boolean; volume: string } };
}
interface BookData {
  orderBookUpdated: {
    sequence: string;
    gap: unknown;
    snapshot: boolean;
    bids: { price: string; quantity: string }[];
    asks: { price: string; quantity: string }[];
  };
}

const TRADES = `subscription ($symbol: String!) {
  tradeExecuted(exchange: BINANCE, symbol: $symbol) { sequence gap { missed reason } trade { tradeId quantity } } }`;
const KLINES = `subscription ($symbol: String!) {
  klineUpdated(exchange: BINANCE, symbol: $symbol) { sequence gap { missed reason } kline { openTime isClosed volume } } }`;
const BOOK = `subscription ($symbol: String!) {
  orderBookUpdated(exchange: BINANCE, symbol: $symbol) {
    sequence gap { missed reason } snapshot bids { price quantity } asks { price quantity } } }`;

/** The decimal places, so that sums of strings stay exact. */
function sum(values: readonly string[]): string {
  return decimal(values.reduce((total, value) => total.plus(value), new Exact(0)).toFixed());
}

function assertDense(sequences: readonly string[], what: string): void {
  sequences.forEach((sequence, i) => {
    if (i > 0) assert.equal(BigInt(sequence), BigInt(sequences[i - 1] as string) + 1n, `${what} jumps at ${sequence}`);
  });
}

/** Folds what a client received and checks that the book is never crossed. */
function assertBook(events: readonly BookData[], what: string): void {
  const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  for (const { orderBookUpdated: event } of events) {
    for (const side of ['bids', 'asks'] as const) {
      if (event.snapshot) sides[side].clear();
      for (const { price, quantity } of event[side]) {
        if (quantity === '0') sides[side].delete(price);
        else sides[side].set(price, quantity);
      }
    }
    const best = (side: 'bids' | 'asks', sign: number): string | undefined =>
      [...sides[side].keys()].sort((a, b) => sign * compareDecimals(a, b))[0];
    const [bid, ask] = [best('bids', -1), best('asks', 1)];
    assert.ok(bid && ask && compareDecimals(bid, ask) < 0, `${what} crossed at ${event.sequence}: ${bid} ${ask}`);
  }
}

await withService(
  'the path under SIGKILL',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
  () => {
    let kafka: TestKafka;
    let redis: TestRedis;
    let database: { url: string; postgres: Postgres; stop(): Promise<void> };
    let sim: BinanceSim;
    const roles = new Map<string, RoleProcess>();
    let settings: Record<string, string>;
    let api = '';

    const start = (name: string, more: Record<string, string> = {}): RoleProcess => {
      const role = startRole(`src/${name.split('-')[0]}.ts`, { ...settings, ...more });
      roles.set(name, role);
      return role;
    };

    before(async () => {
      [kafka, redis, database] = await Promise.all([startKafka(), startRedis(), openTestDatabase(MIGRATIONS)]);
      sim = await startBinanceSim({
        symbols: MARKETS.map((m) => m.native),
        seed: 7,
        rate: 2,
        recordLimit: 100_000,
        connectionAttempts: 10_000,
        weightLimit: 1_000_000,
      });
      const port = await freePort();
      api = `http://127.0.0.1:${port}`;
      settings = {
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        KAFKA_BROKERS: kafka.brokers.join(','),
        BINANCE_WS_URL: sim.wsUrl,
        BINANCE_REST_URL: sim.restUrl,
        MARKETS: MARKETS.map((m) => `binance:${m.symbol}`).join(','),
        PORT: String(port),
        METRICS_PORT: '0',
        LEASE_MS: '2000',
        KAFKA_SESSION_TIMEOUT_MS: '3000',
        MAX_SUBSCRIBER_QUEUE: '100000',
        BACKFILL_HOURS: '1',
        POSTGRES_POOL: '5',
        LOG_LEVEL: 'info',
      };
      for (const name of ['ingest-1', 'ingest-2', 'work-1', 'work-2', 'api-1']) start(name);
      await until('the API to be ready', async () => (await fetch(`${api}/readyz`)).ok, { timeoutMs: 90_000 });
    });

    after(async () => {
      await Promise.all([...roles.values()].map((role) => role.end('SIGKILL')));
      await sim?.close();
      await database?.stop();
      await redis?.stop();
      await kafka?.stop();
    });

    test('twenty kills lose nothing and repeat nothing', { timeout: 480_000 }, async (t) => {
      const clients = MARKETS.map(({ symbol }) => ({
        symbol,
        trades: subscribe<TradeData>(api, TRADES, { symbol }),
        klines: subscribe<KlineData>(api, KLINES, { symbol }),
        book: subscribe<BookData>(api, BOOK, { symbol }),
      }));
      const all = (): Subscriber<unknown>[] => clients.flatMap((c) => [c.trades, c.klines, c.book]);
      const silent = (): string[] =>
        clients.flatMap(({ symbol, ...subscribers }) =>
          Object.entries(subscribers)
            .filter(([, { events }]) => events.length === 0)
            .map(([name, { faults }]) => `${name} of ${symbol} ${JSON.stringify(faults)}`),
        );
      await until('every subscription to deliver', () => silent().length === 0, { timeoutMs: 60_000 }).catch(
        (error) => {
          const said = [...roles].map(([name, role]) => `${name}:\n${role.output().slice(-2_000)}`);
          assert.fail(`${error.message}; silent: ${silent().join(', ')}\n${said.join('\n')}`);
        },
      );

      const random = seeded(20_240_811);
      const victims = ['ingest-1', 'ingest-2', 'work-1', 'work-2'];
      const firstMinute = Math.ceil(sim.now() / 60_000) * 60_000;
      for (let kill = 1; kill <= KILLS; kill++) {
        // the moment is the seeded part: anywhere from starting up to steady running
        const wait = 300 + random() * 6_000;
        await new Promise((next) => setTimeout(next, wait));
        const name = victims[Math.floor(random() * victims.length)] as string;
        const role = roles.get(name) as RoleProcess;
        assert.ok(role.running(), `${name} ended by itself:\n${role.output().slice(-4_000)}`);
        await role.end('SIGKILL');
        t.diagnostic(`kill ${kill}: ${name} after ${Math.round(wait)} ms`);
        if (name.startsWith('work') && kill < KILLS) {
          const point = POINTS[kill % POINTS.length] as string;
          const doomed = start(name, { CRASH_AT: point, CRASH_AFTER: String(Math.floor(random() * 60)) });
          await until(`${name} to be cut`, () => !doomed.running(), { timeoutMs: 60_000 });
          assert.equal(await doomed.exited, null, `${name} ended by itself:\n${doomed.output().slice(-4_000)}`);
          t.diagnostic(`kill ${++kill}: ${name} at ${point}`);
        }
        start(name);
      }
      // at least one whole minute begins and ends inside the run
      await until('a minute to close', () => sim.now() > firstMinute + 63_000, { timeoutMs: 130_000 });

      for (const [i, { native, symbol }] of MARKETS.entries()) {
        const client = clients[i] as (typeof clients)[number];
        const sent = sim.sent(native);
        assert.equal(sent.dropped, 0);
        const lastId = sent.trades.at(-1)?.a as number;
        const received = (): string[] => client.trades.events.map((e) => e.tradeExecuted.trade.tradeId);
        await until(`trade ${lastId} at the client of ${symbol}`, () => received().some((id) => Number(id) >= lastId), {
          timeoutMs: 60_000,
        });
        assert.deepEqual(client.trades.faults, []);

        // what the client received: every trade from its first one on, once, in order
        const upTo = received().filter((id) => Number(id) <= lastId);
        const from = Number(upTo[0]);
        const expected = sent.trades.filter((trade) => trade.a >= from);
        assert.deepEqual(
          upTo,
          expected.map((trade) => String(trade.a)),
          `trades of ${symbol}`,
        );
        assertDense(
          client.trades.events.map((e) => e.tradeExecuted.sequence),
          `trades of ${symbol}`,
        );
        assert.ok(client.trades.events.every((e) => e.tradeExecuted.gap === null));

        // the rows: every trade from the first followed one on, once
        const rows = await until(`trade ${lastId} in silver`, async () => {
          const found = await database.postgres.query<{
            trade_id: string;
            price: string;
            quantity: string;
            side: string;
          }>(
            `SELECT trade_id, price, quantity, side FROM silver.trade WHERE symbol = $1 AND trade_id::bigint <= $2
             ORDER BY trade_id::bigint`,
            [symbol, lastId],
          );
          return Number(found.at(-1)?.trade_id) === lastId && found;
        });
        const first = Number(rows[0]?.trade_id);
        assert.ok(first <= from);
        assert.deepEqual(
          rows.map((r) => [Number(r.trade_id), decimal(r.price), decimal(r.quantity), r.side]),
          sent.trades
            .filter((t2) => t2.a >= first)
            .map((t2) => [t2.a, decimal(t2.p), decimal(t2.q), t2.m ? 'SELL' : 'BUY']),
        );

        // the live stream: dense from 1, the same trades
        const entries = (await redis.command('XRANGE', streamKey('trade', `binance:${symbol}`), '-', '+')) as [
          string,
        ][];
        assertDense(
          entries.map(([id]) => id.split('-')[0] as string),
          `live trades of ${symbol}`,
        );
        assert.equal(entries[0]?.[0], '1-0');

        // candles: every minute closed since, to the digit, in gold, and its volume equal to the trades'
        const closed = sent.candles.filter((c) => c.t >= firstMinute && c.n > 0);
        assert.ok(closed.length > 0);
        for (const candle of closed) {
          const [row] = await until(`candle ${candle.t} of ${symbol} in gold`, async () => {
            const found = await database.postgres.query<Record<string, string> & { is_closed: boolean }>(
              `SELECT open, high, low, close, volume, quote_volume, trade_count::text, is_closed FROM gold.kline
               WHERE symbol = $1 AND interval = 'M1' AND open_time = $2`,
              [symbol, new Date(candle.t)],
            );
            return found[0]?.is_closed && found;
          });
          assert.deepEqual(
            [row?.open, row?.high, row?.low, row?.close, row?.volume, row?.quote_volume].map((v) =>
              decimal(v as string),
            ),
            [candle.o, candle.h, candle.l, candle.c, candle.v, candle.q].map(decimal),
          );
          const minute = sent.trades.filter((trade) => trade.T >= candle.t && trade.T <= candle.T);
          assert.equal(sum(minute.map((trade) => trade.q)), decimal(candle.v));
          const seen = client.klines.events.filter(
            (e) => Date.parse(e.klineUpdated.kline.openTime) === candle.t && e.klineUpdated.kline.isClosed,
          );
          assert.equal(seen.length, 1, `closed candle ${candle.t} of ${symbol} at the client`);
          assert.equal(decimal(seen[0]?.klineUpdated.kline.volume as string), decimal(candle.v));
        }
        assert.deepEqual(client.klines.faults, []);
        assertDense(
          client.klines.events.map((e) => e.klineUpdated.sequence),
          `candles of ${symbol}`,
        );
        const stream = streamKey('kline', klineStreamId({ exchange: 'BINANCE', symbol }, 'M1'));
        const candles = (await redis.command('XRANGE', stream, '-', '+')) as [string][];
        assertDense(
          candles.map(([id]) => id.split('-')[0] as string),
          `live candles of ${symbol}`,
        );

        assert.deepEqual(client.book.faults, []);
        assertDense(
          client.book.events.map((e) => e.orderBookUpdated.sequence),
          `book of ${symbol}`,
        );
        assertBook(client.book.events, `book of ${symbol}`);
      }
      const dead = await database.postgres.query('SELECT topic, reason FROM ops.dead_letter LIMIT 5');
      assert.deepEqual(dead, []);
      await Promise.all(all().map((s) => s.stop()));
    });
  },
);
