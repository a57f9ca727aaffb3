import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import type { BookUpdate } from '../../../ingestion/exchanges/connector.ts';
import { createBook } from '../../../ingestion/feed/book.ts';
import { compareDecimals, comparePrices, decimal } from '../../../schema/decimal.ts';
import { readCapture, readCaptureMeta } from '../../support/fixtures.ts';

/** A book of the plainest kind: two maps, sorted when looked at. */
class PlainBook {
  readonly sides = { b: new Map<string, string>(), a: new Map<string, string>() };
  set(side: 'a' | 'b', levels: readonly (readonly string[])[]): void {
    for (const [price = '', quantity = ''] of levels) {
      if (Number(quantity) === 0) this.sides[side].delete(decimal(price));
      else this.sides[side].set(decimal(price), decimal(quantity));
    }
  }
  sorted(side: 'a' | 'b'): [string, string][] {
    const order = side === 'a' ? 1 : -1;
    return [...this.sides[side]].sort((x, y) => compareDecimals(x[0], y[0]) * order);
  }
}

interface DepthFrame {
  data: { s: string; U: number; u: number; b: string[][]; a: string[][] };
}

test('the folded book of every recorded market equals an independent replay, and is never crossed', () => {
  let compared = 0;
  for (const day of ['20210404', '20211011']) {
    const urls = readCaptureMeta(`binance.rest.depth_snapshot.${day}`).map(([url]) => url ?? '');
    const bodies = readCapture(`binance.rest.depth_snapshot.${day}`).map(({ line }) => line);
    const frames = readCapture(`binance.ws.depth_100ms.${day}`).map(({ line }) => line);
    for (const [i, url] of urls.entries()) {
      const native = new URL(url).searchParams.get('symbol') ?? '';
      const market = { ...binance.assume('A-B'), nativeSymbol: native };
      assert.equal(binance.book.kind, 'sequenced');
      if (binance.book.kind !== 'sequenced') return;
      const body = bodies[i] ?? '';
      const plainBody = JSON.parse(body) as { lastUpdateId: number; bids: string[][]; asks: string[][] };
      const book = createBook(binance.book.parse(Buffer.from(body), market, 1), binance.book.depth);
      const plain = new PlainBook();
      plain.set('b', plainBody.bids);
      plain.set('a', plainBody.asks);
      for (const line of frames) {
        const { data } = JSON.parse(line) as DepthFrame;
        if (data.s !== native) continue;
        const [event] = binance.normalize(Buffer.from(line), { receivedAt: 1, market: () => market }).events;
        const result = book.apply(event?.event as BookUpdate);
        if (data.u <= plainBody.lastUpdateId) {
          assert.equal(result, 'old');
          continue;
        }
        assert.equal(result, 'applied', `${native} ${data.U}..${data.u} after ${book.sequence}`);
        plain.set('b', data.b);
        plain.set('a', data.a);
        compared++;
      }
      assert.deepEqual(book.bids, plain.sorted('b'));
      assert.deepEqual(book.asks, plain.sorted('a'));
    }
  }
  assert.ok(compared > 500, `${compared} deltas`);
});

function delta(previousSequence: number, sequence: number, change: Partial<BookUpdate> = {}): BookUpdate {
  return {
    ...{ exchange: 'BINANCE', symbol: 'A-B', eventTime: 1, receivedAt: 1, type: 'delta', bids: [], asks: [] },
    ...{ previousSequence: String(previousSequence), sequence: String(sequence), integrity: 'SEQUENCED' },
    ...change,
  };
}

const snapshot: BookUpdate = {
  ...delta(0, 100, {
    bids: [
      ['10', '1'],
      ['9', '1'],
    ],
    asks: [
      ['11', '1'],
      ['12', '1'],
    ],
  }),
  type: 'snapshot',
  previousSequence: null,
};

test('a delta joins when it holds the update after the snapshot', () => {
  // U = lastUpdateId + 1, the common case that a literal reading of the documentation refuses
  assert.equal(createBook(snapshot, 1_000).apply(delta(100, 105)), 'applied');
  assert.equal(createBook(snapshot, 1_000).apply(delta(90, 101)), 'applied');
  assert.equal(createBook(snapshot, 1_000).apply(delta(90, 100)), 'old');
  assert.equal(createBook(snapshot, 1_000).apply(delta(101, 105)), 'gap');
});

test('single changes that a snapshot covers do not overwrite it', () => {
  const book = createBook(snapshot, 1_000);
  book.apply(
    delta(98, 102, {
      bids: [
        ['10', '5'],
        ['9', '7'],
      ],
      bidSequences: ['99', '102'],
    }),
  );
  assert.deepEqual(book.bids, [
    ['10', '1'],
    ['9', '7'],
  ]);
});

test('a delta that crosses the book says so', () => {
  assert.equal(createBook(snapshot, 1_000).apply(delta(100, 101, { bids: [['11', '1']] })), 'crossed');
});

test('the known depth ends where a full snapshot side ended', () => {
  const book = createBook(snapshot, 2);
  assert.equal(book.knownDepth(), 2);
  book.apply(
    delta(100, 101, {
      bids: [
        ['10', '0'],
        ['8', '1'],
        ['7', '1'],
      ],
    }),
  );
  assert.equal(book.knownDepth(), 1);
  assert.equal(createBook(snapshot, 1_000).knownDepth(), Number.POSITIVE_INFINITY);
});

test('comparing prices as text agrees with arithmetic', () => {
  const price = fc
    .tuple(fc.nat(1_000_000), fc.nat(99_999_999))
    .map(([a, b]) => decimal(`${a}.${String(b).padStart(8, '0')}`));
  fc.assert(
    fc.property(price, price, (a, b) => assert.equal(comparePrices(a, b), compareDecimals(a, b))),
    { numRuns: 1_000 },
  );
});
