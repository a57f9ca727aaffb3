import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { klineStreamId, streamKey } from '../../schema/channels.ts';
import { decodeCursor, isCursorOf } from '../../schema/cursor.ts';
import type { KlineEvent } from '../../schema/market.ts';
import * as operations from '../generated/graphql.ts';
import { iso, kline, klineAppend, MINUTE, market, storeKlines, T0 } from './samples.ts';
import { openWorld, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.stop());

describe('candles', () => {
  const ETH = market('ETH-USDT');
  const stored = Array.from({ length: 30 }, (_, i) => kline(T0 + i * MINUTE, { ...ETH, close: `${i}.50` }));
  const page = (variables: object) => world.data(operations.KlinesDocument, { ...ETH, ...variables });
  const stream = streamKey('kline', klineStreamId(ETH, 'M1'));
  before(() => storeKlines(world.postgres, stored));

  test('come newest first, to the digit, and pages meet', async () => {
    const seen: string[] = [];
    let after: string | null | undefined;
    do {
      const { klines } = await page({ first: 7, after });
      seen.push(...klines.nodes.map((k) => k.close));
      after = klines.pageInfo.hasNextPage ? klines.pageInfo.endCursor : null;
    } while (after);
    assert.deepEqual(
      seen,
      stored.map((_, i) => `${29 - i}.5`),
    );
    const { klines } = await page({ first: 1 });
    assert.deepEqual(klines.nodes[0], {
      id: `binance:ETH-USDT:M1:${T0 + 29 * MINUTE}`,
      interval: 'M1',
      openTime: iso(T0 + 29 * MINUTE),
      closeTime: iso(T0 + 30 * MINUTE - 1),
      open: '1',
      high: '3.5',
      low: '0.5',
      close: '29.5',
      volume: '10',
      quoteVolume: '22.5',
      tradeCount: 7,
      isClosed: true,
      coverage: 1,
    });
  });

  test('can be bounded (from inclusive, to exclusive) and turned round', async () => {
    const { klines } = await page({ from: iso(T0 + 2 * MINUTE), to: iso(T0 + 5 * MINUTE), order: 'ASC' });
    assert.deepEqual(
      klines.nodes.map((k) => k.close),
      ['2.5', '3.5', '4.5'],
    );
    const first = await page({ order: 'ASC', first: 2 });
    const next = await page({ order: 'ASC', first: 2, after: first.klines.pageInfo.endCursor });
    assert.deepEqual(
      [...first.klines.nodes, ...next.klines.nodes].map((k) => k.close),
      ['0.5', '1.5', '2.5', '3.5'],
    );
  });

  test('with a wrong argument are refused by its name and cap', async () => {
    const after = (await page({ first: 2 })).klines.pageInfo.endCursor;
    for (const [variables, argument, max] of [
      [{ first: 5_001 }, 'first', 5_000],
      [{ first: 0 }, 'first', 5_000],
      [{ from: iso(T0 + 1), to: iso(T0) }, 'from', undefined],
      [{ after: 'nonsense' }, 'after', undefined],
      [{ after, order: 'ASC' }, 'after', undefined],
      [{ after, symbol: 'BTC-USDT' }, 'after', undefined],
      [{ symbol: 'eth' }, 'symbol', undefined],
    ] as const) {
      const refusal = await world.refusal(operations.KlinesDocument, { ...ETH, ...variables });
      assert.deepEqual([refusal.code, refusal.argument, refusal.max], ['BAD_USER_INPUT', argument, max]);
      assert.match(String(refusal.message), new RegExp(argument));
    }
    const none = await world.data(operations.KlinesDocument, { exchange: 'BINANCE', symbol: 'NONE-USDT' });
    assert.deepEqual(none.klines.nodes, []);
  });

  test('meet the stream: what the table lacks comes from it, and the cursor is at those very rows', async () => {
    const live: KlineEvent[] = [
      kline(T0 + 30 * MINUTE, { ...ETH, close: '30.5', isClosed: false, eventTime: T0 + 30 * MINUTE + 1 }),
      kline(T0 + 30 * MINUTE, { ...ETH, close: '30.75' }),
      kline(T0 + 31 * MINUTE, { ...ETH, close: '31.5', isClosed: false, eventTime: T0 + 31 * MINUTE + 1 }),
    ];
    await world.live.append(live.map((k) => klineAppend(k)));
    for (const order of ['DESC', 'ASC'] as const) {
      const { klines } = await page({ first: 50, order });
      const closes = klines.nodes.map((k) => k.close);
      assert.deepEqual(order === 'DESC' ? closes.slice(0, 3) : closes.slice(-3).reverse(), ['31.5', '30.75', '29.5']);
      const cursor = decodeCursor(klines.liveCursor);
      assert.ok(cursor && isCursorOf(stream, cursor));
      assert.equal(cursor.sequence, 3n);
    }
    const past = await page({ to: iso(T0 + 31 * MINUTE), first: 1 });
    assert.equal(past.klines.nodes[0]?.close, '30.75');
    const history = await page({ to: iso(T0 + 5 * MINUTE), first: 1 });
    assert.equal(history.klines.nodes[0]?.close, '4.5');
    assert.equal((await world.data(operations.LatestKlineDocument, ETH)).latestKline?.close, '31.5');
  });

  test('where the table is too far behind, the cursor goes back to all that is kept', async () => {
    const LAG = market('LAG-USDT');
    await storeKlines(world.postgres, [kline(T0, LAG)]);
    const late = Array.from({ length: 600 }, (_, i) => kline(T0 + (i + 1) * MINUTE, LAG));
    await world.live.append(late.map((k) => klineAppend(k)));
    const { klines } = await world.data(operations.KlinesDocument, { ...LAG, first: 1_000 });
    assert.equal(decodeCursor(klines.liveCursor)?.sequence, 0n);
    assert.equal(klines.nodes[0]?.openTime, iso(T0 + 600 * MINUTE));
  });
});
