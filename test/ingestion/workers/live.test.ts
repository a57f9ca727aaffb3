import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { live as liveWorker } from '../../../ingestion/workers/live.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import { type ChannelName, streamKey } from '../../../schema/channels.ts';
import type { LiveBook } from '../../../schema/live/book.ts';
import {
  feedKey,
  latestBookKey,
  latestKlineKey,
  minuteKlineKey,
  tickerKey,
  tradeListKey,
} from '../../../schema/live/keys.ts';
import type { BookEvent, FeedStatusEvent, TradeEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import type { StreamEntry } from '../../../src/platform/live/store.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import { until } from '../../support/until.ts';
import { delta, MINUTE, minute, snapshot, ticker, trade } from './market-events.ts';
import { drained, MARKET_TOPICS, memoryPlatform, produce } from './worker-platform.ts';

const market = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;
const ID = 'binance:BTC-USDT';
const now = Date.now();
const thisMinute = now - (now % MINUTE);

const payloads = <P>(entries: readonly StreamEntry[]): P[] => entries.map((e) => JSON.parse(e.payload) as P);
const tradeIds = (entries: readonly StreamEntry[]): string[] => payloads<TradeEvent>(entries).map((t) => t.tradeId);
const sequences = (entries: readonly StreamEntry[]): string[] => payloads<BookEvent>(entries).map((b) => b.sequence);

describe('the worker live', () => {
  let platform: Platform;
  let running: Running;
  const start = async (): Promise<void> => {
    running = await runWorker(liveWorker, platform, assert.fail);
  };
  const settled = (): Promise<void> => drained(platform.broker, 'live', MARKET_TOPICS);
  const restart = async (): Promise<void> => {
    await running.stop();
    await start();
  };
  const stream = async (channel: ChannelName, id = ID): Promise<StreamEntry[]> => {
    const entries = await platform.live.read(streamKey(channel, id), 0n, 10_000);
    assert.deepEqual(
      entries.map((e) => e.sequence),
      entries.map((_, i) => (entries[0]?.sequence ?? 0n) + BigInt(i)),
      'dense',
    );
    return entries;
  };
  const trades = async (...events: TradeEvent[]): Promise<void> => {
    await produce(platform.broker, TOPICS.trades, events);
    await settled();
  };
  const books = async (...events: BookEvent[]): Promise<void> => {
    await produce(platform.broker, TOPICS.orderbook, events);
    await settled();
  };
  const book = async (): Promise<LiveBook> => {
    const [latest] = await platform.live.latest([latestBookKey(market)]);
    assert.ok(latest);
    return JSON.parse(latest.value) as LiveBook;
  };

  beforeEach(async () => {
    platform = await memoryPlatform();
    await start();
  });
  afterEach(async () => {
    await running.stop();
    await platform.broker.close();
  });

  test('candles: the stream, the newest of each interval, every minute', async () => {
    const open = minute(thisMinute, { isClosed: false, eventTime: thisMinute + 1_000 });
    const closed = minute(thisMinute, { close: '109' });
    const hour = minute(thisMinute - (thisMinute % 3_600_000), { interval: 'H1', isClosed: false });
    await produce(platform.broker, TOPICS.kline, [open, closed, open, hour]);
    await settled();
    assert.deepEqual(payloads(await stream('kline', `${ID}:1m`)), [open, closed]);
    assert.deepEqual(payloads(await stream('kline', `${ID}:1h`)), [hour]);
    const [latest, latestHour] = await platform.live.latest([
      latestKlineKey(market, 'M1'),
      latestKlineKey(market, 'H1'),
    ]);
    assert.deepEqual(JSON.parse(latest?.value ?? ''), closed);
    assert.equal(latest?.sequence, 2n);
    assert.deepEqual(JSON.parse(latestHour?.value ?? ''), hour);
    const [kept] = await platform.live.values([minuteKlineKey(market, thisMinute)]);
    assert.deepEqual(JSON.parse(kept ?? ''), closed);
  });

  test('a candle older than the newest is no event, but its minute is kept', async () => {
    const older = minute(thisMinute - 5 * MINUTE);
    await produce(platform.broker, TOPICS.kline, [minute(thisMinute), older]);
    await settled();
    assert.equal((await stream('kline', `${ID}:1m`)).length, 1);
    const [kept] = await platform.live.values([minuteKlineKey(market, older.openTime)]);
    assert.deepEqual(JSON.parse(kept ?? ''), older);
  });

  test('tickers and feed status', async () => {
    const status: FeedStatusEvent = {
      exchange: 'BINANCE',
      symbol: null,
      channel: 'trade',
      connected: true,
      lastEventAt: now,
      stale: false,
      gaps: 0,
      reconnects: 1,
      eventTime: now,
    };
    await produce(platform.broker, TOPICS.ticker, [ticker(now), ticker(now - 1), ticker(now + 1)]);
    await produce(platform.broker, TOPICS.feedStatus, [status, status]);
    await settled();
    assert.deepEqual(payloads(await stream('ticker')), [ticker(now), ticker(now + 1)]);
    const [latest] = await platform.live.latest([tickerKey(market)]);
    assert.deepEqual(JSON.parse(latest?.value ?? ''), ticker(now + 1));
    assert.equal((await stream('feed', 'binance')).length, 1);
    assert.deepEqual(JSON.parse((await platform.live.fields(feedKey('BINANCE')))['*:trade'] ?? ''), status);
  });

  test('trades: once each, newest first in the list', async () => {
    await trades(trade('1', now), trade('2', now + 1), trade('1', now));
    assert.deepEqual(tradeIds(await stream('trade')), ['1', '2']);
    const list = await platform.live.list(tradeListKey(market), 10);
    assert.deepEqual(
      list.map((text) => (JSON.parse(text) as TradeEvent).tradeId),
      ['2', '1'],
    );
  });

  test('trades: what fills a hole in order is published; ids and times a little out of order are, too', async () => {
    await trades(trade('1', now), trade('5', now + 90_000), trade('4', now + 89_500), trade('6', now + 91_000));
    const entries = await stream('trade');
    assert.deepEqual(tradeIds(entries), ['1', '5', '4', '6']);
    assert.ok(entries.every((e) => e.gap === null));
  });

  test('trades: one that comes after newer ones is left out and the next event says so, over a restart', async () => {
    await trades(trade('1', now), trade('9', now + 60_000), trade('5', now + 30_000), trade('6', now + 30_500));
    assert.deepEqual(tradeIds(await stream('trade')), ['1', '9']);
    await restart();
    await trades(trade('1', now), trade('10', now + 61_000));
    await restart();
    await trades(trade('11', now + 62_000));
    const entries = await stream('trade');
    assert.deepEqual(tradeIds(entries), ['1', '9', '10', '11']);
    assert.deepEqual(
      entries.map((e) => e.gap),
      [null, null, '{"missed":null,"reason":"FEED_GAP"}', null],
    );
  });

  test('books: what joins is published, the folded book is kept at its position', async () => {
    await books(snapshot(10, now), delta(11, now + 1), delta(12, now + 2, { asks: [['101', '0']] }));
    assert.deepEqual(sequences(await stream('orderbook')), ['10', '11', '12']);
    const { bids, asks, sequence } = await book();
    assert.deepEqual(
      { bids, asks, sequence },
      {
        bids: [
          ['100', '12'],
          ['99', '2'],
        ],
        asks: [['102', '2']],
        sequence: '12',
      },
    );
    const [latest] = await platform.live.latest([latestBookKey(market)]);
    assert.equal(latest?.sequence, 3n);
  });

  test('books: the newest state follows changes that come one by one, and stands where the stream does', async () => {
    await books(snapshot(10, now));
    for (let i = 11; i <= 40; i++) await books(delta(i, now + i));
    const latest = await until('the newest book', async () => {
      const [found] = await platform.live.latest([latestBookKey(market)]);
      return found && (JSON.parse(found.value) as LiveBook).sequence === '40' && found;
    });
    assert.equal(latest.sequence, 31n);
  });

  test('books: after a restart the fold is rebuilt from the last snapshot and goes on', async () => {
    await books(snapshot(10, now), delta(11, now + 1));
    await books(snapshot(50, now, { symbol: 'BTC-KRW', exchange: 'UPBIT', integrity: 'SNAPSHOT_ONLY' }));
    await books(delta(12, now + 2, { bids: [['99', '7']] }));
    await restart();
    await books(delta(13, now + 3));
    const entries = await stream('orderbook');
    assert.deepEqual(sequences(entries), ['10', '11', '12', '13']);
    assert.ok(entries.every((e) => e.gap === null));
    assert.deepEqual((await book()).bids, [
      ['100', '13'],
      ['99', '7'],
    ]);
  });

  test('trades: a loss that the feed gave up is told as FEED_GAP with the first trade after it', async () => {
    await trades(trade('1', now), trade('5', now + 5, { gap: true }), trade('6', now + 6));
    const entries = await stream('trade');
    assert.deepEqual(
      entries.map((e) => e.gap),
      [null, '{"missed":null,"reason":"FEED_GAP"}', null],
    );
  });

  test('books: a lost delta ends in the next snapshot, with a gap', async () => {
    await books(snapshot(10, now), delta(12, now + 1), delta(13, now + 2));
    await until('the newest book', async () => (await book()).sequence === '10');
    await restart();
    await books(delta(14, now + 3), snapshot(14, now + 4), delta(15, now + 5));
    const entries = await stream('orderbook');
    assert.deepEqual(sequences(entries), ['10', '14', '15']);
    assert.deepEqual(
      entries.map((e) => e.gap !== null),
      [false, true, false],
    );
    await until('the newest book', async () => (await book()).sequence === '15');
  });

  test('an emptied live store begins a new epoch and has everything of the log again', async () => {
    await trades(trade('1', now), trade('2', now + 1));
    await books(snapshot(10, now), delta(11, now + 1));
    const [before] = await stream('trade');
    await running.stop();
    platform = { ...platform, live: createMemoryLiveStore() };
    await start();
    await trades(trade('3', now + 2));
    await books(delta(12, now + 2));
    const entries = await stream('trade');
    assert.deepEqual(tradeIds(entries), ['1', '2', '3']);
    assert.notEqual(entries[0]?.epoch, before?.epoch);
    await until('the newest book', async () => (await book()).sequence === '12');
  });

  test('a live store that is emptied while the worker runs: a new epoch, and everything of the log again', async () => {
    await trades(trade('1', now), trade('2', now + 1));
    await books(snapshot(10, now), delta(11, now + 1));
    const [before] = await stream('trade');
    const full = platform.live;
    let store = createMemoryLiveStore();
    await running.stop();
    platform = {
      ...platform,
      live: new Proxy(full, {
        get: (_, name) => {
          const member = Reflect.get(store, name) as unknown;
          return typeof member === 'function' ? member.bind(store) : member;
        },
      }),
    };
    await start();
    await trades(trade('3', now + 2));
    store = createMemoryLiveStore();
    await trades(trade('4', now + 3));
    await books(delta(12, now + 2));
    const entries = await stream('trade');
    assert.deepEqual(tradeIds(entries), ['1', '2', '3', '4']);
    assert.equal(entries[0]?.sequence, 1n);
    assert.ok(entries.every(({ logged }) => logged !== null));
    assert.notEqual(entries[0]?.epoch, before?.epoch);
    assert.equal(new Set(entries.map((e) => e.epoch)).size, 1);
    await until('the newest book', async () => (await book()).sequence === '12');
  });

  test('what an emptied store is filled with again says when it was logged, whoever goes on with it', async () => {
    await trades(trade('1', now), trade('2', now + 1), trade('3', now + 2));
    const marks = await platform.broker.watermarks(TOPICS.trades.name);
    const { partition = -1 } = marks.find(({ high }) => high > 0n) ?? {};
    const known = await platform.live.sourcePosition(TOPICS.trades.name, partition);
    assert.ok(known);
    await running.stop();
    platform = { ...platform, live: createMemoryLiveStore() };
    // another began the epoch, and was ended after the first
    await platform.live.rememberSource(TOPICS.trades.name, partition, { ...known, next: 1n, catchUpTo: 3n });
    await start();
    await trades(trade('4', now + 3));
    const entries = await stream('trade');
    assert.deepEqual(tradeIds(entries), ['2', '3', '4']);
    const near = entries.map(({ logged }) => logged !== null && Math.abs(logged - now) < 60_000);
    assert.deepEqual(near, [true, true, false]);
  });

  test('a restart keeps the epoch', async () => {
    await trades(trade('1', now));
    await restart();
    await trades(trade('2', now + 1));
    assert.equal(new Set((await stream('trade')).map((e) => e.epoch)).size, 1);
  });

  test('a bad value is dead-lettered and the rest published', async () => {
    await platform.broker.send(TOPICS.trades.name, [{ key: 'BTC', value: Buffer.from('{}') }]);
    await trades(trade('1', now, { price: '-1' }), trade('2', now));
    assert.deepEqual(tradeIds(await stream('trade')), ['2']);
  });
});
