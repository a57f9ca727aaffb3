/** Subscriptions that follow many streams as one: each event is one stream's, what is missing is told of that stream. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { CHANNELS } from '../../schema/channels.ts';
import { decodeCursor } from '../../schema/cursor.ts';
import type { Exchange, FeedStatusEvent } from '../../schema/market.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { FeedStatusUpdatedDocument, TickersUpdatedDocument, TickerUpdatedDocument } from '../generated/graphql.ts';
import { TestOutlet } from '../support/outlet.ts';
import { until } from '../support/until.ts';
import { append, BTC, market, T0, ticker, tickerAppend } from './samples.ts';
import { createWorld, noPostgres } from './world.ts';

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld(noPostgres);
});
afterEach(() => world.stop());

const ETH = market('ETH-USDT');
let time = T0;
const push = (of: typeof BTC, last: string) => {
  time += 1;
  return world.live.append([tickerAppend(ticker(time, { ...of, last }))]);
};
const count = async (metric: 'executions' | 'encodings'): Promise<number> => {
  const { values } = await metrics[metric].get();
  return values.find(({ labels }) => labels.field === 'tickersUpdated')?.value ?? 0;
};

describe('tickersUpdated', () => {
  test("begins with each market's figures, goes on with each change, with the market's own numbers", async () => {
    await push(BTC, '1');
    await push(BTC, '2');
    await push(ETH, '10');
    const nothing = market('XRP-USDT');
    const many = await world.follow(TickersUpdatedDocument, { markets: [ETH, BTC, nothing, BTC], throttleMs: 0 });
    const one = await world.follow(TickerUpdatedDocument, BTC);
    const first = [(await many.next()).tickersUpdated, (await many.next()).tickersUpdated];
    assert.deepEqual(
      first.map(({ ticker: t, sequence, start }) => [t.symbol, t.last, sequence, start]),
      [
        ['BTC-USDT', '2', '2', 'LIVE'],
        ['ETH-USDT', '10', '1', null],
      ],
    );
    assert.equal((await one.next()).tickerUpdated.cursor, first[0]?.cursor);
    await push(nothing, '7');
    const next = [(await many.next()).tickersUpdated];
    await push(BTC, '3');
    next.push((await many.next()).tickersUpdated);
    assert.deepEqual(
      next.map(({ ticker: t, sequence, start, gap }) => [t.symbol, t.last, sequence, start, gap]),
      [
        ['XRP-USDT', '7', '1', null, null],
        ['BTC-USDT', '3', '3', null, null],
      ],
    );
    // its cursor is one of the market's own stream
    const after = await world.follow(TickerUpdatedDocument, BTC);
    const { tickerUpdated } = await after.next();
    assert.deepEqual(decodeCursor(tickerUpdated.cursor), decodeCursor(next[1]?.cursor ?? ''));
  });

  test('five hundred markets for a hundred clients: one question, each event executed once', async () => {
    const markets = Array.from({ length: 500 }, (_, i) => market(`C${i}-USDT`));
    await world.live.append(markets.map((of) => tickerAppend(ticker(T0, { ...of, last: '1' }))));
    const outlets = Array.from({ length: 100 }, () => new TestOutlet());
    const shuffled = [...markets].reverse();
    const before = await count('executions');
    await Promise.all(
      outlets.map((outlet, i) =>
        world.follow(TickersUpdatedDocument, { markets: i % 2 ? markets : shuffled, throttleMs: 0 }, outlet),
      ),
    );
    assert.equal(world.core.cohorts, 1);
    assert.equal(world.core.hub.followed, 500);
    await until('every state', () => outlets.every(({ frames }) => frames.length === 500));
    // the first event of all says LIVE, and is another one
    assert.equal((await count('executions')) - before, 500);
    const joined = await count('executions');
    for (const of of markets.slice(0, 50)) await push(of, '2');
    await until('every change', () => outlets.every(({ frames }) => frames.length === 550));
    assert.equal((await count('executions')) - joined, 50);
  });

  test('what is merged between two beats is counted for the market it is of, for late ones too', async () => {
    await push(BTC, '1');
    await push(ETH, '1');
    const markets = [BTC, ETH];
    const early = await world.follow(TickersUpdatedDocument, { markets, throttleMs: 100 });
    await early.next();
    await early.next();
    for (const last of ['2', '3']) await push(BTC, last);
    await push(ETH, '2');
    await until('them to be held', () => true);
    const late = await world.follow(TickersUpdatedDocument, { markets, throttleMs: 70 });
    assert.equal(world.core.cohorts, 1);
    for (const last of ['4', '5', '6']) await push(BTC, last);
    const last = new Map<string, [bigint, number]>();
    const check = async (followed: typeof early, events: number, known: [bigint, bigint]) => {
      const has = new Map([
        ['BTC-USDT', known[0]],
        ['ETH-USDT', known[1]],
      ]);
      for (let i = 0; i < events; i++) {
        const { ticker: t, sequence, gap } = (await followed.next()).tickersUpdated;
        const before = has.get(t.symbol) ?? 0n;
        assert.equal(BigInt(sequence), before + 1n + BigInt(gap?.missed ?? 0), `${t.symbol} ${sequence}`);
        has.set(t.symbol, BigInt(sequence));
        last.set(t.symbol, [BigInt(sequence), i]);
      }
      return has;
    };
    // the beat may fall anywhere: whatever was merged, the numbers add up
    const states = [(await late.next()).tickersUpdated, (await late.next()).tickersUpdated];
    const has = states.map(({ sequence }) => BigInt(sequence)) as [bigint, bigint];
    const drain = async (followed: typeof early, from: [bigint, bigint]) => {
      let now = from;
      while (now[0] < 6n || now[1] < 2n) {
        const seen = await check(followed, 1, now);
        now = [seen.get('BTC-USDT') ?? 0n, seen.get('ETH-USDT') ?? 0n];
      }
    };
    await drain(early, [1n, 1n]);
    await drain(late, has);
  });

  test('a slow one is told of each market what it missed of it, whichever way', async () => {
    for (const onSlow of ['CONFLATE', 'DROP_WITH_GAP'] as const) {
      const own = createWorld(noPostgres, { MAX_SUBSCRIBER_QUEUE: '3' });
      const outlet = new TestOutlet();
      let at = T0;
      const give = (of: typeof BTC) => {
        at += 1;
        return own.live.append([tickerAppend(ticker(at, of))]);
      };
      const markets = [BTC, ETH];
      const followed = await own.follow(TickersUpdatedDocument, { markets, throttleMs: 0, onSlow }, outlet);
      await give(BTC);
      await give(ETH);
      const has = new Map<string, bigint>();
      const next = async () => {
        const { ticker: t, sequence, gap } = (await followed.next()).tickersUpdated;
        assert.equal(BigInt(sequence), (has.get(t.symbol) ?? 0n) + 1n + BigInt(gap?.missed ?? 0));
        has.set(t.symbol, BigInt(sequence));
      };
      await next();
      await next();
      outlet.room = 0;
      for (let i = 0; i < 20; i++) await give(i % 3 ? BTC : ETH);
      outlet.read(100);
      for (const of of [BTC, ETH]) await give(of);
      while ((has.get('BTC-USDT') ?? 0n) < 14n || (has.get('ETH-USDT') ?? 0n) < 9n) await next();
      await own.stop();
    }
  });

  test('more than 500 markets, none or one that can not be is refused', async () => {
    const many = Array.from({ length: 501 }, (_, i) => market(`C${i}-USDT`));
    for (const [markets, argument] of [
      [many, 'markets'],
      [[], 'markets'],
      [[{ exchange: 'BINANCE', symbol: 'btc' }], 'markets[0].symbol'],
    ] as const) {
      await assert.rejects(world.follow(TickersUpdatedDocument, { markets: [...markets], throttleMs: 0 }), (error) => {
        const { extensions } = error as { extensions: Record<string, unknown> };
        return extensions.code === 'BAD_USER_INPUT' && extensions.argument === argument;
      });
    }
    assert.equal(world.core.hub.followed, 0);
  });
});

describe('feedStatusUpdated', () => {
  const status = (exchange: Exchange, eventTime: number): FeedStatusEvent => ({
    exchange,
    symbol: null,
    channel: 'ticker',
    connected: true,
    lastEventAt: eventTime,
    stale: false,
    gaps: 0,
    reconnects: 0,
    eventTime,
  });
  const say = (exchange: Exchange) => {
    const event = status(exchange, Date.now());
    return world.live.append([append('feed', CHANNELS.feed.id(event), event)]);
  };

  test('of all exchanges, or of one, from now on', async () => {
    await say('BINANCE');
    const all = await world.follow(FeedStatusUpdatedDocument, {});
    const one = await world.follow(FeedStatusUpdatedDocument, { exchange: 'UPBIT' });
    const seen = [];
    for (const exchange of ['KUCOIN', 'UPBIT', 'BINANCE'] as const) {
      await say(exchange);
      seen.push((await all.next()).feedStatusUpdated);
    }
    assert.deepEqual(
      seen.map(({ feed, sequence, start }) => [feed.exchange, sequence, start]),
      [
        ['KUCOIN', '1', 'LIVE'],
        ['UPBIT', '1', null],
        ['BINANCE', '2', null],
      ],
    );
    const { feed, start } = (await one.next()).feedStatusUpdated;
    assert.deepEqual([feed.exchange, feed.connected, feed.stale, start], ['UPBIT', true, false, 'LIVE']);
  });
});
