import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { ArbitrageEvent, ArbitrageLeg } from '../../../schema/arbitrage.ts';
import { Exact } from '../../../schema/decimal.ts';
import type { BookEvent, BookLevel } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { openTestDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres.ts';
import { bookEvents } from './arbitrage-books.ts';
import { drained, memoryPlatform, produce, readAll } from './worker-platform.ts';

const T = Date.UTC(2026, 2, 1);
const MARKETS = [
  { exchange: 'BINANCE', symbol: 'BTC-USDT', price: 100, fee: '0.1' },
  { exchange: 'KUCOIN', symbol: 'BTC-USDT', price: 100.2, fee: '0.08' },
  { exchange: 'UPBIT', symbol: 'BTC-KRW', price: 141_000, fee: '0.05' },
  { exchange: 'BITHUMB', symbol: 'BTC-KRW', price: 139_000, fee: '0.25' },
  { exchange: 'UPBIT', symbol: 'USDT-KRW', price: 1_400, fee: '0.05' },
] as const;

type Number = InstanceType<typeof Exact>;
const exact = (value: string | number): Number => new Exact(value);

/** Every state a book was in, by its sequence; of nothing but the topic's events. */
function statesOf(events: readonly BookEvent[]): Map<string, { bids: BookLevel[]; asks: BookLevel[] }> {
  const states = new Map<string, { bids: BookLevel[]; asks: BookLevel[] }>();
  const books = new Map<string, { bids: Map<string, string>; asks: Map<string, string> }>();
  for (const { exchange, symbol, type, bids, asks, sequence } of events) {
    const known = type === 'delta' ? books.get(`${exchange} ${symbol}`) : undefined;
    const book = known ?? { bids: new Map<string, string>(), asks: new Map<string, string>() };
    books.set(`${exchange} ${symbol}`, book);
    for (const side of ['bids', 'asks'] as const) {
      for (const [price, quantity] of side === 'bids' ? bids : asks) {
        const [at, of] = [exact(price).toFixed(), exact(quantity).toFixed()];
        if (of === '0') book[side].delete(at);
        else book[side].set(at, of);
      }
    }
    const sorted = (side: Map<string, string>, direction: number): BookLevel[] =>
      [...side].sort(([a], [b]) => exact(a).comparedTo(b) * direction);
    states.set(`${exchange} ${symbol} ${sequence}`, { bids: sorted(book.bids, -1), asks: sorted(book.asks, 1) });
  }
  return states;
}

/** As it is shown: rounded down. */
const shown = (value: Number, places: number): string => value.toDecimalPlaces(places, Exact.ROUND_FLOOR).toFixed();

function taken(side: readonly BookLevel[], quantity: Number): { value: Number; levels: BookLevel[] } {
  let [left, value] = [quantity, exact(0)];
  const levels: BookLevel[] = [];
  for (const [price, offered] of side) {
    if (left.lte(0)) break;
    const some = left.lt(offered) ? left : exact(offered);
    value = value.plus(some.times(price));
    left = left.minus(some);
    levels.push([price, offered]);
  }
  return { value, levels };
}

/** The working of a spread from the two books that it names. */
function recomputed(event: ArbitrageEvent, asks: readonly BookLevel[], bids: readonly BookLevel[]) {
  const { buy, sell, notional, fxRate } = event;
  const rateOf = ({ symbol }: ArbitrageLeg): Number => exact(symbol.endsWith('-KRW') ? (fxRate ?? 'NaN') : 1);
  let left = exact(notional).times(rateOf(buy));
  let quantity = exact(0);
  for (const [price, offered] of asks) {
    const all = exact(price).times(offered);
    const paid = all.lt(left) ? all : left;
    quantity = quantity.plus(paid.div(price));
    left = left.minus(paid);
  }
  const depth = bids.reduce((sum, [, offered]) => sum.plus(offered), exact(0));
  if (quantity.gt(depth)) quantity = depth;
  const [bought, sold] = [taken(asks, quantity), taken(bids, quantity)];
  const [paid, got] = [bought.value.div(rateOf(buy)), sold.value.div(rateOf(sell))];
  const paidAll = paid.times(exact(buy.takerFeePercent).div(100).plus(1));
  const gotAll = got.times(exact(1).minus(exact(sell.takerFeePercent).div(100)));
  return {
    thin: left.gt(0) || exact(notional).times(rateOf(buy)).gt(bought.value.plus('1e-30')),
    quantity: shown(quantity, 18),
    buyPrice: shown(bought.value.div(quantity), 18),
    sellPrice: shown(sold.value.div(quantity), 18),
    buyLevels: bought.levels,
    sellLevels: sold.levels,
    grossPercent: shown(got.div(paid).minus(1).times(100), 8),
    netPercent: shown(gotAll.div(paidAll).minus(1).times(100), 8),
    netProfit: shown(gotAll.minus(paidAll), 8),
  };
}

describe('every spread can be worked out again from the book sequences it names', () => {
  let server: TestDatabase;
  before(async () => {
    server = await sharedPostgres();
  });
  after(() => server.stop());

  test('to the digit, by other code', async () => {
    const { postgres, stop } = await openTestDatabase(MIGRATIONS);
    const platform = await memoryPlatform(postgres, { ARBITRAGE_NOTIONALS: '50,500,5000' });
    const { broker } = platform;
    for (const { exchange, symbol, fee } of MARKETS) {
      const [base, quote] = symbol.split('-');
      await postgres.query(
        `INSERT INTO gold.market (exchange, symbol, native_symbol, base, quote, status, taker_fee_percent)
         VALUES ($1, $2, $2, $3, $4, 'TRADING', $5)`,
        [exchange, symbol, base, quote, fee],
      );
    }
    const span = { from: T, to: T + 40_000, everyMs: 200, snapshotMs: 10_000, seed: 7 };
    await produce(broker, TOPICS.orderbook, bookEvents(MARKETS, span));
    const running = await startWorkers(platform, { only: ['arbitrage'], onFatal: assert.fail });
    await drained(broker, 'arbitrage', [TOPICS.orderbook.name]);
    await running.stop();

    const books = (await readAll(broker, TOPICS.orderbook.name)).map(({ value }) => TOPICS.orderbook.parse(value));
    const states = statesOf(books);
    const rates = new Set(
      (await readAll(broker, TOPICS.fx.name))
        .map(({ value }) => TOPICS.fx.parse(value))
        .map(({ exchange, mid }) => `${exchange} ${mid}`),
    );
    const said = (await readAll(broker, TOPICS.arbitrage.name)).map(({ value }) => TOPICS.arbitrage.parse(value));
    const thin = new Set<boolean>();
    for (const event of said) {
      const stateOf = ({ exchange, symbol, bookSequence }: ArbitrageLeg) =>
        states.get(`${exchange} ${symbol} ${bookSequence}`);
      const { asks } = stateOf(event.buy) ?? assert.fail('the book that was bought from');
      const { bids } = stateOf(event.sell) ?? assert.fail('the book that was sold to');
      assert.ok(event.fxRate === null || rates.has(`${event.fxExchange} ${event.fxRate}`));
      const isThin = event.notExecutable.includes('THIN_BOOK');
      thin.add(isThin);
      assert.deepEqual(
        {
          ...{ thin: isThin, quantity: event.quantity, buyPrice: event.buy.price, sellPrice: event.sell.price },
          ...{ buyLevels: event.buy.levels, sellLevels: event.sell.levels },
          ...{ grossPercent: event.grossPercent, netPercent: event.netPercent, netProfit: event.netProfit },
        },
        recomputed(event, asks, bids),
      );
    }
    // four markets of BTC, and a size that no book has: something of everything
    assert.ok(said.length > 2_000);
    assert.deepEqual(thin, new Set([true, false]));
    assert.equal(new Set(said.map((e) => `${e.buy.exchange} ${e.sell.exchange} ${e.notional}`)).size, 12 * 3);
    await broker.close();
    await stop();
  });
});
