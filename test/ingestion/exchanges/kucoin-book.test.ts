import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BookUpdate } from '../../../ingestion/exchanges/connector.ts';
import { kucoin } from '../../../ingestion/exchanges/kucoin.ts';
import { type Book, createBook } from '../../../ingestion/feed/book.ts';
import { compareDecimals, decimal } from '../../../schema/decimal.ts';
import type { BookLevel, MarketInfo } from '../../../schema/market.ts';
import { readCapture, readCaptureMeta } from '../../support/fixtures.ts';

interface Level2 {
  symbol: string;
  sequenceStart: number;
  sequenceEnd: number;
  changes: { asks: [string, string, string][]; bids: [string, string, string][] };
}
interface Snapshot {
  sequence: string;
  bids: [string, string][];
  asks: [string, string][];
}

/** KuCoin's own rules, written down a second time: two maps, sorted when looked at. */
class PlainBook {
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();
  private sequence: number;

  constructor(snapshot: Snapshot) {
    this.sequence = Number(snapshot.sequence);
    for (const side of ['bids', 'asks'] as const) {
      for (const [price, size] of snapshot[side]) this[side].set(decimal(price), decimal(size));
    }
  }

  apply({ sequenceEnd, changes }: Level2): void {
    for (const side of ['bids', 'asks'] as const) {
      for (const [price, size, sequence] of changes[side]) {
        if (Number(sequence) <= this.sequence || Number(price) === 0) continue;
        if (Number(size) === 0) this[side].delete(decimal(price));
        else this[side].set(decimal(price), decimal(size));
      }
    }
    this.sequence = Math.max(this.sequence, sequenceEnd);
  }

  sorted(side: 'bids' | 'asks'): BookLevel[] {
    const order = side === 'asks' ? 1 : -1;
    return [...this[side]].sort((x, y) => compareDecimals(x[0], y[0]) * order);
  }
}

const rule = kucoin.book.kind === 'sequenced' ? kucoin.book : assert.fail();
const captured = readCapture('kucoin.ws.market_level2.20210425').map(({ line }) => line);
const bodies = readCapture('kucoin.rest.orderbook_level2_snapshot.20210425').map(({ line }) => line);
const natives = readCaptureMeta('kucoin.rest.orderbook_level2_snapshot.20210425').map(
  ([url = '']) => new URL(url).searchParams.get('symbol') ?? '',
);

/** The frames of a market with what became of them. */
function framesOf(market: MarketInfo): { update: BookUpdate; raw: Level2 }[] {
  const context = { receivedAt: 1, market: () => market };
  return captured
    .filter((line) => line.includes(`"symbol":"${market.nativeSymbol}"`))
    .map((line) => {
      const [event] = kucoin.normalize(Buffer.from(line), context).events;
      return { update: event?.event as BookUpdate, raw: (JSON.parse(line) as { data: Level2 }).data };
    });
}

for (const [i, native] of natives.entries()) {
  const market = kucoin.assume(native);
  const body = bodies[i] ?? '';
  const snapshot = (JSON.parse(body) as { data: Snapshot }).data;

  describe(`the recorded book of ${native}`, () => {
    test('equals an independent replay after every frame, and is never crossed', () => {
      // the recorder had a key: this is all of it
      const book = createBook(rule.parse(Buffer.from(body), market, 1), Number.POSITIVE_INFINITY);
      const plain = new PlainBook(snapshot);
      let joined = 0;
      for (const { update, raw } of framesOf(market)) {
        const result = book.apply(update);
        assert.equal(result, raw.sequenceEnd <= Number(snapshot.sequence) ? 'old' : 'applied', `${raw.sequenceStart}`);
        if (result === 'applied') joined++;
        plain.apply(raw);
        assert.ok(!book.isCrossed());
      }
      assert.ok(joined > 40, `${joined} frames`);
      assert.deepEqual(book.bids, plain.sorted('bids'));
      assert.deepEqual(book.asks, plain.sorted('asks'));
      assert.equal(book.knownDepth(), Number.POSITIVE_INFINITY);
    });

    test('what is known from its best hundred levels is the same part of the whole book', () => {
      const cut = { ...snapshot, bids: snapshot.bids.slice(0, 100), asks: snapshot.asks.slice(0, 100) };
      const public100 = JSON.stringify({ code: '200000', data: { ...cut, time: 1_619_378_326_628 } });
      const book = createBook(rule.parse(Buffer.from(public100), market, 1), rule.depth);
      const plain = new PlainBook(snapshot);
      assert.equal(book.knownDepth(), 100);
      let told = toldOf(book);
      for (const [n, { update, raw }] of framesOf(market).entries()) {
        const news = book.news(update);
        plain.apply(raw);
        if (book.apply(update) !== 'applied') continue;
        told = fold(told, news);
        if (n % 20 !== 0) continue;
        const known = book.known();
        for (const side of ['bids', 'asks'] as const) {
          assert.deepEqual(known[side], plain.sorted(side).slice(0, known[side].length));
          // who was told the known part and then every news of it knows the same
          assert.deepEqual(told[side], known[side]);
        }
      }
      assert.ok(book.knownDepth() >= rule.depth / 2, 'half a minute does not use it up');
    });
  });
}

type Sides = { bids: BookLevel[]; asks: BookLevel[] };

function toldOf(book: Book): Sides {
  const { bids, asks } = book.known();
  return { bids: [...bids], asks: [...asks] };
}

/** A reader's book: what it was told before, and a delta. */
function fold(before: Sides, news: Sides): Sides {
  const side = (name: 'bids' | 'asks'): BookLevel[] => {
    if (news[name].length === 0) return before[name];
    const levels = new Map(before[name]);
    for (const [price, quantity] of news[name]) {
      if (quantity === '0') levels.delete(price);
      else levels.set(price, quantity);
    }
    const order = name === 'asks' ? 1 : -1;
    return [...levels].sort((x, y) => compareDecimals(x[0], y[0]) * order);
  };
  return { bids: side('bids'), asks: side('asks') };
}

test('a frame that straddles the snapshot brings only its later changes', () => {
  const market = kucoin.assume('BTC-USDT');
  const context = { receivedAt: 1, market: () => market };
  const frame = (start: number, end: number, asks: string[][]): BookUpdate => {
    const data = { symbol: 'BTC-USDT', sequenceStart: start, sequenceEnd: end, changes: { asks, bids: [] } };
    const line = { type: 'message', topic: '/market/level2:BTC-USDT', subject: 'trade.l2update', data };
    return kucoin.normalize(Buffer.from(JSON.stringify(line)), context).events[0]?.event as BookUpdate;
  };
  // the documentation's calibration example, its ranges the right way round
  const data = {
    time: 1_619_378_326_628,
    sequence: '16',
    asks: [
      ['3988.59', '3'],
      ['3988.60', '47'],
      ['3988.61', '32'],
      ['3988.62', '8'],
    ],
    bids: [['3988.51', '56']],
  };
  const book = createBook(rule.parse(Buffer.from(JSON.stringify({ code: '200000', data })), market, 1), rule.depth);
  assert.equal(
    book.apply(
      frame(15, 18, [
        ['3988.59', '9', '15'],
        ['3988.62', '0', '17'],
        ['3988.61', '0', '18'],
        ['3988.61', '5', '16'],
      ]),
    ),
    'applied',
  );
  assert.deepEqual(book.asks, [
    ['3988.59', '3'],
    ['3988.6', '47'],
  ]);
  assert.equal(book.apply(frame(20, 20, [])), 'gap');
  assert.equal(book.apply(frame(19, 19, [['3988.60', '44', '19']])), 'applied');
  assert.equal(book.apply(frame(18, 19, [['3988.60', '1', '18']])), 'old');
  assert.deepEqual(book.asks[1], ['3988.6', '44']);
});
