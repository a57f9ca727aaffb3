/** What the guide tells client developers to write, run against a server whose sockets are cut under it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BTC, trade, tradeAppend } from '../resolvers/samples.ts';
import { until } from '../support/until.ts';
import { BookMarket, seeded } from './book-market.ts';
import { type Follow, recipeModule } from './recipes.ts';
import { type Served, serve } from './served.ts';
import { checkTrades, TRADES } from './trades.ts';

let served: Served;
before(async () => {
  served = await serve();
});
after(() => served.stop());

describe('what the guide says, with sockets cut', () => {
  for (const [name, over] of [
    ['graphql-ws.js', 'ws'],
    ['apollo-client.js', 'ws'],
    ['urql.js', 'ws'],
    ['graphql-sse.js', 'http'],
  ] as const) {
    test(`${name}: no hole, no repeat`, { timeout: 50_000 }, async () => {
      const { follow } = await recipeModule<{ follow: Follow }>(name);
      await checkTrades(served, (show) => follow(served[over], TRADES, {}, show));
    });
  }

  test('graphql-ws.js: a network that is gone without a word is noticed, and nothing is shown twice', {
    timeout: 60_000,
  }, async () => {
    const own = await serve();
    const shown: number[] = [];
    let produced = 0;
    const produce = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        produced += 1;
        await own.live.append([tradeAppend(trade(Date.now(), String(produced)))]);
      }
    };
    const { follow } = await recipeModule<{ follow: Follow }>('graphql-ws.js');
    const stop = follow(own.ws, TRADES, {}, (event) => {
      shown.push(Number((event.trade as { tradeId: string }).tradeId));
    });
    try {
      await until('the first trade', async () => {
        await produce(1);
        return shown.length > 0;
      });
      await own.proxy.set('blackhole');
      await produce(20);
      await until('another connection to be tried', () => own.proxy.connections > 1, { timeoutMs: 30_000 });
      await produce(20);
      // what the dead connection held back comes, too
      await own.proxy.set('pass');
      await until('all of them', () => shown.at(-1) === produced);
      const [first = 0] = shown;
      assert.deepEqual(
        shown,
        Array.from({ length: produced - first + 1 }, (_, i) => first + i),
      );
    } finally {
      stop();
      await own.stop();
    }
  });

  test('book-copy.js: right at every event', { timeout: 50_000 }, async () => {
    const { follow } = await recipeModule<{ follow: Follow }>('graphql-ws.js');
    const { BookCopy } = await recipeModule<{
      BookCopy: new () => {
        bids: Map<string, string>;
        asks: Map<string, string>;
        take(event: object, depth: number): boolean;
      };
    }>('book-copy.js');
    const market = new BookMarket(BTC, seeded(5));
    await served.live.append([market.snapshot()]);
    const copy = new BookCopy();
    let events = 0;
    let wrong = 0;
    const query = `subscription ($after: Cursor) {
      orderBookUpdated(exchange: BINANCE, symbol: "BTC-USDT", depth: 20, after: $after) {
        cursor snapshot checksum bids { price quantity } asks { price quantity } } }`;
    const stop = follow(served.ws, query, {}, (event) => {
      events += 1;
      if (!copy.take(event, 20)) wrong += 1;
    });
    const text = (): string => {
      const side = (levels: Map<string, string>, sign: number): string =>
        [...levels]
          .sort(([a], [b]) => sign * (Number(a) - Number(b)))
          .map(([p, q]) => `${p}:${q}`)
          .join(',');
      return `${side(copy.bids, -1)}|${side(copy.asks, 1)}`;
    };
    await until('the book', () => events > 0);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 50; i++) await served.live.append([market.change()]);
      if (round < 3) await served.cut();
      const seen = events;
      await until('the same book', () => text() === market.text(20) && (round === 3 || events > seen));
    }
    assert.equal(wrong, 0);
    stop();
  });
});
