import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { LIVE_BOOK_DEPTH, type LiveBook } from '../../../schema/live/book.ts';
import type { BookEvent, BookLevel } from '../../../schema/market.ts';
import { type BookChange, BookModel, bookChecksum, bookWindow } from '../../../src/stream/book-view.ts';

const MARKET = { exchange: 'BINANCE', symbol: 'BTC-USDT', integrity: 'SEQUENCED', receivedAt: 0 } as const;

function event(type: BookEvent['type'], bids: BookLevel[], asks: BookLevel[], n = 1): BookEvent {
  return { ...MARKET, type, bids, asks, sequence: String(n), previousSequence: null, eventTime: n };
}

function liveBook(bids: BookLevel[], asks: BookLevel[]): string {
  return JSON.stringify({ ...MARKET, bids, asks, sequence: '1', eventTime: 1 } satisfies LiveBook);
}

/** What a client makes of the events it gets. */
class Client {
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();

  take(change: BookChange): void {
    for (const [side, levels] of [
      [this.bids, change.bids],
      [this.asks, change.asks],
    ] as const) {
      if (change.snapshot) side.clear();
      for (const [price, quantity] of levels) {
        if (quantity === '0') side.delete(price);
        else side.set(price, quantity);
      }
    }
  }

  window(): [bids: BookLevel[], asks: BookLevel[]] {
    const bids = [...this.bids].sort(([a], [b]) => Number(b) - Number(a));
    const asks = [...this.asks].sort(([a], [b]) => Number(a) - Number(b));
    return [bids, asks];
  }
}

test('the checksum is the CRC-32 of a text that is written down', () => {
  const bids: BookLevel[] = [
    ['99.5', '2'],
    ['99', '0.25'],
  ];
  assert.equal(bookChecksum(bids, [['100', '1']]), String(crc32('99.5:2,99:0.25|100:1')));
  assert.equal(bookChecksum([], []), String(crc32('|')));
});

const price = (min: number, max: number) => fc.integer({ min, max }).map((n) => (n / 4).toString());
const quantity = fc.constantFrom('0', '1', '2.5', '0.00000001');
const side = (min: number, max: number) =>
  fc.uniqueArray(fc.tuple(price(min, max), quantity), { maxLength: 12, selector: ([p]) => p });
const change = fc.record({
  type: fc.constantFrom<BookEvent['type']>('delta', 'delta', 'delta', 'delta', 'snapshot'),
  bids: side(300, 340),
  asks: side(341, 400),
});

describe('a window of the book', () => {
  test('is at every event what an independent replay says, whatever the depth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), fc.array(change, { maxLength: 40 }), (depth, changes) => {
        const model = new BookModel();
        model.reset(null);
        const view = bookWindow(model, depth);
        const client = new Client();
        const replay = new Client();
        let known = false;
        for (const [n, { type, bids, asks }] of changes.entries()) {
          const one = event(type, bids, asks, n + 1);
          model.apply(one);
          const told = view.next(one);
          known ||= type === 'snapshot';
          assert.equal(told !== null, known);
          if (!told) continue;
          replay.take({ snapshot: type === 'snapshot', bids, asks, checksum: '', time: 0 });
          client.take(told);
          const [allBids, allAsks] = replay.window();
          const expected = [allBids.slice(0, depth), allAsks.slice(0, depth)] as const;
          assert.deepEqual(client.window(), expected);
          assert.equal(told.checksum, bookChecksum(expected[0].slice(0, depth), expected[1].slice(0, depth)));
        }
      }),
    );
  });

  test('begins with a snapshot of the newest value, then tells only what changed in it', () => {
    const model = new BookModel();
    model.reset(
      liveBook(
        [
          ['10', '1'],
          ['9', '1'],
          ['8', '1'],
        ],
        [['11', '1']],
      ),
    );
    const view = bookWindow(model, 2);
    const first = view.snapshot()?.body;
    assert.deepEqual(
      [first?.snapshot, first?.bids, first?.asks],
      [
        true,
        [
          ['10', '1'],
          ['9', '1'],
        ],
        [['11', '1']],
      ],
    );
    const delta = event('delta', [['10.00', '0']], [['11', '1.50']], 2);
    model.apply(delta);
    const next = view.next(delta);
    // 9 is now the best; 8 enters the window, 10 leaves it
    assert.deepEqual(
      [next?.snapshot, next?.bids, next?.asks],
      [
        false,
        [
          ['8', '1'],
          ['10', '0'],
        ],
        [['11', '1.5']],
      ],
    );
    const outside = event('delta', [['1', '5']], [], 3);
    model.apply(outside);
    assert.deepEqual([view.next(outside)?.bids, view.next(outside)?.asks], [[], []]);
  });

  test('shows nothing from beyond the edge of what is known, and asks for more', () => {
    const bids = Array.from({ length: LIVE_BOOK_DEPTH }, (_, i): BookLevel => [String(10_000 - i), '1']);
    const model = new BookModel();
    model.reset(liveBook(bids, [['10001', '1']]));
    const view = bookWindow(model, LIVE_BOOK_DEPTH);
    assert.ok(!model.wantsRefresh());
    const gone = event(
      'delta',
      [
        ['10000', '0'],
        ['9000', '7'],
      ],
      [],
      2,
    );
    model.apply(gone);
    // between 9501 and 9000 there may be levels that were never told
    assert.deepEqual(view.next(gone)?.bids, [['10000', '0']]);
    assert.ok(model.wantsRefresh());
    model.apply(event('snapshot', bids, [['10001', '1']], 3));
    assert.ok(!model.wantsRefresh());
  });
});
