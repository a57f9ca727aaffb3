import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeCursor } from '../../schema/cursor.ts';
import type { TradeEvent } from '../../schema/market.ts';
import * as operations from '../generated/graphql.ts';
import { iso, market, storeTrades, T0, trade, tradeAppend } from './samples.ts';
import { openWorld, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.stop());

describe('trades', () => {
  const XRP = market('XRP-USDT');
  const all = Array.from({ length: 40 }, (_, i) => trade(T0 + Math.floor(i / 3), String(100 + i), XRP));
  const page = (variables: object) => world.data(operations.TradesDocument, { ...XRP, ...variables });
  before(() => storeTrades(world.postgres, all));

  test('come newest first, and pages meet within one millisecond', async () => {
    const seen: string[] = [];
    let after: string | null | undefined;
    do {
      const { trades } = await page({ first: 7, after });
      seen.push(...trades.nodes.map((t) => t.tradeId));
      after = trades.pageInfo.hasNextPage ? trades.pageInfo.endCursor : null;
    } while (after);
    assert.deepEqual(seen, all.map((t) => t.tradeId).reverse());
  });

  test('of one millisecond are sorted by id as the code sorts text, whatever the locale of the database', async () => {
    const columns = await world.postgres.query(
      `SELECT collation_name FROM information_schema.columns WHERE table_schema = 'silver' AND table_name = 'trade' AND column_name = 'trade_id'`,
    );
    assert.deepEqual(columns, [{ collation_name: 'C' }]);
  });

  test('can be bounded, and wrong bounds are refused', async () => {
    const { trades } = await page({ from: iso(T0 + 1), to: iso(T0 + 2) });
    assert.deepEqual(
      trades.nodes.map((t) => t.tradeId),
      ['105', '104', '103'],
    );
    assert.deepEqual(trades.nodes[0], {
      id: 'binance:XRP-USDT:105',
      tradeId: '105',
      price: '100.5',
      quantity: '0.25',
      side: 'BUY',
      time: iso(T0 + 1),
    });
    const refusal = await world.refusal(operations.TradesDocument, { ...XRP, first: 1_001 });
    assert.deepEqual([refusal.argument, refusal.max], ['first', 1_000]);
  });

  test('that are on the stream and not in the table yet are there once, and the cursor is after them', async () => {
    const late: TradeEvent[] = [trade(T0 + 100, '200', XRP), trade(T0 + 101, '201', XRP)];
    await world.live.append([...all.slice(-5), ...late].map((t) => tradeAppend(t)));
    const { trades } = await page({ first: 4 });
    assert.deepEqual(
      trades.nodes.map((t) => t.tradeId),
      ['201', '200', '139', '138'],
    );
    assert.equal(decodeCursor(trades.liveCursor)?.sequence, 7n);
    const next = await page({ first: 2, after: trades.pageInfo.endCursor });
    assert.deepEqual(
      next.trades.nodes.map((t) => t.tradeId),
      ['137', '136'],
    );
  });

  test('that the stream is about to tell are left to it; one that it should have told long ago is shown', async () => {
    const idsOf = async (symbol: string, first: number) => {
      const { trades } = await world.data(operations.TradesDocument, { ...market(symbol), first });
      const { sequence } = decodeCursor(trades.liveCursor) ?? {};
      return [trades.nodes.map((t) => Number(t.tradeId)), sequence, trades.pageInfo.hasNextPage];
    };
    for (const [symbol, age, expected] of [
      [
        'SOON-USDT',
        0,
        [
          [[3, 2, 1], 3n, true],
          [[3], 3n, true],
        ],
      ],
      [
        'LATE-USDT',
        60_000,
        [
          [[5, 4, 3, 2, 1], 3n, false],
          [[5], 3n, true],
        ],
      ],
    ] as const) {
      const receivedAt = Date.now() - age;
      const events = [1, 2, 3, 4, 5].map((n) => trade(T0 + n, String(n), { ...market(symbol), receivedAt }));
      await storeTrades(world.postgres, events);
      await world.live.append(events.slice(0, 3).map((t) => tradeAppend(t)));
      assert.deepEqual(await idsOf(symbol, 4 + Number(age > 0)), expected[0]);
      assert.deepEqual(await idsOf(symbol, 1), expected[1]);
    }
    // a market whose first trade is in the table alone
    const first = trade(T0, '1', { ...market('NEW-USDT'), receivedAt: Date.now() });
    await storeTrades(world.postgres, [first]);
    assert.deepEqual(await idsOf('NEW-USDT', 4), [[], 0n, false]);
  });

  test('a stream that is thousands of trades ahead of the table: the page is its newest, and the cursor is after it', async () => {
    const FAR = market('FAR-USDT');
    await storeTrades(world.postgres, [trade(T0, '1', FAR)]);
    const events = Array.from({ length: 8_200 }, (_, i) => trade(T0 + 10 + i, String(10 + i), FAR));
    await world.live.append(events.map((t) => tradeAppend(t)));
    const { trades } = await world.data(operations.TradesDocument, { ...FAR, first: 3 });
    assert.deepEqual(
      trades.nodes.map(({ tradeId }) => tradeId),
      ['8209', '8208', '8207'],
    );
    assert.equal(decodeCursor(trades.liveCursor)?.sequence, 8_200n);
    const whole = await world.data(operations.TradesDocument, { ...FAR, first: 1_000 });
    assert.deepEqual(
      whole.trades.nodes.map(({ tradeId }) => tradeId),
      Array.from({ length: 1_000 }, (_, i) => String(8_209 - i)),
    );
    assert.equal(decodeCursor(whole.trades.liveCursor)?.sequence, 8_200n);
    const since = await world.data(operations.TradesDocument, { ...FAR, first: 1_000, from: iso(T0 + 8_100) });
    assert.equal(since.trades.nodes.length, 110);
    assert.equal(decodeCursor(since.trades.liveCursor)?.sequence, 8_200n);
    // one that would reach across what is in neither begins again with all that is kept
    const across = await world.data(operations.TradesDocument, { ...FAR, first: 1_000, to: iso(T0 + 200) });
    assert.equal(decodeCursor(across.trades.liveCursor)?.sequence, 0n);
  });
});
