/** History hands over to live: a page's `liveCursor` used as `after` leaves no hole and no repeat, under load. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readEnvelope } from '../../ingestion/cdc/envelope.ts';
import { addRecords } from '../../ingestion/cdc/records.ts';
import { CHANNELS, streamKey } from '../../schema/channels.ts';
import { openRedisLiveStore } from '../../src/platform/live/redis/store.ts';
import type { LiveStore } from '../../src/platform/live/store.ts';
import { createLog } from '../../src/platform/log.ts';
import { BookMarket, seeded } from '../clients/book-market.ts';
import type { TickerUpdatedDocument } from '../generated/graphql.ts';
import { created, TABLE } from '../ingestion/cdc/envelopes.ts';
import { prepareRedis, sharedRedis } from '../support/redis.ts';
import { withService } from '../support/service.ts';
import { kline, klineAppend, market, storeKlines, storeTrades, T0, trade, tradeAppend } from './samples.ts';
import { openWorld, type World } from './world.ts';

type Document = typeof TickerUpdatedDocument;
type Events = Record<string, Record<string, unknown>>;

await withService('history hands over to live on Redis and PostgreSQL', prepareRedis, () => {
  // names of its own: the server is shared
  const of = market(`H${process.pid}-USDT`);
  const on = `exchange: BINANCE, symbol: "${of.symbol}"`;
  let redis: { url: string; stop(): Promise<void> };
  let live: LiveStore;
  let world: World;
  let running = true;
  let producers: Promise<void>[] = [];
  const book = new BookMarket(of, seeded(9));

  async function produce(step: (n: number) => Promise<void>): Promise<void> {
    for (let n = 1; running; n++) await step(n);
  }

  before(async () => {
    redis = await sharedRedis();
    live = await openRedisLiveStore({ url: redis.url, timeoutMs: 5_000, log: createLog('silent') });
    world = await openWorld({}, live);
    await live.append([book.snapshot()]);
    // the table's stream has one name
    await live.trim(streamKey('cdc', TABLE), Date.now() + 1_000);
    const late: (() => Promise<void>)[] = [];
    const lateRows: (() => Promise<unknown>)[] = [];
    const lateEvents: (() => Promise<unknown>)[] = [];
    producers = [
      produce(async (n) => {
        const one = trade(T0 + n, String(n), { ...of, receivedAt: Date.now() });
        // the table is behind the stream, and now and then ahead of it
        const isAhead = n % 7 < 3;
        if (isAhead) {
          for (const store of late.splice(0)) await store();
          await storeTrades(world.postgres, [one]);
          await live.append([tradeAppend(one)]);
        } else {
          await live.append([tradeAppend(one)]);
          late.push(() => storeTrades(world.postgres, [one]));
        }
      }),
      produce(async (n) => {
        const one = kline(T0, { ...of, close: String(n), isClosed: false, eventTime: T0 + n });
        await live.append([klineAppend(one)]);
        if (n === 1) await storeKlines(world.postgres, [one]);
      }),
      produce(async () => {
        await live.append([book.change()]);
      }),
      produce(async (n) => {
        const change = readEnvelope(created(`${of.symbol}${n}`, { lsn: n, txId: process.pid }));
        assert.ok(change);
        const { version, retentionMs, maxLength } = CHANNELS.cdc;
        assert.ok(version.kind === 'recent');
        const told = () =>
          live.append([
            {
              ...{
                stream: streamKey('cdc', TABLE),
                epoch: `h${process.pid}`,
                offset: BigInt(n),
                time: Date.now(),
                writes: [],
              },
              ...{ payload: JSON.stringify(change), retentionMs, maxLength },
              version: { kind: 'recent', id: version.id(change), keep: version.keep },
            },
          ]);
        const stored = () => addRecords(world.postgres, [change]);
        // each of the two is ahead now and then, by one or by some
        if (n % 40 < 20) {
          lateEvents.push(told);
          for (const store of lateRows.splice(0)) await store();
          await stored();
          if (n % 4 === 0) for (const tell of lateEvents.splice(0)) await tell();
        } else {
          lateRows.push(stored);
          for (const tell of lateEvents.splice(0)) await tell();
          await told();
          if (n % 4 === 0) for (const store of lateRows.splice(0)) await store();
        }
      }),
    ];
  });
  after(async () => {
    running = false;
    await Promise.all(producers);
    await world.stop();
    await redis.stop();
  });

  const ask = async (query: string): Promise<Events> => {
    const { data, errors } = await world.ask(query);
    assert.deepEqual(errors ?? [], []);
    return data as Events;
  };
  const follow = async (query: string) => {
    const followed = await world.follow(query as unknown as Document, {} as never);
    const field = /\{\s*(\w+)/.exec(query)?.[1] as string;
    return { ...followed, event: async () => ((await followed.next()) as unknown as Events)[field] as never };
  };

  describe('while events come', () => {
    test('trades', { timeout: 60_000 }, async () => {
      for (let round = 0; round < 15; round++) {
        const { trades } = await ask(`{ trades(${on}, first: 1000) { nodes { tradeId } liveCursor } }`);
        const ids = ((trades?.nodes ?? []) as { tradeId: string }[]).map(({ tradeId }) => Number(tradeId));
        const head = Math.max(0, ...ids);
        const tape = await follow(
          `subscription { tradeExecuted(${on}, after: "${trades?.liveCursor}") { start gap { missed } trade { tradeId } } }`,
        );
        let last = head;
        for (let i = 1; i <= 30; i++) {
          const event: { start: string | null; gap: object | null; trade: { tradeId: string } } = await tape.event();
          const id = Number(event.trade.tradeId);
          assert.equal(id, last + 1);
          last = id;
          assert.deepEqual([event.gap, event.start], [null, i === 1 ? 'RESUMED' : null]);
        }
        await tape.stop();
      }
    });

    test('changes', { timeout: 60_000 }, async () => {
      for (let round = 0; round < 15; round++) {
        const { cdcRecords } = await ask(`{ cdcRecords(table: "${TABLE}", first: 200) { nodes { lsn } liveCursor } }`);
        const lsns = ((cdcRecords?.nodes ?? []) as { lsn: string }[]).map(({ lsn }) => Number(lsn));
        const head = Math.max(0, ...lsns);
        assert.deepEqual(
          lsns,
          lsns.map((_, i) => head - i),
        );
        const changes = await follow(
          `subscription { cdcEvent(table: "${TABLE}", after: "${cdcRecords?.liveCursor}") { start gap { missed } record { lsn } } }`,
        );
        for (let i = 1; i <= 30; i++) {
          const event: { start: string | null; gap: object | null; record: { lsn: string } } = await changes.event();
          assert.equal(Number(event.record.lsn), head + i);
          assert.deepEqual([event.gap, event.start], [null, i === 1 ? 'RESUMED' : null]);
        }
        await changes.stop();
      }
    });

    test('candles', { timeout: 60_000 }, async () => {
      for (let round = 0; round < 15; round++) {
        const { klines } = await ask(`{ klines(${on}, first: 5) { nodes { close } liveCursor } }`);
        const [newest] = (klines?.nodes ?? []) as { close: string }[];
        const candles = await follow(
          `subscription { klineUpdated(${on}, after: "${klines?.liveCursor}") { gap { missed } kline { close } } }`,
        );
        for (let i = 1; i <= 30; i++) {
          const event: { gap: object | null; kline: { close: string } } = await candles.event();
          assert.deepEqual([Number(event.kline.close), event.gap], [Number(newest?.close) + i, null]);
        }
        await candles.stop();
      }
    });

    test('books: the changes fit the page, or a whole book comes with what is missing', {
      timeout: 60_000,
    }, async () => {
      const fields = 'bids { price quantity } asks { price quantity }';
      type Level = { price: string; quantity: string };
      const { BookCopy } = await import('../clients/recipes.ts').then(({ recipeModule }) =>
        recipeModule<{ BookCopy: new () => { take(event: object, depth: number): boolean } }>('book-copy.js'),
      );
      // somebody watches all the time: what was told is remembered
      const staying = await follow(`subscription { orderBookUpdated(${on}) { sequence } }`);
      const starts = new Set<string | null>();
      for (let round = 0; round < 15; round++) {
        const { orderBook } = await ask(`{ orderBook(${on}) { ${fields} liveCursor } }`);
        const changes = await follow(
          `subscription { orderBookUpdated(${on}, after: "${orderBook?.liveCursor}") { start snapshot checksum ${fields} } }`,
        );
        const copy = new BookCopy();
        const page = orderBook as unknown as { bids: Level[]; asks: Level[] };
        copy.take({ ...page, snapshot: true, checksum: '' }, 20);
        for (let i = 0; i < 20; i++) {
          const event: { start: string | null } = await changes.event();
          if (i === 0) starts.add(event.start);
          assert.ok(copy.take(event, 20), `event ${i} of round ${round}`);
        }
        await changes.stop();
      }
      assert.ok(starts.has('RESUMED'), [...starts].join());
      await staying.stop();
    });
  });
});
