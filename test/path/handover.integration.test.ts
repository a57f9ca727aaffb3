/**
 * History hands over to live with the whole path in between: events go into a real Kafka, real workers take them to Redis
 * and PostgreSQL at their own pace, and an API process answers. Whatever a page had when it was read, its `liveCursor` used
 * as `after` goes on with what the page lacks: no hole and no repeat, also while the workers are killed and begin again.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { MIGRATIONS } from '../../migrations/index.ts';
import type { BookEvent, KlineEvent, TradeEvent } from '../../schema/market.ts';
import { TOPICS, type Topic } from '../../schema/topics.ts';
import type { Broker } from '../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../src/platform/broker/kafka/broker.ts';
import { createLog } from '../../src/platform/log.ts';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { BookMarket, seeded } from '../clients/book-market.ts';
import { recipeModule } from '../clients/recipes.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../support/kafka.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { prepareOwnRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { withService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { placeOf } from './oracle-check.ts';

const MARKET = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;
const ON = 'exchange: BINANCE, symbol: "BTC-USDT"';
const ROUNDS = 8;
/** Between two lots of events, and the trades of a lot. */
const EVERY_MS = 20;
const TRADES = 4;
const SLOW = { timeoutMs: 90_000, everyMs: 100 };

interface Page<Node> {
  nodes: Node[];
  liveCursor: string;
}
interface Told {
  start: string | null;
  gap: { missed: number | null } | null;
  sequence: string;
}
interface Level {
  price: string;
  quantity: string;
}

/** Begins to produce: trades 1, 2, 3, …, versions of the open minute's candle, changes of a book. */
function startProducer(broker: Broker, onError: (error: unknown) => void) {
  const book = new BookMarket(MARKET, seeded(4));
  let clock = 0;
  let n = 0;
  let lots = 0;
  let sending = Promise.resolve();
  const stamps = () => {
    clock = Math.max(clock + 1, Date.now());
    return { ...MARKET, eventTime: clock, receivedAt: clock };
  };
  function send<P>({ name, key, encode }: Topic<P>, events: readonly P[]): void {
    const messages = events.map((one) => ({ key: key(one), value: encode(one) }));
    sending = sending.then(() => broker.send(name, messages)).catch(onError);
  }

  function lot(): void {
    const trades = Array.from({ length: TRADES }, (): TradeEvent => {
      n += 1;
      return { ...stamps(), tradeId: String(n), price: '1', quantity: '1', side: 'BUY' };
    });
    send(TOPICS.trades, trades);
    const now = stamps();
    const openTime = now.eventTime - (now.eventTime % 60_000);
    const figures = { open: '1', high: '1000000', low: '0', close: String(++lots), volume: '1', quoteVolume: '1' };
    const rest = { interval: 'M1', openTime, tradeCount: 1, isClosed: false, coverage: 1 } as const;
    send<KlineEvent>(TOPICS.kline1m, [{ ...now, ...figures, ...rest }]);
    const isWhole = lots % 50 === 1;
    const made = JSON.parse((isWhole ? book.snapshot() : book.change()).payload) as BookEvent;
    send<BookEvent>(TOPICS.orderbook, [
      { ...made, ...stamps(), previousSequence: isWhole ? null : made.previousSequence },
    ]);
  }

  const timer = setInterval(lot, EVERY_MS);
  return async (): Promise<void> => {
    clearInterval(timer);
    await sending;
  };
}

await withService(
  'history hands over to live, from Kafka on',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
  () => {
    let kafka: TestKafka;
    let redis: TestRedis;
    let database: Awaited<ReturnType<typeof openTestDatabase>>;
    let broker: Broker;
    let settings: Record<string, string>;
    let url: string;
    let api: RoleProcess;
    let work: RoleProcess;
    let stopProducer: () => Promise<void> = async () => {};
    const faults: unknown[] = [];

    before(async () => {
      [kafka, redis, database] = await Promise.all([startKafka(), startRedis(), openTestDatabase(MIGRATIONS)]);
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      settings = {
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        KAFKA_BROKERS: kafka.brokers.join(','),
        MARKETS: 'binance:BTC-USDT',
        PORT: String(port),
        METRICS_PORT: '0',
        KAFKA_SESSION_TIMEOUT_MS: '3000',
        POSTGRES_POOL: '4',
      };
      const options = { brokers: kafka.brokers, clientId: 'handover', sessionTimeoutMs: 6_000, timeoutMs: 5_000 };
      broker = await openKafkaBroker({ ...options, log: createLog('silent') });
      api = startRole('src/api.ts', settings);
      work = startRole('src/work.ts', settings);
      await until('the API to live', async () => (await fetch(`${url}/healthz`)).ok, SLOW);
      stopProducer = startProducer(broker, (error) => faults.push(error));
      await until('history of everything', async () => (await counts()).every((count) => count > 0), SLOW);
    });

    after(async () => {
      await stopProducer();
      await Promise.all([api?.end('SIGKILL'), work?.end('SIGKILL')]);
      await broker?.close();
      await Promise.all([database?.stop(), redis?.stop(), kafka?.stop()]);
    });

    async function ask<T>(query: string): Promise<T> {
      const body = JSON.stringify({ query });
      const headers = { 'content-type': 'application/json' };
      const { data, errors } = (await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).json()) as {
        data: T;
        errors?: unknown[];
      };
      assert.deepEqual(errors ?? [], []);
      return data;
    }

    async function counts(): Promise<number[]> {
      const { trades, klines } = await ask<Record<'trades' | 'klines', Page<object>>>(
        `{ trades(${ON}) { nodes { tradeId } } klines(${ON}) { nodes { close } } orderBook(${ON}) { bookSequence } }`,
      );
      return [trades, klines].map(({ nodes }) => nodes.length);
    }

    /** The first `count` events of a subscription. */
    async function first<T>(query: string, count: number): Promise<T[]> {
      const client = createClient({ url: `${url}/graphql`.replace('http', 'ws'), webSocketImpl: WebSocket });
      const events: T[] = [];
      try {
        for await (const { data, errors } of client.iterate<Record<string, T>>({ query })) {
          assert.deepEqual(errors ?? [], []);
          // without data it is a notice
          if (data) events.push(...Object.values(data));
          if (events.length === count) break;
        }
        return events;
      } finally {
        await client.dispose();
      }
    }

    async function tradeRound(pageSize: number): Promise<void> {
      const { trades } = await ask<{ trades: Page<{ tradeId: string }> }>(
        `{ trades(${ON}, first: ${pageSize}) { nodes { tradeId } liveCursor } }`,
      );
      const ids = trades.nodes.map(({ tradeId }) => Number(tradeId));
      // a page that has nothing but what the stream is about to tell is empty
      const head = ids[0] ?? null;
      assert.deepEqual(
        ids,
        ids.map((_, i) => (head ?? 0) - i),
        'the page has no hole',
      );
      const told = await first<Told & { trade: { tradeId: string } }>(
        `subscription { tradeExecuted(${ON}, after: "${trades.liveCursor}") { start gap { missed } sequence trade { tradeId } } }`,
        100,
      );
      const from = head ?? Number(told[0]?.trade.tradeId) - 1;
      assert.deepEqual(
        told.map(({ trade, gap, start }) => [Number(trade.tradeId), gap, start]),
        told.map((_, i) => [from + 1 + i, null, i === 0 ? 'RESUMED' : null]),
      );
    }

    test('trades', { timeout: 90_000 }, async () => {
      for (let round = 0; round < ROUNDS; round++) await tradeRound(round % 2 === 0 ? 1_000 : 20);
    });

    test('candles', { timeout: 90_000 }, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { klines } = await ask<{ klines: Page<{ openTime: string; close: string }> }>(
          `{ klines(${ON}, first: 5) { nodes { openTime close } liveCursor } }`,
        );
        const [newest] = klines.nodes;
        const told = await first<Told & { kline: { openTime: string; close: string } }>(
          `subscription { klineUpdated(${ON}, after: "${klines.liveCursor}", onSlow: DROP_WITH_GAP) { start gap { missed } sequence
            kline { openTime close } } }`,
          20,
        );
        assert.deepEqual(
          told.map(({ sequence, gap, start }) => [Number(sequence), gap, start]),
          told.map((_, i) => [Number(placeOf(klines.liveCursor).sequence) + 1 + i, null, i === 0 ? 'RESUMED' : null]),
        );
        // several versions of a candle may become one on the way, so that figures grow, but not by one
        const closes = [newest, ...told.map(({ kline }) => kline)].map((candle) => Number(candle?.close));
        for (const [i, close] of closes.entries()) assert.ok(i === 0 || close > (closes[i - 1] as number), `${closes}`);
      }
    });

    test('books: the changes fit the page, or a whole book comes with what is missing', {
      timeout: 90_000,
    }, async () => {
      const { BookCopy } = await recipeModule<{
        BookCopy: new () => { take(event: object, depth: number): boolean };
      }>('book-copy.js');
      const fields = 'bids { price quantity } asks { price quantity }';
      for (let round = 0; round < ROUNDS; round++) {
        const { orderBook } = await ask<{ orderBook: { bids: Level[]; asks: Level[]; liveCursor: string } }>(
          `{ orderBook(${ON}) { ${fields} liveCursor } }`,
        );
        const copy = new BookCopy();
        copy.take({ ...orderBook, snapshot: true, checksum: '' }, 20);
        const told = await first<Told>(
          `subscription { orderBookUpdated(${ON}, after: "${orderBook.liveCursor}") { start gap { missed } sequence snapshot checksum ${fields} } }`,
          20,
        );
        for (const [i, event] of told.entries()) assert.ok(copy.take(event, 20), `event ${i} of round ${round}`);
      }
    });

    test('trades, while the workers are killed and begin again', { timeout: 90_000 }, async () => {
      const rounds = (async () => {
        for (let round = 0; round < ROUNDS; round++) await tradeRound(round % 2 === 0 ? 1_000 : 20);
      })();
      const restarts = (async () => {
        await work.end('SIGKILL');
        work = startRole('src/work.ts', settings);
      })();
      await Promise.all([rounds, restarts]);
      assert.deepEqual(faults, []);
    });
  },
);
