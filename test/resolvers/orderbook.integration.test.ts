import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CHANNELS } from '../../schema/channels.ts';
import { decodeCursor } from '../../schema/cursor.ts';
import { latestBookKey } from '../../schema/live/keys.ts';
import * as operations from '../generated/graphql.ts';
import { append, iso, market, T0 } from './samples.ts';
import { openWorld, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.stop());

describe('order books', () => {
  const ADA = market('ADA-USDT');
  const bids = [
    ['10', '1'],
    ['9.5', '2'],
  ];
  const asks = [
    ['10.5', '1'],
    ['11', '3'],
  ];
  const book = { ...ADA, bids, asks, sequence: '77', integrity: 'SEQUENCED', eventTime: T0, receivedAt: T0 };
  const ask = (variables: object = {}) => world.data(operations.OrderBookDocument, { ...ADA, ...variables });

  test('are read with what can be worked out exactly', async () => {
    assert.equal((await ask()).orderBook, null);
    const key = latestBookKey(ADA);
    await world.live.append([append('orderbook', CHANNELS.orderbook.id(book as never), {}, { key, latest: book })]);
    const { orderBook } = await ask({ quantity: '2', side: 'BUY', depth: 1 });
    assert.ok(orderBook);
    const { liveCursor, ...rest } = orderBook;
    assert.deepEqual(rest, {
      bids: [{ price: '10', quantity: '1' }],
      asks: [{ price: '10.5', quantity: '1' }],
      mid: '10.25',
      spreadBps: 487.8048780487805,
      imbalance: 0,
      vwap: '10.75',
      bookSequence: '77',
      integrity: 'SEQUENCED',
      time: iso(T0),
    });
    assert.equal(decodeCursor(liveCursor)?.sequence, 1n);
    assert.equal((await ask({ quantity: 3, side: 'SELL' })).orderBook?.vwap, '9.666666666666666666666666666666667');
    assert.equal((await ask({ quantity: '3.01', side: 'SELL' })).orderBook?.vwap, null);
    for (const [variables, argument] of [
      [{ depth: 501 }, 'depth'],
      [{ quantity: '0' }, 'quantity'],
    ] as const) {
      const refusal = await world.refusal(operations.OrderBookDocument, { ...ADA, ...variables });
      assert.deepEqual([refusal.code, refusal.argument], ['BAD_USER_INPUT', argument]);
    }
  });

  test('are followed at a depth from the very state a query shows', async () => {
    const updates = await world.follow(operations.OrderBookUpdatedDocument, { ...ADA, depth: 1 });
    const first = (await updates.next()).orderBookUpdated;
    assert.deepEqual([first.snapshot, first.start, first.bids], [true, 'LIVE', [{ price: '10', quantity: '1' }]]);
    assert.equal(first.cursor, (await ask()).orderBook?.liveCursor);
    const delta = { ...book, type: 'delta', bids: [['10', '0']], asks: [], sequence: '78', previousSequence: '77' };
    await world.live.append([append('orderbook', CHANNELS.orderbook.id(delta as never), delta)]);
    const next = (await updates.next()).orderBookUpdated;
    assert.deepEqual(
      [next.snapshot, next.sequence, next.bids],
      [
        false,
        '2',
        [
          { price: '9.5', quantity: '2' },
          { price: '10', quantity: '0' },
        ],
      ],
    );
    assert.notEqual(next.checksum, first.checksum);
    await updates.stop();
  });
});
