/**
 * A torn or crossed book is never published, exchange by exchange: frames that are lost, repeated, or that would cross the
 * book, in any order, and whoever folds what is published has a book of the exchange's at every moment.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BookUpdate, FeedEvent } from '../../../ingestion/exchanges/connector.ts';
import { CONNECTORS } from '../../../ingestion/exchanges/index.ts';
import { createBook } from '../../../ingestion/feed/book.ts';
import { createBookFlow } from '../../../ingestion/feed/book-flow.ts';
import type { FlowTools } from '../../../ingestion/feed/flow.ts';
import { createWholeBookFlow } from '../../../ingestion/feed/whole-book-flow.ts';
import type { BookEvent, BookLevel } from '../../../schema/market.ts';
import { until } from '../../support/until.ts';
import { noProgress, quiet, START, seeded } from './scripted.ts';

/** What a flow has at hand that follows its market for the first time, at START. */
const atStart = () => ({
  log: quiet,
  progress: noProgress(),
  exchangeNow: () => START,
  exchangeTime: () => START,
});

const { BINANCE, KUCOIN, UPBIT, BITHUMB } = CONNECTORS;
const STEPS = 400;
const RUNS = 20;

/** An exchange's book as its frames make it: bids below 1000, asks from there on, so never crossed. */
function createTruth(random: () => number) {
  const bids = new Map<string, string>();
  const asks = new Map<string, string>();
  const states = new Map<number, string>();
  let sequence = 100;
  const sorted = (side: Map<string, string>, direction: 1 | -1): BookLevel[] =>
    [...side].sort(([a], [b]) => (Number(a) - Number(b)) * direction) as BookLevel[];
  const best = () => JSON.stringify([sorted(bids, -1), sorted(asks, 1)]);
  const change = (): { bids: BookLevel[]; asks: BookLevel[] } => {
    const isBid = random() < 0.5;
    const side = isBid ? bids : asks;
    const price = String((isBid ? 999 : 1_000) + (isBid ? -1 : 1) * Math.floor(random() * 20));
    const quantity = side.size > 3 && random() < 0.4 ? '0' : String(1 + Math.floor(random() * 9));
    if (quantity === '0') side.delete(price);
    else side.set(price, quantity);
    sequence++;
    states.set(sequence, best());
    return { bids: isBid ? [[price, quantity]] : [], asks: isBid ? [] : [[price, quantity]] };
  };
  for (let i = 0; i < 30; i++) change();
  return { change, states, sorted: () => ({ bids: sorted(bids, -1), asks: sorted(asks, 1) }), at: () => sequence };
}

const turn = () => new Promise((done) => setTimeout(done, 1));

for (const connector of [BINANCE, KUCOIN]) {
  describe(connector.exchange, () => {
    test('losses, repeats and crossing frames: what is published folds to books that were', {
      timeout: 60_000,
    }, async () => {
      let snapshots = 0;
      let gaps = 0;
      async function run(seed: number): Promise<void> {
        const random = seeded(seed);
        const truth = createTruth(random);
        const market = connector.assume('A-USDT');
        const stamp = () => ({
          exchange: connector.exchange,
          symbol: market.symbol,
          eventTime: START,
          receivedAt: START,
        });
        const known = { integrity: 'SEQUENCED' as const };
        const published: BookEvent[] = [];
        const ended = new AbortController();
        const tools: FlowTools = {
          ...{ connector, market, signal: ended.signal, ...atStart() },
          times: { staleMs: 30, backfillMs: 0, patienceMs: 1_000, repairMs: 20, snapshotMs: 10 },
          publish: ({ event }: FeedEvent) => void published.push(event as BookEvent),
          fetch: async (_request, _channel, _parse) => {
            const crossed = random() < 0.1;
            const sides = truth.sorted();
            if (crossed) sides.bids.unshift(['2000', '1']);
            const snapshot: BookUpdate = {
              ...{
                ...stamp(),
                ...known,
                ...sides,
                type: 'snapshot',
                sequence: String(truth.at()),
                previousSequence: null,
              },
            };
            return snapshot as never;
          },
          gap: () => void gaps++,
        };
        assert.ok(connector.book.kind === 'sequenced');
        const flow = createBookFlow(tools, connector.book);
        flow.resume();
        let last: BookUpdate | null = null;
        for (let step = 0; step < STEPS; step++) {
          const before = truth.at();
          const sides = truth.change();
          const delta: BookUpdate = {
            ...{ ...stamp(), ...known, ...sides, type: 'delta' },
            ...{ sequence: String(truth.at()), previousSequence: String(before) },
          };
          const luck = random();
          if (luck > 0.06) flow.push(delta);
          if (luck > 0.94 && last) flow.push(last);
          // the exchange goes on from a frame of its own that makes no sense
          if (luck > 0.06 && luck < 0.09) {
            const next = String(truth.at() + 1);
            flow.push({ ...delta, bids: [['5000', '1']], sequence: next, previousSequence: delta.sequence });
          }
          if (luck > 0.09 && luck < 0.1) {
            flow.interrupt();
            flow.resume();
          }
          last = delta;
          if (step % 10 === 0) await turn();
          if (step % 40 === 0) flow.tick();
        }
        await new Promise((done) => setTimeout(done, 150));
        ended.abort();
        check(published, truth.states);
        snapshots += published.filter(({ type }) => type === 'snapshot').length;
      }
      // each run mostly waits
      await Promise.all(Array.from({ length: RUNS }, (_, i) => run(i + 1)));
      assert.ok(snapshots > 2 * RUNS && gaps > RUNS, 'books were lost and found');
    });

    test('a frame that would cross the book is not published, and neither is a snapshot that is crossed', async () => {
      const market = connector.assume('A-USDT');
      const published: BookEvent[] = [];
      const ended = new AbortController();
      const base = { exchange: connector.exchange, symbol: market.symbol, eventTime: START, receivedAt: START };
      const bodies: BookLevel[] = [
        ['12', '1'],
        ['9', '1'],
        ['9', '2'],
      ];
      const tools: FlowTools = {
        ...{ connector, market, signal: ended.signal, ...atStart() },
        times: { staleMs: 30, backfillMs: 0, patienceMs: 1_000, repairMs: 20, snapshotMs: 100_000 },
        publish: ({ event }: FeedEvent) => void published.push(event as BookEvent),
        fetch: async () => {
          const bid = bodies.length > 1 ? bodies.shift() : bodies[0];
          const asks = [['11', '1']];
          return {
            ...base,
            type: 'snapshot',
            bids: [bid],
            asks,
            sequence: '10',
            previousSequence: null,
            integrity: 'SEQUENCED',
          } as never;
        },
        gap: () => {},
      };
      assert.ok(connector.book.kind === 'sequenced');
      const flow = createBookFlow(tools, connector.book);
      flow.resume();
      await until('the book', () => published.length > 0);
      assert.deepEqual(
        published.map((book) => [book.type, book.bids[0]?.[0]]),
        [['snapshot', '9']],
      );
      const delta: Omit<BookUpdate, 'bids'> = {
        ...base,
        type: 'delta',
        asks: [],
        sequence: '11',
        previousSequence: '10',
        integrity: 'SEQUENCED',
      };
      flow.push({ ...delta, bids: [['11', '1']] });
      await until('the book after it', () => published.length > 1);
      ended.abort();
      assert.deepEqual(
        published.map((book) => [book.type, book.bids, book.gap ?? false]),
        [
          ['snapshot', [['9', '1']], false],
          ['snapshot', [['9', '2']], true],
        ],
      );
    });
  });
}

/** Folds what was published: every book must be one that the exchange had at that sequence. */
function check(published: readonly BookEvent[], states: ReadonlyMap<number, string>): void {
  let book: ReturnType<typeof createBook> | null = null;
  for (const event of published) {
    if (event.type === 'snapshot') book = createBook(event, 100_000);
    else {
      assert.ok(book, 'a snapshot comes first');
      assert.equal(event.previousSequence, book.sequence, 'unbroken');
      assert.equal(book.apply(event), 'applied');
    }
    assert.equal(book?.isCrossed(), false);
    assert.equal(JSON.stringify([book?.bids, book?.asks]), states.get(Number(book?.sequence)), `at ${book?.sequence}`);
  }
}

for (const connector of [UPBIT, BITHUMB]) {
  describe(connector.exchange, () => {
    const market = connector.assume('BTC-KRW');
    const context = { receivedAt: START, market: () => market };
    const frame = (units: readonly (readonly [ask: number, bid: number])[], time = START) =>
      Buffer.from(
        JSON.stringify({
          ...{
            type: 'orderbook',
            code: 'KRW-BTC',
            timestamp: time,
            total_ask_size: 1,
            total_bid_size: 1,
            stream_type: 'REALTIME',
          },
          orderbook_units: units.map(([ask, bid]) => ({ ask_price: ask, bid_price: bid, ask_size: 1, bid_size: 1 })),
        }),
      );

    test('a book that is crossed or out of order is refused whole', () => {
      for (const units of [
        [[10, 10]],
        [[10, 11]],
        [
          [10, 8],
          [9, 7],
        ],
        [
          [10, 8],
          [11, 9],
        ],
        [
          [10, 8],
          [10, 7],
        ],
      ] as const) {
        assert.throws(() => connector.normalize(frame(units), context), { name: 'BadFrame' });
      }
      assert.equal(
        connector.normalize(
          frame([
            [10, 8],
            [11, 7],
          ]),
          context,
        ).events.length,
        1,
      );
    });

    test('each published book is one frame, never older than the one before', () => {
      const published: BookEvent[] = [];
      const tools: FlowTools = {
        ...{ connector, market, log: quiet, signal: new AbortController().signal, progress: noProgress() },
        ...{
          exchangeNow: () => START,
          exchangeTime: () => START,
          gap() {},
          fetch: () => Promise.reject(new Error('none')),
        },
        times: { staleMs: 30, backfillMs: 0, patienceMs: 1_000, repairMs: 20, snapshotMs: 0 },
        publish: ({ event }: FeedEvent) => void published.push(event as BookEvent),
      };
      const flow = createWholeBookFlow(tools);
      const random = seeded(3);
      const sent = new Set<string>();
      for (let i = 0; i < 300; i++) {
        const middle = 1_000 + Math.floor(random() * 50);
        const late = random() < 0.2 ? 500 : 0;
        const [found] = connector.normalize(
          frame(
            [
              [middle + 1, middle],
              [middle + 2, middle - 1],
            ],
            START + 1_000 + i * 10 - late,
          ),
          context,
        ).events;
        assert.ok(found?.channel === 'orderbook');
        sent.add(JSON.stringify([found.event.bids, found.event.asks]));
        flow.push(found.event);
        if (random() < 0.1) flow.interrupt();
        if (random() < 0.2) flow.tick();
      }
      assert.ok(published.length > 100);
      for (const [i, book] of published.entries()) {
        assert.ok(sent.has(JSON.stringify([book.bids, book.asks])));
        assert.ok(i === 0 || book.eventTime >= (published[i - 1]?.eventTime ?? 0));
        assert.ok(i === 0 || BigInt(book.sequence) > BigInt(published[i - 1]?.sequence ?? 0));
      }
    });
  });
}
